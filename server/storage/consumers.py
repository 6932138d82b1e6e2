"""Durable consumers of the feed, with position and lag. Each write is one repeatable statement."""

from datetime import datetime, timedelta
from typing import NamedTuple

from orders.v1.consumer_service_pb2 import Consumer
from orders.v1.error_reason_pb2 import ERROR_REASON_CONSUMER_NOT_FOUND

from server.domain.base.caller import Caller
from server.domain.base.errors import Refusal
from server.domain.base.records import ResourceChange
from server.storage.database import Database, fetch, fetch_named
from server.storage.projections import timestamp_of
from server.storage.sql import Query, Statement
from server.storage.write.audit import record_change


class StoredConsumer(NamedTuple):
    """A consumer, with the end of the feed and the time of the first change that it has not acknowledged."""

    consumer_id: str
    definition: bytes
    position: int
    unseen_by: str
    ack_time: datetime | None
    acked_by: str
    create_time: datetime
    last: int
    unread_since: datetime | None
    now: datetime

    @property
    def lag_events(self) -> int:
        return max(0, self.last - self.position)

    @property
    def lag(self) -> timedelta:
        return timedelta() if self.unread_since is None else max(timedelta(), self.now - self.unread_since)

    @property
    def recorded(self) -> bytes:
        """The part of the consumer that callers change, serialized: what is recorded of its changes."""
        consumer = Consumer.FromString(self.definition)
        consumer.consumer_id, consumer.position = self.consumer_id, self.position
        return consumer.SerializeToString(deterministic=True)

    @property
    def message(self) -> Consumer:
        """The consumer for callers."""
        consumer = Consumer.FromString(self.definition)
        consumer.consumer_id, consumer.position, consumer.acked_by = self.consumer_id, self.position, self.acked_by
        consumer.lag_events = self.lag_events
        consumer.lag.FromTimedelta(self.lag)
        consumer.create_time.CopyFrom(timestamp_of(self.create_time))
        if self.ack_time is not None:
            consumer.ack_time.CopyFrom(timestamp_of(self.ack_time))
        return consumer


class _Change(NamedTuple):
    """A method that changes a consumer, and the caller of it."""

    method: str
    caller: Caller
    dry: bool


class Acknowledged(NamedTuple):
    """The newest version of an order that a consumer has acknowledged, 0 for none."""

    consumer_id: str
    version: int
    lag_events: int


_SELECT = """
SELECT consumers.*, feed_state.position, (
    SELECT event_time FROM feed JOIN order_events USING (order_id, version) WHERE feed.position = consumers.position + 1
), clock_timestamp()
FROM consumers, feed_state"""
_GET = Query(text=f"{_SELECT} WHERE consumer_id = %(consumer_id)s", row=StoredConsumer)
_LOCK = Query(text=f"{_GET.text} FOR UPDATE OF consumers", row=StoredConsumer)
_PAGE = Query(
    text=f"{_SELECT} WHERE consumer_id > %(after)s ORDER BY consumer_id LIMIT %(limit)s::bigint", row=StoredConsumer
)
# A new consumer begins at the end of the feed.
_UPSERT = Statement(
    """
INSERT INTO consumers (consumer_id, definition, position, unseen_by, acked_by, create_time)
SELECT %(consumer_id)s::text, %(definition)s::bytea, position, '', '', clock_timestamp() FROM feed_state
ON CONFLICT (consumer_id) DO UPDATE SET definition = excluded.definition
RETURNING consumer_id"""
)
_DELETE = Statement("DELETE FROM consumers WHERE consumer_id = %(consumer_id)s RETURNING consumer_id")
_MOVE = "UPDATE consumers SET position = %(position)s, unseen_by = %(unseen_by)s"
_ACK = Statement(
    f"""{_MOVE}, ack_time = clock_timestamp(), acked_by = %(caller)s
WHERE consumer_id = %(consumer_id)s AND position <= %(position)s
RETURNING consumer_id"""
)
_SEEK = Statement(f"{_MOVE} WHERE consumer_id = %(consumer_id)s RETURNING consumer_id")
_ACKNOWLEDGED = Query(
    text="""
SELECT consumer_id, coalesce((
    SELECT max(version) FROM feed
    WHERE order_id = %(order_id)s::text::uuid AND feed.position <= consumers.position
), 0), feed_state.position - consumers.position
FROM consumers, feed_state ORDER BY consumer_id LIMIT 1000""",
    row=Acknowledged,
)


