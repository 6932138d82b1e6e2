"""Cursors of lists of orders, and their form as tokens."""

import re
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from orders.v1.order_service_pb2 import ORDER_BY_TOTAL, ListOrdersRequest, SearchOrdersRequest

from server.domain.base import page_tokens as tokens
from server.domain.base.money import MAX_MINOR
from server.storage.read.lists import Began, Page, Position

Query: TypeAlias = ListOrdersRequest | SearchOrdersRequest

# The snapshot, the newest order and update, the orders delivered and their checksum, and the end of the feed.
_START = (str, int, int, int, int, int, str)
_BY_TIME = (*_START, str, int)
_BY_TOTAL = (*_START, str, str, int)

_XID = "[1-9][0-9]*"
_SNAPSHOT = re.compile(f"({_XID}):({_XID}):((?:{_XID}(?:,{_XID})*)?)")
_CURRENCY = re.compile("[A-Z]{3}")
_MAX_XID = 2**63 - 1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_YEAR_9999 = 253_370_764_800_000_000


class Cursor(NamedTuple):
    """The position in a list: the snapshot at its beginning, the last order delivered, and the number of orders so far."""

    began: Began
    after: Position | None
    delivered: int
    # The checksum of the delivered orders; 0 if it is not needed.
    checksum: int = 0
    # Whether it stands for the orders before `after`.
    backward: bool = False

    def behind(self, page: Page) -> "Cursor":
        """The cursor after a page."""
        return self._replace(after=page.end, delivered=self.delivered + len(page), backward=False)

    def before(self, page: Page) -> "Cursor":
        """The cursor of the orders before a page."""
        return self._replace(after=page.beginning, backward=True)

    def with_checksum_of(self, page: Page) -> "Cursor":
        """The cursor with the checksum after a page."""
        return self._replace(checksum=zlib.crc32(page.stamps(len(page)), self.checksum))


def encode(query: Query, cursor: Cursor) -> str:
    """The token of a cursor."""
    began, after, delivered, checksum, backward = cursor
    # A list without orders ends with its first message.
    assert began.newest is not None
    assert began.latest is not None
    position: list[Any] = [
        began.snapshot,
        _microseconds(began.newest),
        _microseconds(began.latest),
        delivered,
        checksum,
    ]
    position += [began.position, began.history]
    if after is not None:
        key = [_microseconds(value) if isinstance(value, datetime) else value for value in after.key]
        position += [after.order_id, *key]
    if backward:
        position.append(backward)
    return tokens.encode(query, position)


def decode(token: str, query: Query, *, field: str) -> Cursor:
    """The cursor of a token. Raises RESUME_TOKEN_INVALID, also for values that no list has."""
    is_by_total = query.order_by == ORDER_BY_TOTAL
    placed = _BY_TOTAL if is_by_total else _BY_TIME
    # Only pages can be read backwards, a stream cannot.
    shapes = [_START, placed] if isinstance(query, ListOrdersRequest) else [_START, placed, (*placed, bool)]
    snapshot, newest, latest, delivered, checksum, end, history, *position = tokens.decode(
        token, query, *shapes, field=field
    )
    backward = len(position) > len(placed) - len(_START)
    try:
        _check(not backward or position.pop())
        check_snapshot(snapshot)
        _check(delivered >= 0 and 0 <= checksum < 1 << 32 and end >= 0)
        after = (_position_by_total if is_by_total else _position_by_time)(*position) if position else None
        began = Began(snapshot, _time(newest), _time(latest), end, history)
        return Cursor(began, after, delivered, checksum, backward)
    except ValueError as error:
        raise tokens.token_invalid(field) from error


def _position_by_time(order_id: str, microseconds: int) -> Position:
    return Position((_time(microseconds),), _order_id(order_id))


def _position_by_total(order_id: str, currency: str, minor: int) -> Position:
    _check(_CURRENCY.fullmatch(currency) and 0 <= minor <= MAX_MINOR)
    return Position((currency, minor), _order_id(order_id))


def check_snapshot(text: str) -> None:
    """Raises ValueError unless PostgreSQL accepts the text as a snapshot."""
    found = _SNAPSHOT.fullmatch(text)
    if found is None:
        raise ValueError(text)
    oldest, newest = int(found[1]), int(found[2])
    running = [int(xid) for xid in found[3].split(",")] if found[3] else []
    _check(oldest <= newest <= _MAX_XID)
    _check(running == sorted(set(running)))
    _check(all(oldest <= xid < newest for xid in running))


def _order_id(text: str) -> str:
    _check(str(UUID(text)) == text)
    return text


def _microseconds(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND


def _time(microseconds: int) -> datetime:
    _check(0 <= microseconds < _YEAR_9999)
    return _EPOCH + microseconds * _MICROSECOND


def _check(holds: object) -> None:
    if not holds:
        raise ValueError
