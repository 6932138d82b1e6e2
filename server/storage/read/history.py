"""Reads of old versions of orders: rebuilt from the stored order and the values of its later events, a page of events at a time."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from orders.v1.order_pb2 import FieldProvenance, Order, OrderEvent
from orders.v1.order_service_pb2 import DiffOrderResponse
from sqlalchemy import BigInteger, Uuid, func, select

from server.domain.base.differences import follow_event, undo
from server.domain.base.errors import invalid_field
from server.domain.base.event_values import StoredEvent, whole
from server.domain.orders.history import (
    Changes,
    Provenance,
    changed_fields,
    history_not_recorded,
    version_not_found,
)
from server.storage import sql
from server.storage.database import Database
from server.storage.read.orders import OrderRepository
from server.storage.references import Reference
from server.storage.schema.tables import order_events

# Events of a page: undoing one takes microseconds.
_AT_ONCE = 500

_of_order = order_events.c.order_id == sql.parameter("order_id", Uuid())


class _Values(NamedTuple):
    version: int
    event_values: bytes | None


_VALUES = sql.query(
    _Values,
    select(order_events.c.version, order_events.c.event_values)
    .where(
        _of_order,
        order_events.c.version > sql.parameter("after", BigInteger()),
        order_events.c.version < sql.parameter("before", BigInteger()),
    )
    .order_by(order_events.c.version.desc())
    .limit(sql.parameter("limit", BigInteger())),
)
_EVENTS = sql.query(
    StoredEvent,
    select(
        order_events.c.event,
        order_events.c.event_values.label("values"),
        order_events.c.salt,
    ).where(_of_order, order_events.c.version == func.any(sql.array("versions", BigInteger()))),
)
_VERSION_AT = sql.compiled(
    select(func.max(order_events.c.version)).where(
        _of_order, order_events.c.event_time <= sql.parameter("time", order_events.c.event_time.type)
    )
)


class HistoryRepository:
    """Old versions of orders. Methods raise ORDER_NOT_FOUND, VERSION_NOT_FOUND, HISTORY_NOT_RECORDED and DEPENDENCY_UNAVAILABLE."""

    def __init__(self, database: Database, orders: OrderRepository) -> None:
        self._database, self._orders = database, orders

    async def at_version(self, reference: Reference, version: int) -> Order:
        """The order at a version."""
        order = await self._current(reference)
        if version > order.version:
            raise version_not_found(order, "version", version)
        await self._rebuild(order, version)
        return order

    async def at_time(self, reference: Reference, time: datetime) -> Order:
        """The order at a time."""
        order = await self._current(reference)
        ((version,),) = await self._database.fetch(_VERSION_AT, order_id=order.order_id, time=time)
        if version is None:
            raise version_not_found(order, "read_time", time.isoformat())
        # It may have changed since it was read.
        await self._rebuild(order, min(version, order.version))
        return order

    async def provenance(self, order: Order) -> list[FieldProvenance]:
        """The change that last set each field of a version, as far back as values are recorded."""
        found = Provenance(order)
        reached = order.version
        async for version, values in self._back(order, 1):
            found.add(version, values)
            reached = version - 1
            if found.is_complete:
                break
        if reached == 1:
            found.end()
        fields = found.fields()
        events = await self._events(order, {version for _, version in fields})
        return [
            FieldProvenance(field=field, version=version, set_time=event.event_time, actor=event.actor)
            for field, version in fields
            for event in [events[version]]
        ]

    async def diff(self, reference: Reference, *, from_version: int, to_version: int) -> DiffOrderResponse:
        """The changes between two versions; by default the last change."""
        order = await self._current(reference)
        newer = to_version or order.version
        older = from_version or max(1, newer - 1)
        if newer > order.version:
            raise version_not_found(order, "to_version", newer)
        if older > newer:
            raise invalid_field("from_version", f"is {older}, after to_version {newer}; swap them")
        await self._rebuild(order, newer)
        before, changes = _copy_of(order), Changes()
        await self._rebuild(before, older, changes)
        response = DiffOrderResponse(order_id=order.order_id, from_version=older, to_version=newer)
        changed = changed_fields(before, order, changes)
        events = await self._events(order, {version for _, version in changed})
        for found, version in changed:
            found.event.CopyFrom(events[version])
            response.differences.append(found)
        return response

    async def rebuild(self, order: Order, versions: Sequence[int]) -> dict[int, bytes]:
        """Older versions of a stored order, serialized. Versions without recorded values are replaced by the oldest one with values."""
        left, rebuilt = sorted(versions), {order.version: _copy_of(order)}
        async for undone, values in self._back(order, left[0]):
            undo(order, values.before, values.after)
            order.version = undone - 1
            if order.version == left[-1]:
                rebuilt[left.pop()] = _copy_of(order)
        oldest = rebuilt.setdefault(order.version, order)
        for version, event in (await self._events(order, rebuilt)).items():
            follow_event(rebuilt[version], event)
        return {version: rebuilt.get(version, oldest).SerializeToString() for version in versions}

    async def _current(self, reference: Reference) -> Order:
        return Order.FromString(await self._orders.get(reference))

    async def _rebuild(self, order: Order, version: int, changes: Changes | None = None) -> None:
        """Turns the order into an earlier version of it."""
        if version == order.version:
            return
        reached = order.version
        async for undone, values in self._back(order, version):
            if changes is not None:
                changes.add(undone, values)
            undo(order, values.before, values.after)
            reached = undone - 1
        if reached != version:
            raise history_not_recorded(order, version=version, oldest=reached)
        events = await self._events(order, [version])
        follow_event(order, events[version])

    async def _back(self, order: Order, after: int) -> AsyncIterator[tuple[int, OrderEvent]]:
        """The values of the events after a version, newest first, up to the first event without them."""
        before = order.version + 1
        while before > after + 1:
            page = await self._database.fetch_named(
                _VALUES, order_id=order.order_id, after=after, before=before, limit=_AT_ONCE
            )
            for row in page:
                values = OrderEvent.FromString(row.event_values or b"")
                if not values.HasField("after"):
                    return
                yield row.version, values
            if len(page) < _AT_ONCE:
                return
            before = page[-1].version

    async def _events(self, order: Order, versions: Iterable[int]) -> dict[int, OrderEvent]:
        """Some events of an order without their values, by version."""
        rows = await self._database.fetch_named(_EVENTS, order_id=order.order_id, versions=sorted(versions))
        events = {event.version: event for event in map(whole, rows)}
        for event in events.values():
            event.ClearField("before")
            event.ClearField("after")
        return events


def _copy_of(order: Order) -> Order:
    copy = Order()
    copy.CopyFrom(order)
    return copy
