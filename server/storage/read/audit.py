"""Reads of audit events: those of resources by time, and those of orders by their place in the feed, newest first."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from orders.v1.audit_service_pb2 import AuditEvent
from orders.v1.order_pb2 import OrderEvent
from sqlalchemy import select

from server.domain.base.differences import field_differences
from server.domain.base.errors import order_not_found
from server.domain.base.event_values import StoredEvent, whole
from server.domain.base.resources import changes_of
from server.domain.carts.carts import current_cart_id
from server.storage import sql
from server.storage.database import Database
from server.storage.projections import AuditEventRow, timestamp_of
from server.storage.references import Reference, split_references
from server.storage.schema.tables import orders
from server.storage.sql import Query, Statement
from server.storage.write import statements

# The maximum changes of orders that one call searches, and that one statement searches.
_SEARCHED, _AT_ONCE = 50_000, 5_000


_ORDER_ID = sql.compiled(select(orders.c.order_id).where(statements.by_reference))
_TIME_AT = Statement(
    "SELECT event_time FROM feed JOIN order_events USING (order_id, version) WHERE position = %(position)s::bigint"
)


class AuditFilter(NamedTuple):
    """The selected events; an empty value selects all."""

    # A path such as `products/mug`, or a collection.
    resource: str = ""
    actor: str = ""
    method: str = ""
    request_id: str = ""
    time_from: datetime | None = None
    time_to: datetime | None = None
    override: bool = False

    @property
    def collection(self) -> str:
        return self.resource.partition("/")[0]

    @property
    def order(self) -> str:
        """The order's id or number, if the resource is one order."""
        collection, _, name = self.resource.partition("/")
        return name if collection == "orders" else ""


class Found(NamedTuple):
    """An event with its place (time, id, position or version), after which the next ones follow."""

    event: AuditEvent
    place: tuple[str, str] | int


class _OrderRow(NamedTuple):
    place: int
    order_number: str
    event: bytes
    event_values: bytes | None


class Searched(NamedTuple):
    """The changes of orders that were found, the place up to which they were searched (0 at the end), and its time."""

    found: list[Found]
    until: int = 0
    since: datetime | None = None


_CONDITIONS = {
    "actor": "actor = %(actor)s",
    "request_id": "request_id = %(request_id)s",
    "time_from": "event_time >= %(time_from)s",
    "time_to": "event_time < %(time_to)s",
}
_OF_RESOURCES = _CONDITIONS | {
    "resource": "resource = %(resource)s",
    "carts": "resource = ANY(%(carts)s::text[])",
    "collection": "starts_with(resource, %(collection)s::text || '/')",
    "method": "method = %(method)s",
}
# The serialized fields are a part of the serialized event. False matches are removed later.
_OF_ORDERS = _CONDITIONS | {
    "method": "position(%(method_bytes)s::bytea IN event) > 0",
    "override": "position(%(override_bytes)s::bytea IN event) > 0",
}


@lru_cache(maxsize=256)
def _resource_query(names: tuple[str, ...]) -> Query[AuditEventRow]:
    where = "".join(f" AND {_OF_RESOURCES[name]}" for name in names)
    text = f"""
SELECT event_id::text, resource, method, actor, request_id, event_time, owner, before, after FROM audit_events
WHERE (event_time, event_id) < (%(before_time)s::text::timestamptz, %(before_id)s::text::uuid){where}
ORDER BY event_time DESC, event_id DESC LIMIT %(limit)s::bigint"""
    return Query(text=text, row=AuditEventRow)


@lru_cache(maxsize=256)
def _feed_query(names: tuple[str, ...]) -> Query[_OrderRow]:
    where = " AND ".join(["true", *(_OF_ORDERS[name] for name in names)])
    text = f"""
SELECT position, order_number, event, event_values FROM (
    SELECT position, order_id, version FROM feed
    WHERE position < %(before)s::bigint AND position > %(after)s::bigint ORDER BY position DESC LIMIT %(searched)s::bigint
) AS searched JOIN order_events USING (order_id, version) JOIN orders USING (order_id)
WHERE {where} ORDER BY position DESC LIMIT %(limit)s::bigint"""
    return Query(text=text, row=_OrderRow)


@lru_cache(maxsize=256)
def _order_query(names: tuple[str, ...]) -> Query[_OrderRow]:
    where = "".join(f" AND {_OF_ORDERS[name]}" for name in names)
    text = f"""
SELECT order_events.version, order_number, event, event_values FROM order_events JOIN orders USING (order_id)
WHERE order_id = %(order_id)s::text::uuid AND order_events.version < %(before)s::bigint{where}
ORDER BY order_events.version DESC LIMIT %(limit)s::bigint"""
    return Query(text=text, row=_OrderRow)