class ConsumerRepository:
    """Consumers by id. Changes are audited, acknowledgements are not.

    Methods raise CONSUMER_NOT_FOUND, DEPENDENCY_UNAVAILABLE and OVERLOADED.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, consumer_id: str) -> StoredConsumer:
        return _found(await self._database.fetch_named(_GET, consumer_id=consumer_id), consumer_id)

    async def page(self, *, after: str, limit: int) -> list[StoredConsumer]:
        """Up to `limit` consumers after an id."""
        return await self._database.fetch_named(_PAGE, after=after, limit=limit)

    async def upsert(self, consumer: Consumer, *, caller: Caller, dry: bool) -> StoredConsumer:
        """Stores the consumer's filter and event types."""
        wanted = consumer.filter if consumer.HasField("filter") else None
        definition = Consumer(filter=wanted, event_types=consumer.event_types).SerializeToString()
        change = _Change("UpsertConsumer", caller, dry)
        _, after = await self._change(_UPSERT, change, consumer.consumer_id, definition=definition)
        return _found(after, consumer.consumer_id)

    async def delete(self, consumer_id: str, *, caller: Caller, dry: bool) -> None:
        before, _ = await self._change(_DELETE, _Change("DeleteConsumer", caller, dry), consumer_id)
        _found(before, consumer_id)

    async def acknowledge(
        self, consumer_id: str, *, position: int, unseen_by: str, caller: str, dry: bool
    ) -> StoredConsumer:
        """Moves the consumer forward to a position, never back."""
        parameters = {"consumer_id": consumer_id, "position": position, "unseen_by": unseen_by, "caller": caller}
        async with self._database.connection() as connection, connection.transaction(force_rollback=dry):
            await fetch(connection, _ACK, **parameters)
            found = await fetch_named(connection, _GET, consumer_id=consumer_id)
        return _found(found, consumer_id)

    async def seek(
        self, consumer_id: str, *, position: int, unseen_by: str, caller: Caller, dry: bool
    ) -> StoredConsumer:
        """Moves the consumer to a position."""
        change = _Change("SeekConsumer", caller, dry)
        _, after = await self._change(_SEEK, change, consumer_id, position=position, unseen_by=unseen_by)
        return _found(after, consumer_id)

    async def acknowledged(self, order_id: str) -> list[Acknowledged]:
        """The version of an order that each consumer has acknowledged."""
        return await self._database.fetch_named(_ACKNOWLEDGED, order_id=order_id)

    async def _change(
        self, statement: Statement, change: _Change, consumer_id: str, **parameters: object
    ) -> tuple[list[StoredConsumer], list[StoredConsumer]]:
        """The consumer before and after the statement, where there is one. A dry change is dropped."""
        async with self._database.connection() as connection, connection.transaction(force_rollback=change.dry):
            before = await fetch_named(connection, _LOCK, consumer_id=consumer_id)
            await fetch(connection, statement, consumer_id=consumer_id, **parameters)
            after = await fetch_named(connection, _GET, consumer_id=consumer_id)
            values = [stored[0].recorded if stored else b"" for stored in (before, after)]
            resource = ResourceChange("consumers", consumer_id, *values)
            await record_change(connection, resource, caller=change.caller, method=change.method)
        return before, after


def _found(found: list[StoredConsumer], consumer_id: str) -> StoredConsumer:
    if not found:
        raise _not_found(consumer_id)
    return found[0]


def _not_found(consumer_id: str) -> Refusal:
    text = f"there is no consumer {consumer_id!r}; create it with UpsertConsumer"
    return Refusal(ERROR_REASON_CONSUMER_NOT_FOUND, text, metadata={"consumer_id": consumer_id})
