"""Customers who want the same last thing at the same time, on two replicas: pieces, coupon uses, points, carts, money, numbers."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import grpc
import pytest
from orders.v1.cart_service_pb2 import AddCartItemRequest, ClearCartRequest, GetCartRequest, UpdateCartItemRequest
from orders.v1.catalog_service_pb2 import (
    AdjustStockRequest,
    BatchUpsertCouponsRequest,
    BatchUpsertDeliveryZonesRequest,
    BatchUpsertProductsRequest,
    Coupon,
    GetCouponRequest,
    GetProductRequest,
)
from orders.v1.customer_service_pb2 import (
    AdjustPointsRequest,
    GetCustomerRequest,
    ListPointsEntriesRequest,
    UpsertAddressRequest,
    UpsertPaymentMethodRequest,
)
from orders.v1.order_pb2 import (
    COUPON_TYPE_PERCENTAGE,
    ORDER_EVENT_TYPE_PAYMENT,
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_SHIPPED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_METHOD_PAYPAL,
    REFUND_STATUS_FAILED,
    Order,
)
from orders.v1.order_service_pb2 import (
    CancelOrderRequest,
    CreateOrderRequest,
    GetOrderRequest,
    PriceOrderRequest,
    RecordPaymentRequest,
    RefundOrderRequest,
    ReorderOrderRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
)

from server.domain.carts.carts import current_cart_id
from tests.conftest import HOME, Service, new_order, serving, stock_shop, usd
from tests.rpc.test_races import events_of, put_product, race, split
from tests.storage.helpers import disagreements

Replicas = tuple[Service, Service]


@pytest.fixture(scope="module")
async def replicas(new_database: Callable[[], str]) -> AsyncIterator[Replicas]:
    """Two servers on one database."""
    url = new_database()
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(serving(url)) for _ in range(2)]
        await stock_shop(one)
        yield one, other


@pytest.fixture(autouse=True)
async def everything_agrees(replicas: Replicas, caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """Whatever was raced: afterwards all tables say the same, and nobody had to wait for a deadlock to be broken."""
    caplog.set_level(logging.INFO, "server.retry")
    yield
    assert await disagreements(replicas[0].url) == []
    assert "DeadlockDetected" not in caplog.text


async def put_coupon(service: Service, **limits: int) -> str:
    """A coupon of the test's own, of 10 %."""
    code = f"RACE-{uuid4()}".upper()
    coupon = Coupon(code=code, type=COUPON_TYPE_PERCENTAGE, basis_points=1000, **limits)
    await service.catalog.BatchUpsertCoupons(BatchUpsertCouponsRequest(coupons=[coupon]))
    return code


async def times_used(service: Service, code: str) -> int:
    return int((await service.catalog.GetCoupon(GetCouponRequest(code=code))).times_used)


async def give_points(service: Service, points: int) -> str:
    """A customer of the test's own, with so many points."""
    customer_id = f"racer-{uuid4()}"
    await service.customers.AdjustPoints(AdjustPointsRequest(customer_id=customer_id, delta=points, reason="gift"))
    return customer_id


async def balance(service: Service, customer_id: str) -> int:
    answer = await service.customers.ListPointsEntries(ListPointsEntriesRequest(customer_id=customer_id))
    assert sum(entry.delta for entry in answer.entries) == answer.points_balance
    return int(answer.points_balance)


def paid(order: Order, event_id: str) -> RecordPaymentRequest:
    event = {"event_id": event_id, "type": PAYMENT_EVENT_TYPE_PAID}
    return RecordPaymentRequest(order_id=order.order_id, event=event)


async def new_orders(replicas: Replicas, count: int, **fields: Any) -> list[Order]:
    return await asyncio.gather(*(replicas[n % 2].orders.CreateOrder(new_order(**fields)) for n in range(count)))


# The last pieces, coupon uses and points.


