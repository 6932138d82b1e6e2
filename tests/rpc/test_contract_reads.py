"""What reads answer: in which order, in which pages, and what of it."""

import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from orders.v1.catalog_service_pb2 import (
    AdjustStockRequest,
    BatchUpsertProductsRequest,
    GetProductRequest,
    ListProductsRequest,
    Product,
)
from orders.v1.customer_service_pb2 import UpsertCustomerRequest
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_CREATED,
    ORDER_EVENT_TYPE_SHIPMENT_DELIVERED,
    ORDER_EVENT_TYPE_SHIPMENT_SHIPPED,
    ORDER_EVENT_TYPE_STATUS_CHANGED,
    ORDER_EVENT_TYPE_TRACKING,
    ORDER_EVENT_TYPE_UPDATED,
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PENDING,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    PAYMENT_STATUS_PAID,
    PAYMENT_STATUS_UNPAID,
    TRACKING_STATUS_DELIVERED,
    TRACKING_STATUS_EXCEPTION,
    TRACKING_STATUS_IN_TRANSIT,
    TRACKING_STATUS_ORDER_CONFIRMED,
    TRACKING_STATUS_ORDER_PLACED,
    TRACKING_STATUS_PROCESSING,
    TRACKING_STATUS_SHIPPED,
    Customer,
    Order,
    OrderEvent,
)
from orders.v1.order_service_pb2 import (
    ORDER_BY_CREATE_TIME,
    ORDER_BY_TOTAL,
    ORDER_BY_UNSPECIFIED,
    ORDER_BY_UPDATE_TIME,
    SORT_ORDER_ASC,
    SORT_ORDER_DESC,
    SORT_ORDER_UNSPECIFIED,
    BatchGetOrdersRequest,
    BatchUpsertOrdersRequest,
    CancelOrderRequest,
    GetOrderRequest,
    ListOrderEventsRequest,
    ListOrdersRequest,
    OrderFilter,
    RecordTrackingEventRequest,
    SearchOrdersRequest,
    TrackOrderRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
)

from tests.conftest import PRODUCTS, Service, new_order, refused, serving, usd


def eur(units: int) -> Money:
    return Money(currency_code="EUR", units=units)


@dataclass(frozen=True)
class Corpus:
    """A server, and every order that its database holds, newest first."""

    service: Service
    orders: list[Order]
    # A moment between the creation of the first and the second half.
    between: Timestamp


def imported(external_order_id: str, price: Money, **fields: Any) -> BatchUpsertOrdersRequest:
    request = BatchUpsertOrdersRequest(source="shop")
    order = request.orders.add(external_order_id=external_order_id, customer={"customer_id": "omar"}, **fields)
    order.items.add(sku="mug", quantity=1, unit_price=price)
    order.items.add(sku="B-2", quantity=1, unit_price=Money(currency_code=price.currency_code, units=1))
    return request


@pytest.fixture(scope="module")
async def corpus(new_database: Callable[[], str]) -> AsyncIterator[Corpus]:
    async with serving(new_database()) as service:
        await service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=PRODUCTS))
        yield await fill(service)


async def fill(service: Service) -> Corpus:
    """Orders of two currencies and sources, several customers and statuses, with totals that are equal here and there."""
    orders = service.orders
    jane = Customer(customer_id="jane", email="Jane@Example.com", phone="0020 100 200")
    await service.customers.UpsertCustomer(UpsertCustomerRequest(customer=jane))
    first = [
        await orders.CreateOrder(new_order(customer, product_id=product, quantity=quantity))
        for customer, product, quantity in (
            ("jane", "mug", 1),
            ("jane", "mug", 4),
            ("joe", "lamp", 1),
            ("jane", "mug", 1),
        )
    ]
    for request in (
        imported("s-1", eur(20)),
        imported("s-2", eur(7), status=ORDER_STATUS_SHIPPED),
        imported("s-3", usd(49)),
        imported("s-4", eur(20), status=ORDER_STATUS_DELIVERED),
    ):
        await orders.BatchUpsertOrders(request)
    second = [await orders.CreateOrder(new_order(customer)) for customer in ("joe", "ann", "ann")]
    await orders.CancelOrder(CancelOrderRequest(order_id=first[1].order_id))
    await orders.CancelOrder(CancelOrderRequest(order_id=second[2].order_id))
    confirmed = {"status": ORDER_STATUS_CONFIRMED, "override_reason": "paid in cash"}
    await orders.TransitionOrder(TransitionOrderRequest(order_id=first[0].order_id, **confirmed))
    every = await orders.SearchOrders(SearchOrdersRequest(page_size=100))
    assert len(every.orders) == 11
    return Corpus(service, list(every.orders), second[0].create_time)


