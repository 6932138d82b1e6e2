"""Returns of delivered units, and the counters derived from them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, timedelta

from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.error_reason_pb2 import (
    ERROR_REASON_LINE_QUANTITY_EXCEEDED,
    ERROR_REASON_RETURN_NOT_CHANGEABLE,
    ERROR_REASON_RETURN_NOT_FOUND,
    ERROR_REASON_RETURN_WINDOW_CLOSED,
)
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_RETURN_APPROVED,
    ORDER_EVENT_TYPE_RETURN_DECLINED,
    ORDER_EVENT_TYPE_RETURN_RECEIVED,
    ORDER_EVENT_TYPE_RETURN_REQUESTED,
    Order,
    OrderEvent,
    OrderEventType,
)
from orders.v1.order_return_pb2 import (
    RETURN_DECISION_APPROVE,
    RETURN_DISPOSITION_DAMAGED,
    RETURN_DISPOSITION_INSPECT,
    RETURN_DISPOSITION_MISSING,
    RETURN_DISPOSITION_RESTOCK,
    RETURN_STATUS_APPROVED,
    RETURN_STATUS_DECLINED,
    RETURN_STATUS_RECEIVED,
    RETURN_STATUS_REQUESTED,
    DecideReturnRequest,
    OrderReturn,
    ReceivedItem,
    ReceiveReturnRequest,
    RequestReturnRequest,
    ReturnDisposition,
    ReturnItem,
    ReturnStatus,
)

from server.domain.base.caller import Role
from server.domain.base.edits import Audit, OrderChange, OrderEdit, edit_of
from server.domain.base.errors import Refusal, invalid_field
from server.domain.fulfilment.lines import Units, active, follow_shipments, list_shipments, units_of
from server.domain.lifecycle.lifecycle import FULFILMENT, check_role

MAX_RETURNS = 50
_CUSTOMER = frozenset({Role.CUSTOMER})
_REQUESTERS = FULFILMENT | _CUSTOMER
# Units of these returns are expected.
_OPEN = frozenset({RETURN_STATUS_REQUESTED, RETURN_STATUS_APPROVED})
_RECEIVING = frozenset({RETURN_STATUS_APPROVED, RETURN_STATUS_RECEIVED})
_INSPECTED = frozenset({RETURN_DISPOSITION_RESTOCK, RETURN_DISPOSITION_DAMAGED})
COUNTERS = ("return_requested_quantity", "returned_quantity", "restocked_quantity")


def request_return(before: Order, request: RequestReturnRequest, audit: Audit, *, days: int) -> OrderChange:
    """The order with a requested return. `days` is the customers' return window; 0 for none."""
    check_role(before, _REQUESTERS, audit.caller, what="request returns of")
    if len(before.returns) >= MAX_RETURNS:
        raise invalid_field("order_id", f"order {before.order_number} has {MAX_RETURNS} returns, the maximum")
    edit = edit_of(before, audit)
    list_shipments(edit.order)
    items = list(_chosen(edit.order, request.items))
    if days and not audit.caller.roles_towards(before.customer.customer_id) & FULFILMENT:
        _check_window(edit.order, items, days, audit.time)
    requested = edit.order.returns.add(
        return_id=str(len(before.returns) + 1),
        status=RETURN_STATUS_REQUESTED,
        items=items,
        reason=request.reason,
        photo_uris=request.photo_uris,
        actor=audit.caller.subject,
        create_time=audit.time,
    )
    return _recorded(edit, requested, ORDER_EVENT_TYPE_RETURN_REQUESTED, reason=request.reason)


def decide_return(before: Order, request: DecideReturnRequest, audit: Audit) -> OrderChange:
    """The order with an approved or declined return; unchanged if the decision was made before."""
    check_role(before, FULFILMENT, audit.caller, what="decide on returns of")
    edit = edit_of(before, audit)
    decided = find_return(edit.order, request.return_id)
    approves = request.decision == RETURN_DECISION_APPROVE
    status = RETURN_STATUS_APPROVED if approves else RETURN_STATUS_DECLINED
    if decided.status == status:
        return unchanged(before)
    check_status(before, decided, {RETURN_STATUS_REQUESTED}, what="decided on")
    decided.status, decided.decision_reason, decided.label_uri = status, request.reason, request.label_uri
    decided.decide_time.CopyFrom(audit.time)
    event = ORDER_EVENT_TYPE_RETURN_APPROVED if approves else ORDER_EVENT_TYPE_RETURN_DECLINED
    return _recorded(edit, decided, event, reason=request.reason)