async def test_the_last_pieces_are_sold_once_to_two_hundred_customers(replicas: Replicas) -> None:
    product_id = await put_product(replicas[0], stock=7)
    requests = [new_order(f"caller-{number}", product_id=product_id) for number in range(200)]
    found = await race(*(replicas[n % 2].orders.CreateOrder(request) for n, request in enumerate(requests)))
    orders, refusals = split(found, reasons={"INSUFFICIENT_STOCK"})
    assert (len(orders), len(refusals)) == (7, 193)
    product = await replicas[0].catalog.GetProduct(GetProductRequest(product_id=product_id))
    assert (product.stock, product.reserved) == (0, 7)


async def test_a_coupon_is_used_as_often_as_its_limit_says(replicas: Replicas) -> None:
    code = await put_coupon(replicas[0], usage_limit=25)
    requests = [new_order(f"caller-{number}", coupon_code=code.lower()) for number in range(200)]
    found = await race(*(replicas[n % 2].orders.CreateOrder(request) for n, request in enumerate(requests)))
    orders, refusals = split(found, reasons={"INVALID_COUPON"})
    assert len(orders) == 25
    assert {order.pricing.total.units for order in orders} == {11}
    for refusal in refusals:
        assert refusal.code == grpc.StatusCode.FAILED_PRECONDITION
        assert refusal.metadata == {"coupon_code": code, "condition": "usage_limit", "usage_limit": "25"}
    assert await times_used(replicas[1], code) == 25
    # A cancelled order gives its use to one of those who come next.
    cancel = CancelOrderRequest(order_id=orders[0].order_id)
    found = await race(
        replicas[0].orders.CancelOrder(cancel),
        *(replicas[n % 2].orders.CreateOrder(new_order(coupon_code=code)) for n in range(5)),
    )
    answers, _ = split(found, reasons={"INVALID_COUPON"})
    assert await times_used(replicas[0], code) == 24 + len(answers) - 1 <= 25


async def test_a_customer_uses_a_coupon_once_if_it_is_for_one_use_each(replicas: Replicas) -> None:
    code = await put_coupon(replicas[0], usage_limit_per_customer=1)
    found = await race(
        *(
            replicas[n % 2].orders.CreateOrder(new_order(customer_id, coupon_code=code))
            for n in range(20)
            for customer_id in (f"one-{code}", f"other-{code}")
        )
    )
    orders, refusals = split(found, reasons={"INVALID_COUPON"})
    assert Counter(order.customer.customer_id for order in orders) == {f"one-{code}": 1, f"other-{code}": 1}
    assert {refusal.metadata["condition"] for refusal in refusals} == {"usage_limit_per_customer"}
    assert await times_used(replicas[0], code) == 2


async def test_points_are_spent_once(replicas: Replicas) -> None:
    customer_id = await give_points(replicas[0], 100)
    request = new_order(customer_id, loyalty_points_to_use=30)
    found = await race(*(replicas[n % 2].orders.CreateOrder(request) for n in range(50)))
    orders, refusals = split(found, reasons={"INSUFFICIENT_POINTS"})
    assert [order.pricing.loyalty_points_used for order in orders] == [30, 30, 30]
    assert {(refusal.metadata["requested"], refusal.metadata["available"]) for refusal in refusals} == {("30", "10")}
    assert await balance(replicas[0], customer_id) == 10
    found = await race(
        *(replicas[n % 2].orders.CancelOrder(CancelOrderRequest(order_id=orders[n % 3].order_id)) for n in range(12))
    )
    answers, _ = split(found, reasons={"ORDER_ALREADY_CANCELLED"})
    assert len(answers) == 3
    assert await balance(replicas[0], customer_id) == 100