def at(time: Timestamp) -> int:
    return time.ToNanoseconds()


def amount(order: Order) -> tuple[str, int, int]:
    total = order.pricing.total
    return total.currency_code, total.units, total.nanos


# Every field of a filter, with a value and what it has to let through.
def an_invoice(corpus: Corpus) -> str:
    """The number of an invoice, or one that no order has."""
    return next((order.invoice_number for order in corpus.orders if order.invoice_number), "INV-2026-999999")


FILTERS: dict[str, tuple[Callable[[Corpus], OrderFilter], Callable[[Order, Corpus], bool]]] = {
    "nothing": (lambda c: OrderFilter(), lambda o, c: True),
    "customer_id": (lambda c: OrderFilter(customer_id="jane"), lambda o, c: o.customer.customer_id == "jane"),
    "statuses": (
        lambda c: OrderFilter(statuses=[ORDER_STATUS_CONFIRMED, ORDER_STATUS_CANCELLED]),
        lambda o, c: o.status in (ORDER_STATUS_CONFIRMED, ORDER_STATUS_CANCELLED),
    ),
    "payment_statuses": (
        lambda c: OrderFilter(payment_statuses=[PAYMENT_STATUS_UNPAID]),
        lambda o, c: o.payment_status == PAYMENT_STATUS_UNPAID,
    ),
    "other payment_statuses": (lambda c: OrderFilter(payment_statuses=[PAYMENT_STATUS_PAID]), lambda o, c: False),
    "source": (lambda c: OrderFilter(source="shop"), lambda o, c: o.source == "shop"),
    "external_order_id": (
        lambda c: OrderFilter(source="shop", external_order_id="s-2"),
        lambda o, c: o.external_order_id == "s-2",
    ),
    "product_id": (
        lambda c: OrderFilter(product_id="mug"),
        lambda o, c: any("mug" in (item.product_id, item.sku) for item in o.items),
    ),
    "product_id as a SKU": (lambda c: OrderFilter(product_id="B-2"), lambda o, c: o.source == "shop"),
    "create_time_from": (
        lambda c: OrderFilter(create_time_from=c.between),
        lambda o, c: at(o.create_time) >= at(c.between),
    ),
    "create_time_to": (lambda c: OrderFilter(create_time_to=c.between), lambda o, c: at(o.create_time) < at(c.between)),
    "update_time_from": (
        lambda c: OrderFilter(update_time_from=c.between),
        lambda o, c: at(o.update_time) >= at(c.between),
    ),
    "update_time_to": (lambda c: OrderFilter(update_time_to=c.between), lambda o, c: at(o.update_time) < at(c.between)),
    "total_from": (lambda c: OrderFilter(total_from=usd(49, 90)), lambda o, c: amount(o) >= amount_of(usd(49, 90))),
    "total_to": (lambda c: OrderFilter(total_to=eur(21)), lambda o, c: amount(o) < amount_of(eur(21)) and in_eur(o)),
    "totals": (
        lambda c: OrderFilter(total_from=eur(8), total_to=eur(22)),
        lambda o, c: amount_of(eur(8)) <= amount(o) < amount_of(eur(22)),
    ),
    "stuck_for": (lambda c: OrderFilter(stuck_for={"seconds": 86_400}), lambda o, c: False),
    "order_ids": (
        lambda c: OrderFilter(order_ids=[c.orders[0].order_id, c.orders[-1].order_number, "nope"]),
        lambda o, c: o.order_id in (c.orders[0].order_id, c.orders[-1].order_id),
    ),
    "document_number": (
        lambda c: OrderFilter(document_number=an_invoice(c)),
        lambda o, c: o.invoice_number == an_invoice(c),
    ),
    "payment_event_id": (
        lambda c: OrderFilter(payment_event_id="evt_9", payment_provider="stripe"),
        lambda o, c: False,
    ),
    "payment_provider": (
        lambda c: OrderFilter(payment_event_id="evt_8", payment_provider="adyen"),
        lambda o, c: False,
    ),
    "variant_id": (
        lambda c: OrderFilter(product_id="sofa", variant_id="blue"),
        lambda o, c: any((item.product_id, item.variant_id) == ("sofa", "blue") for item in o.items),
    ),
    "imported": (lambda c: OrderFilter(imported=True), lambda o, c: bool(o.source)),
    "customer_email": (
        lambda c: OrderFilter(customer_email=" JANE@example.com"),
        lambda o, c: o.customer.customer_id == "jane",
    ),
    "customer_phone": (
        lambda c: OrderFilter(customer_phone="+20 (100) 200"),
        lambda o, c: o.customer.customer_id == "jane",
    ),
    "another customer_phone": (lambda c: OrderFilter(customer_phone="201"), lambda o, c: False),
    "status_time_from": (
        lambda c: OrderFilter(status_time_from=c.between),
        lambda o, c: at(o.create_time) >= at(c.between) or o.status in CHANGED,
    ),
    "status_time_to": (
        lambda c: OrderFilter(status_time_to=c.between),
        lambda o, c: at(o.create_time) < at(c.between) and o.status not in CHANGED,
    ),
    "metadata_key": (
        lambda c: OrderFilter(metadata_key="channel", metadata_value="fair"),
        lambda o, c: o.metadata.get("channel") == "fair",
    ),
    "metadata_value": (lambda c: OrderFilter(metadata_key="channel", metadata_value="FAIR"), lambda o, c: False),
    "tracking_number": (
        lambda c: OrderFilter(tracking_number="1z 99"),
        lambda o, c: o.delivery.tracking_number == "1Z99",
    ),
    "coupon_code": (lambda c: OrderFilter(coupon_code="none"), lambda o, c: False),
    "payment_id": (lambda c: OrderFilter(payment_id="pi_1"), lambda o, c: False),
    "held": (lambda c: OrderFilter(held=True), lambda o, c: bool(o.holds)),
    "not held": (lambda c: OrderFilter(held=False), lambda o, c: not o.holds),
    "several": (
        lambda c: OrderFilter(customer_id="jane", statuses=[ORDER_STATUS_PENDING], total_to=usd(20)),
        lambda o, c: o.customer.customer_id == "jane" and o.status == ORDER_STATUS_PENDING and in_usd_below_20(o),
    ),
}