class AuditRepository:
    """Audit events. Methods raise DEPENDENCY_UNAVAILABLE, and the errors that each names."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_resources(self, wanted: AuditFilter, *, before: tuple[str, str], limit: int) -> list[Found]:
        """Up to `limit` events of resources before a time and an id."""
        if wanted.override or wanted.collection == "orders":
            return []
        parameters = _parameters(wanted) | _resources(wanted)
        query = _resource_query(tuple(parameters))
        rows = await self._database.fetch_named(
            query, before_time=before[0], before_id=before[1], limit=limit, **parameters
        )
        return [Found(_event_of(row), (row.event_time.isoformat(), row.event_id)) for row in rows]

    async def of_order(self, wanted: AuditFilter, *, before: int, limit: int) -> Searched:
        """Up to `limit` changes of one order before a version. Raises ORDER_NOT_FOUND."""
        found = await self._database.fetch(_ORDER_ID, **split_references([Reference(wanted.order)])._asdict())
        if not found:
            raise order_not_found(wanted.order)
        parameters = _parameters(wanted)
        query = _order_query(tuple(parameters))
        rows = await self._database.fetch_named(
            query, order_id=str(found[0][0]), before=before, limit=limit, **_with_bytes(parameters)
        )
        events = _orders_of(rows, wanted)
        if len(rows) < limit:
            return Searched(events)
        return Searched(events, rows[-1].place, events[-1].event.event_time.ToDatetime(UTC) if events else None)

    async def of_orders(self, wanted: AuditFilter, *, before: int, after: int, limit: int) -> Searched:
        """Up to `limit` changes of orders between two positions of the feed, of those that one call can search."""
        if wanted.resource and wanted.collection != "orders":
            return Searched([])
        parameters = _parameters(wanted)
        query, found = _feed_query(tuple(parameters)), list[Found]()
        end = max(after, before - _SEARCHED)
        while before - 1 > end and len(found) < limit:
            searched = min(_AT_ONCE, before - 1 - end)
            left = limit - len(found)
            rows = await self._database.fetch_named(
                query, before=before, after=after, searched=searched, limit=left, **_with_bytes(parameters)
            )
            found += _orders_of(rows, wanted)
            # Positions are dense.
            before = rows[-1].place if len(rows) == left else before - searched
        if before - 1 <= after:
            return Searched(found)
        ((since,),) = await self._database.fetch(_TIME_AT, position=before)
        return Searched(found, before, since)


def _parameters(wanted: AuditFilter) -> dict[str, object]:
    names = ("actor", "method", "request_id", "time_from", "time_to", "override")
    return {name: value for name in names if (value := getattr(wanted, name))}


def _resources(wanted: AuditFilter) -> dict[str, object]:
    """The parameter for the wanted resource or collection. A cart is named by its id or, if it is current, its customer."""
    collection, is_one, name = wanted.resource.partition("/")
    if collection == "carts" and is_one:
        return {"carts": [wanted.resource, f"carts/{current_cart_id(name)}"]}
    if collection:
        return {"resource" if is_one else "collection": wanted.resource}
    return {}


def _with_bytes(parameters: dict[str, object]) -> dict[str, object]:
    """The parameters, with those for the search in serialized events."""
    found = dict(parameters)
    if method := found.pop("method", None):
        found["method_bytes"] = OrderEvent(method=str(method)).SerializeToString()
    if found.pop("override", None):
        found["override_bytes"] = OrderEvent(override=True).SerializeToString()
    return found


def _event_of(row: AuditEventRow) -> AuditEvent:
    return AuditEvent(
        event_id=row.event_id,
        resource=row.resource,
        method=row.method,
        actor=row.actor,
        actor_owner=row.owner,
        request_id=row.request_id,
        event_time=timestamp_of(row.event_time),
        changes=changes_of(row.resource, row.before, row.after),
    )


def _orders_of(rows: list[_OrderRow], wanted: AuditFilter) -> list[Found]:
    events = [(row, whole(StoredEvent(row.event, row.event_values))) for row in rows]
    return [
        Found(_order_event(event, row.order_number), row.place)
        for row, event in events
        if event.method == wanted.method or not wanted.method
        if event.override or not wanted.override
    ]


def _order_event(event: OrderEvent, order_number: str) -> AuditEvent:
    return AuditEvent(
        event_id=f"{event.order_id}:{event.version}",
        resource=f"orders/{event.order_id}",
        method=event.method,
        actor=event.actor,
        actor_owner=event.actor_owner,
        request_id=event.request_id,
        event_time=event.event_time,
        changes=field_differences(event.before, event.after),
        order_number=order_number,
        order_version=event.version,
        order_event_type=event.type,
        override=event.override,
        reason=event.reason,
    )
