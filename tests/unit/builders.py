"""Messages, callers and states for tests of the domain, and a store that plays the database's part."""

import itertools
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status
from google.type.money_pb2 import Money
from hypothesis import HealthCheck, settings
from orders.v1.catalog_service_pb2 import (
    AdjustStockRequest,
    BatchUpsertProductsRequest,
    BatchUpsertProductsResponse,
    Product,
    ProductVariant,
)
from orders.v1.order_pb2 import (
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PENDING,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    PAYMENT_STATUS_PAID,
    Address,
    Customer,
    Order,
    OrderEvent,
    OrderStatus,
    PaymentStatus,
    Tracking,
)
from orders.v1.order_service_pb2 import (
    BatchUpsertOrdersRequest,
    BatchUpsertOrdersResponse,
    CancelOrderRequest,
    CreateOrderRequest,
    NewOrderItem,
    RecordTrackingEventRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
    UpsertOrder,
    UpsertOrderItem,
)

from server.domain.caller import Caller, Role
from server.domain.commands import Answer, Command, Validate, decide, decide_upsert, needs_of, orders_to_number
from server.domain.errors import OrderError, Violation
from server.domain.idempotency import Key, Remembered
from server.domain.state import State
from server.domain.stock import Shelf, held_by

NOW = Timestamp(seconds=1_780_000_000, nanos=123_456_000)

ADMIN = Caller("ada", frozenset({Role.ADMIN}))
CUSTOMER = Caller("carl", frozenset({Role.CUSTOMER}))
FULFILMENT = Caller("fay", frozenset({Role.FULFILMENT}))
PAYMENT = Caller("pay", frozenset({Role.PAYMENT}))
CALLERS = {Role.ADMIN: ADMIN, Role.CUSTOMER: CUSTOMER, Role.FULFILMENT: FULFILMENT, Role.PAYMENT: PAYMENT}

STATUSES = (
    ORDER_STATUS_PENDING,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_CANCELLED,
)

RESPONSES: Mapping[type[Message], type[Message]] = {
    CreateOrderRequest: Order,
    UpdateOrderRequest: Order,
    TransitionOrderRequest: Order,
    CancelOrderRequest: Order,
    RecordTrackingEventRequest: Tracking,
    BatchUpsertOrdersRequest: BatchUpsertOrdersResponse,
    BatchUpsertProductsRequest: BatchUpsertProductsResponse,
    AdjustStockRequest: Product,
}

# For properties: a busy machine is no failure.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


# Messages.


def money(amount: str, currency: str = "USD") -> Money:
    """`money("12.30")`."""
    value = Decimal(amount)
    units = int(value)
    return Money(currency_code=currency, units=units, nanos=int((value - units) * 1_000_000_000))


def amount(value: Money) -> Decimal:
    return Decimal(value.units) + Decimal(value.nanos) / 1_000_000_000


def at(seconds: int) -> Timestamp:
    """A time relative to NOW."""
    return Timestamp(seconds=NOW.seconds + seconds, nanos=NOW.nanos)


def product(
    product_id: str = "chair", price: str = "10.00", *, stock: int = 100, currency: str = "USD", **more: Any
) -> Product:
    made = Product(product_id=product_id, sku=f"SKU-{product_id}", name=product_id.title(), stock=stock, **more)
    made.price.CopyFrom(money(price, currency))
    if made.variants:
        made.ClearField("stock")
    return made


def variant(
    variant_id: str, *, price: str = "", stock: int = 100, currency: str = "USD", sku: str = ""
) -> ProductVariant:
    made = ProductVariant(variant_id=variant_id, name=variant_id.title(), stock=stock, sku=sku)
    if price:
        made.price.CopyFrom(money(price, currency))
    return made


def line(product_id: str = "chair", quantity: int = 1, **more: Any) -> NewOrderItem:
    return NewOrderItem(product_id=product_id, quantity=quantity, **more)


def create(*items: NewOrderItem, **more: Any) -> CreateOrderRequest:
    given: dict[str, Any] = {"shipping_address": address()} | more
    return CreateOrderRequest(customer_id="carl", items=items or [line()], **given)


def address(street: str = "1 Nile St", city: str = "Giza", **more: Any) -> Address:
    return Address(street=street, city=city, country="EG", **more)


def upsert_line(sku: str = "sss1", quantity: int = 1, price: str = "25", currency: str = "USD") -> UpsertOrderItem:
    return UpsertOrderItem(sku=sku, name=sku, quantity=quantity, unit_price=money(price, currency))


def upsert(external_order_id: str = "ID-01", **more: Any) -> UpsertOrder:
    said: dict[str, Any] = {"items": [upsert_line()], "customer": Customer(customer_id="99", name="Abhay")} | more
    return UpsertOrder(external_order_id=external_order_id, **said)