# The statuses that orders get after the moment between.
CHANGED = {ORDER_STATUS_CONFIRMED, ORDER_STATUS_CANCELLED}


def amount_of(money: Money) -> tuple[str, int, int]:
    return money.currency_code, money.units, money.nanos


def in_eur(order: Order) -> bool:
    return bool(order.pricing.total.currency_code == "EUR")


def in_usd_below_20(order: Order) -> bool:
    return not in_eur(order) and order.pricing.total.units < 20


KEYS: dict[int, Callable[[Order], Any]] = {
    ORDER_BY_UNSPECIFIED: lambda order: at(order.create_time),
    ORDER_BY_CREATE_TIME: lambda order: at(order.create_time),
    ORDER_BY_UPDATE_TIME: lambda order: at(order.update_time),
    ORDER_BY_TOTAL: amount,
}


def expected(corpus: Corpus, name: str, order_by: int, sort_order: int) -> list[Order]:
    _, matches = FILTERS[name]
    found = [order for order in corpus.orders if matches(order, corpus)]
    found.sort(key=lambda order: (KEYS[order_by](order), order.order_id), reverse=sort_order != SORT_ORDER_ASC)
    return found


async def pages(service: Service, request: SearchOrdersRequest) -> list[list[Order]]:
    """All pages of a search."""
    found: list[list[Order]] = []
    while not found or request.page_token:
        response = await service.orders.SearchOrders(request)
        found.append(list(response.orders))
        request.page_token = response.next_page_token
    return found


