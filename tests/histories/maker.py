"""The generator of random histories: requests of every kind, good ones and bad ones, about what is in a store."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

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
    BatchUpsertDeliveryZonesRequest,
    BatchUpsertProductsRequest,
    Coupon,
    DeleteDeliveryZoneRequest,
    DeliveryArea,
    DeliveryMethod,
    DeliveryZone,
    Product,
    TaxRate,
)
from orders.v1.customer_service_pb2 import (
    AdjustPointsRequest,
    DeleteAddressRequest,
    DeletePaymentMethodRequest,
    UpsertAddressRequest,
    UpsertCustomerRequest,
)
from orders.v1.fulfilment_queue_pb2 import (
    ClaimFulfilmentsRequest,
    CompleteFulfilmentRequest,
    ExtendFulfilmentRequest,
    GiveBackFulfilmentRequest,
)
from orders.v1.fulfilment_service_pb2 import (
    CancelShipmentRequest,
    CreateShipmentRequest,
    HoldOrderRequest,
    ReleaseHoldRequest,
    RequestInstallationRequest,
    UpdateShipmentRequest,
)
from orders.v1.order_pb2 import (
    COUPON_TYPE_FIXED,
    COUPON_TYPE_PERCENTAGE,
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_UNSPECIFIED,
    PAYMENT_EVENT_TYPE_AUTHORIZED,
    PAYMENT_EVENT_TYPE_DISPUTE_LOST,
    PAYMENT_EVENT_TYPE_DISPUTE_OPENED,
    PAYMENT_EVENT_TYPE_DISPUTE_WON,
    PAYMENT_EVENT_TYPE_FAILED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_EVENT_TYPE_REFUND_FAILED,
    PAYMENT_EVENT_TYPE_REFUNDED,
    PAYMENT_EVENT_TYPE_VOIDED,
    REFUND_STATUS_PENDING,
    Address,
    Customer,
    Order,
    PaymentEvent,
    PaymentIntent,
    TrackingEvent,
)
from orders.v1.order_return_pb2 import (
    RETURN_STATUS_APPROVED,
    RETURN_STATUS_RECEIVED,
    RETURN_STATUS_REQUESTED,
    CloseReturnRequest,
    DecideReturnRequest,
    RateItemRequest,
    ReceiveReturnRequest,
    RequestReturnRequest,
)
from orders.v1.order_service_pb2 import (
    BatchUpsertOrdersRequest,
    CancelOrderLinesRequest,
    CancelOrderRequest,
    CreateOrderRequest,
    NewOrderItem,
    PriceOrderRequest,
    RecordPaymentRequest,
    RecordTrackingEventRequest,
    RefundOrderRequest,
    ReorderOrderRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
    UpsertOrder,
)
from orders.v1.shipment_pb2 import Shipment

from server.domain.base.caller import Caller, Role
from server.domain.base.records import Kind
from server.domain.carts.carts import current_cart_id
from server.domain.lifecycle.lifecycle import STEPS
from server.domain.operations import OPERATIONS, Command
from server.domain.orders.backorders import AllocateBackorder
from server.domain.payments.payments import SettleIntent
from tests.domain.builders import (
    ADMIN,
    CUSTOMER,
    FULFILMENT,
    PAYMENT,
    STATUSES,
    Store,
    address,
    amount,
    batch,
    command,
    create,
    line,
    money,
    product,
    save_payment_method,
    update,
    upsert,
    upsert_line,
    variant,
)
from tests.samples import SAMPLES, Subject, request_for

# Only imports are made by this caller, so that an event shows which rule applies to it.
IMPORTER = Caller("importer", frozenset(Role))
# Records what the service's own payment provider reports.
PROVIDER = Caller("payment_provider", frozenset({Role.PAYMENT, Role.ADMIN}))
CALLERS = (*[ADMIN] * 7, CUSTOMER, FULFILMENT, PAYMENT)
CUSTOMERS = ("carl", "carl", "dora")
DAY = 86_400
SAMPLED = sorted(operation.method for operation in OPERATIONS.values() if operation.method in SAMPLES)


@dataclass
class Maker:
    """Makes one request after the other."""

    rng: random.Random
    store: Store
    sent: list[Command] = field(default_factory=list)
    # The methods of the requests that are made here, and not only sampled.
    made: set[str] = field(default_factory=set)
    event_ids: int = 0
    # Each history goes through all methods in turn, from a place of its own.
    samples: Iterator[str] = field(init=False)

    def __post_init__(self) -> None:
        self.samples = cycle(self.rng.sample(SAMPLED, len(SAMPLED)))

    def command(self) -> Command:
        """A new command, or now and then one that was sent before."""
        if self.sent and self.maybe(0.04):
            return self.rng.choice(self.sent[-20:])
        made = self.new_command()
        if made.key is not None or isinstance(made.request, SettleIntent | RecordPaymentRequest):
            self.sent.append(made)
        return made

    def new_command(self) -> Command:
        kinds: list[tuple[Callable[[], Any], float]] = [
            (self.create, 14),
            (self.create_from_cart, 8),
            (self.price, 2),
            (self.update, 12),
            (self.transition, 9),
            (self.cancel, 2),
            (self.track, 7),
            (self.ship, 6),
            (self.change_shipment, 4),
            (self.cancel_shipment, 2),
            (self.cancel_lines, 2),
            (self.claim, 2),
            (self.work, 4),
            (self.request_return, 5),
            (self.decide_return, 3),
            (self.receive_return, 4),
            (self.close_return, 2),
            (self.rate, 1),
            (self.request_installation, 2),
            (self.hold, 1),
            (self.release, 3),
            (self.payment, 12),
            (self.refund, 7),
            (self.settle, 5),
            (self.reorder, 1),
            (self.cart, 12),
            (self.upsert, 3),
            (self.products, 2),
            (self.adjust_stock, 3),
            (self.allocate, 3),
            (self.coupons, 3),
            (self.zones, 1),
            (self.customer, 4),
            (self.adjust_points, 2),
            (self.sample, 5),
        ]
        makers, weights = zip(*kinds, strict=True)
        make = self.rng.choices(makers, weights)[0]
        request = make()
        if make != self.sample:
            self.made.add(OPERATIONS[type(request)].method)
        if isinstance(request, AllocateBackorder):
            return command(request, ADMIN)
        if self.maybe(0.15) and not isinstance(request, SettleIntent | PriceOrderRequest | GetCartRequest):
            request.request_id = f"r{self.rng.randrange(40)}"
        if isinstance(request, BatchUpsertOrdersRequest):
            return command(request, IMPORTER)
        return command(request, PROVIDER if isinstance(request, SettleIntent) else self.rng.choice(CALLERS))

    def maybe(self, chance: float) -> bool:
        return self.rng.random() < chance

    def pick(self, *choices: Any) -> Any:
        return self.rng.choice(choices)

    def sample(self) -> Any:
        """The sample request of any operation, about an order of the store: most are refused, but every operation is met."""
        return request_for(next(self.samples), Subject(self.order().order_id))

    # Orders.

    def order(self) -> Order:
        """An order of the store, mostly a young one; sometimes one that is not there."""
        if not self.store.orders or self.maybe(0.02):
            return Order(order_id="ORD-2026-999999")
        known = list(self.store.orders)
        order = self.store.order(self.rng.choice(known[-12:] if self.maybe(0.85) else known))
        if self.maybe(0.1):
            order.order_id = order.order_number
        return order

    def paid_order(self) -> Order:
        """An order that money was paid for, if there soon is one."""
        return next(
            (order for order in (self.order() for _ in range(4)) if amount(order.payment.paid_amount)), self.order()
        )

    def etag(self, order: Order) -> str:
        return self.rng.choices(["", order.etag, "1"], [8, 3, 1])[0]

    def line(self) -> NewOrderItem:
        product_id, variant_id = self.rng.choice(list(self.store.stock))
        if self.maybe(0.03):
            product_id, variant_id = self.pick(("ghost", ""), ("lamp", ""), ("lamp", "ghost"), ("chair", "x"))
        plain = self.maybe(0.3)
        return line(product_id, self.pick(1, 1, 2, 3, 6), variant_id=variant_id, without_installation=plain)

    def lines(self) -> list[NewOrderItem]:
        yen = self.maybe(0.1)
        wanted = [self.line() for _ in range(self.rng.randint(1, 4))]
        kept = [item for item in wanted if (item.product_id == "tea") == yen]
        return wanted if self.maybe(0.1) else kept or wanted[:1]

    def create(self) -> CreateOrderRequest:
        request = create(*self.lines())
        request.customer_id = self.pick(*CUSTOMERS)
        return self.dressed(request)

    def create_from_cart(self) -> CreateOrderRequest:
        request = create()
        request.ClearField("items")
        request.customer_id = self.pick(*CUSTOMERS)
        carts = [Cart.FromString(cart) for cart in self.store.records[Kind.CART].values()]
        mine = [cart.cart_id for cart in carts if cart.customer_id == request.customer_id and cart.items]
        if not mine or self.maybe(0.05):
            mine = [cart.cart_id for cart in carts] or ["c1"]
        request.cart_id = self.rng.choice(mine)
        request.accept_price_changes = self.maybe(0.4)
        return self.dressed(request)

    def dressed(self, request: CreateOrderRequest) -> CreateOrderRequest:
        """The order with everything else that it may say."""
        request.validate_only = self.maybe(0.05)
        request.shipping_address.CopyFrom(self.address())
        if self.maybe(0.4):
            request.coupon_code = self.pick(*["TEN", "ten", "FIVE", "LAMPS", "SOON"] * 3, "NONE")
        if self.maybe(0.25):
            request.loyalty_points_to_use = self.pick(1, 50, 400, 3_000)
        if self.maybe(0.2):
            request.delivery_method = self.pick(*["standard", "express"] * 4, "drone")
            request.delivery_time_slot = self.pick("", "", "am", "pm", "night")
        if self.maybe(0.1):
            request.currency_code = self.pick("EUR", "EUR", "USD", "JPY", "GBP")
        if self.maybe(0.1):
            request.installation_time.seconds = self.store.time.seconds + self.pick(DAY, 9 * DAY)
        if self.maybe(0.1):
            request.requested_delivery_time.seconds = self.store.time.seconds + self.pick(DAY, 9 * DAY)
        if self.maybe(0.1):
            request.payment_method_id = self.pick("card", "card", "other")
        if self.maybe(0.15):
            self.rng.choice(
                [
                    lambda: setattr(request, "billing_address_id", "home"),
                    lambda: setattr(request, "shipping_address_id", "home"),
                    lambda: setattr(request, "cart_id", "c1"),
                    lambda: request.shipping_address.ClearField("street"),
                    lambda: request.ClearField("shipping_address"),
                ]
            )()
        return request

    def address(self) -> Address:
        """Mostly where something is delivered to, whatever zones there are."""
        made = address(country=self.pick("EG", "EG", "EG", "DE"), postal_code=self.pick("12511", "3000"))
        if self.maybe(0.03):
            made.country = "FR"
        return made

    def price(self) -> PriceOrderRequest:
        return PriceOrderRequest(order=self.pick(self.create, self.create_from_cart)())

    def update(self) -> UpdateOrderRequest:
        order = self.order()
        wished, paths = Order(), []
        wishes = ["items", "items", "metadata", "shipping_address", "status", "delivery", "method", "customer", "times"]
        for path in self.rng.sample(wishes, 2):
            paths += self.wish(order, wished, path)
        if self.maybe(0.1):
            wished, paths = order, ["*"]
        if self.maybe(0.05):
            paths.append(self.pick("version", "pricing.total", "colour", "metadata.", "items.quantity"))
        wished.etag = self.etag(order)
        request = update(order, *(paths if self.maybe(0.6) or "*" in paths else []), wished=wished)
        request.validate_only = self.maybe(0.05)
        request.override_reason = "override" if self.maybe(0.2) else ""
        request.accept_price_changes = self.maybe(0.7)
        if self.maybe(0.35):
            request.add_coupon_codes.append(self.pick("ten", "FIVE", "LAMPS"))
        if self.maybe(0.2):
            request.remove_coupon_codes.append(self.pick("TEN", "five"))
        return request

    def wish(self, order: Order, wished: Order, path: str) -> list[str]:
        if path == "items":
            self.wish_items(order, wished)
        elif path == "metadata":
            wished.metadata["n"] = str(self.rng.randrange(3))
        elif path == "shipping_address":
            wished.shipping_address.CopyFrom(self.address())
            wished.shipping_address.street = self.pick("", "1 Nile St", "2 Nile St", "2 Nile St")
        elif path == "status":
            wished.status = self.rng.choice(STATUSES)
        elif path == "delivery":
            wished.delivery.carrier, wished.delivery.tracking_number = self.pick("", "A"), "T"
            return self.rng.choice([["delivery"], ["delivery.carrier", "delivery.tracking_number"]])
        elif path == "method":
            wished.delivery.method = self.pick(*["standard", "express"] * 4, "drone")
            return ["delivery.method"]
        elif path == "times":
            wished.delivery.requested_time.seconds = self.store.time.seconds + self.pick(DAY, 9 * DAY)
            wished.installation.scheduled_time.seconds = self.store.time.seconds + self.pick(DAY, 30 * DAY)
            return ["delivery.requested_time", "installation"]
        else:
            wished.customer.phone = self.pick("", "1", "2")
        return [path]

    def wish_items(self, order: Order, wished: Order) -> None:
        for item in order.items:
            if self.maybe(0.8):
                wished.items.add(
                    item_id=item.item_id,
                    product_id=item.product_id,
                    variant_id=item.variant_id,
                    quantity=self.pick(item.quantity, 1, 4),
                )
        if self.maybe(0.4):
            new = self.line()
            wished.items.add(product_id=new.product_id, variant_id=new.variant_id, quantity=new.quantity)

    def transition(self) -> TransitionOrderRequest:
        order = self.order()
        following = [to for before, to in STEPS if before == order.status and to != ORDER_STATUS_CANCELLED]
        to = following[0] if following and self.maybe(0.8) else self.rng.choice(STATUSES)
        return TransitionOrderRequest(
            order_id=order.order_id,
            status=to,
            carrier=self.pick("", "Aramex", "Aramex"),
            tracking_number=self.pick("", "T1", "T1"),
            etag=self.etag(order),
            override_reason="override" if self.maybe(0.3) else "",
            reason="reason" if self.maybe(0.3) else "",
        )

    def ship(self) -> CreateShipmentRequest:
        """A shipment of all lines or of some units, which has left or not."""
        order = self.order()
        known = [each.shipment_id for each in order.shipments]
        shipment = Shipment(shipment_id=self.pick("", "", "box", *known), status=self.pick(0, 1, 2, 2))
        if order.items and self.maybe(0.7):
            item = self.pick(*order.items)
            shipment.items.add(item_id=item.item_id, quantity=self.pick(0, 1, 1, 2))
        for number in range(self.pick(0, 1, 1, 2)):
            shipment.parcels.add(carrier="Aramex", tracking_number=self.pick(f"A{number}", f"A{number}", ""))
        return CreateShipmentRequest(order_id=order.order_id, shipment=shipment, etag=self.etag(order))

    def claim(self) -> ClaimFulfilmentsRequest:
        wanted = {"delivery_methods": ["standard"]} if self.maybe(0.2) else {}
        return ClaimFulfilmentsRequest(worker="ann", count=self.pick(1, 2, 5), filter=wanted)

    def work(self) -> Any:
        """A worker's report on an order that is claimed, or was."""
        known = [order_id for order_id, claim in self.store.claims.items() if claim.claim_id]
        order_id = self.rng.choice(known) if known else self.order().order_id
        claim = self.store.claims.get(order_id)
        named = {"order_id": order_id, "claim_id": claim.claim_id if claim and self.maybe(0.9) else "ab"}
        return self.rng.choice(
            [
                CompleteFulfilmentRequest(**named),
                GiveBackFulfilmentRequest(**named, reason="the shelf is empty"),
                ExtendFulfilmentRequest(**named),
            ]
        )

    def returned(self, *statuses: int) -> Order:
        """An order with a return in one of the statuses, if there is one; without any, one with delivered units and no return."""
        orders = [self.store.order(order_id) for order_id in self.store.orders]
        if statuses:
            found = [order for order in orders if any(each.status in statuses for each in order.returns)]
        else:
            delivered = [order for order in orders if any(item.delivered_quantity for item in order.items)]
            found = [order for order in delivered if not order.returns] or delivered
        return self.pick(*found) if found and self.maybe(0.9) else self.order()

    def return_id(self, order: Order, *statuses: int) -> str:
        """A return of the order, one in these statuses if there is one."""
        ids = [each.return_id for each in order.returns if each.status in statuses]
        return str(self.pick(*(ids or [each.return_id for each in order.returns] or ["1"])))

    def request_return(self) -> RequestReturnRequest:
        order = self.returned()
        items = [{"item_id": self.pick(*order.items).item_id, "quantity": self.pick(0, 1, 2)}] if order.items else []
        return RequestReturnRequest(order_id=order.order_id, items=items if self.maybe(0.7) else [])

    def decide_return(self) -> DecideReturnRequest:
        order = self.returned(RETURN_STATUS_REQUESTED)
        return DecideReturnRequest(
            order_id=order.order_id,
            return_id=self.return_id(order, RETURN_STATUS_REQUESTED),
            decision=self.pick(1, 1, 2),
        )

    def receive_return(self) -> ReceiveReturnRequest:
        order = self.returned(RETURN_STATUS_APPROVED, RETURN_STATUS_RECEIVED)
        return_id = self.return_id(order, RETURN_STATUS_APPROVED, RETURN_STATUS_RECEIVED)
        lines = [item.item_id for each in order.returns if each.return_id == return_id for item in each.items] or ["1"]
        units = {"item_id": self.pick(*lines), "quantity": self.pick(1, 1, 2)}
        if self.maybe(0.3):
            inspected = [units | {"disposition": self.pick(1, 3)}]
            return ReceiveReturnRequest(order_id=order.order_id, return_id=return_id, inspected=inspected)
        items = [units | {"disposition": self.pick(1, 1, 2, 2, 3, 4)}]
        return ReceiveReturnRequest(order_id=order.order_id, return_id=return_id, items=items)

    def close_return(self) -> CloseReturnRequest:
        order = self.returned(RETURN_STATUS_APPROVED, RETURN_STATUS_RECEIVED)
        amount = {"refund_amount": money("1.00", order.pricing.total.currency_code)} if self.maybe(0.3) else {}
        request = CloseReturnRequest(
            order_id=order.order_id,
            return_id=self.return_id(order, RETURN_STATUS_APPROVED, RETURN_STATUS_RECEIVED),
            no_refund=not amount and self.maybe(0.3),
            **amount,
        )
        if not request.no_refund and self.maybe(0.4):
            new = self.line()
            request.exchange_items.add(product_id=new.product_id, variant_id=new.variant_id, quantity=new.quantity)
        return request

    def rate(self) -> RateItemRequest:
        order = self.returned()
        item_id = self.pick(*order.items).item_id if order.items else "1"
        return RateItemRequest(order_id=order.order_id, item_id=item_id, stars=self.pick(1, 5))

    def request_installation(self) -> RequestInstallationRequest:
        order = self.returned()
        items = [item.item_id for item in order.items if item.requires_installation and item.delivered_quantity]
        request = RequestInstallationRequest(order_id=order.order_id, time_slot=self.pick("", "am"))
        request.item_ids.extend(items[:1] if self.maybe(0.5) else [])
        request.scheduled_time.seconds = self.store.time.seconds + self.pick(DAY, 9 * DAY)
        return request

    def shipment(self) -> tuple[Order, Shipment]:
        """A shipment, mostly of an order that has some."""
        found = next((order for order in (self.order() for _ in range(6)) if order.shipments), self.order())
        return found, self.pick(*found.shipments, *([] if found.shipments else [Shipment(shipment_id="1")]))

    def change_shipment(self) -> UpdateShipmentRequest:
        order, shipment = self.shipment()
        wished = Shipment(shipment_id=shipment.shipment_id, status=self.pick(0, 1, 2, 2, 4, 6))
        if self.maybe(0.4):
            wished.parcels.add(carrier="Bosta", tracking_number=self.pick("B1", "B2"))
        if self.maybe(0.2) and order.items:
            wished.items.add(item_id=self.pick(*order.items).item_id, quantity=self.pick(0, 1))
        return UpdateShipmentRequest(order_id=order.order_id, shipment=wished, validate_only=self.maybe(0.1))

    def cancel_shipment(self) -> CancelShipmentRequest:
        order, shipment = self.shipment()
        return CancelShipmentRequest(order_id=order.order_id, shipment_id=shipment.shipment_id, reason="torn")

    def cancel_lines(self) -> CancelOrderLinesRequest:
        order = self.order()
        request = CancelOrderLinesRequest(order_id=order.order_id, reason="because")
        for item in self.rng.sample(list(order.items), min(len(order.items), 1)):
            request.items.add(item_id=item.item_id, quantity=self.pick(0, 1, 1, 2))
        return request

    def hold(self) -> HoldOrderRequest:
        return HoldOrderRequest(
            order_id=self.order().order_id, reason=self.rng.randint(1, 6), note=self.pick("", "why")
        )

    def release(self) -> ReleaseHoldRequest:
        orders = [self.store.order(order_id) for order_id in self.store.orders]
        held = [(order, hold.hold_id) for order in orders for hold in order.holds] or [(self.order(), "1")]
        order, hold_id = self.pick(*held)
        return ReleaseHoldRequest(order_id=order.order_id, hold_id=self.pick(hold_id, hold_id, hold_id, "0"))

    def cancel(self) -> CancelOrderRequest:
        order = self.order()
        return CancelOrderRequest(order_id=order.order_id, reason="because", etag=self.etag(order))

    def track(self) -> RecordTrackingEventRequest:
        event = TrackingEvent(status=self.rng.randint(3, 10), city=self.pick("", "Giza"))
        if self.maybe(0.7):
            event.time.seconds = self.store.time.seconds + self.pick(-7200, -60, 60, 90_000)
        number, order = self.pick("", "T2"), self.order()
        if order.shipments and self.maybe(0.7):
            shipment = self.pick(*order.shipments)
            event.shipment_id = shipment.shipment_id
            event.parcel_id = self.pick("", "", *[parcel.parcel_id for parcel in shipment.parcels])
        return RecordTrackingEventRequest(
            order_id=order.order_id, event=event, carrier="Bosta" if number else "", tracking_number=number
        )

    def upsert(self) -> BatchUpsertOrdersRequest:
        wished = [self.upsert_order() for _ in range(self.rng.randint(1, 5))]
        source = self.pick("shop", "market")
        return batch(*wished, source=source, mode=self.pick(0, 1, 2), validate_only=self.maybe(0.1))

    def upsert_order(self) -> UpsertOrder:
        lines = [upsert_line(self.rng.choice("ab"), self.rng.randint(1, 3)) for _ in range(self.rng.randint(1, 2))]
        wished = upsert(
            f"E{self.rng.randrange(30)}",
            customer=Customer(name=self.rng.choice("XY")),
            items=lines,
            status=self.pick(ORDER_STATUS_UNSPECIFIED, ORDER_STATUS_UNSPECIFIED, *STATUSES),
        )
        if self.maybe(0.3):
            wished.discount.CopyFrom(money(self.pick("1", "40")))
        if self.maybe(0.3):
            shipment = wished.shipments.add(shipment_id=self.pick("", "x"), status=self.pick(0, 1, 2, 3, 4, 6))
            shipment.items.add(item_id=self.pick("1", "1", "2"), quantity=self.pick(0, 1, 2))
        if self.maybe(0.3):
            wished.total.CopyFrom(money(self.pick("25", "0"), self.pick("USD", "USD", "JPY")))
        if self.maybe(0.05):
            wished.items[0].quantity = -1
        return wished

    # Money.

    def payment_event(self, order: Order, *types: int) -> PaymentEvent:
        """What a provider may say of an order, mostly what makes sense; sometimes with the id of an earlier event."""
        self.event_ids += not self.maybe(0.06)
        event = PaymentEvent(event_id=f"e{self.event_ids}", provider=self.pick("", "stripe"), type=self.pick(*types))
        currency, total = order.pricing.total.currency_code or "USD", amount(order.pricing.total)
        part = self.pick(*[money(str(pieces), currency) for pieces in (1, 30)], money(str(total), currency))
        if event.type in (PAYMENT_EVENT_TYPE_REFUNDED, PAYMENT_EVENT_TYPE_REFUND_FAILED):
            waiting = [refund.refund_id for refund in order.refunds if refund.status == REFUND_STATUS_PENDING]
            any_of = [refund.refund_id for refund in order.refunds]
            event.refund_id = self.pick("", *waiting, *waiting, *any_of, "1")
            if self.maybe(0.2) or not event.refund_id:
                event.amount.CopyFrom(part)
        elif self.maybe(0.3):
            event.amount.CopyFrom(part if self.maybe(0.9) else money("5", "GBP"))
        if self.maybe(0.2):
            event.description = "the provider's words"
        if self.maybe(0.4):
            event.payment_id = self.pick("ch_1", "ch_2")
        return event

    def payment(self) -> RecordPaymentRequest:
        order = self.paid_order() if self.maybe(0.3) else self.order()
        usual = [PAYMENT_EVENT_TYPE_PAID] * 3
        if order.refunds:
            usual += [PAYMENT_EVENT_TYPE_REFUNDED, PAYMENT_EVENT_TYPE_REFUNDED, PAYMENT_EVENT_TYPE_REFUND_FAILED]
        others = (
            PAYMENT_EVENT_TYPE_AUTHORIZED,
            PAYMENT_EVENT_TYPE_FAILED,
            PAYMENT_EVENT_TYPE_REFUNDED,
            PAYMENT_EVENT_TYPE_REFUND_FAILED,
            PAYMENT_EVENT_TYPE_VOIDED,
            PAYMENT_EVENT_TYPE_DISPUTE_OPENED,
            PAYMENT_EVENT_TYPE_DISPUTE_WON,
            PAYMENT_EVENT_TYPE_DISPUTE_LOST,
        )
        return RecordPaymentRequest(order_id=order.order_id, event=self.payment_event(order, *usual, *others))

    def refund(self) -> RefundOrderRequest:
        order = self.paid_order()
        request = RefundOrderRequest(order_id=order.order_id, reason="broken", etag=self.etag(order))
        if self.maybe(0.6):
            currency = order.pricing.total.currency_code or "USD"
            request.amount.CopyFrom(money(self.pick("1", "3", "0", "100000"), currency))
        return request

    def settle(self) -> SettleIntent:
        order = self.order()
        intent = PaymentIntent(id=f"pi_{order.order_id}", status=self.rng.randint(1, 6))
        event = None
        if self.maybe(0.7):
            event = self.payment_event(
                order, PAYMENT_EVENT_TYPE_PAID, PAYMENT_EVENT_TYPE_FAILED, PAYMENT_EVENT_TYPE_AUTHORIZED
            )
        return SettleIntent(order_id=order.order_id, intent=intent, event=event, cancels=self.maybe(0.5))

    # Carts.

    def cart(self) -> Any:
        makers = [self.add_to_cart] * 8 + [self.update_cart, self.update_cart, self.remove_from_cart, self.get_cart]
        return self.pick(*makers, self.clear_cart if self.maybe(0.5) else self.get_cart)()

    def cart_of(self) -> tuple[str, Cart]:
        """A customer and the cart that they look at: mostly their current one, sometimes somebody else's."""
        customer_id = self.pick(*CUSTOMERS)
        known = self.store.records[Kind.CART]
        cart_id = self.pick(*known) if known and self.maybe(0.15) else current_cart_id(customer_id)
        return customer_id, Cart.FromString(known.get(cart_id, Cart(cart_id=cart_id).SerializeToString()))

    def add_to_cart(self) -> AddCartItemRequest:
        customer_id, cart = self.cart_of()
        wanted = self.line()
        return AddCartItemRequest(
            customer_id=customer_id,
            cart_id=self.pick("", cart.cart_id),
            product_id=wanted.product_id,
            variant_id=wanted.variant_id,
            quantity=wanted.quantity,
            currency_code=self.pick("", "", "", "EUR", "USD"),
            customizations=self.pick({}, {}, {"colour": "blue"}),
        )

    def item_id(self, cart: Cart) -> str:
        return str(self.pick(*([item.item_id for item in cart.items] if self.maybe(0.9) else []), "99"))

    def update_cart(self) -> UpdateCartItemRequest:
        customer_id, cart = self.cart_of()
        return UpdateCartItemRequest(
            customer_id=customer_id,
            cart_id=cart.cart_id,
            item_id=self.item_id(cart),
            quantity=self.rng.randint(1, 9),
        )

    def remove_from_cart(self) -> RemoveCartItemRequest:
        customer_id, cart = self.cart_of()
        return RemoveCartItemRequest(customer_id=customer_id, cart_id=cart.cart_id, item_id=self.item_id(cart))

    def clear_cart(self) -> ClearCartRequest:
        customer_id, cart = self.cart_of()
        return ClearCartRequest(customer_id=customer_id, cart_id=cart.cart_id)

    def get_cart(self) -> GetCartRequest:
        customer_id, cart = self.cart_of()
        return GetCartRequest(customer_id=customer_id, cart_id=cart.cart_id)

    def reorder(self) -> ReorderOrderRequest:
        return ReorderOrderRequest(order_id=self.order().order_id)

    # What the shop keeps.

    def products(self) -> BatchUpsertProductsRequest:
        return BatchUpsertProductsRequest(products=self.rng.sample(catalogue(self.rng), self.rng.randint(1, 2)))

    def adjust_stock(self) -> AdjustStockRequest:
        product_id, variant_id = self.pick(*self.store.stock, ("ghost", ""))
        delta = self.pick(-5, -1, 20, 40)
        return AdjustStockRequest(product_id=product_id, variant_id=variant_id, delta=delta, reason="count")

    def allocate(self) -> AllocateBackorder:
        """Of the first order that waits, as the server's job does."""
        known = (self.store.order(order_id) for order_id in sorted(self.store.orders))
        waiting = next((one for one in known if any(item.backordered_quantity for item in one.items)), self.order())
        return AllocateBackorder(waiting.order_id)

    def coupons(self) -> BatchUpsertCouponsRequest:
        known = coupons(self.rng, self.store.time.seconds)
        return BatchUpsertCouponsRequest(coupons=self.rng.sample(known, self.rng.randint(1, 3)))

    def zones(self) -> BatchUpsertDeliveryZonesRequest | DeleteDeliveryZoneRequest:
        if self.maybe(0.3):
            return DeleteDeliveryZoneRequest(zone_id=self.pick("eg", "giza", "de", "nowhere"))
        return BatchUpsertDeliveryZonesRequest(zones=self.rng.sample(zones(self.rng), self.rng.randint(1, 3)))

    def customer(self) -> Any:
        customer_id = self.pick(*CUSTOMERS, "eve")
        return self.pick(
            UpsertCustomerRequest(customer=Customer(customer_id=customer_id, name=self.pick("A", "B"))),
            UpsertAddressRequest(customer_id=customer_id, address=self.saved_address()),
            UpsertAddressRequest(customer_id=customer_id, address=self.saved_address()),
            UpsertAddressRequest(customer_id=customer_id, address=Address(city="Giza")),
            save_payment_method(self.pick("card", "", "other"), self.pick(1, 2), customer_id=customer_id),
            save_payment_method("card", self.pick(1, 2), customer_id=customer_id),
            DeleteAddressRequest(customer_id=self.pick(customer_id, "nobody"), address_id=self.pick("home", "work")),
            DeletePaymentMethodRequest(
                customer_id=self.pick(customer_id, "nobody"), payment_method_id=self.pick("card", "other")
            ),
        )

    def saved_address(self) -> Address:
        made = self.address()
        made.address_id = self.pick("home", "home", "work")
        return made

    def adjust_points(self) -> AdjustPointsRequest:
        delta = self.pick(-200, -20, 100, 1_000)
        return AdjustPointsRequest(customer_id=self.pick(*CUSTOMERS), delta=delta, reason="gift")


