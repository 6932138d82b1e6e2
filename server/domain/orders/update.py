"""UpdateOrder: the changeable fields and their rules."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from orders.v1.error_reason_pb2 import ERROR_REASON_INVALID_TRANSITION
from orders.v1.order_pb2 import (
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PENDING,
    ORDER_STATUS_PROCESSING,
    Address,
    Order,
    OrderStatus,
)
from orders.v1.order_service_pb2 import UpdateOrderRequest

from server.domain.base.caller import Caller, Role
from server.domain.base.edits import Audit, OrderChange, OrderEdit, check_etag, edit_of
from server.domain.base.errors import Refusal, Violation, invalid, invalid_field
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.state import State
from server.domain.customers.accounts import check_address, pay_by_saved_method
from server.domain.fulfilment.lines import active, follow_shipments
from server.domain.fulfilment.shipping import move
from server.domain.lifecycle.guards import status_name
from server.domain.lifecycle.lifecycle import RANK, check_not_cancelled, check_role
from server.domain.lifecycle.payment_status import is_open
from server.domain.orders.apply import apply
from server.domain.orders.backorders import backorder_lines, follow_backorders
from server.domain.orders.reprice import coupon_changes, price_inputs, reprice
from server.domain.orders.settle import can_settle, record_update
from server.domain.orders.stale_etags import may_conflict
from server.domain.orders.transition import INVOICED, MOVING
from server.domain.orders.update_lines import replace_lines
from server.domain.pricing.coupons import code_of


class Rule(NamedTuple):
    """The last status in which a field may change, and the roles that may change it."""

    until: OrderStatus
    who: frozenset[Role]


_BUYER = frozenset({Role.CUSTOMER, Role.ADMIN})
_SENDER = frozenset({Role.FULFILMENT, Role.ADMIN})
_PAYER = _BUYER | {Role.PAYMENT}
_ANY = frozenset(Role)

# A cancelled order cannot change.
CHANGEABLE: dict[str, Rule] = {
    "items": Rule(ORDER_STATUS_PENDING, _BUYER),
    "customer.name": Rule(ORDER_STATUS_PROCESSING, _BUYER),
    "customer.email": Rule(ORDER_STATUS_PROCESSING, _BUYER),
    "customer.phone": Rule(ORDER_STATUS_PROCESSING, _BUYER),
    "shipping_address": Rule(ORDER_STATUS_PROCESSING, _BUYER),
    "billing_address": Rule(ORDER_STATUS_PROCESSING, _BUYER),
    "payment_method": Rule(ORDER_STATUS_PROCESSING, _PAYER),
    "payment_method_id": Rule(ORDER_STATUS_PROCESSING, _PAYER),
    "delivery.method": Rule(ORDER_STATUS_PROCESSING, _BUYER),
    "delivery.requested_time": Rule(ORDER_STATUS_PROCESSING, _BUYER | _SENDER),
    "delivery.estimated_time": Rule(ORDER_STATUS_PROCESSING, _SENDER),
    "delivery.time_slot": Rule(ORDER_STATUS_PROCESSING, _BUYER | _SENDER),
    "delivery.carrier": Rule(ORDER_STATUS_PROCESSING, _SENDER),
    "delivery.tracking_number": Rule(ORDER_STATUS_PROCESSING, _SENDER),
    "special_instructions": Rule(ORDER_STATUS_PROCESSING, _BUYER),
    "referral_code": Rule(ORDER_STATUS_PROCESSING, _BUYER),
    "installation.scheduled_time": Rule(ORDER_STATUS_DELIVERED, _BUYER | _SENDER),
    "installation.time_slot": Rule(ORDER_STATUS_DELIVERED, _BUYER | _SENDER),
    "metadata": Rule(ORDER_STATUS_DELIVERED, _ANY),
    # The lifecycle has a separate table.
    "status": Rule(ORDER_STATUS_DELIVERED, _ANY),
}

# The copies of the first parcel's label.
_LABEL = ("delivery.carrier", "delivery.tracking_number")

# The fields that follow from others.
_FOLLOWING = ("payment_method", "payment_method_id", "pricing")
_SCHEDULED = ("zone_id", "method", "time_slot", "estimated_shipping_time", "estimated_time")

# Fields that identify the order, change with every change, or belong to a read: setting them is not a request to change them.
_NOT_WISHES = frozenset(
    {
        "order_id",
        "order_number",
        "etag",
        "version",
        "update_time",
        "event_hash",
        "omitted_fields",
        "provenance",
        "consumers",
    }
)


# Each version is a stored event; no order needs more. TransitionOrder still works.
_MAX_VERSIONS = 10_000


def _needs(request: UpdateOrderRequest) -> Needs:
    order, paths = request.order, request.update_mask.paths
    return Needs(
        orders=[order.order_id],
        related=_reprices(request) or order.status in MOVING,
        products=[item.product_id for item in order.items],
        coupons=[code_of(code) for code in request.add_coupon_codes],
        zones=_reprices(request),
        documents=request.settle or order.status in INVOICED or "status" in paths or "*" in paths,
    )


def _reprices(request: UpdateOrderRequest) -> bool:
    order, roots = request.order, {path.split(".")[0] for path in request.update_mask.paths}
    return bool(
        order.items
        or order.HasField("shipping_address")
        or order.HasField("delivery")
        or order.HasField("installation")
        or order.payment_method_id
        or request.add_coupon_codes
        or request.remove_coupon_codes
        or roots & {"*", "items", "shipping_address", "delivery", "installation", "payment_method_id"}
    )


@operation(UpdateOrderRequest, needs=_needs)
def update_order(request: UpdateOrderRequest, state: State, audit: Audit) -> bytes:
    """Changes the masked fields of an order."""
    if not request.order.order_id:
        raise invalid_field("order.order_id", "is required")
    change = _update(state.order(request.order.order_id, audit.caller), request, state, audit=audit)
    return apply(change, state, field="order")


def _update(before: Order, request: UpdateOrderRequest, state: State, *, audit: Audit) -> OrderChange:
    """The order with the masked fields changed, or the same order if none differs."""
    wished, changes_coupons = request.order, any(coupon_changes(before, request))
    if not request.merge:
        check_etag(before, wished.etag)
    named = wished_paths(before, wished, request.update_mask)
    if request.merge and may_conflict([*named, *["pricing"] * changes_coupons], before, wished.etag, state):
        check_etag(before, wished.etag)
    paths = [path for path in named if _differs(before, wished, path)]
    if not paths and not changes_coupons:
        return OrderChange(before=before, after=before, events=[])
    _check_changeable(before, paths, audit.caller, settles=request.settle)
    if changes_coupons:
        _check_coupons_changeable(before, audit.caller)
    if before.version >= _MAX_VERSIONS:
        raise invalid_field(
            "order.order_id",
            f"order {before.order_number} has changed {before.version:,} times, the maximum; it cannot be updated",
        )
    edit = edit_of(before, audit)
    changed = _change_fields(before, edit, request, [path for path in paths if path != "status"], state)
    if changed:
        record_update(edit, before, changed, settles=request.settle)
        follow_backorders(edit)
    if "status" in paths:
        if not wished.status:
            raise invalid_field("order.status", "is in the mask but not set")
        move(edit, wished.status, override_reason=request.override_reason)
    return edit.finish() if edit.events else OrderChange(before=before, after=before, events=[])


def _change_fields(
    before: Order, edit: OrderEdit, request: UpdateOrderRequest, paths: list[str], state: State
) -> list[str]:
    """Changes the fields and returns those that differ: replaced lines may equal the old ones."""
    order, wished = edit.order, request.order
    plain = [path for path in paths if path != "items"]
    _merge(wished, order, plain)
    _check_addresses(order, plain)
    _set_payment_method(order, plain, state)
    if "items" in paths:
        replace_lines(order, wished, state)
        backorder_lines(before, order, state)
        follow_shipments(order)
    if not order.source:
        inputs = price_inputs(before, order, request)
        settles = request.settle and can_settle(before)
        reprice(before, order, inputs, paths, state, accept_changes=request.accept_price_changes, settles=settles)
    if order.items == before.items:
        paths = plain
    return [*paths, *_following(before, order, paths)]


def _set_payment_method(order: Order, paths: list[str], state: State) -> None:
    """A saved payment method sets the type; setting only the type drops the saved one."""
    if "payment_method_id" in paths and order.payment_method_id:
        if "payment_method" not in paths:
            order.ClearField("payment_method")
        pay_by_saved_method(order, state.account(order.customer.customer_id), now=state.time, path="order.")
    elif "payment_method" in paths:
        order.ClearField("payment_method_id")


def _following(before: Order, order: Order, paths: list[str]) -> list[str]:
    """The derived fields that changed."""
    delivery = [name for name in _SCHEDULED if getattr(order.delivery, name) != getattr(before.delivery, name)]
    whole = [name for name in _FOLLOWING if getattr(order, name) != getattr(before, name)]
    return [path for path in (*(f"delivery.{name}" for name in delivery), *whole) if path not in paths]


def wished_paths(before: Order, wished: Order, mask: FieldMask) -> list[str]:
    """The paths to change, each within one rule of CHANGEABLE. Refuses paths that can never change."""
    named = list(dict.fromkeys(mask.paths)) or [path for path in set_paths(wished) if _differs(before, wished, path)]
    if named == ["*"]:
        return [path for path in CHANGEABLE if path != "status" or wished.status]
    paths: list[str] = []
    violations: list[Violation] = []
    for path in named:
        if not mask.paths and path in _NOT_WISHES:
            continue
        found = _within_rules(path)
        if found:
            paths += found
            violations += _fixed_within(before, wished, path)
        else:
            field = f"update_mask: {path}" if mask.paths else f"order.{path}"
            known = path_exists(Order.DESCRIPTOR, path)
            violations.append(Violation(field, "may not change" if known else "is not a field of Order"))
    if violations:
        raise invalid(*violations)
    return paths


def _within_rules(path: str) -> list[str]:
    if not path_exists(Order.DESCRIPTOR, path):
        return []
    if _rule_of(path):
        return [path]
    return [rule for rule in CHANGEABLE if rule.startswith(path + ".")]


def _fixed_within(before: Order, wished: Order, parent: str) -> list[Violation]:
    """The violations for unchangeable fields below a path that covers several fields."""
    return [
        Violation(f"order.{path}", "may not change")
        for path in set_paths(wished)
        if path.startswith(parent + ".") and not _rule_of(path) and _differs(before, wished, path)
    ]


def _rule_of(path: str) -> str:
    return next((rule for rule in CHANGEABLE if path == rule or path.startswith(rule + ".")), "")


def path_exists(descriptor: Any, path: str) -> bool:
    """Whether a field mask may name the path: it leads through messages only, not through lists and maps."""
    head, dot, rest = path.partition(".")
    field = descriptor.fields_by_name.get(head)
    if field is None or not dot:
        return field is not None
    return field.message_type is not None and not field.is_repeated and path_exists(field.message_type, rest)


def set_paths(message: Message, prefix: str = "") -> Iterator[str]:
    """The paths of all fields that are set: through messages down to values, lists and maps."""
    for field, value in message.ListFields():
        if _is_branch(field):
            yield from set_paths(value, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name


def _is_branch(field: FieldDescriptor) -> bool:
    message_type = field.message_type
    if message_type is None or field.is_repeated or message_type is Address.DESCRIPTOR:
        return False  # Parts of two addresses must not be mixed.
    return bool(message_type.file.package == "orders.v1")


def value_at(message: Message, path: str) -> Any:
    """The value at a path; for a message that is not set, its default."""
    value: Any = message
    for name in path.split("."):
        value = getattr(value, name)
    return value


def _differs(before: Order, wished: Order, path: str) -> bool:
    return bool(value_at(before, path) != value_at(wished, path))


def _check_changeable(order: Order, paths: list[str], caller: Caller, *, settles: bool) -> None:
    check_not_cancelled(order)
    for path in paths:
        rule = CHANGEABLE[_rule_of(path)]
        check_role(order, rule.who, caller, what=f"change {path} of")
        _check_shipments(order, path)
        if path == "items" and settles and can_settle(order):
            continue
        status = status_name(order.status)
        if RANK[order.status] > RANK[rule.until]:
            raise _too_late(order, path, f"can change {_while(rule.until)}, and the order is {status}")
        if path == "items" and not is_open(order):
            raise _too_late(order, path, "can change after a payment only with settle")


def _check_shipments(order: Order, path: str) -> None:
    """Refuses to change lines with units in shipments, and the copies of a parcel's label."""
    if order.shipments and any(active(order)):
        if path == "items":
            raise _too_late(order, path, "can change only while no unit is in a shipment; call CancelOrderLines")
        if path in _LABEL:
            raise _too_late(order, path, "follows from the first parcel; call UpdateShipment")