def flat(found: Sequence[Sequence[Any]]) -> list[Any]:
    return [element for page in found for element in page]


def test_every_field_of_a_filter_is_searched_by() -> None:
    assert {field.name for field in OrderFilter.DESCRIPTOR.fields} - FILTERS.keys() == set()


@pytest.mark.parametrize("name", FILTERS)
async def test_a_search_finds_what_matches_in_every_order_page_by_page(corpus: Corpus, name: str) -> None:
    wanted = FILTERS[name][0](corpus)
    for order_by in KEYS:
        for sort_order in (SORT_ORDER_UNSPECIFIED, SORT_ORDER_DESC, SORT_ORDER_ASC):
            request = SearchOrdersRequest(filter=wanted, order_by=order_by, sort_order=sort_order, page_size=3)
            found = await pages(corpus.service, request)
            assert flat(found) == expected(corpus, name, order_by, sort_order)
            assert [len(page) for page in found[:-1]] == [3] * (len(found) - 1)


@pytest.mark.parametrize("name", FILTERS)
async def test_a_search_says_how_many_match_on_every_page(corpus: Corpus, name: str) -> None:
    count = len(expected(corpus, name, ORDER_BY_CREATE_TIME, SORT_ORDER_DESC))
    request = SearchOrdersRequest(filter=FILTERS[name][0](corpus), page_size=4)
    while True:
        response = await corpus.service.orders.SearchOrders(request)
        assert (response.total_size, response.total_size_estimated) == (count, False)
        if not response.next_page_token:
            return
        request.page_token = response.next_page_token


async def test_pages_lead_back_to_those_before_them(corpus: Corpus) -> None:
    for order_by in KEYS:
        for sort_order in (SORT_ORDER_DESC, SORT_ORDER_ASC):
            request = SearchOrdersRequest(order_by=order_by, sort_order=sort_order, page_size=3)
            forward = await pages(corpus.service, request)
            request.skip = len(flat(forward)) - len(forward[-1])
            last = await corpus.service.orders.SearchOrders(request)
            backward, token = [list(last.orders)], last.previous_page_token
            while token:
                page = await corpus.service.orders.SearchOrders(
                    SearchOrdersRequest(order_by=order_by, sort_order=sort_order, page_size=4, page_token=token)
                )
                follower = await corpus.service.orders.SearchOrders(
                    SearchOrdersRequest(
                        order_by=order_by, sort_order=sort_order, page_size=1, page_token=page.next_page_token
                    )
                )
                assert list(follower.orders) == backward[0][:1]
                backward.insert(0, list(page.orders))
                token = page.previous_page_token
            assert flat(backward) == flat(forward)
            assert {len(page) for page in backward[1:-1]} == {4}


async def test_first_and_empty_pages_have_no_page_before(corpus: Corpus) -> None:
    for skip in (0, 100):
        page = await corpus.service.orders.SearchOrders(SearchOrdersRequest(page_size=2, skip=skip))
        assert (page.previous_page_token, len(page.orders)) == ("", 0 if skip else 2)
    first = await corpus.service.orders.SearchOrders(SearchOrdersRequest(page_size=2))
    second = SearchOrdersRequest(page_size=2, page_token=first.next_page_token)
    token = (await corpus.service.orders.SearchOrders(second)).previous_page_token
    again = await corpus.service.orders.SearchOrders(SearchOrdersRequest(page_size=2, page_token=token))
    assert (again.orders, again.previous_page_token) == (first.orders, "")
    stream = corpus.service.orders.ListOrders(ListOrdersRequest(resume_token=token))
    assert (await refused(anext(aiter(stream)))).reason == "RESUME_TOKEN_INVALID"


async def test_a_page_by_number_is_the_page_by_token(corpus: Corpus) -> None:
    for order_by in KEYS:
        by_token = await pages(corpus.service, SearchOrdersRequest(order_by=order_by, page_size=3))
        for number, page in enumerate(by_token):
            request = SearchOrdersRequest(order_by=order_by, page_size=3, skip=3 * number)
            assert list((await corpus.service.orders.SearchOrders(request)).orders) == page


