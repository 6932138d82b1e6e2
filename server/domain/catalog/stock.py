"""Stock: the quantities that an order holds, and those that a change of it moves."""

from collections.abc import Mapping

from orders.v1.error_reason_pb2 import ERROR_REASON_INSUFFICIENT_STOCK
from orders.v1.order_pb2 import ORDER_STATUS_CANCELLED, ORDER_STATUS_DELIVERED, ORDER_STATUS_SHIPPED, Order

from server.domain.base.errors import Refusal
from server.domain.base.values import Sku

_GONE = frozenset({ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED})


def held_by(order: Order | None) -> dict[Sku, int]:
    """The quantities that an order holds, by SKU. Cancelled orders, imported lines and restocked units hold none."""
    held: dict[Sku, int] = {}
    if order is not None and order.status != ORDER_STATUS_CANCELLED:
        for item in order.items:
            if product_id := item.product_id:
                sku = (product_id, item.variant_id)
                held[sku] = held.get(sku, 0) + item.quantity - item.restocked_quantity
    return held


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
            left[sku] = left.get(sku, 0) + item.quantity - item.shipped_quantity
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


def _difference(before: Mapping[Sku, int], after: Mapping[Sku, int]) -> dict[Sku, int]:
    if before == after:
        return {}
    skus = {**before, **after}
    return {sku: more for sku in skus if (more := after.get(sku, 0) - before.get(sku, 0))}


def check_available(taken: Mapping[Sku, int], stock: Mapping[Sku, int], *, before: Order | None) -> None:
    """Refuses to take more of a SKU than is available, including the units that the order already held."""
    for sku, quantity in taken.items():
        available = stock.get(sku, 0)
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
