"""Stock: what an order holds, and what a change of it takes from the shelves."""

from collections import Counter
from collections.abc import Mapping

from orders.v1.order_pb2 import ORDER_STATUS_CANCELLED, Order

from server.domain.errors import OrderError

# A product id and a variant id, '' where the product has no variants.
Shelf = tuple[str, str]


def held_by(order: Order | None) -> Counter[Shelf]:
    """The pieces an order holds. A cancelled order holds none, nor do imported lines, which have no product here."""
    held: Counter[Shelf] = Counter()
    if order is not None and order.status != ORDER_STATUS_CANCELLED:
        for item in order.items:
            if item.product_id:
                held[item.product_id, item.variant_id] += item.quantity
    return held


def taken_by(before: Order | None, after: Order) -> dict[Shelf, int]:
    """The pieces a change takes from each shelf; negative where it gives back.

    Every change of every order goes through here, so stock is given back exactly as often as it was taken.
    """
    taken = held_by(after)
    taken.subtract(held_by(before))
    return {shelf: pieces for shelf, pieces in taken.items() if pieces}


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
