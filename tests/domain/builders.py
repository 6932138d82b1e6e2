"""Messages, callers and states for tests of the domain, and a store that plays the database's part."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from copy import deepcopy
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
from orders.v1.cart_service_pb2 import (
    AddCartItemRequest,
    Cart,
    ClearCartRequest,
    GetCartRequest,
    RemoveCartItemRequest,
    UpdateCartItemRequest,
)
from orders.v1.catalog_service_pb2 import (
    AdjustStockRequest,
    BatchUpsertCouponsRequest,
    BatchUpsertCouponsResponse,
    BatchUpsertDeliveryZonesRequest,
    BatchUpsertDeliveryZonesResponse,
    BatchUpsertProductsRequest,
    BatchUpsertProductsResponse,
    DeleteDeliveryZoneRequest,
    DeliveryZone,
    Product,
    ProductVariant,
)
from orders.v1.customer_service_pb2 import (
    AdjustPointsRequest,
    CustomerAccount,
    DeleteAddressRequest,
    DeletePaymentMethodRequest,
    PointsEntry,
    SavedPaymentMethod,
    UpsertAddressRequest,
    UpsertCustomerRequest,
    UpsertPaymentMethodRequest,
)
from orders.v1.fulfilment_service_pb2 import (
    CancelShipmentRequest,
    CreateShipmentRequest,
    HoldOrderRequest,
    ReleaseHoldRequest,
    RequestInstallationRequest,
    UpdateShipmentRequest,
)
from orders.v1.invoice_pb2 import CreditNote, Invoice
from orders.v1.order_pb2 import (
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PENDING,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_METHOD_CREDIT_CARD,
    PAYMENT_STATUS_PAID,
    Address,
    Customer,
    Order,
    OrderEvent,
    OrderStatus,
    PaymentEvent,
    PaymentMethod,
    PaymentStatus,
    Tracking,
)
from orders.v1.order_return_pb2 import (
    CloseReturnRequest,
    DecideReturnRequest,
    ReceiveReturnRequest,
    RequestReturnRequest,
)
from orders.v1.order_service_pb2 import (
    BatchUpsertOrdersRequest,
    BatchUpsertOrdersResponse,
    CancelOrderLinesRequest,
    CancelOrderRequest,
    CapturePaymentRequest,
    CreateOrderRequest,
    NewOrderItem,
    PriceOrderRequest,
    PriceOrderResponse,
    RecordPaymentRequest,
    RecordTrackingEventRequest,
    RefundOrderRequest,
    ReorderOrderRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
    UpsertOrder,
    UpsertOrderItem,
    VoidPaymentRequest,
)

from server.domain.base.caller import Caller, Role
from server.domain.base.errors import Refusal, Violation
from server.domain.base.idempotency import Key, Remembered
from server.domain.base.needs import BatchNeeds
from server.domain.base.records import Counters, Kind, Rows
from server.domain.base.state import PaymentKey, Same, State, Validate
from server.domain.base.values import Sku, Terms
from server.domain.base.work_queue import Claim, Queued, QueueEntry, WorkFilter
from server.domain.fulfilment.queue import entry_of
from server.domain.operations import Answer, Command, decide
from server.domain.orders.upsert import sent_hash
from server.domain.payments.payments import SettleIntent

NOW = Timestamp(seconds=1_780_000_000, nanos=123_456_000)

ADMIN = Caller("ada", frozenset({Role.ADMIN}))
CUSTOMER = Caller("carl", frozenset({Role.CUSTOMER}), customer_id="carl")
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

RESPONSES: Mapping[type, type[Message]] = {
    CreateOrderRequest: Order,
    PriceOrderRequest: PriceOrderResponse,
    UpdateOrderRequest: Order,
    TransitionOrderRequest: Order,
    CancelOrderLinesRequest: Order,
    CancelShipmentRequest: Order,
    CreateShipmentRequest: Order,
    HoldOrderRequest: Order,
    ReleaseHoldRequest: Order,
    RequestReturnRequest: Order,
    DecideReturnRequest: Order,
    ReceiveReturnRequest: Order,
    CloseReturnRequest: Order,
    RequestInstallationRequest: Order,
    UpdateShipmentRequest: Order,
    CancelOrderRequest: Order,
    RecordTrackingEventRequest: Tracking,
    RecordPaymentRequest: Order,
    SettleIntent: Order,
    RefundOrderRequest: Order,
    CapturePaymentRequest: Order,
    VoidPaymentRequest: Order,
    ReorderOrderRequest: Cart,
    BatchUpsertOrdersRequest: BatchUpsertOrdersResponse,
    BatchUpsertProductsRequest: BatchUpsertProductsResponse,
    AdjustStockRequest: Product,
    BatchUpsertCouponsRequest: BatchUpsertCouponsResponse,
    BatchUpsertDeliveryZonesRequest: BatchUpsertDeliveryZonesResponse,
    DeleteDeliveryZoneRequest: DeliveryZone,
    GetCartRequest: Cart,
    AddCartItemRequest: Cart,
    UpdateCartItemRequest: Cart,
    RemoveCartItemRequest: Cart,
    ClearCartRequest: Cart,
    UpsertCustomerRequest: CustomerAccount,
    UpsertAddressRequest: Address,
    DeleteAddressRequest: CustomerAccount,
    UpsertPaymentMethodRequest: SavedPaymentMethod,
    DeletePaymentMethodRequest: CustomerAccount,
    AdjustPointsRequest: PointsEntry,
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


def save_address(address_id: str = "home", customer_id: str = "carl", **more: Any) -> UpsertAddressRequest:
    return UpsertAddressRequest(customer_id=customer_id, address=address(**more, address_id=address_id))


def save_payment_method(
    payment_method_id: str = "card",
    type: PaymentMethod = PAYMENT_METHOD_CREDIT_CARD,
    *,
    customer_id: str = "carl",
    **more: Any,
) -> UpsertPaymentMethodRequest:
    saved = SavedPaymentMethod(payment_method_id=payment_method_id, type=type, **more)
    return UpsertPaymentMethodRequest(customer_id=customer_id, payment_method=saved)


def expiring(month: int, year: int, payment_method_id: str = "card") -> UpsertPaymentMethodRequest:
    return save_payment_method(payment_method_id, expiry_month=month, expiry_year=year)


def address(street: str = "1 Nile St", city: str = "Giza", **more: Any) -> Address:
    return Address(**{"street": street, "city": city, "country": "EG"} | more)


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


def fields_of(problem: Refusal | Status) -> list[str]:
    """The fields that a refusal names."""
    if isinstance(problem, Refusal):
        return [violation.field for violation in problem.violations]
    return [violation.field for detail in details_of(problem, BadRequest) for violation in detail.field_violations]


# States and what happens to them.


def accept_all(_: UpsertOrder) -> list[Violation]:
    return []


def numbered_ids() -> Callable[[], str]:
    counter = itertools.count(1)
    return lambda: f"00000000-0000-7000-8000-{next(counter):012d}"


def new_state(*products: Product, time: Timestamp = NOW, set_up: Sequence[Any] = ()) -> State:
    """A state with these products and their stock, and what the `set_up` requests make, with nothing left to write."""
    store = Store()
    store.put_products(*products or [product()])
    for request in set_up:
        store.do(request)
    state = store.read([], everything=True)
    state.time.CopyFrom(time)
    state.order_numbers = [f"ORD-2026-{number:06d}" for number in range(999, 0, -1)]
    return state


def command(request: Any, caller: Caller = ADMIN) -> Command:
    return Command(request, caller)


def answer(state: State, request: Any, caller: Caller = ADMIN, *, validate: Validate = accept_all) -> Answer:
    state.validate = validate
    return carry_out(command(request, caller), state)


def carry_out(wanted: Command, state: State) -> Answer:
    """The answer to a command; a dry write gets a state of its own, as the writer gives it."""
    return drive(decide(wanted, dry(state) if wanted.validates else state))


def dry(state: State) -> State:
    """A copy for a dry write."""
    own = deepcopy(state)
    own.dry = True
    return own


def drive(steps: Generator[None, None, Answer]) -> Answer:
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return cast(Answer, stop.value)


def run(state: State, request: Any, caller: Caller = ADMIN, *, validate: Validate = accept_all) -> Any:
    """The response to a request that is carried out."""
    return RESPONSES[type(request)].FromString(answer(state, request, caller, validate=validate).body)


def refuse(state: State, request: Any, caller: Caller = ADMIN, *, validate: Validate = accept_all) -> Refusal:
    """The refusal of a request that is refused; it has left the state as it was."""
    before = fingerprint(state)
    with pytest.raises(Refusal) as caught:
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
        dict(state.same),
        {key: [event.SerializeToString() for event in events] for key, events in state.history.items()},
        {kind: (dict(state.records(kind).stored), dict(state.records(kind).changes)) for kind in Kind},
        [(dict(c.values), {k: d for k, d in c.deltas.items() if d}) for c in counters_of(state).values()],
        dict(state.remembered),
        {key: before and before.SerializeToString(deterministic=True) for key, before in changes.orders.items()},
        dict(changes.snapshots),
        dict(changes.sent),
        [event.SerializeToString() for _, event, _ in changes.events],
        list(changes.adjustments),
        [entry.SerializeToString() for entry in changes.points_entries],
        [(order_id, event.SerializeToString()) for order_id, event in changes.payments],
        [document.SerializeToString() for document in changes.documents],
        dict(changes.remembered),
    )


def counters_of(state: State) -> dict[str, Counters[Any]]:
    names = ("stock", "reserved", "awaited", "coupon_uses", "points", "documents")
    return {name: getattr(state, name) for name in names}


def stored(state: State, order: Order) -> Order:
    return state.orders[order.order_id]


def without_hash(order: Order) -> Order:
    """A copy without the hash of its last event, as the answer to a validate_only is: that event is never stored."""
    copy = Order()
    copy.CopyFrom(order)
    copy.ClearField("event_hash")
    return copy


def history(state: State, order: Order) -> list[OrderEvent]:
    return state.history[order.order_id]


def order_in(state: State, status: OrderStatus, *items: NewOrderItem) -> Order:
    """A paid order with a carrier, brought into a status by the rules."""
    order: Order = run(state, create(*items))
    if status == ORDER_STATUS_PENDING:
        return pay(state, order)
    order = run(state, paid(order))
    if status == ORDER_STATUS_CANCELLED:
        return cast(Order, run(state, CancelOrderRequest(order_id=order.order_id)))
    for to in STATUSES[2 : STATUSES.index(status) + 1]:
        request = TransitionOrderRequest(order_id=order.order_id, status=to, carrier="Aramex", tracking_number="T1")
        order = run(state, request)
    return order


def paid(order: Order, event_id: str = "", **more: Any) -> RecordPaymentRequest:
    """The payment provider's word that the order is paid."""
    event = PaymentEvent(event_id=event_id or f"paid-{order.order_id}", type=PAYMENT_EVENT_TYPE_PAID, **more)
    return RecordPaymentRequest(order_id=order.order_id, event=event)