async def test_skipping_goes_on_from_a_token_and_may_go_beyond_the_end(corpus: Corpus) -> None:
    first = await corpus.service.orders.SearchOrders(SearchOrdersRequest(page_size=2))
    request = SearchOrdersRequest(page_size=2, page_token=first.next_page_token, skip=3)
    assert list((await corpus.service.orders.SearchOrders(request)).orders) == corpus.orders[5:7]
    beyond = await corpus.service.orders.SearchOrders(SearchOrdersRequest(page_size=2, skip=100_000))
    assert (list(beyond.orders), beyond.next_page_token, beyond.total_size) == ([], "", len(corpus.orders))


async def test_a_page_holds_20_orders_if_nobody_says(new_database: Callable[[], str]) -> None:
    async with serving(new_database()) as other:
        empty = await other.orders.SearchOrders(SearchOrdersRequest())
        assert (list(empty.orders), empty.next_page_token, empty.total_size) == ([], "", 0)
        request = BatchUpsertOrdersRequest(source="shop")
        for number in range(25):
            order = request.orders.add(external_order_id=str(number), customer={"name": "Omar"})
            order.items.add(sku="A", quantity=1, unit_price=usd(1))
        await other.orders.BatchUpsertOrders(request)
        assert [len(page) for page in await pages(other, SearchOrdersRequest())] == [20, 5]


async def test_an_order_is_found_by_its_number_and_in_any_spelling_of_its_id(corpus: Corpus) -> None:
    for order in corpus.orders[:3]:
        for name in (order.order_id, order.order_number, order.order_id.upper()):
            assert await corpus.service.orders.GetOrder(GetOrderRequest(order_id=name)) == order


@pytest.mark.parametrize("respell", [lambda i: i.replace("-", "") + "----", lambda i: "{" + i + "}", lambda i: f" {i}"])
async def test_what_only_resembles_an_id_names_no_order(corpus: Corpus, respell: Callable[[str], str]) -> None:
    name = respell(corpus.orders[0].order_id)
    for call in (
        corpus.service.orders.GetOrder(GetOrderRequest(order_id=name)),
        corpus.service.orders.CancelOrder(CancelOrderRequest(order_id=name)),
    ):
        assert (await refused(call)).metadata == {"order_id": name}


async def test_a_batch_of_orders_comes_in_the_order_asked_for_with_the_missing_ones_named(corpus: Corpus) -> None:
    first, second, third = corpus.orders[:3]
    asked = ["nope", second.order_id, first.order_number, "ORD-1", second.order_id, third.order_id.upper(), "a\0b"]
    response = await corpus.service.orders.BatchGetOrders(BatchGetOrdersRequest(order_ids=asked))
    assert list(response.orders) == [second, first, third]
    assert list(response.missing_order_ids) == ["nope", "ORD-1", "a\0b"]


async def test_a_batch_takes_a_hundred_orders(corpus: Corpus) -> None:
    known = [order.order_id for order in corpus.orders]
    asked = [*known, *(f"nope-{number}" for number in range(100 - len(known)))]
    response = await corpus.service.orders.BatchGetOrders(BatchGetOrdersRequest(order_ids=asked))
    assert [*(order.order_id for order in response.orders), *response.missing_order_ids] == asked


async def events_of(service: Service, order_id: str, *, page_size: int) -> list[list[OrderEvent]]:
    found: list[list[OrderEvent]] = []
    request = ListOrderEventsRequest(order_id=order_id, page_size=page_size)
    while not found or request.page_token:
        response = await service.orders.ListOrderEvents(request)
        found.append(list(response.events))
        request.page_token = response.next_page_token
    return found


_lives = itertools.count(1)