async def test_points_coupon_and_pieces_are_taken_together_or_not_at_all(replicas: Replicas) -> None:
    product_id = await put_product(replicas[0], stock=9)
    code = await put_coupon(replicas[0], usage_limit=8)
    customers = [await give_points(replicas[0], 50) for _ in range(4)]
    calls: list[Awaitable[Order]] = []
    for n in range(80):
        fields = {"coupon_code": code} if n % 3 else {}
        request = new_order(customers[n % 4], product_id=product_id, loyalty_points_to_use=20, **fields)
        calls.append(replicas[n % 2].orders.CreateOrder(request))
    reasons = {"INSUFFICIENT_STOCK", "INVALID_COUPON", "INSUFFICIENT_POINTS"}
    orders, _ = split(await race(*calls), reasons=reasons)
    by_customer = Counter(order.customer.customer_id for order in orders)
    assert max(by_customer.values()) <= 2
    for customer_id in customers:
        assert await balance(replicas[0], customer_id) == 50 - 20 * by_customer[customer_id]
    assert await times_used(replicas[0], code) == sum(1 for order in orders if order.pricing.applied_coupons)
    assert await replicas[0].stock(product_id) == 9 - len(orders)


# Carts and accounts.


async def test_a_cart_becomes_one_order(replicas: Replicas) -> None:
    before = await replicas[0].stock("mug")
    line = AddCartItemRequest(customer_id="twice", product_id="mug", quantity=3)
    cart = await replicas[0].carts.AddCartItem(line)
    request = CreateOrderRequest(customer_id="twice", cart_id=cart.cart_id, shipping_address=HOME)
    found = await race(*(replicas[n % 2].orders.CreateOrder(request) for n in range(20)))
    orders, refusals = split(found, reasons={"INVALID_ORDER_DATA"})
    assert len(orders) == 1
    assert {tuple(refusal.fields) for refusal in refusals} == {("cart_id",)}
    assert await replicas[0].stock("mug") == before - 3


async def test_what_is_put_into_a_cart_meanwhile_is_ordered_or_stays_in_it(replicas: Replicas) -> None:
    customer_id = "busy"
    line = AddCartItemRequest(customer_id=customer_id, product_id="mug", quantity=1)
    cart = await replicas[0].carts.AddCartItem(line)
    request = CreateOrderRequest(customer_id=customer_id, cart_id=cart.cart_id, shipping_address=HOME)
    calls: list[Awaitable[Any]] = []
    for n in range(30):
        calls += [replicas[n % 2].carts.AddCartItem(line), replicas[(n + 1) % 2].orders.CreateOrder(request)]
    answers, _ = split(await race(*calls), reasons={"INVALID_ORDER_DATA"})
    ordered = sum(answer.total_quantity for answer in answers if isinstance(answer, Order))
    left = await replicas[0].carts.GetCart(GetCartRequest(customer_id=customer_id))
    assert ordered > 0
    assert ordered + left.total_quantity == 31