def batch(*orders: UpsertOrder, source: str = "shop", **more: Any) -> BatchUpsertOrdersRequest:
    return BatchUpsertOrdersRequest(source=source, orders=orders, **more)


def details_of(status: Status, kind: type[Message]) -> list[Any]:
    found = []
    for detail in status.details:
        message = kind()
        if detail.Unpack(message):
            found.append(message)
    return found


def fields_of(problem: OrderError | Status) -> list[str]:
    """The fields that a refusal names."""
    if isinstance(problem, OrderError):
        return [violation.field for violation in problem.violations]
    return [violation.field for detail in details_of(problem, BadRequest) for violation in detail.field_violations]


# States and what happens to them.


def accept_all(_: UpsertOrder) -> list[Violation]:
    return []


def numbered_ids() -> Callable[[], str]:
    counter = itertools.count(1)
    return lambda: f"00000000-0000-7000-8000-{next(counter):012d}"


def new_state(*products: Product, time: Timestamp = NOW) -> State:
    """A state with these products and their stock, with nothing left to write."""
    store = Store()
    store.put_products(*products or [product()])
    state = store.read([], everything=True)
    state.time.CopyFrom(time)
    state.order_numbers = [f"ORD-2026-{number:06d}" for number in range(999, 0, -1)]
    return state


def command(request: Any, caller: Caller = ADMIN) -> Command:
    return Command(request, caller)


def answer(state: State, request: Any, caller: Caller = ADMIN, *, validate: Validate = accept_all) -> Answer:
    wanted = command(request, caller)
    if isinstance(request, BatchUpsertOrdersRequest):
        return drive(decide_upsert(wanted, state, validate))
    return decide(wanted, state)


def drive(steps: Generator[None, None, Answer]) -> Answer:
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return cast(Answer, stop.value)


def run(state: State, request: Any, caller: Caller = ADMIN, *, validate: Validate = accept_all) -> Any:
    """The response to a request that is carried out."""
    return RESPONSES[type(request)].FromString(answer(state, request, caller, validate=validate).body)


def refuse(state: State, request: Any, caller: Caller = ADMIN, *, validate: Validate = accept_all) -> OrderError:
    """The refusal of a request that is refused; it has left the state as it was."""
    before = fingerprint(state)
    with pytest.raises(OrderError) as caught:
        answer(state, request, caller, validate=validate)
    assert fingerprint(state) == before, "a refused request changed the state"
    return caught.value


def fingerprint(state: State) -> Any:
    """Everything about a state that a caller could notice."""
    changes = state.changes
    return (
        {key: order.SerializeToString(deterministic=True) for key, order in state.orders.items()},
        dict(state.ids_by_number),
        dict(state.ids_by_external),
        {key: [event.SerializeToString() for event in events] for key, events in state.history.items()},
        dict(state.products),
        dict(state.stock),
        dict(state.remembered),
        {key: before and before.SerializeToString(deterministic=True) for key, before in changes.orders.items()},
        dict(changes.snapshots),
        [event.SerializeToString() for _, event in changes.events],
        dict(changes.stock),
        set(changes.new_shelves),
        dict(changes.products),
        list(changes.adjustments),
        dict(changes.remembered),
    )


def stored(state: State, order: Order) -> Order:
    return state.orders[order.order_id]


def history(state: State, order: Order) -> list[OrderEvent]:
    return state.history[order.order_id]


def order_in(state: State, status: OrderStatus, *items: NewOrderItem) -> Order:
    """A paid order with a carrier, brought into a status by the rules."""
    order: Order = pay(state, run(state, create(*items)))
    if status == ORDER_STATUS_CANCELLED:
        return Order.FromString(answer(state, CancelOrderRequest(order_id=order.order_id)).body)
    for to in STATUSES[1 : STATUSES.index(status) + 1]:
        request = TransitionOrderRequest(order_id=order.order_id, status=to, carrier="Aramex", tracking_number="T1")
        order = run(state, request)
    return order


def pay(state: State, order: Order, payment_status: PaymentStatus = PAYMENT_STATUS_PAID) -> Order:
    """What the payment service writes: the payment's status and nothing else."""
    kept = stored(state, order)
    kept.payment_status = payment_status
    copy = Order()
    copy.CopyFrom(kept)
    return copy


def transition(order: Order, status: OrderStatus, **more: Any) -> TransitionOrderRequest:
    return TransitionOrderRequest(order_id=order.order_id, status=status, **more)


def update(order: Order, *paths: str, wished: Order | None = None, **more: Any) -> UpdateOrderRequest:
    """An update of an order by these paths to the values of `wished`."""
    request = UpdateOrderRequest(order=wished, **more)
    request.order.order_id = order.order_id
    request.update_mask.paths.extend(paths)
    return request


Outcome = Answer | OrderError


