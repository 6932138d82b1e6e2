"""Pages of lists: as many records as requested, limited by the maximum response size."""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

from google.protobuf.message import Message

from server.domain.base import page_tokens as tokens
from server.domain.base.sizes import MAX_PAGE, readable
from server.rpc import wire

_DEFAULT_SIZE = 100
# The characters of every text key; any other key is forged.
_TEXT_KEY = re.compile("[!-~]*")

Key = TypeVar("Key", str, int)
Record = TypeVar("Record", bound=Message)


def fitting(kind: type[Message], records: Iterable[bytes]) -> list[bytes]:
    """The serialized records that fit into a page, at least one, each readable by clients.

    Omitted fields of a record that is too large count too, because they were read for the page.
    """
    page: list[bytes] = []
    room = MAX_PAGE
    for record in records:
        room -= len(record)
        if room < 0 and page:
            break
        page.append(readable(kind, record))
    return page


def key_in(token: str, query: Message, kind: type[Key]) -> Key:
    """The key in a page token. Raises RESUME_TOKEN_INVALID."""
    (key,) = tokens.decode(token, query, (kind,), field="page_token")
    if isinstance(key, str) and not _TEXT_KEY.fullmatch(key):
        raise tokens.token_invalid("page_token")
    return key  # type: ignore[no-any-return]


async def read_page(
    request: Any,
    query: Message,
    response: Any,
    *,
    first: Key,
    read: Callable[[Key, int], Awaitable[Sequence[Record]]],
    key_of: Callable[[Record], Key],
) -> bytes:
    """The requested page: `response`, serialized, with the records and the token of the next page.

    `query` identifies the list to which the token belongs, and `first` is a key before all others. `read` returns up to a number of
    records after a key. It may return fewer, but at least one more than fits into a page.
    """
    size = request.page_size or _DEFAULT_SIZE
    after = first
    if request.page_token:
        after = key_in(request.page_token, query, type(first))
    found = await read(after, size + 1)
    page = fitting(type(found[0]), (record.SerializeToString() for record in found[:size])) if found else []
    if len(found) > len(page):
        response.next_page_token = tokens.encode(query, [key_of(found[len(page) - 1])])
    return wire.with_records(response, page)
