"""RateItem: the customer's rating of a delivered line."""

from orders.v1.error_reason_pb2 import ERROR_REASON_ITEM_NOT_DELIVERED
from orders.v1.order_pb2 import ORDER_EVENT_TYPE_ITEM_RATED, Order, OrderEvent, OrderItem
from orders.v1.order_return_pb2 import RateItemRequest

from server.domain.base.caller import Role
from server.domain.base.edits import Audit, check_etag, edit_of
from server.domain.base.errors import Refusal, invalid_field
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.state import State
from server.domain.fulfilment.lines import list_shipments
from server.domain.lifecycle.lifecycle import check_role
from server.domain.orders.apply import apply

_RATERS = frozenset({Role.CUSTOMER, Role.ADMIN})


@operation(RateItemRequest, needs=lambda request: Needs(orders=[request.order_id], etag=request.etag))
def rate_item(request: RateItemRequest, state: State, audit: Audit) -> Order | bytes:
    """Sets the only rating of a line."""
    before = state.order(request.order_id, audit.caller)
    check_role(before, _RATERS, audit.caller, what="rate lines of")
    check_etag(before, request.etag)
    edit = edit_of(before, audit)
    list_shipments(edit.order)
    item = _delivered_item(edit.order, request.item_id)
    if item.HasField("rating") and (item.rating.stars, item.rating.comment) == (request.stars, request.comment):
        return before
    item.rating.stars, item.rating.comment = request.stars, request.comment
    item.rating.rate_time.CopyFrom(audit.time)
    edit.record(OrderEvent(type=ORDER_EVENT_TYPE_ITEM_RATED, changed_fields=["items"]))
    return apply(edit.finish(), state)


def _delivered_item(order: Order, item_id: str) -> OrderItem:
    item = next((item for item in order.items if item.item_id == item_id), None)
    if item is None:
        known = ", ".join(item.item_id for item in order.items[:10])
        raise invalid_field("item_id", f"the order has no line {item_id!r}; it has {known}")
    if not item.delivered_quantity:
        text = f"order {order.order_number}: line {item_id} was not delivered yet"
        metadata = {"order_id": order.order_id, "item_id": item_id}
        raise Refusal(ERROR_REASON_ITEM_NOT_DELIVERED, text, metadata=metadata)
    return item