def _check_coupons_changeable(order: Order, caller: Caller) -> None:
    check_not_cancelled(order)
    check_role(order, _BUYER, caller, what="change the coupons of")
    if order.source:
        raise invalid_field("add_coupon_codes", "an imported order uses no coupons")
    if not is_open(order):
        raise _too_late(order, "pricing.applied_coupons", "can change only until an amount is paid or authorized")


def _while(until: OrderStatus) -> str:
    """The statuses up to the last one in which a field may change."""
    first = "only while the order is" if until == ORDER_STATUS_PENDING else "only up to status"
    return f"{first} {status_name(until)}"


def _too_late(order: Order, path: str, why: str) -> Refusal:
    metadata = {"order_id": order.order_id, "from": status_name(order.status), "field": path}
    text = f"order {order.order_number} is {metadata['from']}: {path} {why}"
    return Refusal(ERROR_REASON_INVALID_TRANSITION, text, metadata=metadata)


def _merge(wished: Order, order: Order, paths: list[str]) -> None:
    """Copies the paths. FieldMask.MergeMessage would keep those whose parent is unset in the request."""
    for path in paths:
        *parents, name = path.split(".")
        source, target = wished, order
        for parent in parents:
            source, target = getattr(source, parent), getattr(target, parent)
        target.ClearField(name)
        field = source.DESCRIPTOR.fields_by_name[name]
        if field.message_type is None:
            setattr(target, name, getattr(source, name))
        elif field.is_repeated:
            getattr(target, name).MergeFrom(getattr(source, name))
        elif source.HasField(name):
            getattr(target, name).CopyFrom(getattr(source, name))


def _check_addresses(order: Order, paths: list[str]) -> None:
    for field in ("shipping_address", "billing_address"):
        touched = any(path.split(".")[0] == field for path in paths)
        if touched and order.HasField(field):
            check_address(getattr(order, field), field=f"order.{field}")
