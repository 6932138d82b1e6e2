"""ListOrders: streams that are cut, resumed, limited and given up, while others write."""

import asyncio
import itertools
import json
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from orders.v1.catalog_service_pb2 import BatchUpsertProductsRequest, Product
from orders.v1.order_pb2 import (
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_PENDING,
    ORDER_STATUS_PROCESSING,
    PAYMENT_STATUS_PAID,
    PAYMENT_STATUS_UNPAID,
    Order,
)
from orders.v1.order_service_pb2 import (
    ORDER_BY_CREATE_TIME,
    ORDER_BY_TOTAL,
    ORDER_BY_UNSPECIFIED,
    ORDER_BY_UPDATE_TIME,
    SORT_ORDER_ASC,
    SORT_ORDER_DESC,
    CancelOrderRequest,
    CreateOrderRequest,
    ListOrdersRequest,
    ListOrdersResponse,
    OrderBy,
    OrderFilter,
    SearchOrdersRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
)
from orders.v1.order_service_pb2_grpc import OrderServiceStub
from psycopg import sql as pg

from server.domain.base.caller import ANONYMOUS, Caller
from server.rpc import streaming
from server.rpc.listing import stream
from server.rpc.streaming import Streams
from server.storage.read import list_statements
from server.storage.read.filters import CONDITIONS, parameters_of
from server.storage.read.list_statements import (
    WINDOWS,
    PageShape,
    few_orders_statement,
    page_statement,
    past_page_statement,
)
from server.storage.read.lists import Listing, ListRepository
from server.storage.sql import Statement
from tests.conftest import HOME, PRODUCTS, Service, new_order, refused, serving, usd
from tests.storage.helpers import disagreements, ids, imported, session, until, upserts, waiting_for_locks

_sources = (f"source-{number}" for number in itertools.count(1))

EVERY_ORDER = list(
    itertools.product((ORDER_BY_CREATE_TIME, ORDER_BY_UPDATE_TIME, ORDER_BY_TOTAL), (SORT_ORDER_ASC, SORT_ORDER_DESC))
)
every_order = pytest.mark.parametrize(("order_by", "sort_order"), EVERY_ORDER)


# Streams, message by message.


async def messages_of(
    service: Service, request: ListOrdersRequest, *, token: str = "", count: int = 1 << 30, seconds: float | None = None
) -> list[ListOrdersResponse]:
    """The first messages of a stream, which is then cut."""
    wanted = ListOrdersRequest()
    wanted.CopyFrom(request)
    wanted.resume_token = token
    call = service.orders.ListOrders(wanted, timeout=seconds)
    found: list[ListOrdersResponse] = []
    async for message in call:
        found.append(message)
        if len(found) == count:
            call.cancel()
            break
    return found


def check(found: Sequence[ListOrdersResponse], page_size: int) -> None:
    """What holds for the messages of every stream that is not cut by a deadline."""
    for message in found:
        assert len(message.orders) <= page_size
        assert not message.truncated
        assert bool(message.orders) or message.complete or message.limit_reached
        assert bool(message.resume_token) or not message.orders
    assert not any(message.complete or message.limit_reached for message in found[:-1])


async def collect(
    service: Service,
    request: ListOrdersRequest,
    *,
    cut_after: Callable[[], int] = lambda: 1 << 30,
    meanwhile: Callable[[], Awaitable[None]] | None = None,
) -> list[Order]:
    """All orders of a list whose streams are cut again and again, and resumed after something else has happened."""
    orders: list[Order] = []
    token = ""
    while True:
        found = await messages_of(service, request, token=token, count=cut_after())
        check(found, request.page_size or 100)
        orders += [order for message in found for order in message.orders]
        if found and (found[-1].complete or found[-1].limit_reached):
            assert found[-1].complete or len(orders) == request.limit
            return orders
        token = found[-1].resume_token if found else token
        if meanwhile is not None:
            await meanwhile()


def key_of(order: Order, order_by: OrderBy) -> tuple[Any, ...]:
    """An order's place in a list."""
    if order_by == ORDER_BY_TOTAL:
        total = order.pricing.total
        return total.currency_code, total.units, total.nanos, order.order_id
    time = order.update_time if order_by == ORDER_BY_UPDATE_TIME else order.create_time
    return time.seconds, time.nanos, order.order_id


def sorted_ids(orders: Sequence[Order], order_by: OrderBy, sort_order: int) -> list[str]:
    return ids(sorted(orders, key=lambda order: key_of(order, order_by), reverse=sort_order != SORT_ORDER_ASC))


async def stored_orders(service: Service, source: str = "", customer_id: str = "") -> list[Order]:
    """The orders as the database has them."""
    query = "SELECT snapshot FROM orders WHERE (source = %s OR %s = '') AND (customer_id = %s OR %s = '')"
    rows = await service.rows(query, source, source, customer_id, customer_id)
    return [Order.FromString(snapshot) for (snapshot,) in rows]


# Others, who write meanwhile.