def pay(state: State, order: Order, payment_status: PaymentStatus = PAYMENT_STATUS_PAID) -> Order:
    """Sets the payment's status and no sums, as orders have it that were stored before sums were kept."""
    kept = stored(state, order)
    kept.payment_status = payment_status
    kept.ClearField("payment")
    kept.ClearField("payments")
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


Outcome = Answer | Refusal


@dataclass
class Store:
    """Keeps what a batch writes and reads what it needs, as bytes, like `storage/changes.py` and `storage/reading.py`."""

    orders: dict[str, bytes] = field(default_factory=dict)
    # Order ids by order number and by source and external id.
    ids: dict[str | tuple[str, str], str] = field(default_factory=dict)
    # Of imported orders the hash of what their source sent last, if that is what they are.
    sent: dict[str, bytes] = field(default_factory=dict)
    events: dict[str, list[bytes]] = field(default_factory=dict)
    records: dict[Kind, dict[str, bytes]] = field(default_factory=lambda: {kind: {} for kind in Kind})
    counters: dict[str, dict[Any, int]] = field(default_factory=lambda: defaultdict(dict))
    adjusted: dict[Sku, int] = field(default_factory=dict)
    points_entries: list[PointsEntry] = field(default_factory=list)
    payments: dict[PaymentKey, tuple[str, PaymentEvent]] = field(default_factory=dict)
    documents: list[Invoice | CreditNote] = field(default_factory=list)
    remembered: dict[Key, Remembered] = field(default_factory=dict)
    # The last claims on the orders in the work queue.
    claims: dict[str, Claim] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    new_id: Callable[[], str] = field(default_factory=numbered_ids)
    time: Timestamp = field(default_factory=lambda: at(0))
    terms: Terms = field(default_factory=Terms)

    @property
    def stock(self) -> dict[Sku, int]:
        return self.counters["stock"]

    @property
    def products(self) -> dict[str, bytes]:
        return self.records[Kind.PRODUCT]

    def put_products(self, *products: Product) -> None:
        self.do(BatchUpsertProductsRequest(products=products))

    def do(self, request: Any, caller: Caller = ADMIN) -> Any:
        """The response to a request that is carried out, as a batch of its own."""
        (outcome,) = self.execute(command(request, caller))
        assert isinstance(outcome, Answer), outcome
        return RESPONSES[type(request)].FromString(outcome.body)

    def order(self, order_id: str) -> Order:
        return Order.FromString(self.orders[order_id])

    def history(self, order_id: str) -> list[OrderEvent]:
        return [OrderEvent.FromString(event) for event in self.events[order_id]]

    def execute(self, *commands: Command, validate: Validate = accept_all) -> list[Outcome]:
        """Runs commands as one batch: reads, decides each, writes."""
        state = self.read(commands)
        state.validate = validate
        outcomes = [self._outcome(wanted, state) for wanted in commands]
        self.write(state)
        return outcomes

    def _outcome(self, wanted: Command, state: State) -> Outcome:
        before = fingerprint(state)
        try:
            answer = carry_out(wanted, state)
            assert not wanted.dry or fingerprint(state) == before, (
                f"{wanted.operation.method} is dry, and changed the state"
            )
            return answer
        except Refusal as error:
            assert fingerprint(state) == before, f"{wanted.operation.method} was refused and changed the state"
            return error

    def read(self, commands: Sequence[Command], *, everything: bool = False) -> State:
        """No more rows than the commands say they need."""
        time = Timestamp(seconds=self.time.seconds, nanos=self.time.nanos)
        state = State(time=time, new_id=self.new_id, validate=accept_all, terms=self.terms)
        needs = BatchNeeds([wanted.needs() for wanted in commands], state)
        if everything:
            self._mark_everything(state)
        self._read_orders(needs, state, everything=everything)
        self._copy(self.records[Kind.CART], state.carts.stored)
        needs.add_related()
        for kind in Kind:
            self._copy(self.records[kind], state.records(kind).stored)
        for name, counter in counters_of(state).items():
            self._copy(self.counters[name], counter.values)
        self._copy({order_id: self.history(order_id) for order_id in self.events}, state.history)
        for key, (order_id, event) in self.payments.items():
            if state.payments.was_read(key) or state.payment_events.was_read(order_id):
                state.add_payment(order_id, event)
        self._read_queue(needs, state)
        state.order_numbers = [f"ORD-2026-{next(self.numbers):06d}" for _ in range(needs.order_numbers())][::-1]
        request_keys = {wanted.key for wanted in commands}
        state.remembered = {key: value for key, value in self.remembered.items() if key in request_keys}
        return state

    def _read_queue(self, needs: BatchNeeds, state: State) -> None:
        """The work queue, as far as the batch reads it. Claims whose lease has ended are offered again."""
        queued = needs.queued()
        if not queued and not needs.claims:
            return
        entries = [entry for order_id in self.orders if (entry := entry_of(self.order(order_id))) is not None]
        rows = [Queued(entry, self.claims.get(entry.order_id, Claim()), self.time) for entry in entries]
        state.queue.update({row.entry.order_id: row for row in rows if row.entry.order_id in queued})
        offered = [
            row for row in rows if not row.claim.expire_time or row.claim.expire_time.seconds <= self.time.seconds
        ]
        offered.sort(key=lambda row: (row.entry.due_time.ToNanoseconds(), row.entry.order_id))
        for wanted in needs.claims:
            state.claimable[wanted] = [row for row in offered if self._matches(row.entry, wanted)][
                : needs.claim_count()
            ]

    def _matches(self, entry: QueueEntry, wanted: WorkFilter) -> bool:
        products = {item.product_id for item in self.order(entry.order_id).items}
        return (
            (not wanted.delivery_methods or entry.delivery_method in wanted.delivery_methods)
            and (not wanted.zone_ids or entry.zone_id in wanted.zone_ids)
            and (not wanted.product_ids or not products.isdisjoint(wanted.product_ids))
        )

    def _mark_everything(self, state: State) -> None:
        counters = [counter.values for counter in counters_of(state).values()]
        records = [state.records(kind).stored for kind in Kind]
        rows: list[Rows[Any, Any]] = [*counters, *records, state.references, state.ids_by_external, state.payments]
        for each in (*rows, state.history, state.payment_events):
            each.mark_all_read()

    def _read_orders(self, needs: BatchNeeds, state: State, *, everything: bool) -> None:
        """The orders named; the state gets to know the imported ones that are the same as what is sent."""
        named = {self.ids.get(name, name) for name, _ in needs.references()}
        for key, sent in needs.external.items():
            if key not in self.ids:
                continue
            order = self.order(self.ids[key])
            state.ids_by_external[key] = order.order_id
            if all(sent_hash(each, order.version) == self.sent.get(order.order_id) for each in sent):
                state.same[key] = Same(order.order_id, order.etag)
            else:
                named.add(order.order_id)
        for order_id in sorted(self.orders if everything else named & self.orders.keys()):
            state.add_order(self.order(order_id))

    @staticmethod
    def _copy(stored: Mapping[Any, Any], rows: Rows[Any, Any]) -> None:
        """The rows whose keys the batch reads."""
        rows.update({key: value for key, value in stored.items() if rows.was_read(key)})

    def write(self, state: State) -> None:
        """Writes as the statements do, and holds to the constraints that the tables have."""
        self._write_records(state)
        self._write_orders(state)
        for name, counter in counters_of(state).items():
            self._write_counter(name, counter)
        changes = state.changes
        for adjustment in changes.adjustments:
            self.adjusted[adjustment.sku] = self.adjusted.get(adjustment.sku, 0) + adjustment.delta
        self.points_entries += changes.points_entries
        for order_id, event in changes.payments:
            key = (event.provider, event.event_id)
            assert key not in self.payments, f"{key} is counted twice"
            self.payments[key] = (order_id, event)
        self.documents += changes.documents
        self.claims.update({order_id: queued.claim for order_id, queued in changes.claims.items()})
        for order_id in self.claims.keys() & changes.orders.keys():
            if entry_of(state.orders[order_id]) is None:
                del self.claims[order_id]
        for key, value in changes.remembered.items():
            assert key not in self.remembered
            self.remembered[key] = value

    def _write_records(self, state: State) -> None:
        for kind in Kind:
            for key, change in state.records(kind).changes.items():
                assert change.new == (key not in self.records[kind]), f"{kind} {key} was written without being read"
                if change.snapshot is None:
                    del self.records[kind][key]
                else:
                    self.records[kind][key] = change.snapshot

    def _write_orders(self, state: State) -> None:
        changes = state.changes
        for order_id, before in changes.orders.items():
            assert (before is None) == (order_id not in self.orders)
            assert Order.FromString(changes.snapshots[order_id]) == state.orders[order_id]
            self.orders[order_id] = changes.snapshots[order_id]
            sent = changes.sent[order_id]
            if sent is None:
                self.sent.pop(order_id, None)
            else:
                self.sent[order_id] = sent
            after = self.order(order_id)
            for name in (after.order_number, (after.source, after.external_order_id)):
                if name not in ("", ("", "")):
                    assert self.ids.setdefault(name, order_id) == order_id, f"{name} is taken"
        for order, event, stored in changes.events:
            assert order.order_id == event.order_id
            serialized = stored.event + (stored.values or b"")
            assert OrderEvent.FromString(serialized) == with_values(event, serialized), "an event was changed later"
            self.events.setdefault(event.order_id, []).append(serialized)

    def _write_counter(self, name: str, counter: Counters[Any]) -> None:
        stored = self.counters[name]
        for key, delta in counter.deltas.items():
            if delta or key in counter.new:
                assert (key in counter.new) == (key not in stored), f"{name} {key} is moved and was not read before"
                stored[key] = stored.get(key, 0) + delta
                assert stored[key] >= 0, f"{name} {key} is below zero"


def with_values(event: OrderEvent, serialized: bytes) -> OrderEvent:
    """The event with the values before and after that it is stored with."""
    stored, found = OrderEvent.FromString(serialized), OrderEvent()
    found.CopyFrom(event)
    for name in ("before", "after"):
        if stored.HasField(name):
            getattr(found, name).CopyFrom(getattr(stored, name))
    return found