def receive_return(before: Order, request: ReceiveReturnRequest, audit: Audit) -> OrderChange:
    """The order with units of a return that arrived, are missing or were inspected."""
    check_role(before, FULFILMENT, audit.caller, what="receive returns of")
    edit = edit_of(before, audit)
    received = find_return(edit.order, request.return_id)
    if not request.items and not request.inspected:
        raise invalid_field("items", "set the units that arrived, or set `inspected`")
    if request.items:
        check_status(before, received, _RECEIVING, what="received")
        _receive(before, received, request.items)
        received.receive_time.CopyFrom(audit.time)
    _inspect(before, received, request.inspected)
    if received.status == RETURN_STATUS_APPROVED and not any(map(expected, received.items)):
        received.status = RETURN_STATUS_RECEIVED
    return _recorded(edit, received, ORDER_EVENT_TYPE_RETURN_RECEIVED)


def find_return(order: Order, return_id: str) -> OrderReturn:
    for each in order.returns:
        if each.return_id == return_id:
            return each
    text = f"order {order.order_number} has no return {return_id!r}"
    metadata = {"order_id": order.order_id, "return_id": return_id}
    raise Refusal(ERROR_REASON_RETURN_NOT_FOUND, text, metadata=metadata)


def check_status(order: Order, each: OrderReturn, allowed: Iterable[ReturnStatus], *, what: str) -> None:
    """Refuses a return in another status; `what` ends the sentence."""
    if each.status not in allowed:
        status = ReturnStatus.Name(each.status).removeprefix("RETURN_STATUS_")
        text = f"return {each.return_id} of order {order.order_number} is {status} and cannot be {what}"
        metadata = {"order_id": order.order_id, "return_id": each.return_id, "status": status}
        raise Refusal(ERROR_REASON_RETURN_NOT_CHANGEABLE, text, metadata=metadata)


def unchanged(order: Order) -> OrderChange:
    return OrderChange(before=order, after=order, events=[])


def _recorded(edit: OrderEdit, about: OrderReturn, type: OrderEventType, *, reason: str = "") -> OrderChange:
    record_return(edit, about, type, reason=reason)
    return edit.finish()


def record_return(
    edit: OrderEdit, about: OrderReturn, type: OrderEventType, *, reason: str = "", fields: Sequence[str] = ()
) -> None:
    """Records a change of a return, and sets the derived fields of the order."""
    follow_returns(edit.order)
    event = OrderEvent(type=type, return_id=about.return_id, reason=reason, changed_fields=["returns", *fields])
    edit.record(event)


def follow_returns(order: Order) -> None:
    """Sets the counters of the lines, and the shipping status."""
    counted = return_counters(order)
    for item in order.items:
        for name, units in counted.items():
            setattr(item, name, units[item.item_id])
    follow_shipments(order)


def return_counters(order: Order) -> dict[str, Units]:
    """The units by counter, derived from the order's returns."""
    counted: dict[str, Units] = {name: Counter() for name in COUNTERS}
    for each in order.returns:
        for item in each.items:
            if each.status in _OPEN:
                counted["return_requested_quantity"][item.item_id] += expected(item)
            counted["returned_quantity"][item.item_id] += arrived(item)
            counted["restocked_quantity"][item.item_id] += disposed(item, RETURN_DISPOSITION_RESTOCK)
    return counted


def expected(item: ReturnItem) -> int:
    """The units that have neither arrived nor are missing."""
    return int(item.quantity) - sum(units.quantity for units in item.received)


def arrived(item: ReturnItem) -> int:
    return sum(units.quantity for units in item.received if units.disposition != RETURN_DISPOSITION_MISSING)


def disposed(item: ReturnItem, disposition: ReturnDisposition) -> int:
    """The units with a disposition."""
    return sum(units.quantity for units in item.received if units.disposition == disposition)


def _returnable(order: Order) -> Units:
    """The units that were delivered and are in no return."""
    left = {
        item.item_id: item.delivered_quantity - item.return_requested_quantity - item.returned_quantity
        for item in order.items
    }
    return Counter({item_id: quantity for item_id, quantity in left.items() if quantity > 0})


