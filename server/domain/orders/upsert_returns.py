"""The returns of an order of another system."""

from collections.abc import Sequence

from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.order_pb2 import Order
from orders.v1.order_return_pb2 import RETURN_STATUS_REQUESTED, OrderReturn
from orders.v1.order_service_pb2 import UpsertOrder

from server.domain.base.errors import invalid_field
from server.domain.fulfilment.lines import list_shipments
from server.domain.fulfilment.returns import MAX_RETURNS, expected, follow_returns
from server.domain.orders.upsert_amounts import Line
from server.domain.orders.upsert_shipments import Lines, lines_by_item


def upsert_returns(order: Order, wished: UpsertOrder, lines: Sequence[Line], time: Timestamp) -> None:
    """Writes the returns that the source sends. Others remain."""
    stored = {each.return_id: each for each in order.returns}
    named, seen = lines_by_item(wished, lines), set()
    for index, sent in enumerate(wished.returns):
        name, field = sent.return_id or str(index + 1), f"returns[{index}]"
        if name in seen:
            raise invalid_field(f"{field}.return_id", f"{name!r} occurs twice")
        seen.add(name)
        target = stored.get(name) or order.returns.add(return_id=name, create_time=time)
        _fill(target, sent, named, field)
    if len(order.returns) > MAX_RETURNS:
        raise invalid_field("returns", f"makes more than {MAX_RETURNS} returns")


def _fill(target: OrderReturn, sent: OrderReturn, named: Lines, field: str) -> None:
    made = OrderReturn()
    made.CopyFrom(sent)
    made.return_id, made.status = target.return_id, sent.status or RETURN_STATUS_REQUESTED
    # These name what only this server has.
    del made.refund_ids[:]
    made.refund_ids.extend(target.refund_ids)
    made.exchange_order_id = target.exchange_order_id
    if not sent.HasField("create_time"):
        made.create_time.CopyFrom(target.create_time)
    for index, item in enumerate(made.items):
        path = f"{field}.items[{index}]"
        if item.item_id not in named:
            raise invalid_field(f"{path}.item_id", f"no item has the id {item.item_id!r}")
        if not item.quantity or expected(item) < 0:
            raise invalid_field(f"{path}.quantity", "must be more than 0, and no less than what is received")
        item.item_id = named[item.item_id][0]
    if not made.items or len({item.item_id for item in made.items}) < len(made.items):
        raise invalid_field(f"{field}.items", "a return has at least one line, and each line once")
    target.CopyFrom(made)


def count_returns(order: Order) -> None:
    """Counts the units in returns; refuses more than were delivered."""
    list_shipments(order)
    follow_returns(order)
    for item in order.items:
        coming = item.return_requested_quantity + item.returned_quantity
        if coming > item.delivered_quantity:
            text = f"have {coming} units of line {item.item_id}, of which {item.delivered_quantity} were delivered"
            raise invalid_field("returns", text)
