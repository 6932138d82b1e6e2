"""The rows that operations read: declared for each operation, and gathered for a batch of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from orders.v1.cart_service_pb2 import Cart
from orders.v1.order_pb2 import Order
from orders.v1.order_service_pb2 import UpsertOrder

from server.domain.base.edits import stale_version
from server.domain.base.records import Kind
from server.domain.base.state import ExternalKey, PaymentKey, State
from server.domain.base.values import CouponUse
from server.domain.base.work_queue import WorkFilter


@dataclass(slots=True)
class Needs:
    """The rows that one operation reads, and locks if it writes."""

    # By id or number.
    orders: Iterable[str] = ()
    # By source and external id, with what the source sends.
    external: Mapping[ExternalKey, UpsertOrder] = field(default_factory=dict)
    # The events of `orders` from which their tracking follows.
    history: bool = False
    # All stored events of `orders`.
    stored_events: bool = False
    carts: Iterable[str] = ()
    # Also the rows that `orders` and `carts` refer to: products and stock of their lines, coupons, accounts and points.
    related: bool = False
    # With their stock.
    products: Iterable[str] = ()
    customers: Iterable[str] = ()
    # With the number of times that all customers and `customers` have used them.
    coupons: Iterable[str] = ()
    # The loyalty points of `customers`.
    points: bool = False
    # The loyalty points of the customers whose `orders` use any.
    order_points: bool = False
    # All delivery zones.
    zones: bool = False
    payments: Iterable[PaymentKey] = ()
    # All payment events of `orders`.
    ledger: bool = False
    # The last numbers of invoices and credit notes.
    documents: bool = False
    # API keys by id, and those that take these certificate names.
    api_keys: Iterable[str] = ()
    certificate_names: Iterable[str] = ()
    webhook_endpoints: Iterable[str] = ()
    # The rows of `orders` in the work queue.
    queued: bool = False
    # The number of orders to claim from the work queue, by filter.
    claims: Mapping[WorkFilter, int] = field(default_factory=dict)
    runtime_settings: Iterable[str] = ()
    new_orders: int = 0
    # The kind of records that the operation writes, and so reads with locks.
    replaces: Kind | None = None
    # The one customer whose orders the caller sees; empty for all.
    owner: str = ""
    # The caller's etag of the only order in `orders`; empty to skip the comparison.
    etag: str = ""


class BatchNeeds:
    """The keys of the rows that a batch reads. Marks them in the state, so that a rule can ask for no others."""

    def __init__(self, needs: Sequence[Needs], state: State) -> None:
        self._needs, self._state = needs, state
        self.carts = {cart_id for need in needs for cart_id in need.carts}
        self.payments = {key for need in needs for key in need.payments}
        self.external: dict[ExternalKey, list[UpsertOrder]] = {}
        for need in needs:
            for key, order in need.external.items():
                self.external.setdefault(key, []).append(order)
        self.api_keys = {key_id for need in needs for key_id in need.api_keys}
        self.certificate_names = {name for need in needs for name in need.certificate_names if name}
        self.webhook_endpoints = {endpoint_id for need in needs for endpoint_id in need.webhook_endpoints}
        self.claims = sorted({wanted for need in needs for wanted in need.claims})
        self.runtime_settings = {name for need in needs for name in need.runtime_settings}
        self.zones = any(need.zones for need in needs)
        self.documents = any(need.documents for need in needs)
        self.replaces = {need.replaces for need in needs}
        self.products: set[str] = set()
        self.customers: set[str] = set()
        self.coupons: set[str] = set()
        self.uses: set[CouponUse] = set()
        self.points: set[str] = set()
        state.references.mark_read(name for need in needs for name in need.orders)
        state.ids_by_external.mark_read(self.external)
        state.carts.stored.mark_read(self.carts)
        state.payments.mark_read(self.payments)
        state.api_keys.mark_read(self.api_keys)
        state.certificate_names.mark_read(self.certificate_names)
        state.webhook_endpoints.stored.mark_read(self.webhook_endpoints)
        state.claimable.mark_read(self.claims)
        state.runtime_settings.stored.mark_read(self.runtime_settings)

    def references(self) -> Iterable[tuple[str, str]]:
        """The ids and numbers of orders, each with the customer that its caller is confined to."""
        return ((name, need.owner) for need in self._needs for name in need.orders)

    def add_related(self) -> None:
        """Adds the rows that the operations name and those that their orders and carts, now read, refer to."""
        for need in self._needs:
            self.products.update(need.products)
            self.customers.update(need.customers)
            self._add_coupons(need.coupons, need.customers)
            if need.points:
                self.points.update(need.customers)
            if need.related:
                self._add_referred(need)
            if need.order_points:
                users = (order for order in self._found(need) if order.pricing.loyalty_points_used)
                self.points.update(order.customer.customer_id for order in users)
        self._mark_related()

    def _add_referred(self, need: Needs) -> None:
        for order in self._found(need):
            self.products.update(item.product_id for item in order.items)
            used = [coupon.code for coupon in order.pricing.applied_coupons]
            self._add_coupons([*used, *need.coupons], [order.customer.customer_id])
            self._add_customer(order.customer.customer_id)
        for cart_id in need.carts:
            snapshot = self._state.carts.stored.get(cart_id)
            if snapshot is not None:
                cart = Cart.FromString(snapshot)
                self.products.update(item.product_id for item in cart.items)
                self._add_customer(cart.customer_id)

    def _add_customer(self, customer_id: str) -> None:
        self.customers.add(customer_id)
        self.points.add(customer_id)

    def _add_coupons(self, codes: Iterable[str], customer_ids: Iterable[str]) -> None:
        known = {code for code in codes if code}
        self.coupons.update(known)
        self.uses.update((code, customer_id) for code in known for customer_id in ("", *customer_ids))

    def _found(self, need: Needs) -> list[Order]:
        return [order for name in need.orders if (order := self._state.find(name)) is not None]

    def history(self) -> set[str]:
        """The ids of the orders whose events are read."""
        return {order.order_id for need in self._needs if need.history for order in self._found(need)}

    def ledgers(self) -> set[str]:
        """The ids of the orders whose payment events are read."""
        imported = {
            self._state.ids_by_external[key]
            for key, sent in self.external.items()
            if key in self._state.ids_by_external and any(order.payments for order in sent)
        }
        return imported | {order.order_id for need in self._needs if need.ledger for order in self._found(need)}

    def stored_events(self) -> set[str]:
        """The ids of the orders whose stored events are read."""
        return {order.order_id for need in self._needs if need.stored_events for order in self._found(need)}

    def queued(self) -> set[str]:
        """The ids of the orders whose rows in the work queue are read."""
        return {order.order_id for need in self._needs if need.queued for order in self._found(need)}

    def claim_count(self) -> int:
        """The number of orders that the batch may claim, over all filters: an order can match several filters."""
        return sum(count for need in self._needs for count in need.claims.values())

    def later_events(self) -> dict[str, int]:
        """The ids of the orders that have changed since a caller read them, each with the oldest version that one has."""
        versions: dict[str, int] = {}
        for need in self._needs:
            if need.etag:
                for order in self._found(need):
                    version = stale_version(order, need.etag)
                    if version is not None:
                        versions[order.order_id] = min(version, versions.get(order.order_id, version))
        return versions

    def order_numbers(self) -> int:
        """The maximum number of order numbers that the batch needs: stored imported orders already have one."""
        stored = self._state.ids_by_external
        return sum(max(0, need.new_orders - sum(key in stored for key in need.external)) for need in self._needs)

    def _mark_related(self) -> None:
        state = self._state
        state.products.stored.mark_read(self.products)
        state.customers.stored.mark_read(self.customers)
        state.coupons.stored.mark_read(self.coupons)
        state.coupon_uses.values.mark_read(self.uses)
        state.points.values.mark_read(self.points)
        state.stock.values.mark_read(self.products)
        state.reserved.values.mark_read(self.products)
        state.awaited.values.mark_read(self.products)
        state.history.mark_read(self.history())
        state.payment_events.mark_read(self.ledgers())
        state.stored_events.mark_read(self.stored_events())
        state.queue.mark_read(self.queued())
        if self.zones:
            state.zones.stored.mark_all_read()
        if self.documents:
            state.documents.values.mark_all_read()
