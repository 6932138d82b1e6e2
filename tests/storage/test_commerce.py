"""Coupons, zones, customers, carts, payments and invoices on the database: what is written is what is read back."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from google.protobuf.message import Message
from orders.v1.cart_service_pb2 import AddCartItemRequest, Cart, GetCartRequest, UpdateCartItemRequest
from orders.v1.catalog_service_pb2 import (
    AdjustStockRequest,
    BatchUpsertCouponsRequest,
    BatchUpsertDeliveryZonesRequest,
    DeleteDeliveryZoneRequest,
)
from orders.v1.customer_service_pb2 import (
    POINTS_ENTRY_TYPE_ADJUSTED,
    POINTS_ENTRY_TYPE_EARNED,
    POINTS_ENTRY_TYPE_RETURNED,
    POINTS_ENTRY_TYPE_USED,
    AdjustPointsRequest,
    DeleteAddressRequest,
    UpsertAddressRequest,
    UpsertCustomerRequest,
    UpsertPaymentMethodRequest,
)
from orders.v1.order_pb2 import (
    COUPON_TYPE_PERCENTAGE,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_EVENT_TYPE_REFUNDED,
    PAYMENT_INTENT_STATUS_SUCCEEDED,
    PAYMENT_METHOD_CREDIT_CARD,
    TRACKING_STATUS_PROCESSING,
    Order,
    PaymentEvent,
    PaymentIntent,
)
from orders.v1.order_service_pb2 import (
    CancelOrderRequest,
    CreateOrderRequest,
    PriceOrderRequest,
    RecordPaymentRequest,
    RecordTrackingEventRequest,
    RefundOrderRequest,
    ReorderOrderRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
)

from server.domain.base.errors import Refusal
from server.domain.base.values import PointTerms, Terms
from server.domain.operations import Answer
from server.domain.payments.payments import SettleIntent
from server.storage.housekeeping import forget_old_carts
from server.storage.read.catalog import CatalogRepository
from server.storage.read.customers import CustomerRepository
from server.storage.read.invoices import InvoiceRepository
from server.storage.read.orders import OrderRepository
from server.storage.references import Reference
from tests.conftest import new_order, usd
from tests.storage.helpers import (
    Store,
    disagreements,
    imported,
    locked,
    outcomes,
    reason,
    replica,
    session,
    storing,
    until_waiting,
    upserts,
)

pytestmark = pytest.mark.every_postgres


@pytest.fixture(scope="module")
async def store(new_database: Callable[[], str]) -> AsyncIterator[Store]:
    async with storing(new_database()) as store:
        yield store


def coupons(*codes: str, **fields: Any) -> BatchUpsertCouponsRequest:
    request = BatchUpsertCouponsRequest()
    for code in codes:
        request.coupons.add(code=code, type=COUPON_TYPE_PERCENTAGE, basis_points=1000, **fields)
    return request


def zones(**countries: str) -> BatchUpsertDeliveryZonesRequest:
    """Zones by id, each of one country."""
    request = BatchUpsertDeliveryZonesRequest()
    for zone_id, country in countries.items():
        methods = [{"method": "standard", "prices": [usd(5)]}]
        request.zones.add(zone_id=zone_id, areas=[{"country": country}], methods=methods)
    return request


def gift(customer_id: str, points: int) -> AdjustPointsRequest:
    return AdjustPointsRequest(customer_id=customer_id, delta=points, reason="gift")


def paid(order: Order, event_id: str, **fields: Any) -> RecordPaymentRequest:
    event = PaymentEvent(event_id=event_id, type=PAYMENT_EVENT_TYPE_PAID, **fields)
    return RecordPaymentRequest(order_id=order.order_id, event=event)


async def move(store: Store, order: Order, *statuses: int) -> Order:
    for status in statuses:
        shipped = {"carrier": "UPS", "tracking_number": "1"} if status == ORDER_STATUS_SHIPPED else {}
        request = TransitionOrderRequest(order_id=order.order_id, status=status, override_reason="test", **shipped)
        order = await store.order(request)
    return order


async def refusal(reading: Any) -> str:
    with pytest.raises(Refusal) as caught:
        await reading
    return caught.value.reason


# Records by key.


async def test_a_customers_account_is_kept_with_tokens_and_shown_without(store: Store) -> None:
    customers = CustomerRepository(store.database)
    assert await refusal(customers.get("anna")) == "CUSTOMER_NOT_FOUND"
    assert not (await customers.account("anna")).HasField("customer")
    await store.execute(UpsertCustomerRequest(customer={"customer_id": "anna", "name": "Anna"}))
    address = {"address_id": "home", "street": "Main Street 1"}
    card = {"payment_method_id": "card", "type": PAYMENT_METHOD_CREDIT_CARD, "provider_token": "tok_1"}
    await store.execute(UpsertAddressRequest(customer_id="anna", address=address))
    await store.execute(UpsertPaymentMethodRequest(customer_id="anna", payment_method=card))
    kept, shown = await customers.account("anna"), await customers.get("anna")
    assert kept.payment_methods[0].provider_token == "tok_1"
    assert shown.payment_methods[0].provider_token == ""
    assert (shown.customer.name, shown.addresses[0].street, shown.points_balance) == ("Anna", "Main Street 1", 0)
    await store.execute(DeleteAddressRequest(customer_id="anna", address_id="home"))
    assert not (await customers.get("anna")).addresses


async def test_a_customer_with_nothing_but_points_is_shown_with_them(store: Store) -> None:
    customers = CustomerRepository(store.database)
    await store.execute(gift("pointy", 7))
    shown = await customers.get("pointy")
    assert (shown.customer.customer_id, shown.points_balance) == ("pointy", 7)
    assert await customers.balance("pointy") == 7
    assert await customers.balance("nobody") == 0


async def test_coupons_are_found_in_any_case_and_listed_by_code_with_their_uses(store: Store) -> None:
    catalog = CatalogRepository(store.database)
    await store.execute(coupons("list-b", "list-a", "list-c"))
    order = await store.order(new_order("anna", coupon_code="List-A"))
    await store.order(new_order("bert", coupon_code="LIST-A"))
    assert (await catalog.coupon("list-a")).times_used == 2
    listed = await catalog.coupons(after="LIST-", limit=2)
    assert [(coupon.code, coupon.times_used) for coupon in listed] == [("LIST-A", 2), ("LIST-B", 0)]
    await store.execute(CancelOrderRequest(order_id=order.order_id))
    assert (await catalog.coupon("LIST-A")).times_used == 1
    assert await refusal(catalog.coupon("unknown")) == "COUPON_NOT_FOUND"
    await store.execute(coupons("list-a", description="changed"))
    changed = await catalog.coupon("LIST-A")
    assert (changed.description, changed.times_used) == ("changed", 1)


async def test_records_that_are_asked_for_at_once_come_each_to_who_asked(new_database: Callable[[], str]) -> None:
    async with storing(new_database()) as store:
        await store.execute(coupons("SALE"))
        await store.execute(zones(eu="DE"))
        await store.execute(gift("anna", 7))
        catalog, customers = CatalogRepository(store.database), CustomerRepository(store.database)
        known: list[tuple[Callable[[str], Awaitable[Any]], str, Callable[[Any], str]]] = [
            (catalog.get, "mug", lambda product: product.product_id),
            (catalog.get, "lamp", lambda product: product.product_id),
            (catalog.coupon, "SALE", lambda coupon: coupon.code),
            (catalog.zone, "eu", lambda zone: zone.zone_id),
            (customers.get, "anna", lambda account: account.customer.customer_id),
        ]
        asked = [(get, key, key_of) for get, key, key_of in known for key in (key, f"no-{key}")] * 20
        random.Random(3).shuffle(asked)
        answers = await asyncio.gather(*(get(key) for get, key, _ in asked), return_exceptions=True)
        for (_, key, key_of), answer in zip(asked, answers, strict=True):
            if key.startswith("no-"):
                assert isinstance(answer, Refusal)
                assert key in answer.metadata.values()
            else:
                assert key_of(answer) == key


async def test_updates_of_an_order_are_no_part_of_its_parcels_story(store: Store) -> None:
    orders = [await store.order(new_order("anna")) for _ in range(20)]
    long = orders[0].order_id
    for turn in range(15):
        updates = (
            UpdateOrderRequest(order={"order_id": long, "special_instructions": f"ring {turn} times, then {number}"})
            for number in range(20)
        )
        await asyncio.gather(*store.submit(*updates))
    repository = OrderRepository(store.database)
    stories = await asyncio.gather(*(repository.with_tracking(Reference(order.order_id)) for order in orders))
    for order, (snapshot, events) in zip(orders, stories, strict=True):
        assert Order.FromString(snapshot).order_id == order.order_id
        assert [(event.order_id, event.version) for event in events] == [(order.order_id, 1)]
    report = {"status": TRACKING_STATUS_PROCESSING, "description": "packed"}
    await store.execute(RecordTrackingEventRequest(order_id=long, event=report))
    _, events = await repository.with_tracking(Reference(long))
    assert [event.version for event in events] == [1, 302]
    assert len(await repository.events(Reference(long), after=290, limit=100)) == 12
    assert await repository.events(Reference(long), after=302, limit=100) == []
    with pytest.raises(Refusal, match="there is no order"):
        await repository.events(Reference("ORD-2026-999999"), after=0, limit=1)


async def test_a_coupon_code_that_the_database_could_not_take_is_refused_alone(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    broken, neighbour = await outcomes(store.submit(new_order(coupon_code="a\0b"), new_order()))
    assert reason(broken) == "INVALID_COUPON"
    assert isinstance(neighbour, Answer)
    assert not caplog.records


async def test_delivery_zones_are_written_listed_and_deleted(new_database: Callable[[], str]) -> None:
    async with storing(new_database()) as store:
        catalog = CatalogRepository(store.database)
        await store.execute(zones(eu="DE", us="US"))
        assert [zone.zone_id for zone in await catalog.zones(after="", limit=5)] == ["eu", "us"]
        assert [zone.zone_id for zone in await catalog.zones(after="eu", limit=5)] == ["us"]
        order = await store.order(new_order(shipping_address={"street": "Street 1", "country": "US"}))
        assert (order.delivery.zone_id, order.pricing.shipping) == ("us", usd(5))
        await store.execute(DeleteDeliveryZoneRequest(zone_id="us"))
        assert await refusal(catalog.zone("us")) == "DELIVERY_ZONE_NOT_FOUND"
        assert (await catalog.zone("eu")).areas[0].country == "DE"
        with pytest.raises(Refusal, match="deliver"):
            await store.order(new_order(shipping_address={"street": "Street 1", "country": "US"}))


async def test_two_zones_that_are_made_at_once_do_not_share_an_area(new_database: Callable[[], str]) -> None:
    async with storing(new_database()) as store:
        for turn in range(10):
            made = await outcomes(store.submit(*(zones(**{f"{name}{turn}": f"C{turn}"}) for name in "ab")))
            assert sorted(map(reason, made)) == ["", "INVALID_ORDER_DATA"]


# Carts.


async def test_a_cart_is_kept_ordered_from_and_emptied(store: Store) -> None:
    add = AddCartItemRequest(customer_id="cathy", product_id="mug", quantity=2)
    first = Cart.FromString((await store.execute(add)).body)
    again = Cart.FromString((await store.execute(add)).body)
    assert (again.cart_id, again.total_quantity) == (first.cart_id, 4)
    change = UpdateCartItemRequest(customer_id="cathy", item_id=first.items[0].item_id, quantity=3)
    await store.execute(change)
    order = await store.order(CreateOrderRequest(customer_id="cathy", cart_id=first.cart_id))
    assert [(item.product_id, item.quantity) for item in order.items] == [("mug", 3)]
    left = Cart.FromString((await store.execute(GetCartRequest(customer_id="cathy"))).body)
    assert (left.cart_id, list(left.items)) == (first.cart_id, [])
    other = Cart.FromString((await store.execute(ReorderOrderRequest(order_id=order.order_id))).body)
    assert other.cart_id != first.cart_id
    assert [(item.product_id, item.quantity) for item in other.items] == [("mug", 3)]


async def test_lines_that_are_added_to_a_cart_at_once_are_all_there(store: Store) -> None:
    products = ["mug", "lamp"] * 10
    add = [AddCartItemRequest(customer_id="quick", product_id=product, quantity=1) for product in products]
    async with replica(store.url) as other:
        # The first time it is a new cart that both insert.
        for turn in (1, 2):
            await asyncio.gather(*store.submit(*add), *other.submit(*add))
            cart = Cart.FromString((await store.execute(GetCartRequest(customer_id="quick"))).body)
            assert [item.quantity for item in cart.items] == [20 * turn, 20 * turn]


async def test_carts_that_nobody_touches_any_more_are_forgotten(store: Store) -> None:
    for customer_id in ("old", "fresh"):
        await store.execute(AddCartItemRequest(customer_id=customer_id, product_id="mug", quantity=1))
    cart = Cart.FromString((await store.execute(GetCartRequest(customer_id="old"))).body)
    await _execute(store, "UPDATE carts SET update_time = now() - interval '91 days' WHERE cart_id = %s", cart.cart_id)
    assert await forget_old_carts(store.database, before=datetime.now(UTC) - timedelta(days=90)) == 1
    for customer_id, lines in (("old", 0), ("fresh", 1)):
        cart = Cart.FromString((await store.execute(GetCartRequest(customer_id=customer_id))).body)
        assert len(cart.items) == lines


async def _execute(store: Store, statement: str, *parameters: Any) -> None:
    async with session(store.url) as outside:
        await outside.execute(statement.encode(), parameters)


# What orders move.


async def test_stock_is_reserved_until_the_order_is_shipped(store: Store) -> None:
    catalog = CatalogRepository(store.database)

    async def lamps() -> tuple[int, int]:
        lamp = await catalog.get("lamp")
        return lamp.stock - before.stock, lamp.reserved - before.reserved

    before = await catalog.get("lamp")
    order = await store.order(new_order(product_id="lamp", quantity=3))
    cancelled = await store.order(new_order(product_id="lamp", quantity=4))
    assert await lamps() == (-7, 7)
    await store.execute(CancelOrderRequest(order_id=cancelled.order_id))
    assert await lamps() == (-3, 3)
    await move(store, order, ORDER_STATUS_CONFIRMED, ORDER_STATUS_PROCESSING)
    assert await lamps() == (-3, 3)
    await move(store, order, ORDER_STATUS_SHIPPED)
    assert await lamps() == (-3, 0)
    assert [product.reserved for product in await catalog.page(after="kettle", limit=1)] == [before.reserved]


async def test_adjustments_are_listed_newest_first(store: Store) -> None:
    catalog = CatalogRepository(store.database)
    for delta in (1, -2, 3):
        await store.execute(AdjustStockRequest(product_id="sofa", variant_id="red", delta=delta, reason=f"by {delta}"))
    newest = await catalog.adjustments("sofa", limit=2)
    assert [(one.variant_id, one.delta, one.reason) for one in newest] == [("red", 3, "by 3"), ("red", -2, "by -2")]
    older = await catalog.adjustments("sofa", before=newest[-1].adjustment_id, limit=10)
    assert [one.reason for one in older] == ["by 1", "catalogue", "catalogue"]
    assert await catalog.adjustments("unicorn", limit=1) == []


async def test_points_are_used_returned_and_earned_with_an_entry_each(store: Store) -> None:
    customers = CustomerRepository(store.database)
    await store.execute(gift("pat", 500))
    given_back = await store.order(new_order("pat", loyalty_points_to_use=200))
    assert await customers.balance("pat") == 300
    await store.execute(CancelOrderRequest(order_id=given_back.order_id))
    order = await store.order(new_order("pat", quantity=10, loyalty_points_to_use=100))
    steps = (ORDER_STATUS_CONFIRMED, ORDER_STATUS_PROCESSING, ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED)
    order = await move(store, order, *steps)
    earned = order.pricing.loyalty_points_earned
    assert earned > 0
    entries = await customers.points_page("pat", limit=10)
    assert [(entry.type, entry.delta, entry.balance, entry.order_id) for entry in entries] == [
        (POINTS_ENTRY_TYPE_EARNED, earned, 400 + earned, order.order_id),
        (POINTS_ENTRY_TYPE_USED, -100, 400, order.order_id),
        (POINTS_ENTRY_TYPE_RETURNED, 200, 500, given_back.order_id),
        (POINTS_ENTRY_TYPE_USED, -200, 300, given_back.order_id),
        (POINTS_ENTRY_TYPE_ADJUSTED, 500, 500, ""),
    ]
    assert entries[-1].reason == "gift"
    assert await customers.points_page("pat", before=entries[2].entry_id, limit=1) == [entries[3]]
    assert await customers.balance("pat") == 400 + earned


# Money.


async def test_a_payment_is_recorded_once_and_brings_the_invoice(store: Store) -> None:
    invoices = InvoiceRepository(store.database)
    order = await store.order(new_order("ivy"))
    assert await refusal(invoices.get(Reference(order.order_id))) == "INVOICE_NOT_FOUND"
    assert await refusal(invoices.get(Reference("ORD-1999-000001"))) == "ORDER_NOT_FOUND"
    first, second = await asyncio.gather(*store.submit(paid(order, "once"), paid(order, "once")))
    third = await store.execute(paid(order, "once"))
    confirmed = Order.FromString(first.body)
    assert confirmed == Order.FromString(second.body) == Order.FromString(third.body)
    assert await store.rows("SELECT count(*) FROM payments WHERE order_id = %s", order.order_id) == [(1,)]
    invoice = await invoices.get(Reference(order.order_number))
    assert (invoice.invoice_number, invoice.order_id) == (confirmed.invoice_number, order.order_id)
    assert invoice.pricing == confirmed.pricing
    assert not invoice.credit_notes


async def test_refunds_have_credit_notes_that_come_with_the_invoice(store: Store) -> None:
    order = await store.order(new_order("ron"))
    await store.execute(paid(order, "ron"))
    for number, cents in enumerate((10, 25)):
        asked = await store.order(RefundOrderRequest(order_id=order.order_id, amount=usd(0, cents), reason="late"))
        event = PaymentEvent(
            event_id=f"ron-{number}", type=PAYMENT_EVENT_TYPE_REFUNDED, refund_id=asked.refunds[-1].refund_id
        )
        order = await store.order(RecordPaymentRequest(order_id=order.order_id, event=event))
    invoice = await InvoiceRepository(store.database).get(Reference(order.order_id))
    assert [note.amount for note in invoice.credit_notes] == [usd(0, 10), usd(0, 25)]
    numbers = [note.credit_note_number for note in invoice.credit_notes]
    assert numbers == [refund.credit_note_number for refund in order.refunds]
    assert numbers == sorted(set(numbers))


async def test_an_intent_that_is_settled_twice_counts_once(store: Store) -> None:
    order = await store.order(new_order("sue"))
    intent = PaymentIntent(id="pi_1", status=PAYMENT_INTENT_STATUS_SUCCEEDED)
    event = PaymentEvent(provider="test", event_id="pi_1", type=PAYMENT_EVENT_TYPE_PAID)
    settle = SettleIntent(order_id=order.order_id, intent=intent, event=event, cancels=False)
    settled = [await store.order(settle) for _ in range(2)]
    assert settled[0] == settled[1]
    assert settled[0].status == ORDER_STATUS_CONFIRMED


async def test_replicas_that_confirm_orders_at_once_leave_no_gap_between_invoices(
    new_database: Callable[[], str],
) -> None:
    async with storing(new_database()) as store, replica(store.url) as other:
        orders = [await store.order(new_order()) for _ in range(20)]
        confirm = [
            TransitionOrderRequest(order_id=o.order_id, status=ORDER_STATUS_CONFIRMED, override_reason="x")
            for o in orders
        ]
        tasks = [task for index, one in enumerate(confirm) for task in (store, other)[index % 2].submit(one)]
        await asyncio.gather(*tasks)
        numbers = await store.rows("SELECT number FROM documents ORDER BY number")
        assert numbers == [(number,) for number in range(1, 21)]
        assert await disagreements(store.url) == []


# Limits, from several sides at once.


async def _at_once(store: Store, requests: list[CreateOrderRequest]) -> Counter[str]:
    """How often callers of two replicas, who come at the same time, are served (as '') or refused."""
    async with replica(store.url) as other:
        tasks = [task for index, one in enumerate(requests) for task in (store, other)[index % 2].submit(one)]
        return Counter(reason(outcome) for outcome in await outcomes(tasks))


@pytest.mark.parametrize("used_before", [0, 1])
async def test_a_coupon_is_used_as_often_as_its_limit(store: Store, used_before: int) -> None:
    code = f"RUSH-{used_before}"
    await store.execute(coupons(code, usage_limit=20, usage_limit_per_customer=6))
    for _ in range(used_before):
        await store.order(new_order("rusher-0", coupon_code=code))
    # Two callers who each may have six, and two who together want twelve.
    customers = ["rusher-0", "rusher-1"] * 10 + ["rusher-2", "rusher-3"] * 6
    found = await _at_once(store, [new_order(customer, coupon_code=code) for customer in customers])
    assert found == {"": 20 - used_before, "INVALID_COUPON": 12 + used_before}
    used = dict(await store.rows("SELECT customer_id, used FROM coupon_uses WHERE code = %s", code))
    assert used.pop("") == sum(used.values()) == 20
    assert max(used.values()) <= 6


@pytest.mark.parametrize("used_before", [0, 1])
async def test_points_are_spent_once(store: Store, used_before: int, caplog: pytest.LogCaptureFixture) -> None:
    customer_id = f"spender-{used_before}"
    await store.execute(gift(customer_id, 500))
    request = new_order(customer_id, loyalty_points_to_use=100)
    for _ in range(used_before):
        await store.order(request)
    found = await _at_once(store, [request] * 12)
    assert found == {"": 5 - used_before, "INSUFFICIENT_POINTS": 7 + used_before}
    assert await CustomerRepository(store.database).balance(customer_id) == 0
    # Not that the database would have had to refuse it.
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


# Commands that only look.

_EVERYTHING = (
    "orders", "order_items", "order_events", "products", "inventory", "stock_adjustments", "idempotency_keys", "coupons",
    "delivery_zones", "customers", "carts", "coupon_uses", "points_accounts", "points_entries", "payments",
    "document_numbers", "documents",
)  # fmt: skip


async def _contents(store: Store) -> dict[str, Any]:
    found = {table: await store.rows(f"SELECT t::text FROM {table} t ORDER BY 1") for table in _EVERYTHING}
    return found | {"order_numbers": await store.rows("SELECT last_value, is_called FROM order_numbers")}


async def _dry_commands(store: Store) -> list[Message]:
    await store.execute(coupons("DRY"))
    await store.execute(gift("dry", 100))
    order = await store.order(new_order("dry", coupon_code="dry"))
    await store.execute(AddCartItemRequest(customer_id="dry", product_id="mug", quantity=1))
    await store.execute(upserts("dry", imported("1")))
    whole = new_order("dry", coupon_code="dry", loyalty_points_to_use=50, request_id="dry-1")
    update = UpdateOrderRequest(order={"order_id": order.order_id}, validate_only=True, request_id="dry-2")
    update.order.items.add(product_id="lamp", quantity=2)
    checked = new_order("dry", coupon_code="dry", loyalty_points_to_use=50, validate_only=True, request_id="dry-3")
    return [
        PriceOrderRequest(order=whole),
        checked,
        update,
        GetCartRequest(customer_id="dry"),
        upserts("dry", imported("1", cents=900), imported("2"), validate_only=True, request_id="dry-4"),
    ]


async def test_commands_that_only_look_write_nothing(store: Store) -> None:
    commands = await _dry_commands(store)
    before = await _contents(store)
    ((transaction,),) = await store.rows("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")
    for _ in range(2):
        for outcome in await outcomes(store.submit(*commands)):
            assert isinstance(outcome, Answer)
            assert not outcome.replayed
    # Whoever locks or writes a row needs a transaction id.
    assert await store.rows("SELECT pg_snapshot_xmax(pg_current_snapshot())::text") == [(transaction,)]
    assert await _contents(store) == before


async def test_commands_that_only_look_wait_neither_for_locks_nor_for_writes(store: Store) -> None:
    commands = await _dry_commands(store)
    tables = {"orders": "source = 'dry'", "carts": "true", "coupons": "true", "coupon_uses": "true", "products": "true"}
    everything = {**tables, "points_accounts": "true", "customers": "true", "orders ": "customer_id = 'dry'"}
    async with session(store.url, autocommit=False) as holder, locked(store.url, "inventory", "true") as outside:
        for table, condition in everything.items():
            await holder.execute(f"SELECT FROM {table} WHERE {condition} FOR UPDATE".encode())
        waiting = store.submit(new_order("patient"))
        await until_waiting(outside)
        async with asyncio.timeout(60):
            found = await asyncio.gather(*store.submit(*commands))
        assert not waiting[0].done()
        await holder.rollback()
    assert len(found) == len(commands)
    await asyncio.gather(*waiting)


async def test_what_is_asked_without_effect_is_what_would_happen(store: Store) -> None:
    request = new_order("twin", quantity=3)
    checked = CreateOrderRequest()
    checked.CopyFrom(request)
    checked.validate_only = True
    wished, made = await store.order(checked), await store.order(request)
    assert (wished.order_number, made.order_number[:4]) == ("", "ORD-")
    assert (wished.pricing, list(wished.items)) == (made.pricing, list(made.items))


async def test_points_are_worth_what_the_terms_of_the_writer_say(new_database: Callable[[], str]) -> None:
    async with storing(new_database(), terms=Terms({"USD": PointTerms(Decimal("0.01"), Decimal("0.1"))})) as store:
        order = await store.order(new_order(quantity=100))
        assert order.pricing.loyalty_points_earned == 125


async def test_everything_that_these_tests_have_written_agrees(store: Store) -> None:
    assert await disagreements(store.url) == []
