"""Replaces the lines of an order in an update."""

from orders.v1.order_pb2 import Order, OrderItem

from server.domain.base.errors import invalid_field
from server.domain.base.state import State
from server.domain.catalog.products import find_offer, without_installation
from server.domain.orders.reprice import same_lines
from server.domain.pricing.quotes import add_line


def replace_lines(order: Order, wished: Order, state: State) -> None:
    """Replaces the lines. A line that names an old id keeps it; the others get new ids.

    If products and quantities are the same, lines keep their prices; otherwise all lines get current prices.
    """
    if order.source:
        raise invalid_field("order.items", "the items of an imported order change through BatchUpsertOrders")
    if not wished.items:
        raise invalid_field("order.items", "an order needs at least one item; to remove all of them, cancel the order")
    old_ids = {item.item_id for item in order.items}
    _check_item_ids(wished, old_ids)
    next_id = 1 + max(map(int, old_ids | _former_ids(order)))
    agreed = list(order.items) if same_lines(order.items, wished.items) else []
    del order.items[:]
    for index, line in enumerate(wished.items):
        item_id, next_id = (line.item_id, next_id) if line.item_id else (str(next_id), next_id + 1)
        if agreed:
            item = order.items.add()
            item.CopyFrom(agreed[index])
            item.item_id = item_id
        else:
            item = _add_wished_line(order, line, state, item_id=item_id, field=f"order.items[{index}]")
        _set_choices(item, line)


def _former_ids(order: Order) -> set[str]:
    """The ids of lines that cancellations and shipments name, which new lines must not reuse."""
    cancelled = {share.item_id for adjustment in order.adjustments for share in adjustment.lines if share.item_id}
    return cancelled | {item.item_id for shipment in order.shipments for item in shipment.items}


def _check_item_ids(wished: Order, old_ids: set[str]) -> None:
    seen: set[str] = set()
    for index, line in enumerate(wished.items):
        if line.item_id and (line.item_id not in old_ids or line.item_id in seen):
            why = (
                "occurs twice" if line.item_id in seen else "is not an item of the order; leave it empty for a new one"
            )
            raise invalid_field(f"order.items[{index}].item_id", f"{line.item_id!r} {why}")
        seen.add(line.item_id)


def _set_choices(item: OrderItem, line: OrderItem) -> None:
    item.design_project_id = line.design_project_id
    item.customizations.clear()
    item.customizations.update(line.customizations)


def _add_wished_line(order: Order, line: OrderItem, state: State, *, item_id: str, field: str) -> OrderItem:
    if not line.product_id:
        raise invalid_field(f"{field}.product_id", "is required")
    offer = find_offer(
        state.products.stored,
        product_id=line.product_id,
        variant_id=line.variant_id,
        currency=order.pricing.total.currency_code,
        field=field,
    )
    if line.without_installation:
        offer = without_installation(offer)
    return add_line(order, offer, quantity=line.quantity, item_id=item_id, field=field)
