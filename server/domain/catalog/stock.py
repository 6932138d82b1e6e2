"""Stock: what an order holds, and what a change of it takes from the shelves."""

from collections.abc import Mapping

from orders.v1.order_pb2 import ORDER_STATUS_CANCELLED, ORDER_STATUS_DELIVERED, ORDER_STATUS_SHIPPED, Order

from server.domain.base.errors import OrderError
from server.domain.base.values import Shelf

_GONE = frozenset({ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED})


def held_by(order: Order | None) -> dict[Shelf, int]:
    """The pieces an order holds. A cancelled order holds none, nor do imported lines, which have no product here."""
    held: dict[Shelf, int] = {}
    if order is not None and order.status != ORDER_STATUS_CANCELLED:
        for item in order.items:
            if product_id := item.product_id:
                shelf = (product_id, item.variant_id)
                held[shelf] = held.get(shelf, 0) + item.quantity
    return held


def reserved_by(order: Order) -> dict[Shelf, int]:
    """Of the pieces an order holds, those that are still on the shelf. Shipping takes them off it."""
    return _still_there(order, held_by(order))


def _still_there(order: Order, held: dict[Shelf, int]) -> dict[Shelf, int]:
    return {} if order.status in _GONE else held


def moved_by(before: Order | None, after: Order) -> tuple[dict[Shelf, int], dict[Shelf, int]]:
    """The pieces a change takes from each shelf, and those it reserves more there; both negative where it gives back.

    Every change of every order goes through here, so stock is given back exactly as often as it was taken.
    """
    held = held_by(after)
    reserved = _still_there(after, held)
    if before is None:
        return held, reserved
    held_before = held_by(before)
    return _difference(held_before, held), _difference(_still_there(before, held_before), reserved)


def _difference(before: Mapping[Shelf, int], after: Mapping[Shelf, int]) -> dict[Shelf, int]:
    if before == after:
        return {}
    shelves = {**before, **after}
    return {shelf: more for shelf in shelves if (more := after.get(shelf, 0) - before.get(shelf, 0))}


def check_available(taken: Mapping[Shelf, int], stock: Mapping[Shelf, int]) -> None:
    """Refuses if a shelf has fewer pieces than are taken from it."""
    for shelf, pieces in taken.items():
        available = stock.get(shelf, 0)
        if pieces > available:
            raise insufficient_stock(shelf, requested=pieces, available=available)


def insufficient_stock(shelf: Shelf, *, requested: int, available: int) -> OrderError:
    product_id, variant_id = shelf
    name = repr(product_id) + (f" variant {variant_id!r}" if variant_id else "")
    return OrderError(
        "INSUFFICIENT_STOCK",
        f"{requested} of product {name} were asked for, {available} are left",
        metadata={
            "product_id": product_id,
            "variant_id": variant_id,
            "requested": str(requested),
            "available": str(available),
        },
    )
