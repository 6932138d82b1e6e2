"""Pages of a list that goes by one key."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from google.protobuf.message import Message

from server.domain.base import page_tokens as tokens

_DEFAULT_SIZE = 100
# What every key is made of that is a text; another one is made up.
_TEXT_KEY = re.compile("[!-~]*")

Key = TypeVar("Key", str, int)
Record = TypeVar("Record")


async def read_page(
    request: Any,
    query: Message,
    *,
    first: Key,
    read: Callable[[Key, int], Awaitable[Sequence[Record]]],
    key_of: Callable[[Record], Key],
) -> tuple[Sequence[Record], str]:
    """The page that a request asks for, and the token of the next one.

    `query` is what the token is good for, `first` the key that stands before all others, and `read` gives up to so many records
    after a key.
    """
    size = request.page_size or _DEFAULT_SIZE
    after = first
    if request.page_token:
        (after,) = tokens.decode(request.page_token, query, (type(first),), field="page_token")
        if isinstance(after, str) and not _TEXT_KEY.fullmatch(after):
            raise tokens.token_invalid("page_token")
    found = await read(after, size + 1)
    token = tokens.encode(query, [key_of(found[size - 1])]) if len(found) > size else ""
    return found[:size], token