@dataclass
class Others:
    """Callers who change the orders of one customer, and add new ones."""

    service: Service
    customer_id: str
    source: str
    chance: random.Random
    orders: list[str] = field(default_factory=list)
    imported: int = 0

    async def fill(self, count: int) -> None:
        """Orders of both kinds, some of which have changed since, many with the same total or time."""
        calls: list[Awaitable[Any]] = [self._create() for _ in range(count // 2)]
        orders = [self._imported(number) for number in range(count - count // 2)]
        self.imported = len(orders)
        await asyncio.gather(*calls, self.service.orders.BatchUpsertOrders(upserts(self.source, *orders)))
        await self.write(count // 4, new=False)

    def _imported(self, number: int) -> Any:
        return imported(
            f"x{number}",
            self.customer_id,
            cents=100 * self.chance.randint(1, 5),
            referral_code=str(self.chance.random()),
        )

    async def _create(self) -> None:
        order = await self.service.orders.CreateOrder(new_order(self.customer_id, quantity=self.chance.randint(1, 3)))
        self.orders.append(order.order_id)

    async def _change(self) -> None:
        order_id = self.chance.choice(self.orders)
        kind = self.chance.random()
        wish: dict[str, Any] = {"order_id": order_id}
        if kind < 0.5:
            wish["items"] = [{"product_id": "mug", "quantity": self.chance.randint(1, 9)}]
        elif kind < 0.8:
            # Not more of its digits: they might look like a card number.
            wish["special_instructions"] = f"leave it at door {kind:.6f}"
        elif kind < 0.9:
            await self._attempt(self.service.orders.CancelOrder(CancelOrderRequest(order_id=order_id)))
            return
        else:
            status = self.chance.choice([ORDER_STATUS_CONFIRMED, ORDER_STATUS_PROCESSING])
            request = TransitionOrderRequest(order_id=order_id, status=status, override_reason="test")
            await self._attempt(self.service.orders.TransitionOrder(request))
            return
        await self._attempt(self.service.orders.UpdateOrder(UpdateOrderRequest(order=wish)))

    async def _attempt(self, call: Awaitable[Any]) -> None:
        try:
            await call
        except grpc.aio.AioRpcError as error:
            if error.code() != grpc.StatusCode.FAILED_PRECONDITION:
                raise

    async def _import(self, *, new: bool) -> None:
        numbers = set(self.chance.sample(range(self.imported), min(4, self.imported)))
        if new:
            numbers.add(self.imported)
            self.imported += 1
        await self.service.orders.BatchUpsertOrders(upserts(self.source, *map(self._imported, numbers)))

    async def write(self, count: int = 6, *, new: bool = True) -> None:
        """Some changes, all at once."""
        kinds = [self._change, self._change, lambda: self._import(new=new)] + [self._create] * new
        await asyncio.gather(*(self.chance.choice(kinds)() for _ in range(count)))

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Changes without a pause."""
        done = False

        async def work() -> None:
            while not done:
                await self.write(3)

        task = asyncio.create_task(work())
        try:
            yield
        finally:
            done = True
            await task


async def others(service: Service, count: int, *, seed: int = 0) -> Others:
    source = next(_sources)
    writers = Others(service, f"customer-of-{source}", source, random.Random(seed))
    await writers.fill(count)
    return writers


@every_order
@pytest.mark.parametrize("page_size", [1, 3, 100])
async def test_a_list_cut_anywhere_gives_every_order_once_in_its_first_place_while_others_write(
    service: Service, order_by: OrderBy, sort_order: Any, page_size: int
) -> None:
    writers = await others(service, 24, seed=page_size)
    before = await stored_orders(service, customer_id=writers.customer_id)
    wanted = OrderFilter(customer_id=writers.customer_id)
    request = ListOrdersRequest(filter=wanted, order_by=order_by, sort_order=sort_order, page_size=page_size)
    chance = random.Random(page_size)
    found = await collect(
        service,
        request,
        cut_after=lambda: chance.choice((1, 1, 2, 5)),
        meanwhile=lambda: writers.write(chance.choice((2, 8))),
    )
    assert ids(found) == sorted_ids(before, order_by, sort_order)


@pytest.fixture(params=[list_statements.MOST_LOOKED_UP, 8, 0])
def most_looked_up(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Changed orders are looked up one by one, until a list is under way, or not at all; then positions are read a few at a time."""
    statements = (list_statements.page_statement, list_statements.past_page_statement)
    monkeypatch.setattr(list_statements, "MOST_LOOKED_UP", request.param)
    monkeypatch.setattr(list_statements, "WINDOWS", (5, 20, None))
    # The products' lists are read either way.
    monkeypatch.setattr(list_statements, "FEW", request.param)
    for statement in statements:
        statement.cache_clear()
    yield
    for statement in statements:
        statement.cache_clear()


changing_keys = pytest.mark.parametrize(("order_by", "sort_order"), EVERY_ORDER[2:])


@pytest.mark.usefixtures("most_looked_up")
@pytest.mark.parametrize("wanted", ["customer", "product", "everything"])
@changing_keys
async def test_every_order_is_found_once_in_its_first_place_however_much_changes(
    new_database: Callable[[], str], order_by: OrderBy, sort_order: Any, wanted: str
) -> None:
    async with serving(new_database()) as service:
        await service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=PRODUCTS))
        writers = await others(service, 24)
        # Positions that no list sees any more.
        await writers.write(10, new=False)
        before = await stored_orders(service)
        if wanted == "product":
            before = [order for order in before if order.source]
        filters = {
            "customer": OrderFilter(customer_id=writers.customer_id),
            "product": OrderFilter(product_id="SKU"),
            "everything": OrderFilter(),
        }
        request = ListOrdersRequest(filter=filters[wanted], order_by=order_by, sort_order=sort_order, page_size=3)
        chance = random.Random(1)
        found = await collect(
            service,
            request,
            cut_after=lambda: chance.choice((1, 1, 2)),
            meanwhile=lambda: writers.write(chance.choice((2, 8))),
        )
        assert ids(found) == sorted_ids(before, order_by, sort_order)


@pytest.mark.usefixtures("most_looked_up")
@changing_keys
async def test_pages_lead_back_to_where_orders_were_before_they_changed(
    service: Service, order_by: OrderBy, sort_order: Any
) -> None:
    writers = await others(service, 12)
    wanted = OrderFilter(customer_id=writers.customer_id)
    request = SearchOrdersRequest(filter=wanted, order_by=order_by, sort_order=sort_order, page_size=5)
    before = sorted_ids(await stored_orders(service, customer_id=writers.customer_id), order_by, sort_order)
    page = await service.orders.SearchOrders(request)
    while page.next_page_token:
        request.page_token = page.next_page_token
        page = await service.orders.SearchOrders(request)
    found = ids(page.orders)
    while page.previous_page_token:
        await writers.write(8)
        request.page_token = page.previous_page_token
        page = await service.orders.SearchOrders(request)
        found = ids(page.orders) + found
    assert found == before


@every_order
async def test_a_list_cut_at_each_message_in_turn_goes_on_from_there(
    service: Service, order_by: OrderBy, sort_order: Any
) -> None:
    writers = await others(service, 12)
    wanted = OrderFilter(customer_id=writers.customer_id)
    request = ListOrdersRequest(filter=wanted, order_by=order_by, sort_order=sort_order, page_size=2)
    whole = await messages_of(service, request)
    assert ids([order for message in whole for order in message.orders]) == sorted_ids(
        await stored_orders(service, customer_id=writers.customer_id), order_by, sort_order
    )
    # The tokens of one stream, each used after more has changed: they all hold on to what the stream saw when it began.
    for number, message in enumerate(whole):
        await writers.write(2)
        rest = await messages_of(service, request, token=message.resume_token)
        check(rest, 2)
        expected = [order for later in whole[number + 1 :] for order in later.orders]
        assert ids([order for later in rest for order in later.orders]) == ids(expected)
        assert rest[-1].complete


@every_order
async def test_a_list_of_everything_is_whole_while_others_write_without_a_pause(
    new_database: Callable[[], str], order_by: OrderBy, sort_order: Any
) -> None:
    async with serving(new_database()) as service:
        await service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=PRODUCTS))
        writers = await others(service, 150)
        before = await stored_orders(service)
        request = ListOrdersRequest(order_by=order_by, sort_order=sort_order, page_size=10)
        first = await messages_of(service, request, count=1)
        async with writers.writing():
            token = first[-1].resume_token
            rest = await messages_of(service, request, token=token)
        found = [order for message in (*first, *rest) for order in message.orders]
        assert ids(found) == sorted_ids(before, order_by, sort_order)
        assert await disagreements(service.url) == []


@pytest.mark.usefixtures("most_looked_up")
@every_order
async def test_what_is_being_written_when_a_list_begins_has_one_place_in_it(
    service: Service, order_by: OrderBy, sort_order: Any
) -> None:
    writers = await others(service, 10)
    before = await stored_orders(service, customer_id=writers.customer_id)
    changed = writers.orders[0]
    wanted = OrderFilter(customer_id=writers.customer_id)
    request = ListOrdersRequest(filter=wanted, order_by=order_by, sort_order=sort_order, page_size=4)
    async with session(service.url) as outside, session(service.url, autocommit=False) as holder:
        await holder.execute("SELECT FROM inventory WHERE product_id = 'lamp' FOR UPDATE")
        # One batch that has begun when the list does, and ends when the list is under way.
        wish = {"order_id": changed, "items": [{"product_id": "lamp", "quantity": 3}], "metadata": {"n": "1"}}
        update = asyncio.ensure_future(service.orders.UpdateOrder(UpdateOrderRequest(order=wish)))

        async def waiting() -> bool:
            return await waiting_for_locks(outside) == 1

        await until(waiting)
        # The bulk lane overtakes it: its transaction is younger, and done before the list begins.
        overtaking = [imported(name, writers.customer_id, cents=9999) for name in ("x0", "x1")]
        await service.orders.BatchUpsertOrders(upserts(writers.source, *overtaking))
        younger = await stored_orders(service, source=writers.source)
        before = [order for order in before if not order.source] + younger
        first = await messages_of(service, request, count=1)
    await asyncio.wait([update])
    # One of those changes once more, the other stays as the list has seen it.
    await service.orders.BatchUpsertOrders(upserts(writers.source, imported("x0", writers.customer_id, cents=1)))
    rest = await messages_of(service, request, token=first[-1].resume_token)
    found = [order for message in (*first, *rest) for order in message.orders]
    assert ids(found) == sorted_ids(before, order_by, sort_order)


async def test_a_list_is_sorted_by_creation_time_newest_first_if_nothing_is_said(service: Service) -> None:
    writers = await others(service, 10)
    wanted = OrderFilter(customer_id=writers.customer_id)
    whole = await collect(service, ListOrdersRequest(filter=wanted))
    before = await stored_orders(service, customer_id=writers.customer_id)
    assert ids(whole) == sorted_ids(before, ORDER_BY_CREATE_TIME, SORT_ORDER_DESC)
    unsaid = ListOrdersRequest(filter=wanted, order_by=ORDER_BY_UNSPECIFIED)
    assert ids(await collect(service, unsaid)) == ids(whole)


async def test_totals_are_sorted_within_their_currency(service: Service) -> None:
    euro = Money(currency_code="EUR", units=1)
    await service.catalog.BatchUpsertProducts(
        BatchUpsertProductsRequest(products=[Product(product_id="tram", name="Tram", price=euro, stock=100)])
    )
    pieces = [("mug", 1), ("tram", 50), ("mug", 2), ("tram", 1), ("tram", 1)]
    for product_id, quantity in pieces:
        await service.orders.CreateOrder(new_order("traveller", product_id=product_id, quantity=quantity))
    request = ListOrdersRequest(filter={"customer_id": "traveller"}, order_by=ORDER_BY_TOTAL, page_size=1)
    found = await collect(service, request, cut_after=lambda: 1)
    totals = [(order.pricing.total.currency_code, order.pricing.total.units) for order in found]
    assert totals == [("USD", 25), ("USD", 12), ("EUR", 50), ("EUR", 1), ("EUR", 1)]
    assert len(set(ids(found))) == 5


# Limits, sizes and ends.


@every_order
async def test_a_limit_counts_over_all_resumptions(service: Service, order_by: OrderBy, sort_order: Any) -> None:
    writers = await others(service, 12)
    before = await stored_orders(service, customer_id=writers.customer_id)
    wanted = OrderFilter(customer_id=writers.customer_id)
    for limit in (1, 2, 5, 11, 12, 13):
        request = ListOrdersRequest(filter=wanted, order_by=order_by, sort_order=sort_order, page_size=2, limit=limit)
        found = await collect(service, request, cut_after=lambda: 1)
        assert ids(found) == sorted_ids(before, order_by, sort_order)[:limit]


def is_only_an_end(messages: Sequence[ListOrdersResponse], *, limit_reached: bool = False) -> bool:
    (message,) = messages
    ends = message.limit_reached if limit_reached else message.complete
    return bool(ends and not message.orders and not message.truncated)


async def test_a_token_of_a_complete_list_gives_nothing_more(service: Service) -> None:
    writers = await others(service, 6)
    for limit in (0, 4):
        request = ListOrdersRequest(filter={"customer_id": writers.customer_id}, page_size=2, limit=limit)
        token = (await messages_of(service, request))[-1].resume_token
        await writers.write()
        assert is_only_an_end(await messages_of(service, request, token=token), limit_reached=bool(limit))


@pytest.mark.parametrize(("page_size", "sizes"), [(0, [100, 7]), (1000, [107]), (50, [50, 50, 7]), (107, [107])])
async def test_a_message_holds_as_many_orders_as_a_page(service: Service, page_size: int, sizes: list[int]) -> None:
    orders = [imported(str(number), "pager") for number in range(107)]
    await service.orders.BatchUpsertOrders(upserts("pages", *orders))
    found = await messages_of(service, ListOrdersRequest(filter={"source": "pages"}, page_size=page_size))
    assert [len(message.orders) for message in found] == sizes
    assert [message.complete for message in found] == [False] * (len(sizes) - 1) + [True]


async def test_a_page_size_may_change_from_one_resumption_to_the_next(service: Service) -> None:
    writers = await others(service, 20)
    wanted = OrderFilter(customer_id=writers.customer_id)
    first = await messages_of(service, ListOrdersRequest(filter=wanted, page_size=3), count=1)
    rest = await messages_of(service, ListOrdersRequest(filter=wanted, page_size=7), token=first[-1].resume_token)
    before = await stored_orders(service, customer_id=writers.customer_id)
    found = [order for message in (*first, *rest) for order in message.orders]
    assert ids(found) == sorted_ids(before, ORDER_BY_CREATE_TIME, SORT_ORDER_DESC)


@every_order
async def test_a_list_of_nothing_is_one_complete_message(service: Service, order_by: OrderBy, sort_order: Any) -> None:
    request = ListOrdersRequest(filter={"customer_id": "nobody"}, order_by=order_by, sort_order=sort_order)
    assert is_only_an_end(await messages_of(service, request))


async def test_a_list_of_an_empty_database_is_one_complete_message(new_database: Callable[[], str]) -> None:
    async with serving(new_database()) as service:
        for order_by, sort_order in EVERY_ORDER:
            request = ListOrdersRequest(order_by=order_by, sort_order=sort_order)
            assert is_only_an_end(await messages_of(service, request))


async def test_a_token_serves_no_other_list(service: Service) -> None:
    writers = await others(service, 6)
    wanted = OrderFilter(customer_id=writers.customer_id)
    first = await messages_of(service, ListOrdersRequest(filter=wanted, page_size=2), count=1)
    token = first[-1].resume_token
    for other in (
        ListOrdersRequest(filter={"customer_id": "jane"}),
        ListOrdersRequest(filter=wanted, order_by=ORDER_BY_TOTAL),
        ListOrdersRequest(filter=wanted, sort_order=SORT_ORDER_ASC),
        ListOrdersRequest(filter=wanted, limit=3),
    ):
        assert (await refused(messages_of(service, other, token=token))).reason == "RESUME_TOKEN_INVALID"
    for damaged in (token[:-1], "x" + token, "x"):
        request = ListOrdersRequest(filter=wanted)
        assert (await refused(messages_of(service, request, token=damaged))).reason == "RESUME_TOKEN_INVALID"


# Filters.


async def test_each_filter_keeps_what_it_says_and_ranges_leave_out_their_end(service: Service) -> None:
    orders = service.orders
    customer = "filtered"
    mug = await orders.CreateOrder(new_order(customer))
    lamp = await orders.CreateOrder(new_order(customer, product_id="lamp"))
    both = CreateOrderRequest(customer_id=customer, shipping_address=HOME)
    both.items.add(product_id="lamp", quantity=1)
    both.items.add(product_id="mug", quantity=4)
    many = await orders.CreateOrder(both)
    confirmed = await orders.TransitionOrder(
        TransitionOrderRequest(order_id=lamp.order_id, status=ORDER_STATUS_CONFIRMED, override_reason="r")
    )
    cancelled = await orders.CancelOrder(CancelOrderRequest(order_id=mug.order_id))
    await orders.BatchUpsertOrders(upserts("filters", imported("1", customer, cents=5000)))
    stored = {order.order_id: order for order in await stored_orders(service, customer_id=customer)}
    (shop,) = (order for order in stored.values() if order.source)
    assert len(stored) == 4

    async def kept(**wanted: Any) -> set[str]:
        found = await collect(service, ListOrdersRequest(filter={"customer_id": customer} | wanted, page_size=1))
        assert len(set(ids(found))) == len(found)
        return set(ids(found))

    everything = set(stored)
    a, b, c, d = mug.order_id, lamp.order_id, many.order_id, shop.order_id
    assert await kept() == everything
    assert await kept(statuses=[ORDER_STATUS_CONFIRMED, ORDER_STATUS_CANCELLED]) == {a, b}
    assert await kept(statuses=[ORDER_STATUS_PENDING]) == {c, d}
    assert await kept(payment_statuses=[PAYMENT_STATUS_UNPAID, PAYMENT_STATUS_PAID]) == everything
    assert await kept(payment_statuses=[PAYMENT_STATUS_PAID]) == set()
    assert await kept(source="filters") == {d}
    assert await kept(source="filters", external_order_id="1") == {d}
    assert await kept(source="filters", external_order_id="2") == set()
    assert await kept(product_id="lamp") == {b, c}
    assert await kept(product_id="mug") == {a, c}
    assert await kept(product_id="SKU") == {d}
    assert await kept(create_time_from=lamp.create_time) == {b, c, d}
    assert await kept(create_time_to=lamp.create_time) == {a}
    assert await kept(create_time_from=lamp.create_time, create_time_to=many.create_time) == {b}
    assert await kept(update_time_from=confirmed.update_time, update_time_to=cancelled.update_time) == {b}
    assert await kept(update_time_from=cancelled.update_time) == {a, d}
    assert await kept(total_from=usd(49, 90)) == {b, c, d}
    assert await kept(total_from=usd(49, 90), total_to=usd(50)) == {b}
    assert await kept(total_to=usd(49, 90)) == {a}
    assert await kept(total_from=Money(currency_code="EUR")) == set()
    assert await kept(statuses=[ORDER_STATUS_CONFIRMED], product_id="mug") == set()


async def test_time_bounds_are_exact_to_the_nanosecond(service: Service) -> None:
    order = await service.orders.CreateOrder(new_order("punctual"))

    async def finds(bound: str, nanoseconds: int) -> bool:
        time = Timestamp()
        time.FromNanoseconds(order.create_time.ToNanoseconds() + nanoseconds)
        wanted = {"customer_id": "punctual", bound: time}
        found = await service.orders.SearchOrders(SearchOrdersRequest(filter=wanted))
        assert found.total_size == len(found.orders)
        streamed = await collect(service, ListOrdersRequest(filter=wanted))
        assert ids(streamed) == ids(found.orders)
        return bool(found.orders)

    for field_name in ("create_time", "update_time"):
        assert [await finds(f"{field_name}_from", n) for n in (-1, 0, 1, 999, 1000)] == [
            True,
            True,
            False,
            False,
            False,
        ]
        assert [await finds(f"{field_name}_to", n) for n in (-1, 0, 1, 999, 1000)] == [False, False, True, True, True]


@pytest.mark.parametrize("sku", ["SKU with spaces", " ", "~!@ #", "x" * 128])
async def test_every_sku_that_can_be_imported_can_be_filtered_by(service: Service, sku: str) -> None:
    order = imported("1")
    order.items[0].sku = sku
    source = next(_sources)
    await service.orders.BatchUpsertOrders(upserts(source, order))
    found = await collect(service, ListOrdersRequest(filter={"source": source, "product_id": sku}))
    assert [stored.items[0].sku for stored in found] == [sku]


@every_order
async def test_a_filter_on_what_changes_goes_by_the_order_as_it_is_read_and_never_twice(
    service: Service, order_by: OrderBy, sort_order: Any
) -> None:
    customer = f"fickle-{order_by}-{sort_order}"
    made = [await service.orders.CreateOrder(new_order(customer, quantity=1 + n % 3)) for n in range(12)]
    wanted = OrderFilter(customer_id=customer, statuses=[ORDER_STATUS_PENDING], total_to=usd(1000))
    request = ListOrdersRequest(filter=wanted, order_by=order_by, sort_order=sort_order, page_size=1)
    chance = random.Random(1)
    left = set(ids(made))

    async def leave() -> None:
        order_id = chance.choice(sorted(left))
        left.discard(order_id)
        await service.orders.CancelOrder(CancelOrderRequest(order_id=order_id))
        other = chance.choice(sorted(left))
        line = {"product_id": "mug", "quantity": chance.randint(1, 9)}
        await service.orders.UpdateOrder(UpdateOrderRequest(order={"order_id": other, "items": [line]}))

    found = await collect(service, request, cut_after=lambda: chance.choice((2, 3)), meanwhile=leave)
    assert len(set(ids(found))) == len(found)
    assert left < set(ids(made))
    assert left <= set(ids(found)) <= set(ids(made))
    places = sorted_ids(made, order_by, sort_order)
    assert [places.index(order_id) for order_id in ids(found)] == sorted(places.index(o) for o in ids(found))
    assert all(order.status == ORDER_STATUS_PENDING for order in found)


# Large orders, slow readers, deadlines, and callers that leave.


def _huge(customer_id: str) -> CreateOrderRequest:
    """An order of some 0.9 MB, close to the limit: 500 lines with customizations."""
    request = CreateOrderRequest(customer_id=customer_id, shipping_address=HOME)
    for _ in range(500):
        line = request.items.add(product_id="mug", quantity=1)
        line.customizations.update({f"part-{number}": "x" * 410 for number in range(4)})
    return request


@pytest.fixture(scope="module")
async def huge(service: Service) -> tuple[str, list[Order]]:
    """Large orders of one customer, with small ones between them, from old to new."""
    made = []
    for number in range(4):
        made.append(await service.orders.CreateOrder(_huge("hoarder")))
        made += [await service.orders.CreateOrder(new_order("hoarder")) for _ in range(number)]
    return "hoarder", made


async def test_messages_of_huge_orders_are_taken_by_a_client_with_the_usual_limit(
    service: Service, huge: tuple[str, list[Order]]
) -> None:
    customer, made = huge
    assert made[0].ByteSize() > 800_000
    request = ListOrdersRequest(filter={"customer_id": customer}, sort_order=SORT_ORDER_ASC)
    async with grpc.aio.insecure_channel(service.address) as channel:
        found = [message async for message in OrderServiceStub(channel).ListOrders(request)]
    assert len(found) >= 4
    assert all(message.ByteSize() < 4 << 20 for message in found)
    assert [order for message in found for order in message.orders] == made
    # Each message has a token of its own, also those that share a page.
    tokens = [message.resume_token for message in found]
    assert len(set(tokens)) == len(found)
    count = 0
    for message in found:
        count += len(message.orders)
        rest = await messages_of(service, request, token=message.resume_token)
        assert ids([order for later in rest for order in later.orders]) == ids(made[count:])


@every_order
@pytest.mark.parametrize("max_bytes", [0, 1, 5_000, 1_000_000, 1 << 40])
async def test_a_page_is_bounded_by_bytes_and_knows_whether_orders_follow(
    service: Service, huge: tuple[str, list[Order]], order_by: OrderBy, sort_order: Any, max_bytes: int
) -> None:
    customer, made = huge
    listing = Listing(OrderFilter(customer_id=customer), order_by, sort_order)
    lists = ListRepository(service.running.database)
    began = await lists.begin()
    assert began is not None
    found: list[str] = []
    after = None
    while True:
        page = await lists.page(listing, began, after, size=100, max_bytes=max_bytes)
        orders = list(page)
        assert len(orders) == 1 or sum(map(len, orders)) <= max_bytes
        found += [Order.FromString(order).order_id for order in orders]
        after = page.end
        assert page.more == (len(found) < len(made))
        if not page.more:
            break
    assert found == sorted_ids(made, order_by, sort_order)


def _pool(service: Service) -> dict[str, int]:
    return service.running.database._pool.get_stats()


async def test_a_reader_that_stops_reading_stops_the_work(service: Service) -> None:
    source = next(_sources)
    large = {f"key-{n}": "v" * 490 for n in range(50)}
    for batch in range(15):
        orders = [imported(f"{batch}-{n}", metadata=large) for n in range(100)]
        await service.orders.BatchUpsertOrders(upserts(source, *orders))
    before = _pool(service)["requests_num"]
    request = ListOrdersRequest(filter={"source": source}, page_size=10)
    call = service.orders.ListOrders(request)
    first = await call.read()
    last = -1

    async def still() -> bool:
        nonlocal last
        seen, last = last, _pool(service)["requests_num"]
        await asyncio.sleep(0.1)
        return seen == last

    await until(still)
    # Of the 150 pages, 38 MB, it has read those that the buffers of the connection hold.
    assert 1 <= last - before < 75
    count = len(first.orders)
    while (message := await call.read()) is not grpc.aio.EOF:
        count += len(message.orders)
    assert count == 1500


async def test_a_caller_that_leaves_ends_the_work_and_frees_its_connection(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    before = _pool(service)["requests_num"]
    calls = [service.orders.ListOrders(ListOrdersRequest(page_size=1)) for _ in range(20)]
    for call in calls:
        await call.read()
        call.cancel()
    for call in calls:
        with pytest.raises(asyncio.CancelledError):
            await call.read()

    async def idle() -> bool:
        rows = await service.rows(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'orders'"
            " AND state <> 'idle'"
        )
        stats = _pool(service)
        return rows == [(0,)] and stats["pool_available"] == stats["pool_size"]

    await until(idle)
    done = _pool(service)["requests_num"]
    total = len(await stored_orders(service))
    assert done - before < 20 * total / 2
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


class HurryingClock:
    """The streams' time, of which a tenth of a second passes whenever they look."""

    now = 0.0

    def monotonic(self) -> float:
        self.now += 0.1
        return self.now


async def test_a_stream_ends_by_itself_shortly_before_its_deadline_and_is_resumed(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = next(_sources)
    orders = [imported(f"{n}", "patient") for n in range(600)]
    await service.orders.BatchUpsertOrders(upserts(source, *orders))
    monkeypatch.setattr(streaming, "time", HurryingClock())
    request = ListOrdersRequest(filter={"source": source}, page_size=1)
    found: list[Order] = []
    token, streams = "", 0
    while True:
        messages = await messages_of(service, request, token=token, seconds=60)
        found += [order for message in messages for order in message.orders]
        last, token, streams = messages[-1], messages[-1].resume_token, streams + 1
        assert not any(message.truncated or message.complete for message in messages[:-1])
        assert last.truncated != last.complete
        if last.complete:
            break
        assert not last.orders
        assert token
    assert streams > 1
    assert len(found) == len(set(ids(found))) == 600


class Clock:
    """The streams' time, which only passes when a test says so."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@dataclass
class SlowCaller:
    """A caller whose network takes its time for every message."""

    clock: Clock
    seconds: float
    deadline: float
    caller: Caller = ANONYMOUS
    messages: list[ListOrdersResponse] = field(default_factory=list)

    def time_remaining(self) -> float:
        return self.deadline

    async def check_caller(self) -> None:
        """Nobody's right to call is taken away."""

    async def write(self, message: bytes) -> None:
        self.clock.now += self.seconds
        self.messages.append(ListOrdersResponse.FromString(message))

    async def mark_replayed(self) -> None:
        raise AssertionError("a list is never replayed")


async def test_the_deadline_counts_within_a_page_that_takes_many_messages(
    service: Service, huge: tuple[str, list[Order]], monkeypatch: pytest.MonkeyPatch
) -> None:
    customer, made = huge
    request = ListOrdersRequest(filter={"customer_id": customer})
    clock = Clock()
    monkeypatch.setattr(streaming, "time", clock)
    slow = SlowCaller(clock, seconds=10, deadline=30)
    await stream(ListRepository(service.running.database), request, slow, Streams())
    assert slow.messages[-1].truncated
    assert 2 <= len(slow.messages) <= 4
    rest = await messages_of(service, request, token=slow.messages[-1].resume_token)
    found = [order for message in (*slow.messages, *rest) for order in message.orders]
    assert ids(found) == ids(made[::-1])


# Plans.


# Positions that no list sees any more, at neither end of any list.
_MANY_PAST_POSITIONS = """
    INSERT INTO past_positions (order_id, currency, total_minor, update_time, written_xid, replaced_xid)
    SELECT order_id, currency, 4000 + copy, middle, xid, xid
    FROM orders,
        generate_series(1, 20) AS copy,
        (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY update_time) AS middle FROM orders) AS times"""


@pytest.fixture(scope="module")
async def many(new_database: Callable[[], str]) -> AsyncIterator[Service]:
    """A server with 10,000 orders that have changed 20 times each."""
    async with serving(new_database(), database_timeout=300) as service:

        async def batch(number: int) -> None:
            orders = [imported(f"{number}-{n}", f"c{n % 80}", cents=1 + n * number % 9973) for n in range(1000)]
            await service.orders.BatchUpsertOrders(upserts("shop", *orders))

        await asyncio.gather(*map(batch, range(10)))
        async with session(service.url) as connection:
            await connection.execute(_MANY_PAST_POSITIONS)
            await connection.execute("ANALYZE")
        yield service


def _walk(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _walk(child)


async def _plan(connection: Any, statement: str, parameters: dict[str, Any], mode: str) -> list[dict[str, Any]]:
    """The nodes of the plan of a prepared statement that has been used before."""
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 1}"

    text = re.sub(r"%\((\w+)\)s", number, statement).replace("%%", "%")
    await connection.execute(f"SET plan_cache_mode = {mode}")
    await connection.execute("DEALLOCATE ALL")
    await connection.execute(f"PREPARE page AS {text}".encode())
    values = pg.SQL(", ").join(pg.Literal(parameters[name]) for name in names)
    execute = pg.SQL("EXECUTE page ({})").format(values)
    for _ in range(6):
        await connection.execute(execute)
    cursor = await connection.execute(pg.SQL("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {}").format(execute))
    ((plan,),) = await cursor.fetchall()
    return list(_walk(json.loads(plan)[0]["Plan"] if isinstance(plan, str) else plan[0]["Plan"]))


def _past_page(shape: PageShape) -> Statement:
    return past_page_statement(shape, WINDOWS[0])


_INDEXES: list[tuple[str, dict[str, Any], OrderBy, Callable[[PageShape], Statement]]] = [
    ("orders_create_time", {}, ORDER_BY_CREATE_TIME, page_statement),
    ("orders_customer", {"customer_id": "c7"}, ORDER_BY_CREATE_TIME, page_statement),
    ("orders_update_time", {}, ORDER_BY_UPDATE_TIME, page_statement),
    ("orders_total", {}, ORDER_BY_TOTAL, page_statement),
    ("past_positions_update_time", {}, ORDER_BY_UPDATE_TIME, _past_page),
    ("past_positions_total", {}, ORDER_BY_TOTAL, _past_page),
    ("orders_customer", {"customer_id": "c7"}, ORDER_BY_TOTAL, few_orders_statement),
]


@pytest.mark.parametrize("mode", ["auto", "force_custom_plan"])
@pytest.mark.parametrize("sort_order", [SORT_ORDER_ASC, SORT_ORDER_DESC])
@pytest.mark.parametrize(("index", "wanted", "order_by", "statement_of"), _INDEXES)
async def test_a_page_is_read_from_its_index_also_when_resumed_in_the_middle(  # noqa: PLR0917
    many: Service,
    index: str,
    wanted: dict[str, Any],
    order_by: OrderBy,
    statement_of: Callable[[PageShape], Statement],
    sort_order: Any,
    mode: str,
) -> None:
    listing = Listing(OrderFilter(**wanted), order_by, sort_order)
    size = 101
    lists = ListRepository(many.running.database)
    began = await lists.begin()
    assert began is not None
    # Some have changed since the list began.
    changed = [imported(f"1-{n}", f"c{n % 80}", cents=77_777) for n in range(5)]
    await many.orders.BatchUpsertOrders(upserts("shop", *changed))
    before = await lists.page(listing, began, None, size=size, skip=90)
    names = tuple(name for name in CONDITIONS if name in wanted)
    for after in (None, before.take(1).end):
        statement = statement_of(PageShape(names, order_by, listing.ascending, after is not None))
        parameters = parameters_of(listing.filter, names) | {"limit": size, "offset": 0, "max_bytes": 1 << 20}
        parameters |= {"newest": began.newest, "latest": began.latest, "seen": began.snapshot}
        if after is not None:
            parameters |= {f"after_{n}": value for n, value in enumerate(after.key)} | {"after_id": after.order_id}
        async with session(many.url) as connection:
            nodes = await _plan(connection, statement.text, parameters, mode)
        assert index in {node.get("Index Name") for node in nodes}
        for node in nodes:
            assert node["Node Type"] != "Seq Scan", node
            # Neither what it reads nor what it sorts grows with the table.
            assert node["Actual Rows"] + node.get("Rows Removed by Filter", 0) < 1000, node


async def test_a_list_of_all_is_read_in_pages_that_cost_the_same_at_its_end(many: Service) -> None:
    for order_by in (ORDER_BY_UPDATE_TIME, ORDER_BY_TOTAL):
        request = ListOrdersRequest(order_by=order_by, page_size=1000)
        found = await messages_of(many, request)
        listed = [order.order_id for message in found for order in message.orders]
        assert len(set(listed)) == len(listed) == 10_000