async def test_nothing_put_into_a_new_cart_by_many_at_once_is_lost(replicas: Replicas) -> None:
    line = AddCartItemRequest(customer_id="many-hands", product_id="mug", quantity=1)
    other = AddCartItemRequest(customer_id="many-hands", product_id="lamp", quantity=1)
    split(await race(*(replicas[n // 2 % 2].carts.AddCartItem((line, other)[n % 2]) for n in range(40))), reasons=set())
    cart = await replicas[1].carts.GetCart(GetCartRequest(customer_id="many-hands"))
    assert sorted((item.product_id, item.quantity) for item in cart.items) == [("lamp", 20), ("mug", 20)]
    assert sorted(item.item_id for item in cart.items) == ["1", "2"]
    clear, again = ClearCartRequest(customer_id="many-hands"), UpdateCartItemRequest(customer_id="many-hands")
    again.item_id, again.quantity = "1", 5
    found = await race(
        *(replicas[n % 2].carts.UpdateCartItem(again) for n in range(10)), replicas[0].carts.ClearCart(clear)
    )
    split(found, reasons={"CART_ITEM_NOT_FOUND"})
    assert not (await replicas[1].carts.GetCart(GetCartRequest(customer_id="many-hands"))).items


async def test_nothing_saved_for_a_new_customer_by_many_at_once_is_lost(replicas: Replicas) -> None:
    named = {"customer_id": "popular"}
    calls: list[Awaitable[Any]] = []
    for n in range(20):
        address = {"address_id": f"a{n}"} | HOME
        method = {"payment_method_id": f"p{n}", "type": PAYMENT_METHOD_PAYPAL, "provider_token": f"tok_{n}"}
        customers = replicas[n % 2].customers
        calls.append(customers.UpsertAddress(UpsertAddressRequest(**named, address=address)))
        calls.append(customers.UpsertPaymentMethod(UpsertPaymentMethodRequest(**named, payment_method=method)))
        calls.append(customers.AdjustPoints(AdjustPointsRequest(**named, delta=1, reason="visit")))
    split(await race(*calls), reasons=set())
    account = await replicas[0].customers.GetCustomer(GetCustomerRequest(**named))
    assert {address.address_id for address in account.addresses} == {f"a{n}" for n in range(20)}
    assert {method.payment_method_id for method in account.payment_methods} == {f"p{n}" for n in range(20)}
    assert account.points_balance == 20


# Money and its documents.


async def test_invoices_are_numbered_without_gaps_whoever_confirms(replicas: Replicas) -> None:
    orders = await new_orders(replicas, 50)
    calls: list[Awaitable[Order]] = []
    for n, order in enumerate(orders):
        confirm = TransitionOrderRequest(order_id=order.order_id, status=ORDER_STATUS_CONFIRMED)
        # Some fail on the way to a number: they are not paid yet, or have no right to the event's id.
        calls.append(replicas[n % 2].orders.TransitionOrder(confirm))
        calls.append(replicas[(n + 1) % 2].orders.RecordPayment(paid(order, f"confirm-{order.order_id}")))
        calls.append(replicas[n % 2].orders.RecordPayment(paid(orders[n - 1], f"confirm-{order.order_id}")))
    split(await race(*calls), reasons={"INVALID_TRANSITION", "IDEMPOTENCY_KEY_REUSED"})
    query = "SELECT prefix, year, number FROM documents WHERE prefix = 'INV' ORDER BY number"
    numbers = await replicas[0].rows(query)
    assert numbers == [("INV", datetime.now(UTC).year, count) for count in range(1, len(numbers) + 1)]
    read = await asyncio.gather(
        *(replicas[0].orders.GetOrder(GetOrderRequest(order_id=order.order_id)) for order in orders)
    )
    confirmed = [order.invoice_number for order in read if order.status == ORDER_STATUS_CONFIRMED]
    assert len(set(confirmed)) == len(confirmed) >= 25
    assert [bool(order.invoice_number) for order in read] == [order.status == ORDER_STATUS_CONFIRMED for order in read]


async def test_never_more_is_paid_back_than_was_paid(replicas: Replicas) -> None:
    (order,) = await new_orders(replicas, 1, quantity=8)
    await replicas[0].orders.RecordPayment(paid(order, f"refunds-{order.order_id}"))
    refund = RefundOrderRequest(order_id=order.order_id, amount=usd(30))
    calls = (replicas[n % 2].orders.RefundOrder(refund) for n in range(20))
    answers, refusals = split(await race(*calls), reasons={"REFUND_EXCEEDS_PAYMENT"})
    assert len(answers) == 3
    said = {(refusal.metadata["requested"], refusal.metadata["refundable"]) for refusal in refusals}
    assert said == {("30.00 USD", "10.00 USD")}
    now = await replicas[0].orders.GetOrder(GetOrderRequest(order_id=order.order_id))
    assert [refund.amount for refund in now.refunds if refund.status != REFUND_STATUS_FAILED] == [usd(30)] * 3


async def test_a_payment_event_counts_once_however_often_it_is_reported_at_once(replicas: Replicas) -> None:
    (order,) = await new_orders(replicas, 1)
    event_id = f"once-{order.order_id}"
    found = await race(*(replicas[n % 2].orders.RecordPayment(paid(order, event_id)) for n in range(20)))
    answers, _ = split(found, reasons=set())
    assert {answer.etag for answer in answers} == {"3"}
    assert answers[0].payment.paid_amount == order.pricing.total
    events = await events_of(replicas[0], order)
    assert [event.type for event in events].count(ORDER_EVENT_TYPE_PAYMENT) == 1
    assert await replicas[0].rows("SELECT count(*) FROM payments WHERE event_id = %s", event_id) == [(1,)]


async def test_an_event_id_belongs_to_the_order_that_was_first(replicas: Replicas) -> None:
    orders = await new_orders(replicas, 10)
    event_id = f"shared-{uuid4()}"
    found = await race(*(replicas[n % 2].orders.RecordPayment(paid(order, event_id)) for n, order in enumerate(orders)))
    answers, refusals = split(found, reasons={"IDEMPOTENCY_KEY_REUSED"})
    assert len(answers) == 1
    assert {refusal.metadata["fields"] for refusal in refusals} == {"order_id"}


async def test_an_order_is_cancelled_or_shipped_and_its_stock_is_right_either_way(replicas: Replicas) -> None:
    product_id = await put_product(replicas[0], stock=60)
    orders = await new_orders(replicas, 30, product_id=product_id, quantity=2)
    await asyncio.gather(*(replicas[0].orders.RecordPayment(paid(order, f"ship-{order.order_id}")) for order in orders))
    calls: list[Awaitable[Order]] = []
    for n, order in enumerate(orders):
        ship = TransitionOrderRequest(
            order_id=order.order_id, status=ORDER_STATUS_SHIPPED, carrier="DHL", tracking_number="1Z"
        )
        ways = [
            replicas[0].orders.CancelOrder(CancelOrderRequest(order_id=order.order_id)),
            replicas[1].orders.TransitionOrder(ship),
        ]
        calls += ways if n % 2 else reversed(ways)
    answers, refusals = split(await race(*calls), reasons={"ORDER_NOT_CANCELLABLE", "ORDER_ALREADY_CANCELLED"})
    assert len(answers) == len(refusals) == 30
    ends = Counter(order.status for order in answers)
    assert ends.keys() <= {ORDER_STATUS_CANCELLED, ORDER_STATUS_SHIPPED}
    product = await replicas[0].catalog.GetProduct(GetProductRequest(product_id=product_id))
    assert (product.stock, product.reserved) == (60 - 2 * ends[ORDER_STATUS_SHIPPED], 0)


async def test_an_order_that_is_paid_and_changed_at_once_costs_what_was_paid(replicas: Replicas) -> None:
    orders = await new_orders(replicas, 20)
    calls: list[Awaitable[Order]] = []
    for n, order in enumerate(orders):
        more = UpdateOrderRequest(order={"order_id": order.order_id, "items": [{"product_id": "mug", "quantity": 9}]})
        event = {"event_id": f"change-{order.order_id}", "type": PAYMENT_EVENT_TYPE_PAID, "amount": usd(12, 50)}
        ways = [
            replicas[0].orders.UpdateOrder(more),
            replicas[1].orders.RecordPayment(RecordPaymentRequest(order_id=order.order_id, event=event)),
        ]
        calls += ways if n % 2 else reversed(ways)
    split(await race(*calls), reasons={"INVALID_TRANSITION"})
    for order in orders:
        now = await replicas[0].orders.GetOrder(GetOrderRequest(order_id=order.order_id))
        assert now.payment.paid_amount == usd(12, 50)
        assert (now.status == ORDER_STATUS_CONFIRMED) == (now.pricing.total == usd(12, 50))


# All of it at once.

CROWD = frozenset(
    {
        *("INSUFFICIENT_STOCK", "INVALID_COUPON", "INSUFFICIENT_POINTS", "INVALID_ORDER_DATA", "PRICE_CHANGED"),
        *("INVALID_TRANSITION", "ORDER_ALREADY_CANCELLED", "ORDER_NOT_CANCELLABLE", "REFUND_EXCEEDS_PAYMENT"),
        *("CART_ITEM_NOT_FOUND", "DELIVERY_NOT_AVAILABLE"),
    }
)


class Crowd:
    """Calls of every kind about the same few products, coupons, customers and orders."""

    def __init__(self, replicas: Replicas, products: list[str], coupons: list[str], orders: list[Order]) -> None:
        self.replicas, self.products, self.coupons, self.orders = replicas, products, coupons, orders
        self.chance = random.Random(5)
        self.customers = [f"crowd-{number}" for number in range(4)]

    def call(self, number: int) -> Awaitable[Any]:
        service, chance = self.replicas[number % 2], self.chance
        order_id, customer_id = chance.choice(self.orders).order_id, chance.choice(self.customers)
        product_id, code = chance.choice(self.products), chance.choice([*self.coupons, ""])
        named, line = {"customer_id": customer_id}, {"product_id": product_id, "quantity": chance.randint(1, 3)}
        event = {"event_id": f"crowd-{number}", "type": PAYMENT_EVENT_TYPE_PAID}
        refund = RefundOrderRequest(order_id=order_id, amount=usd(1))
        items = [{"product_id": other, "quantity": 2} for other in chance.sample(self.products, 3)]
        whole = CreateOrderRequest(**named, items=items, shipping_address=HOME, coupon_code=code)
        whole.loyalty_points_to_use = chance.choice((0, 7))
        cart_id = current_cart_id(customer_id)
        from_cart = CreateOrderRequest(**named, cart_id=cart_id, shipping_address=HOME, coupon_code=code)
        coupon = {"code": chance.choice(self.coupons), "type": COUPON_TYPE_PERCENTAGE, "basis_points": 1 + number}
        products = [
            {"product_id": other, "name": "Crowded", "price": usd(1 + number % 3)}
            for other in chance.sample(self.products, 2)
        ]
        zone = {
            "zone_id": "crowd",
            "areas": [{"country": "Crowd"}],
            "methods": [{"method": "foot", "prices": [usd(1)]}],
        }
        make: list[Callable[[], Awaitable[Any]]] = [
            *[lambda: service.orders.CreateOrder(whole)] * 4,
            *[lambda: service.orders.CreateOrder(from_cart)] * 2,
            *[lambda: service.carts.AddCartItem(AddCartItemRequest(**named, **line))] * 2,
            lambda: service.carts.GetCart(GetCartRequest(**named)),
            lambda: service.orders.PriceOrder(PriceOrderRequest(order=whole)),
            lambda: service.orders.UpdateOrder(UpdateOrderRequest(order={"order_id": order_id, "items": items})),
            lambda: service.orders.CancelOrder(CancelOrderRequest(order_id=order_id)),
            *[lambda: service.orders.RecordPayment(RecordPaymentRequest(order_id=order_id, event=event))] * 2,
            lambda: service.orders.RefundOrder(refund),
            lambda: service.orders.ReorderOrder(ReorderOrderRequest(order_id=order_id)),
            lambda: service.customers.AdjustPoints(AdjustPointsRequest(**named, delta=5, reason="crowd")),
            lambda: service.customers.UpsertAddress(UpsertAddressRequest(**named, address={"address_id": "a"} | HOME)),
            lambda: service.catalog.AdjustStock(AdjustStockRequest(product_id=product_id, delta=2, reason="crowd")),
            lambda: service.catalog.BatchUpsertCoupons(BatchUpsertCouponsRequest(coupons=[coupon])),
            lambda: service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=products)),
            lambda: service.catalog.BatchUpsertDeliveryZones(BatchUpsertDeliveryZonesRequest(zones=[zone])),
        ]
        return chance.choice(make)()


async def test_a_crowd_that_does_everything_to_the_same_few_rows_leaves_them_right(replicas: Replicas) -> None:
    products = [await put_product(replicas[0], stock=40) for _ in range(5)]
    coupons = [await put_coupon(replicas[0]) for _ in range(2)]
    orders = await asyncio.gather(
        *(replicas[0].orders.CreateOrder(new_order(f"crowd-{n % 4}", product_id=products[n % 5])) for n in range(10))
    )
    crowd = Crowd(replicas, products, coupons, list(orders))
    answers, refusals = split(await race(*(crowd.call(number) for number in range(500))), reasons=set(CROWD))
    assert len(answers) > 200
    assert refusals
    # What cannot be seen here, the check after every test sees: that all tables agree, and that nobody met in a deadlock.
    made = [answer for answer in answers if isinstance(answer, Order)]
    assert sum(1 for order in made if order.pricing.applied_coupons) > 5