@dataclass
class Store:
    """Keeps what a batch writes and reads what it needs, as bytes, like `storage/changes.py` and `storage/reading.py`."""

    orders: dict[str, bytes] = field(default_factory=dict)
    # Order ids by order number and by source and external id.
    ids: dict[str | tuple[str, str], str] = field(default_factory=dict)
    events: dict[str, list[bytes]] = field(default_factory=dict)
    products: dict[str, bytes] = field(default_factory=dict)
    stock: dict[Shelf, int] = field(default_factory=dict)
    adjusted: dict[Shelf, int] = field(default_factory=dict)
    remembered: dict[Key, Remembered] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    new_order_id: Callable[[], str] = field(default_factory=numbered_ids)
    time: Timestamp = field(default_factory=lambda: at(0))
    locked: set[Shelf] = field(default_factory=set)

    def put_products(self, *products: Product) -> None:
        (outcome,) = self.execute(command(BatchUpsertProductsRequest(products=products)))
        assert isinstance(outcome, Answer), outcome

    def order(self, order_id: str) -> Order:
        return Order.FromString(self.orders[order_id])

    def history(self, order_id: str) -> list[OrderEvent]:
        return [OrderEvent.FromString(event) for event in self.events[order_id]]

    def execute(self, *commands: Command, validate: Validate = accept_all) -> list[Outcome]:
        """Runs commands as one batch: reads, decides each, writes."""
        state = self.read(commands)
        outcomes = [self._outcome(wanted, state, validate) for wanted in commands]
        self.write(state)
        return outcomes

    def _outcome(self, wanted: Command, state: State, validate: Validate) -> Outcome:
        before = fingerprint(state)
        try:
            if isinstance(wanted.request, BatchUpsertOrdersRequest):
                return drive(decide_upsert(wanted, state, validate))
            return decide(wanted, state)
        except OrderError as error:
            assert fingerprint(state) == before, f"{wanted.method} was refused and changed the state"
            return error

    def read(self, commands: Sequence[Command], *, everything: bool = False) -> State:
        """No more rows than the commands say they need."""
        state = State(time=Timestamp(seconds=self.time.seconds, nanos=self.time.nanos), new_order_id=self.new_order_id)
        needs = [needs_of(wanted) for wanted in commands]
        names: set[Any] = {name for need in needs for name in (*need.orders, *need.external)}
        named = {self.ids.get(name, name) for name in names}
        for order_id in sorted(self.orders if everything else named & self.orders.keys()):
            state.add_order(self.order(order_id))
        wanted_products = {product_id for need in needs for product_id in need.products}
        if any(need.held_stock for need in needs):
            wanted_products |= {product_id for order in state.orders.values() for product_id, _ in held_by(order)}
        for shelf, available in self.stock.items():
            if everything or shelf[0] in wanted_products:
                state.stock[shelf] = available
                state.products[shelf[0]] = self.products[shelf[0]]
        self.locked = set(state.stock)
        for order_id in [
            found.order_id for need in needs if need.history for r in need.orders if (found := state.find(r))
        ]:
            state.history[order_id] = self.history(order_id)
        count = sum(orders_to_number(need, state) for need in needs)
        state.order_numbers = [f"ORD-2026-{next(self.numbers):06d}" for _ in range(count)][::-1]
        keys = {wanted.key for wanted in commands}
        state.remembered = {key: value for key, value in self.remembered.items() if key in keys}
        return state

    def write(self, state: State) -> None:
        """Writes as the statements do, and holds to the constraints that the tables have."""
        changes = state.changes
        for change in changes.products.values():
            assert change.new == (change.product_id not in self.products)
            self.products[change.product_id] = change.snapshot
        for shelf in changes.new_shelves:
            assert shelf not in self.stock
            self.stock[shelf] = 0
        for adjustment in changes.adjustments:
            self.adjusted[adjustment.shelf] = self.adjusted.get(adjustment.shelf, 0) + adjustment.delta
        for order_id, before in changes.orders.items():
            assert (before is None) == (order_id not in self.orders)
            assert changes.snapshots[order_id] == state.orders[order_id].SerializeToString(deterministic=True)
            self.orders[order_id] = changes.snapshots[order_id]
            after = self.order(order_id)
            for name in (after.order_number, (after.source, after.external_order_id)):
                if name not in ("", ("", "")):
                    assert self.ids.setdefault(name, order_id) == order_id, f"{name} is taken"
        for order, event in changes.events:
            assert order.order_id == event.order_id
            self.events.setdefault(event.order_id, []).append(event.SerializeToString())
        for shelf, delta in changes.stock.items():
            assert shelf in self.locked | changes.new_shelves, f"{shelf} is moved and was not locked before"
            self.stock[shelf] += delta
            assert self.stock[shelf] >= 0
        for key, value in changes.remembered.items():
            assert key not in self.remembered
            self.remembered[key] = value
