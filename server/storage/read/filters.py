"""The conditions of a list's filter in SQL."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from orders.v1.order_service_pb2 import OrderFilter
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    SmallInteger,
    Text,
    exists,
    func,
    literal_column,
    select,
    text,
)

from server.domain.base.money import to_minor
from server.storage import sql
from server.storage.projections import ceiling_of
from server.storage.schema.tables import item_product, order_events, order_items, orders

_TIME = DateTime(timezone=True)


class Condition(NamedTuple):
    """A condition of a filter: its SQL, and its parameters from the filter."""

    where: ColumnElement[bool]
    parameters: Callable[[OrderFilter], dict[str, Any]]


# The first of the final statuses, written so that the planner finds the index of open orders.
OPEN: ColumnElement[int] = literal_column("5")


def _stuck() -> ColumnElement[bool]:
    """Open orders without a change of their status since a time. Those created before it are found by the index of open orders."""
    since, changes = sql.parameter("stuck_since", _TIME), order_events.alias("changes")
    moved = select(changes.c.version).where(
        changes.c.order_id == orders.c.order_id,
        changes.c.from_status != changes.c.to_status,
        changes.c.event_time > since,
    )
    return (orders.c.status < OPEN) & (orders.c.create_time <= since) & ~exists(moved)


def _has_product() -> ColumnElement[bool]:
    line = select(order_items.c.order_id).where(
        order_items.c.order_id == orders.c.order_id, item_product == sql.parameter("product_id", Text())
    )
    return exists(line)


def _range(field: str, where: ColumnElement[bool]) -> Condition:
    # Stored times are whole microseconds: both bounds of a half-open range keep what they say when they are rounded up.
    return Condition(where, lambda f: {field: ceiling_of(getattr(f, field))})


def _total(field: str, where: ColumnElement[bool]) -> Condition:
    def parameters(wanted: OrderFilter) -> dict[str, Any]:
        money = getattr(wanted, field)
        return {field: to_minor(money, field=f"filter.{field}"), f"{field}_currency": money.currency_code}

    currency = orders.c.currency == sql.parameter(f"{field}_currency", Text())
    return Condition(currency & where, parameters)


CONDITIONS: dict[str, Condition] = {
    "customer_id": Condition(
        orders.c.customer_id == sql.parameter("customer_id", Text()), lambda f: {"customer_id": f.customer_id}
    ),
    "statuses": Condition(
        orders.c.status == func.any(sql.array("statuses", SmallInteger())), lambda f: {"statuses": list(f.statuses)}
    ),
    "payment_statuses": Condition(
        orders.c.payment_status == func.any(sql.array("payment_statuses", SmallInteger())),
        lambda f: {"payment_statuses": list(f.payment_statuses)},
    ),
    "source": Condition(
        (orders.c.source == sql.parameter("source", Text())) & text("orders.source <> ''"),
        lambda f: {"source": f.source},
    ),
    "external_order_id": Condition(
        orders.c.external_order_id == sql.parameter("external_order_id", Text()),
        lambda f: {"external_order_id": f.external_order_id},
    ),
    "product_id": Condition(_has_product(), lambda f: {"product_id": f.product_id}),
    "create_time_from": _range("create_time_from", orders.c.create_time >= sql.parameter("create_time_from", _TIME)),
    "create_time_to": _range("create_time_to", orders.c.create_time < sql.parameter("create_time_to", _TIME)),
    "update_time_from": _range("update_time_from", orders.c.update_time >= sql.parameter("update_time_from", _TIME)),
    "update_time_to": _range("update_time_to", orders.c.update_time < sql.parameter("update_time_to", _TIME)),
    "total_from": _total("total_from", orders.c.total_minor >= sql.parameter("total_from", BigInteger())),
    "total_to": _total("total_to", orders.c.total_minor < sql.parameter("total_to", BigInteger())),
    "stuck_for": Condition(_stuck(), lambda f: {"stuck_since": datetime.now(UTC) - f.stuck_for.ToTimedelta()}),
}


def parameters_of(wanted: OrderFilter, names: Sequence[str]) -> dict[str, Any]:
    return {key: value for name in names for key, value in CONDITIONS[name].parameters(wanted).items()}


def is_set(wanted: OrderFilter, name: str) -> bool:
    field = wanted.DESCRIPTOR.fields_by_name[name]
    return bool(wanted.HasField(name)) if field.has_presence else bool(getattr(wanted, name))