def catalogue(rng: random.Random) -> list[Product]:
    """Four products with prices and stock of the day; the lamp has one variant more or less."""
    variants = [variant("red", stock=rng.randint(0, 20)), variant("gold", price="55.55", stock=rng.randint(0, 20))]
    made = [
        product(
            "chair",
            rng.choice(["10.00", "10.05"]),
            stock=rng.randint(0, 60),
            prices=[money("9.5", "EUR")],
            backorder_limit=rng.choice([0, 8, 8]),
        ),
        product(
            "table",
            "99.99",
            stock=rng.randint(0, 15),
            requires_installation=True,
            installation_price=money("7.5"),
            tax_class=rng.choice(["", "reduced"]),
        ),
        product("lamp", "40.00", variants=variants[: rng.randint(1, 2)], prices=[money("39", "EUR")]),
        product("tea", "300", currency="JPY", stock=rng.randint(0, 30)),
    ]
    for some in made:
        if not some.variants and rng.random() < 0.5:
            some.ClearField("stock")
    return made


def coupons(rng: random.Random, now: int) -> list[Coupon]:
    """Coupons with limits and times of the day."""
    made = [
        Coupon(code="TEN", type=COUPON_TYPE_PERCENTAGE, basis_points=rng.choice([1_000, 3_333])),
        Coupon(
            code="FIVE",
            type=COUPON_TYPE_FIXED,
            amounts=[money("5"), money("400", "JPY")],
            minimum_subtotals=[money("60"), money("0", "JPY")],
        ),
        Coupon(
            code="LAMPS",
            type=COUPON_TYPE_PERCENTAGE,
            basis_points=10_000,
            product_ids=["lamp"],
            minimum_subtotals=[money("1")],
        ),
        Coupon(code="soon", type=COUPON_TYPE_PERCENTAGE, basis_points=500),
    ]
    made[3].start_time.seconds = now + rng.choice([-DAY, DAY])
    for coupon in made:
        coupon.usage_limit, coupon.usage_limit_per_customer = rng.choice([(0, 0), (0, 0), (3, 0), (20, 4), (0, 6)])
        if rng.random() < 0.2:
            coupon.end_time.seconds = now + 2 * DAY
    return made


