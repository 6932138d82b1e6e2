"""Stock: the quantities that an order holds, and those that a change of it moves."""

from collections.abc import Mapping

from orders.v1.error_reason_pb2 import ERROR_REASON_INSUFFICIENT_STOCK
from orders.v1.order_pb2 import ORDER_STATUS_CANCELLED, ORDER_STATUS_DELIVERED, ORDER_STATUS_SHIPPED, Order

from server.domain.base.errors import Refusal
from server.domain.base.values import Sku

_GONE = frozenset({ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED})


def held_by(order: Order | None) -> dict[Sku, int]:
    """The quantities that an order holds, by SKU. Cancelled orders, imported lines, restocked and backordered units hold none."""
    held: dict[Sku, int] = {}
    if order is not None and order.status != ORDER_STATUS_CANCELLED:
        for item in order.items:
            if product_id := item.product_id:
                sku = (product_id, item.variant_id)
                held[sku] = held.get(sku, 0) + item.quantity - item.restocked_quantity - item.backordered_quantity
    return held


def awaited_by(order: Order | None) -> dict[Sku, int]:
    """The backordered quantities that an order waits for, by SKU."""
    awaited: dict[Sku, int] = {}
    if order is not None and order.holds and order.status != ORDER_STATUS_CANCELLED:
        for item in order.items:
            if item.backordered_quantity:
                sku = (item.product_id, item.variant_id)
                awaited[sku] = awaited.get(sku, 0) + item.backordered_quantity
    return awaited


def reserved_by(order: Order) -> dict[Sku, int]:
    """The held quantities that have not shipped yet, by SKU."""
    return _still_there(order, held_by(order))


def _still_there(order: Order, held: dict[Sku, int]) -> dict[Sku, int]:
    if order.status in _GONE:
        return {}
    return _unshipped(order) if order.shipments and held else held


def _unshipped(order: Order) -> dict[Sku, int]:
    left: dict[Sku, int] = {}
    for item in order.items:
        if product_id := item.product_id:
            sku = (product_id, item.variant_id)
            left[sku] = left.get(sku, 0) + item.quantity - item.shipped_quantity - item.backordered_quantity
    return left


def moved_by(before: Order | None, after: Order) -> tuple[dict[Sku, int], dict[Sku, int]]:
    """The quantities that a change takes from each SKU, and those that it reserves; negative where it returns them.

    Every change of every order goes through here, so stock returns exactly as often as it was taken.
    """
    held = held_by(after)
    reserved = _still_there(after, held)
    if before is None:
        return held, reserved
    held_before = held_by(before)
    return _difference(held_before, held), _difference(_still_there(before, held_before), reserved)


def awaited_difference(before: Order | None, after: Order) -> dict[Sku, int]:
    """The quantities by which a change adds to those that the order waits for."""
    if not after.holds and (before is None or not before.holds):
        return {}
    return _difference(awaited_by(before), awaited_by(after))


def _difference(before: Mapping[Sku, int], after: Mapping[Sku, int]) -> dict[Sku, int]:
    if before == after:
        return {}
    skus = {**before, **after}
    return {sku: more for sku in skus if (more := after.get(sku, 0) - before.get(sku, 0))}


def check_available(
    taken: Mapping[Sku, int], stock: Mapping[Sku, int], awaited: Mapping[Sku, int], *, before: Order | None
) -> None:
    """Refuses to take more of a SKU than is available. What the order held or waited for before is available to it.

    `awaited` are the quantities that orders wait for, which come first.
    """
    for sku, quantity in taken.items():
        available = stock.get(sku, 0)
        if quantity > 0 and available and (promised := awaited.get(sku, 0)):
            own = awaited_by(before).get(sku, 0)
            # Arrived units are allocated in order of creation, and only then can be ordered.
            available = available if own else max(0, available - promised)
        if quantity > available:
            held = held_by(before).get(sku, 0)
            raise insufficient_stock(sku, requested=quantity + held, available=available + held)


def insufficient_stock(sku: Sku, *, requested: int, available: int) -> Refusal:
    product_id, variant_id = sku
    name = repr(product_id) + (f" variant {variant_id!r}" if variant_id else "")
    return Refusal(
        ERROR_REASON_INSUFFICIENT_STOCK,
        f"{requested} of product {name} were requested, {available} are available",
        metadata={
            "product_id": product_id,
            "variant_id": variant_id,
            "requested": str(requested),
            "available": str(available),
        },
    )
