"""The server's own consumers of the feed, such as webhooks. Each runs as an exclusive background job and has a stored position."""

import asyncio
import time
from collections.abc import Sequence
from typing import Protocol

from orders.v1.order_service_pb2 import OrderFilter

from server.storage.consumer_positions import Connection, ConsumerPositions
from server.storage.read.feed import Change, FeedRepository, Selection

# Seconds between polls of the feed, and while the consumer is idle.
_POLL, _IDLE_POLL = 0.1, 1.0
# Changes of one transaction.
_AT_ONCE = 200
# Seconds until the work is due for another success, as metrics report it.
_RUN = 10.0

_EVERYTHING = Selection(OrderFilter())


class Handler(Protocol):
    """The work of a consumer."""

    async def start(self) -> None:
        """Prepares for changes, once the position is known."""

    async def is_idle(self) -> bool:
        """Whether no changes are needed now. The consumer then skips the existing changes."""

    async def handle(self, changes: Sequence[Change]) -> None:
        """Does the work outside the database. It is repeated, with at least these changes, unless the position moves."""

    async def store(self, connection: Connection, changes: Sequence[Change]) -> None:
        """Stores rows for the changes, in the transaction that moves the position."""


class FeedConsumer:
    """Hands all changes to a handler, in the order of the feed and at least once."""

    def __init__(
        self, consumer_id: str, handler: Handler, *, feed: FeedRepository, positions: ConsumerPositions
    ) -> None:
        self._id, self._handler, self._feed, self._positions = consumer_id, handler, feed, positions

    async def run(self) -> None:
        """Works for some seconds. Two processes at once are safe: one of them moves the position, the other one fails."""
        until = time.monotonic() + _RUN
        position = await self._positions.start(self._id)
        await self._handler.start()
        while time.monotonic() < until:
            # In this order: the handler's later changes start after the end.
            end = (await self._feed.end()).position
            is_idle = await self._handler.is_idle()
            changes = 0
            if is_idle and end > position:
                async with self._positions.moving(self._id, after=position, until=end):
                    position = end
            elif not is_idle:
                changes, position = await self._advance(position)
            if changes < _AT_ONCE:
                await asyncio.sleep(_IDLE_POLL if is_idle else _POLL)

    async def _advance(self, position: int) -> tuple[int, int]:
        """Handles the next changes; returns their number, and the position after them."""
        page = await self._feed.page(Change, _EVERYTHING, position, limit=_AT_ONCE)
        if page.until > position:
            await self._handler.handle(page.changes)
            async with self._positions.moving(self._id, after=position, until=page.until) as connection:
                await self._handler.store(connection, page.changes)
        return len(page.changes), page.until
