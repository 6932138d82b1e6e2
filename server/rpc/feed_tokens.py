"""Cursors in the feed, and their form as tokens: of finished lists, of messages of a watch, and of pages of changes."""

import re
import zlib
from collections.abc import Iterable
from typing import NamedTuple

from orders.v1.error_reason_pb2 import ERROR_REASON_CURSOR_EXPIRED
from orders.v1.order_service_pb2 import WatchOrdersRequest

from server.domain.base import page_tokens as tokens
from server.domain.base.errors import Refusal
from server.rpc.list_cursor import check_snapshot
from server.storage.read.feed import End

_SHAPE = (int, str, str, int, int)
_HISTORY = re.compile("[0-9]{1,20}[.][0-9]{1,10}[.][0-9a-f]{8}")
# A token is valid with every filter.
_QUERY = WatchOrdersRequest()


class FeedCursor(NamedTuple):
    """A position in the feed of one history, with the number and checksum of the changes sent so far."""

    position: int
    history: str
    # After a list: the database snapshot of the list, whose changes are skipped.
    unseen_by: str = ""
    sent: int = 0
    checksum: int = 0

    def behind(self, stamps: Iterable[bytes], count: int) -> "FeedCursor":
        """The cursor with more changes sent."""
        return self._replace(sent=self.sent + count, checksum=zlib.crc32(b"".join(stamps), self.checksum))

    def check_history(self, end: End, *, field: str) -> None:
        """Refuses a cursor of another history."""
        if self.history != end.history or self.position > end.position:
            text = f"{field} is from before a failover or from another database; list the orders again and follow from there"
            metadata = {"field": field, "next_method": "ListOrders"}
            raise Refusal(ERROR_REASON_CURSOR_EXPIRED, text, metadata=metadata)


def encode(cursor: FeedCursor) -> str:
    """The token of a cursor."""
    return tokens.encode(_QUERY, list(cursor))


def decode(token: str, *, field: str) -> FeedCursor:
    """The cursor of a token. Raises RESUME_TOKEN_INVALID, also for values that no token has."""
    position, history, unseen_by, sent, checksum = tokens.decode(token, _QUERY, _SHAPE, field=field)
    try:
        if unseen_by:
            check_snapshot(unseen_by)
    except ValueError as error:
        raise tokens.token_invalid(field) from error
    if position < 0 or sent < 0 or not 0 <= checksum < 1 << 32 or not _HISTORY.fullmatch(history):
        raise tokens.token_invalid(field)
    return FeedCursor(position, history, unseen_by, sent, checksum)


def is_token(token: str) -> bool:
    """Whether a token is a cursor in the feed."""
    try:
        decode(token, field="")
    except Refusal:
        return False
    return True


def stamp(order_id: str, version: int) -> bytes:
    """The text that an order or a change adds to a checksum."""
    return b"%b:%d\n" % (order_id.encode(), version)