async def a_life(service: Service) -> Order:
    """An order that was created, changed, confirmed, shipped, seen on its way, and delivered."""
    orders = service.orders
    life = f"life-{next(_lives)}"
    order = await orders.CreateOrder(new_order(request_id=f"{life}-create"))
    named = {"order_id": order.order_id}
    await orders.UpdateOrder(
        UpdateOrderRequest(order=named | {"referral_code": "F", "metadata": {"a": "b"}}, request_id=f"{life}-update")
    )
    await orders.TransitionOrder(
        TransitionOrderRequest(
            **named, status=ORDER_STATUS_CONFIRMED, override_reason="cash", request_id=f"{life}-confirm"
        )
    )
    await orders.TransitionOrder(
        TransitionOrderRequest(**named, status=ORDER_STATUS_SHIPPED, carrier="DHL", tracking_number="1Z", reason="go")
    )
    shipped = (await orders.GetOrder(GetOrderRequest(**named))).update_time.seconds
    for status, seconds, city in (
        (TRACKING_STATUS_IN_TRANSIT, 120, "Giza"),
        (TRACKING_STATUS_EXCEPTION, 60, "Cairo"),
        (TRACKING_STATUS_DELIVERED, 180, ""),
    ):
        event = {"status": status, "time": {"seconds": shipped + seconds}, "city": city, "location": "Depot"}
        await orders.RecordTrackingEvent(
            RecordTrackingEventRequest(**named, event=event, estimated_delivery_time=event["time"])
        )
    return await orders.GetOrder(GetOrderRequest(**named))


async def test_the_events_of_an_order_tell_its_life(service: Service) -> None:
    order = await a_life(service)
    ((*events,),) = await events_of(service, order.order_number, page_size=0)
    assert [event.version for event in events] == list(range(1, order.version + 1))
    assert {event.order_id for event in events} == {order.order_id}
    assert {event.actor for event in events} == {"anonymous"}
    times = [at(event.event_time) for event in events]
    assert times == sorted(times)
    assert (times[0], times[-1]) == (at(order.create_time), at(order.update_time))
    pending, confirmed, processing = ORDER_STATUS_PENDING, ORDER_STATUS_CONFIRMED, ORDER_STATUS_PROCESSING
    shipped, delivered = ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED
    changed = ORDER_EVENT_TYPE_STATUS_CHANGED
    told = [(event.type, event.from_status, event.to_status, event.reason, event.request_id) for event in events]
    assert [(*rest, request_id.split("-")[-1]) for *rest, request_id in told] == [
        (ORDER_EVENT_TYPE_CREATED, 0, pending, "", "create"),
        (ORDER_EVENT_TYPE_UPDATED, pending, pending, "", "update"),
        (changed, pending, confirmed, "cash", "confirm"),
        (changed, confirmed, processing, "", ""),
        (ORDER_EVENT_TYPE_SHIPMENT_SHIPPED, processing, processing, "", ""),
        (changed, processing, shipped, "go", ""),
        (ORDER_EVENT_TYPE_TRACKING, shipped, shipped, "", ""),
        (ORDER_EVENT_TYPE_TRACKING, shipped, shipped, "", ""),
        (ORDER_EVENT_TYPE_SHIPMENT_DELIVERED, shipped, shipped, "", ""),
        (changed, shipped, delivered, "", ""),
    ]
    assert [sorted(event.changed_fields) for event in events[:3]] == [[], ["metadata", "referral_code"], []]
    assert [event.tracking_event.city for event in events[6:8]] == ["Giza", "Cairo"]


async def test_events_come_in_pages_of_any_size(service: Service) -> None:
    order = await service.orders.CreateOrder(new_order())
    for number in range(7):
        update = UpdateOrderRequest(order={"order_id": order.order_id, "metadata": {"step": str(number)}})
        await service.orders.UpdateOrder(update)
    (everything,) = await events_of(service, order.order_id, page_size=1000)
    for size in (1, 2, 3, 8):
        found = await events_of(service, order.order_id, page_size=size)
        assert flat(found) == everything
        assert all(len(page) == size for page in found[:-1])
        assert found[-1]


async def test_tracking_tells_the_parcels_story_in_the_order_in_which_it_happened(service: Service) -> None:
    order = await a_life(service)
    tracking = await service.orders.TrackOrder(TrackOrderRequest(order_id=order.order_number))
    assert [event.status for event in tracking.events] == [
        TRACKING_STATUS_ORDER_PLACED,
        TRACKING_STATUS_ORDER_CONFIRMED,
        TRACKING_STATUS_PROCESSING,
        TRACKING_STATUS_SHIPPED,
        TRACKING_STATUS_EXCEPTION,
        TRACKING_STATUS_IN_TRANSIT,
        TRACKING_STATUS_DELIVERED,
    ]
    assert (tracking.order_id, tracking.carrier, tracking.tracking_number) == (order.order_id, "DHL", "1Z")
    assert tracking.status == TRACKING_STATUS_DELIVERED
    assert (tracking.current_location.city, tracking.current_location.time) == ("Giza", tracking.events[5].time)
    assert tracking.estimated_delivery_time == order.delivery.estimated_time == tracking.events[-1].time


