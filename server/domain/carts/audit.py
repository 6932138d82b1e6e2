"""Audit events of carts: the lines that a change adds, removes or gives another quantity, without the customer's choices."""

from orders.v1.cart_service_pb2 import Cart, CartItem

from server.domain.base.records import ResourceChange


def line_changes(before: Cart, after: Cart) -> ResourceChange | None:
    """The change of a cart's lines; None if there is none."""
    old, new = _quantities(before), _quantities(after)
    if old == new:
        return None
    return ResourceChange("carts", after.cart_id, _differing(before, old, new), _differing(after, new, old))


def _quantities(cart: Cart) -> dict[str, int]:
    return {item.item_id: item.quantity for item in cart.items}


def _differing(cart: Cart, own: dict[str, int], other: dict[str, int]) -> bytes:
    """The lines that another version of the cart does not have in this quantity."""
    lines = (item for item in cart.items if own[item.item_id] != other.get(item.item_id))
    return Cart(items=map(_recorded, lines)).SerializeToString(deterministic=True)


def _recorded(item: CartItem) -> CartItem:
    return CartItem(
        item_id=item.item_id, product_id=item.product_id, variant_id=item.variant_id, quantity=item.quantity
    )