def _chosen(order: Order, wished: Sequence[ReturnItem]) -> Iterator[ReturnItem]:
    """The units of a new return; by default all that can be returned."""
    left = _returnable(order)
    if not wished and not left:
        raise _too_many(order, "", requested=1, available=0)
    lines = {item.item_id for item in order.items}
    for index, item in enumerate(wished or [ReturnItem(item_id=item_id) for item_id in left]):
        if item.item_id not in lines:
            text = f"{item.item_id!r} occurs twice or is not a line of the order"
            raise invalid_field(f"items[{index}].item_id", text)
        lines.discard(item.item_id)
        quantity = item.quantity or left[item.item_id]
        if not 0 < quantity <= left[item.item_id]:
            raise _too_many(order, item.item_id, requested=max(1, quantity), available=left[item.item_id])
        yield ReturnItem(item_id=item.item_id, quantity=quantity, reason=item.reason)


def _too_many(order: Order, item_id: str, *, requested: int, available: int) -> Refusal:
    metadata = {
        "order_id": order.order_id,
        "item_id": item_id,
        "requested": str(requested),
        "available": str(available),
    }
    line = f"{available} units of line {item_id}" if item_id else "no units"
    text = f"order {order.order_number}: {line} can be returned, not {requested}"
    return Refusal(ERROR_REASON_LINE_QUANTITY_EXCEEDED, text, metadata=metadata)


def _check_window(order: Order, items: Sequence[ReturnItem], days: int, now: Timestamp) -> None:
    for item in items:
        closes = _delivered(order, item.item_id).ToDatetime(UTC) + timedelta(days=days)
        if now.ToDatetime(UTC) > closes:
            close_time = Timestamp()
            close_time.FromDatetime(closes)
            text = (
                f"order {order.order_number}: line {item.item_id} could be returned until {close_time.ToJsonString()}"
            )
            metadata = {"order_id": order.order_id, "item_id": item.item_id, "close_time": close_time.ToJsonString()}
            raise Refusal(ERROR_REASON_RETURN_WINDOW_CLOSED, text, metadata=metadata)


def _delivered(order: Order, item_id: str) -> Timestamp:
    """The time at which the last units of a line were delivered."""
    times = [
        parcel.deliver_time
        for shipment in active(order)
        if units_of(shipment.items)[item_id]
        for parcel in shipment.parcels
        if parcel.HasField("deliver_time")
    ]
    return max(times, key=lambda time: time.ToNanoseconds(), default=order.update_time)


def _receive(order: Order, each: OrderReturn, received: Sequence[ReceivedItem]) -> None:
    for index, units in enumerate(received):
        item = _item_of(each, units.item_id, field=f"items[{index}].item_id")
        if units.quantity > expected(item):
            raise _too_many(order, item.item_id, requested=units.quantity, available=expected(item))
        _add(item, units.disposition, units.quantity)


def _inspect(order: Order, each: OrderReturn, inspected: Sequence[ReceivedItem]) -> None:
    for index, units in enumerate(inspected):
        field = f"inspected[{index}]"
        item = _item_of(each, units.item_id, field=f"{field}.item_id")
        if units.disposition not in _INSPECTED:
            raise invalid_field(f"{field}.disposition", "of inspected units is RESTOCK or DAMAGED")
        waiting = disposed(item, RETURN_DISPOSITION_INSPECT)
        if units.quantity > waiting:
            raise _too_many(order, item.item_id, requested=units.quantity, available=waiting)
        _add(item, RETURN_DISPOSITION_INSPECT, -units.quantity)
        _add(item, units.disposition, units.quantity)


def _item_of(each: OrderReturn, item_id: str, *, field: str) -> ReturnItem:
    for item in each.items:
        if item.item_id == item_id:
            return item
    known = ", ".join(item.item_id for item in each.items[:10])
    raise invalid_field(field, f"return {each.return_id} has no line {item_id!r}; it has {known}")


def _add(item: ReturnItem, disposition: ReturnDisposition, quantity: int) -> None:
    """Adds units with a disposition. Dispositions without units are left out."""
    counted = {units.disposition: units.quantity for units in item.received}
    counted[disposition] = counted.get(disposition, 0) + quantity
    del item.received[:]
    for each, number in sorted(counted.items()):
        if number:
            item.received.add(disposition=each, quantity=number)