async def test_tracking_of_a_new_order_says_that_it_was_placed(service: Service) -> None:
    order = await service.orders.CreateOrder(new_order())
    tracking = await service.orders.TrackOrder(TrackOrderRequest(order_id=order.order_id))
    assert [(event.status, event.time) for event in tracking.events] == [
        (TRACKING_STATUS_ORDER_PLACED, order.create_time)
    ]
    assert tracking.status == TRACKING_STATUS_ORDER_PLACED
    assert (tracking.carrier, tracking.HasField("current_location")) == ("", False)


async def test_products_are_listed_by_id_page_by_page(service: Service) -> None:
    more = [Product(product_id=f"z-{number}", name="Z", price=usd(1), stock=number) for number in range(5)]
    await service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=more))
    (everything,) = await product_pages(service, page_size=0)
    ids = [product.product_id for product in everything]
    assert ids == sorted(ids)
    assert {"mug", "lamp", "sofa", *(product.product_id for product in more)} <= set(ids)
    for size in (1, 3, len(everything), 1000):
        found = await product_pages(service, page_size=size)
        assert flat(found) == everything
        assert all(len(page) == size for page in found[:-1])
        assert found[-1]
    for product in everything:
        assert await service.catalog.GetProduct(GetProductRequest(product_id=product.product_id)) == product


async def product_pages(service: Service, *, page_size: int) -> list[list[Product]]:
    found: list[list[Product]] = []
    request = ListProductsRequest(page_size=page_size)
    while not found or request.page_token:
        response = await service.catalog.ListProducts(request)
        found.append(list(response.products))
        request.page_token = response.next_page_token
    return found


async def test_a_product_shows_the_stock_that_is_left(service: Service) -> None:
    rug = Product(product_id="rug", name="Rug", price=usd(70), stock=10)
    await service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=[rug]))
    await service.orders.CreateOrder(new_order(product_id="rug", quantity=4))
    stored = await service.catalog.GetProduct(GetProductRequest(product_id="rug"))
    assert (stored.stock, stored.reserved) == (6, 4)
    stored.stock = rug.stock
    stored.ClearField("reserved")
    assert stored == rug


async def test_stock_is_adjusted_on_its_shelf_and_the_reason_kept(service: Service) -> None:
    before = await service.catalog.GetProduct(GetProductRequest(product_id="sofa"))
    blue, red = [variant.stock for variant in before.variants]
    assert before.stock == blue + red
    request = AdjustStockRequest(product_id="sofa", variant_id="red", delta=-3, reason="broken\nin transit")
    after = await service.catalog.AdjustStock(request)
    assert [variant.stock for variant in after.variants] == [blue, red - 3]
    assert after.stock == blue + red - 3
    assert await service.catalog.GetProduct(GetProductRequest(product_id="sofa")) == after
    query = "SELECT delta, reason, actor FROM stock_adjustments WHERE variant_id = 'red' ORDER BY adjustment_id DESC"
    assert (await service.rows(query))[0] == (-3, "broken\nin transit", "anonymous")


async def test_stock_goes_down_to_nothing_and_no_further(service: Service) -> None:
    vase = Product(product_id="vase", name="Vase", price=usd(30), stock=3)
    await service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=[vase]))
    taking = AdjustStockRequest(product_id="vase", delta=-3, reason="sold at a fair")
    assert (await service.catalog.AdjustStock(taking)).stock == 0
    refusal = await refused(service.catalog.AdjustStock(AdjustStockRequest(product_id="vase", delta=-1, reason="more")))
    assert refusal.metadata == {"product_id": "vase", "variant_id": "", "requested": "1", "available": "0"}
    refusal = await refused(service.orders.CreateOrder(new_order(product_id="vase")))
    assert refusal.reason == "INSUFFICIENT_STOCK"
    assert await service.stock("vase") == 0
