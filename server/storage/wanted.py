"""The keys of the rows that a batch reads, now that the orders and carts that it names are read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from orders.v1.cart_service_pb2 import Cart
from orders.v1.order_pb2 import Order

from server.domain.base.state import State
from server.domain.needs import Needs
from server.domain.orders.effects import CouponUse


@dataclass(slots=True)
class Wanted:
    """Keys by kind of row."""

    products: set[str] = field(default_factory=set)
    customers: set[str] = field(default_factory=set)
    coupons: set[str] = field(default_factory=set)
    uses: set[CouponUse] = field(default_factory=set)
    points: set[str] = field(default_factory=set)

    def add(self, need: Needs, state: State) -> None:
        self.products.update(need.products)
        self.customers.update(need.customers)
        self._add_coupons(need.coupons, need.customers)
        if need.points:
            self.points.update(need.customers)
        if need.related:
            for reference in need.orders:
                order = state.find(reference)
                if order is not None:
                    self._add_order(order)
            for cart_id in need.carts:
                if cart_id in state.carts.stored:
                    self._add_cart(Cart.FromString(state.carts.stored[cart_id]))

    def _add_order(self, order: Order) -> None:
        self.products.update(item.product_id for item in order.items)
        self._add_coupons([coupon.code for coupon in order.pricing.applied_coupons], [order.customer.customer_id])
        self._add_customer(order.customer.customer_id)

    def _add_cart(self, cart: Cart) -> None:
        self.products.update(item.product_id for item in cart.items)
        self._add_customer(cart.customer_id)

    def _add_customer(self, customer_id: str) -> None:
        self.customers.add(customer_id)
        self.points.add(customer_id)

    def _add_coupons(self, codes: Iterable[str], customer_ids: Iterable[str]) -> None:
        known = keys_of(codes)
        self.coupons.update(known)
        self.uses.update((code, customer_id) for code in known for customer_id in ("", *customer_ids))


def wanted_by(needs: Sequence[Needs], state: State) -> Wanted:
    wanted = Wanted()
    for need in needs:
        wanted.add(need, state)
    return wanted


def keys_of(keys: Iterable[str]) -> list[str]:
    """The keys in their order, each once.

    A key that breaks its rule is refused when its command's turn comes; the database could not take every such text.
    """
    return sorted({key for key in keys if key and key.isprintable()})
