"""The conditions of a list's filter in SQL."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from orders.v1.order_pb2 import Customer
from orders.v1.order_service_pb2 import OrderFilter
from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    LargeBinary,
    SmallInteger,
    Text,
    Uuid,
    exists,
    func,
    literal_column,
    select,
    text,
)

from server.domain.base.money import to_minor
from server.domain.customers.contacts import contact_of
from server.storage import sql
from server.storage.order_terms import HELD, coupon_term, metadata_term, payment_term, tracking_term
from server.storage.projections import ceiling_of
from server.storage.references import Reference, split_references
from server.storage.schema.list_tables import order_terms
from server.storage.schema.tables import customers, documents, item_product, order_events, order_items, orders, payments

_TIME = DateTime(timezone=True)


class Condition(NamedTuple):
    """A condition of a filter: its SQL, and its parameters from the filter."""

    where: ColumnElement[bool]
    parameters: Callable[[OrderFilter], dict[str, Any]]
    # Whether a filter has it, if it is not named like the field.
    applies: Callable[[OrderFilter], bool] | None = None


# The first of the final statuses, written so that the planner finds the index of open orders.
OPEN: ColumnElement[int] = literal_column("5")


def _stuck() -> ColumnElement[bool]:
    """Open orders without a change of their status since a time. The index of open orders finds those created before it."""
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


def _has_variant() -> ColumnElement[bool]:
    line = select(order_items.c.order_id).where(
        order_items.c.order_id == orders.c.order_id,
        item_product == sql.parameter("product_id", Text()),
        order_items.c.variant_id == sql.parameter("variant_id", Text()),
    )
    return exists(line)


def _is_named() -> ColumnElement[bool]:
    """One condition on the key: with two joined by OR, the planner would read all orders in the list's order."""
    ids, numbers = sql.array("named_ids", Uuid()), sql.array("named_numbers", Text())
    numbered = orders.alias("numbered")
    found = select(numbered.c.order_id).where(numbered.c.order_number == func.any(numbers))
    return orders.c.order_id == func.any(func.array_cat(ids, func.array(found.scalar_subquery())))


def _names(wanted: OrderFilter) -> dict[str, Any]:
    named = split_references(map(Reference, wanted.order_ids))
    return {"named_ids": named.order_ids, "named_numbers": named.order_numbers}


def _has_document() -> ColumnElement[bool]:
    number = documents.c.document_number == sql.parameter("document_number", Text())
    return orders.c.order_id == select(documents.c.order_id).where(number).scalar_subquery()


def _has_payment_event() -> ColumnElement[bool]:
    event = (payments.c.provider == sql.parameter("payment_provider", Text())) & (
        payments.c.event_id == sql.parameter("payment_event_id", Text())
    )
    return orders.c.order_id == select(payments.c.order_id).where(event).scalar_subquery()


def _has_term(name: str) -> ColumnElement[bool]:
    term = order_terms.c.term == sql.parameter(name, LargeBinary())
    return exists(select(order_terms.c.order_id).where(order_terms.c.order_id == orders.c.order_id, term))


def _of_contact(name: str) -> ColumnElement[bool]:
    """Orders of the accounts with a contact. Blank contacts are stored as empty texts, which no account is found by."""
    column = customers.c[name]
    matches = (column == sql.parameter(f"customer_{name}", Text())) & (column != text("''"))
    accounts = select(customers.c.customer_id).where(matches)
    return orders.c.customer_id == func.any(func.array(accounts.scalar_subquery()))


def _status_changed_since(name: str) -> ColumnElement[bool]:
    """Whether the status of an order has changed since a time."""
    changes = order_events.alias("status_changes")
    changed = select(changes.c.version).where(
        changes.c.order_id == orders.c.order_id,
        changes.c.from_status != changes.c.to_status,
        changes.c.event_time >= sql.parameter(name, _TIME),
    )
    # OFFSET 0: it looks up the changes of each order that is read, and does not collect those of all orders first.
    return exists(changed.offset(literal_column("0")))


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
    "order_ids": Condition(_is_named(), _names),
    "document_number": Condition(_has_document(), lambda f: {"document_number": f.document_number}),
    "payment_event_id": Condition(
        _has_payment_event(),
        lambda f: {"payment_provider": f.payment_provider, "payment_event_id": f.payment_event_id},
    ),
    "variant_id": Condition(_has_variant(), lambda f: {"product_id": f.product_id, "variant_id": f.variant_id}),
    "imported": Condition(
        (orders.c.source != text("''")) == sql.parameter("imported", Boolean()), lambda f: {"imported": f.imported}
    ),
    "customer_email": Condition(
        _of_contact("email"), lambda f: {"customer_email": contact_of(Customer(email=f.customer_email)).email}
    ),
    "customer_phone": Condition(
        _of_contact("phone"), lambda f: {"customer_phone": contact_of(Customer(phone=f.customer_phone)).phone}
    ),
    # The orders that have not changed at all since are told apart by their columns.
    "status_time_from": _range(
        "status_time_from",
        (orders.c.update_time >= sql.parameter("status_time_from", _TIME)) & _status_changed_since("status_time_from"),
    ),
    "status_time_to": _range(
        "status_time_to",
        (orders.c.create_time < sql.parameter("status_time_to", _TIME)) & ~_status_changed_since("status_time_to"),
    ),
    "metadata_key": Condition(
        _has_term("metadata_term"), lambda f: {"metadata_term": metadata_term(f.metadata_key, f.metadata_value)}
    ),
    "tracking_number": Condition(
        _has_term("tracking_term"), lambda f: {"tracking_term": tracking_term(f.tracking_number)}
    ),
    "coupon_code": Condition(_has_term("coupon_term"), lambda f: {"coupon_term": coupon_term(f.coupon_code)}),
    "payment_id": Condition(_has_term("payment_term"), lambda f: {"payment_term": payment_term(f.payment_id)}),
    "held": Condition(
        _has_term("held_term"), lambda f: {"held_term": HELD}, applies=lambda f: f.HasField("held") and f.held
    ),
    "not_held": Condition(
        ~_has_term("held_term"), lambda f: {"held_term": HELD}, applies=lambda f: f.HasField("held") and not f.held
    ),
    "stuck_for": Condition(_stuck(), lambda f: {"stuck_since": datetime.now(UTC) - f.stuck_for.ToTimedelta()}),
}


def parameters_of(wanted: OrderFilter, names: Sequence[str]) -> dict[str, Any]:
    return {key: value for name in names for key, value in CONDITIONS[name].parameters(wanted).items()}


def is_set(wanted: OrderFilter, name: str) -> bool:
    """Whether a filter has the condition of this name."""
    applies = CONDITIONS[name].applies
    if applies is not None:
        return applies(wanted)
    field = wanted.DESCRIPTOR.fields_by_name[name]
    return bool(wanted.HasField(name)) if field.has_presence else bool(getattr(wanted, name))
