"""Clients that accept 4 MiB, as they all do unless told otherwise, can read every answer."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable

import grpc
import pytest
from orders.v1.catalog_service_pb2 import (
    BatchUpsertDeliveryZonesRequest,
    BatchUpsertProductsRequest,
    DeliveryZone,
    GetProductRequest,
    ListDeliveryZonesRequest,
    ListProductsRequest,
    Product,
)
from orders.v1.catalog_service_pb2_grpc import CatalogServiceStub
from orders.v1.order_pb2 import (
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_PROCESSING,
    PAYMENT_EVENT_TYPE_FAILED,
    Order,
)
from orders.v1.order_service_pb2 import (
    BatchGetOrdersRequest,
    BatchGetOrdersResponse,
    CancelOrderRequest,
    CreateOrderRequest,
    GetInvoiceRequest,
    GetOrderRequest,
    ListOrderEventsRequest,
    ListOrdersRequest,
    RecordPaymentRequest,
    SearchOrdersRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
)
from orders.v1.order_service_pb2_grpc import OrderServiceStub

from server.domain.base.sizes import MAX_ANSWER, MAX_CONTENT, MAX_PAGE
from tests.conftest import Service, new_order, refused, serving, stock_shop, usd
from tests.storage.helpers import ids, session

# Of the order from before the limit: what a request of 4.18 MB was stored as.
LEGACY = 4_350_000
# Orders of this size fit three times into a page.
LARGE = 600_000


@pytest.fixture(scope="module")
async def shop(new_database: Callable[[], str]) -> AsyncIterator[Service]:
    async with serving(new_database()) as service:
        await stock_shop(service)
        yield service


@pytest.fixture
async def channel(shop: Service) -> AsyncIterator[grpc.aio.Channel]:
    """A channel as a client makes it that knows nothing of sizes."""
    async with grpc.aio.insecure_channel(shop.address) as channel:
        yield channel


@pytest.fixture
def orders(channel: grpc.aio.Channel) -> OrderServiceStub:
    return OrderServiceStub(channel)


@pytest.fixture
def catalog(channel: grpc.aio.Channel) -> CatalogServiceStub:
    return CatalogServiceStub(channel)


def large_order(size: int, customer_id: str) -> CreateOrderRequest:
    request = new_order(customer_id)
    del request.items[:]
    for number in range(size // 10_000):
        chosen = {f"c{index}": "x" * 490 for index in range(20)} | {"number": str(number)}
        request.items.add(product_id="mug", quantity=1, customizations=chosen)
    return request


async def make(orders: OrderServiceStub, customer_id: str, count: int, size: int = LARGE) -> list[Order]:
    return [await orders.CreateOrder(large_order(size, customer_id)) for _ in range(count)]


async def enlarge(shop: Service, order: Order, size: int = LEGACY) -> None:
    """Stores an order with a line that is larger than the rules have it now."""
    large = Order()
    large.CopyFrom(order)
    large.items[0].customizations["filler"] = "x" * size
    async with session(shop.url) as database:
        query = "UPDATE orders SET snapshot = %s WHERE order_id = %s"
        await database.execute(query, [large.SerializeToString(deterministic=True), order.order_id])


# Orders and lists of orders.


async def test_an_order_above_the_limit_is_refused_and_one_below_it_is_read_everywhere(
    orders: OrderServiceStub,
) -> None:
    refusal = await refused(orders.CreateOrder(large_order(2 * MAX_CONTENT, "lisa")))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ORDER_DATA")
    assert f"the limit is {MAX_CONTENT:,}" in refusal.fields["items"]
    (order,) = await make(orders, "lisa", 1, size=1_000_000)
    assert order.ByteSize() > 900_000
    assert await orders.GetOrder(GetOrderRequest(order_id=order.order_id)) == order


async def test_a_search_ends_its_pages_before_they_are_too_large(orders: OrderServiceStub) -> None:
    made = await make(orders, "mona", 7)
    request = SearchOrdersRequest(filter={"customer_id": "mona"}, page_size=100)
    found: list[list[str]] = []
    while True:
        page = await orders.SearchOrders(request)
        assert page.ByteSize() <= MAX_PAGE + LARGE
        assert page.total_size == 7
        found.append(ids(page.orders))
        request.page_token = page.next_page_token
        if not page.next_page_token:
            break
    assert [len(page) for page in found] == [3, 3, 1]
    assert list(itertools.chain(*found)) == ids(reversed(made))


async def batch_get(
    method: Callable[[BatchGetOrdersRequest], Awaitable[BatchGetOrdersResponse]], names: list[str]
) -> list[BatchGetOrdersResponse]:
    """The answers of as many calls as it takes."""
    answers = []
    while names:
        answers.append(await method(BatchGetOrdersRequest(order_ids=names)))
        names = list(answers[-1].remaining_order_ids)
    return answers


async def test_a_batch_names_the_orders_that_it_has_no_room_for(orders: OrderServiceStub) -> None:
    made = await make(orders, "nora", 5)
    names = [made[3].order_id, "nothing", made[0].order_number, made[4].order_id, made[2].order_id, made[1].order_id]
    answers = await batch_get(orders.BatchGetOrders, names)
    assert [len(answer.orders) for answer in answers] == [3, 2]
    assert list(answers[0].missing_order_ids) == ["nothing"]
    for answer in answers:
        asked = [made[3], made[0], made[4], made[2], made[1]]
        assert list(answer.orders) == [order for order in asked if order in answer.orders]
    assert sorted(order.order_id for answer in answers for order in answer.orders) == sorted(ids(made))
    assert answers[0].remaining_order_ids == [name for name in names if name in set(answers[0].remaining_order_ids)]


async def test_a_batch_answers_an_order_once_however_often_it_is_named(orders: OrderServiceStub) -> None:
    (order,) = await make(orders, "olga", 1)
    spellings = [order.order_id, order.order_number, order.order_id.upper()]
    answer = await orders.BatchGetOrders(BatchGetOrdersRequest(order_ids=[*spellings, "no", "no"] * 20))
    assert list(answer.orders) == [order]
    assert list(answer.missing_order_ids) == ["no"]
    assert not answer.remaining_order_ids


# What was stored before there was a limit.


async def every_page(orders: OrderServiceStub, wanted: dict[str, str]) -> list[Order]:
    """The orders of all pages of a search."""
    found: list[Order] = []
    request = SearchOrdersRequest(filter=wanted)
    while True:
        page = await orders.SearchOrders(request)
        found += page.orders
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


async def test_lists_deliver_everything_around_an_order_that_is_too_large(
    shop: Service, orders: OrderServiceStub
) -> None:
    made = await make(orders, "petra", 5, size=10_000)
    await enlarge(shop, made[2])
    wanted = {"customer_id": "petra"}
    searched = await every_page(orders, wanted)
    got = await orders.BatchGetOrders(BatchGetOrdersRequest(order_ids=ids(made)))
    listed = [
        order async for message in orders.ListOrders(ListOrdersRequest(filter=wanted)) for order in message.orders
    ]
    batched = [order for answer in await batch_get(orders.BatchGetOrders, ids(made)) for order in answer.orders]
    assert got.orders
    for found in (searched, listed, sorted(batched, key=lambda order: order.order_id, reverse=True)):
        assert ids(found) == ids(reversed(made))
        assert [list(order.omitted_fields) for order in found] == [[], [], ["items"], [], []]
        assert [len(order.items) for order in found] == [1, 1, 0, 1, 1]


async def test_an_order_that_is_too_large_is_still_read_paid_back_and_cancelled(
    shop: Service, orders: OrderServiceStub
) -> None:
    (order,) = await make(orders, "rosa", 1, size=10_000)
    order_id = order.order_id
    await enlarge(shop, order)
    paid = {"status": ORDER_STATUS_CONFIRMED, "override_reason": "paid in cash"}
    await orders.TransitionOrder(TransitionOrderRequest(order_id=order_id, **paid))
    invoice = await orders.GetInvoice(GetInvoiceRequest(order_id=order_id))
    assert (list(invoice.omitted_fields), len(invoice.items)) == (["items"], 0)
    changed = await orders.TransitionOrder(TransitionOrderRequest(order_id=order_id, status=ORDER_STATUS_PROCESSING))
    for shown in (changed, await orders.GetOrder(GetOrderRequest(order_id=order_id))):
        assert (shown.status, list(shown.omitted_fields)) == (ORDER_STATUS_PROCESSING, ["items"])
        assert shown.pricing == order.pricing
    refusal = await refused(orders.UpdateOrder(UpdateOrderRequest(order={"order_id": order_id, "referral_code": "X"})))
    assert f"the limit is {MAX_CONTENT:,}" in refusal.fields["order"]
    cancelled = await orders.CancelOrder(CancelOrderRequest(order_id=order_id))
    assert cancelled.status == ORDER_STATUS_CANCELLED
    ((snapshot,),) = await shop.rows("SELECT snapshot FROM orders WHERE order_id = %s", order_id)
    stored = Order.FromString(snapshot)
    assert len(stored.items[0].customizations["filler"]) == LEGACY
    assert not stored.omitted_fields


async def test_a_product_that_is_too_large_is_shown_without_its_variants(
    shop: Service, catalog: CatalogServiceStub
) -> None:
    product = Product(product_id="legacy", name="Legacy", price=usd(1), variants=[{"variant_id": "v", "name": "V"}])
    await catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=[product]))
    product.variants[0].attributes["text"] = "x" * LEGACY
    async with session(shop.url) as database:
        query = "UPDATE products SET snapshot = %s WHERE product_id = 'legacy'"
        await database.execute(query, [product.SerializeToString()])
    shown = await catalog.GetProduct(GetProductRequest(product_id="legacy"))
    assert (list(shown.omitted_fields), len(shown.variants)) == (["variants"], 0)
    assert "legacy" in [name for page in await product_pages(catalog) for name in page]


# Other lists.


async def product_pages(catalog: CatalogServiceStub) -> list[list[str]]:
    request = ListProductsRequest(page_size=1000)
    pages = []
    while True:
        page = await catalog.ListProducts(request)
        pages.append([product.product_id for product in page.products])
        request.page_token = page.next_page_token
        if not page.next_page_token:
            return pages


async def test_a_list_of_products_ends_its_pages_before_they_are_too_large(catalog: CatalogServiceStub) -> None:
    names = [f"wide-{number}" for number in range(5)]
    for name in names:
        product = Product(product_id=name, name=name, price=usd(1), variants=[{"variant_id": "v", "name": "V"}])
        product.variants[0].attributes.update({f"a{index}": "x" * 490 for index in range(40)})
        for number in range(30):
            product.variants.add(variant_id=f"v{number}", name="V", attributes=product.variants[0].attributes)
        await catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=[product]))
    pages = await product_pages(catalog)
    assert len(pages) > 1
    found = [name for page in pages for name in page]
    assert found == sorted(set(found))
    assert set(names) < set(found)


async def test_a_list_of_zones_ends_its_pages_before_they_are_too_large(catalog: CatalogServiceStub) -> None:
    texts = {"name": "x" * 200, "prices": [{"currency_code": "USD"}]}
    slots = [f"{slot:032}" for slot in range(50)]
    for number in range(6):
        areas = [{"country": f"{number}-{area}" + "é" * 50, "state": "é" * 100} for area in range(1000)]
        methods = [{"method": f"m{method}", "time_slots": slots, **texts} for method in range(50)]
        zone = DeliveryZone(zone_id=f"wide-{number}", areas=areas, methods=methods)
        await catalog.BatchUpsertDeliveryZones(BatchUpsertDeliveryZonesRequest(zones=[zone]))
    request = ListDeliveryZonesRequest()
    page = await catalog.ListDeliveryZones(request)
    assert page.next_page_token
    request.page_token = page.next_page_token
    following = await catalog.ListDeliveryZones(request)
    found = [zone.zone_id for zone in (*page.zones, *following.zones)]
    assert found == sorted(set(found))
    assert set(found) > {f"wide-{number}" for number in range(6)}


async def test_a_list_of_events_ends_its_pages_before_they_are_too_large(orders: OrderServiceStub) -> None:
    (order,) = await make(orders, "sara", 1, size=10_000)
    failed = {"type": PAYMENT_EVENT_TYPE_FAILED, "description": "\U0001f4e6" * 500}
    events = ({"event_id": f"{order.order_id}-{number}", **failed} for number in range(600))
    await asyncio.gather(
        *(orders.RecordPayment(RecordPaymentRequest(order_id=order.order_id, event=event)) for event in events)
    )
    request = ListOrderEventsRequest(order_id=order.order_id, page_size=1000)
    versions: list[int] = []
    while True:
        page = await orders.ListOrderEvents(request)
        assert page.ByteSize() < MAX_ANSWER
        versions += [found.version for found in page.events]
        request.page_token = page.next_page_token
        if not page.next_page_token:
            break
    assert versions == list(range(1, 602))