def zones(rng: random.Random) -> list[DeliveryZone]:
    """Three zones with prices and taxes of the day: one inside another, and one where prices include the tax."""
    fee = rng.choice(["4", "6"])
    standard = DeliveryMethod(
        method="standard",
        prices=[money(fee), money("3", "EUR"), money("500", "JPY")],
        free_from=[money("100")],
        handling_days=1,
        transit_days=3,
    )
    express = DeliveryMethod(method="express", prices=[money("12")], transit_days=1, time_slots=["am", "pm"])
    rates = [TaxRate(basis_points=rng.choice([1_400, 1_500])), TaxRate(tax_class="reduced", basis_points=500)]
    return [
        DeliveryZone(zone_id="eg", areas=[DeliveryArea(country="EG")], tax_rates=rates, methods=[standard, express]),
        DeliveryZone(
            zone_id="giza",
            areas=[DeliveryArea(country="EG", postal_prefix="12")],
            tax_rates=rates,
            tax_before_discount=True,
            shipping_tax_class="standard",
            methods=[standard],
        ),
        DeliveryZone(
            zone_id="de",
            areas=[DeliveryArea(country="DE")],
            tax_rates=[TaxRate(basis_points=1_900), TaxRate(tax_class="reduced", basis_points=700)],
            tax_included=True,
            shipping_tax_class="standard",
            installation_tax_class="standard",
            methods=[express, standard],
        ),
    ]
