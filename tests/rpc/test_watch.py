"""WatchOrders and ListOrderChanges: every change once, from any cursor."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
import pytest
from orders.v1 import order_pb2 as pb
from orders.v1.order_change_pb2 import OrderChange
from orders.v1.order_service_pb2 import (
    CancelOrderRequest,
    GetOrderRequest,
    ListOrderChangesRequest,
    ListOrderEventsRequest,
    ListOrdersRequest,
    OrderFilter,
    WatchOrdersRequest,
    WatchOrdersResponse,
)
from orders.v1.order_service_pb2_grpc import OrderServiceStub

from server.rpc import feed_tokens
from server.rpc.feed_tokens import FeedCursor
from tests.conftest import Service, refused, serving, stock_shop
from tests.rpc.test_history import delivered_order, forget_values
from tests.shop import new_order, usd

Key = tuple[str, int]


class Watcher:
    """A stream and what it has sent."""

    def __init__(self, call: Any) -> None:
        self.call = call
        self.messages: list[WatchOrdersResponse] = []

    @property
    def token(self) -> str:
        return self.messages[-1].resume_token

    def seen(self) -> list[Key]:
        return [key_of(change) for message in self.messages for change in message.changes]

    async def read(self) -> WatchOrdersResponse:
        message: WatchOrdersResponse = await self.call.read()
        assert message is not grpc.aio.EOF, await self.call.code()
        self.messages.append(message)
        return message

    async def until_caught_up(self) -> "Watcher":
        while not (await self.read()).caught_up:
            pass
        return self

    async def until_seen(self, *keys: Key) -> "Watcher":
        while not set(keys) <= set(self.seen()):
            await self.read()
        return self


def key_of(change: Any) -> Key:
    return change.event.order_id, change.event.version


@asynccontextmanager
async def watching(service: Service, **request: Any) -> AsyncIterator[Watcher]:
    call = service.orders.WatchOrders(WatchOrdersRequest(**request), timeout=120)
    try:
        async with asyncio.timeout(100):
            yield await Watcher(call).until_caught_up()
    finally:
        call.cancel()


async def create(service: Service, **fields: Any) -> pb.Order:
    return await service.orders.CreateOrder(new_order(**fields))


async def cancel(service: Service, order: pb.Order) -> pb.Order:
    return await service.orders.CancelOrder(CancelOrderRequest(order_id=order.order_id))


async def read_to_end(service: Service, **request: Any) -> list[WatchOrdersResponse]:
    call = service.orders.WatchOrders(WatchOrdersRequest(**request, end_when_caught_up=True), timeout=100)
    return [message async for message in call]


def keys_of(messages: Sequence[Any]) -> list[Key]:
    return [key_of(change) for message in messages for change in message.changes]


async def until_sequenced(service: Service, *keys: Key) -> str:
    """The cursor behind these changes."""
    async with watching(service, start_time={"seconds": 1}) as watcher:
        return (await watcher.until_seen(*keys)).token


async def test_changes_arrive_in_order_with_dense_positions(service: Service) -> None:
    async with watching(service) as watcher:
        first, second = await create(service), await create(service)
        await cancel(service, first)
        await watcher.until_seen((first.order_id, 2), (second.order_id, 1))
    positions = [change.position for message in watcher.messages for change in message.changes]
    assert positions == list(range(positions[0], positions[0] + 3))
    own = [version for order_id, version in watcher.seen() if order_id == first.order_id]
    assert own == [1, 2]


async def test_list_then_follow_neither_loses_nor_repeats(service: Service) -> None:
    before = [await create(service, customer_id="lister") for _ in range(3)]
    wanted = OrderFilter(customer_id="lister")
    call = service.orders.ListOrders(ListOrdersRequest(filter=wanted, page_size=1))
    listed, finished = [], None
    async for page in call:
        listed += [(order.order_id, order.version) for order in page.orders]
        if len(listed) == 1:
            # Committed while the list runs: it belongs to what follows.
            during = await create(service, customer_id="lister")
        finished = page
    assert finished is not None
    assert finished.complete
    assert listed == [(order.order_id, 1) for order in reversed(before)]
    assert finished.count == 3
    assert finished.checksum == zlib.crc32(b"".join(b"%b:%d\n" % (key[0].encode(), key[1]) for key in listed))
    after = await cancel(service, before[0])
    expected = {(during.order_id, 1), (after.order_id, 2)}
    async with watching(service, filter=wanted, resume_token=finished.resume_token) as watcher:
        await watcher.until_seen(*expected)
    assert set(watcher.seen()) == expected
    assert len(watcher.seen()) == 2


async def test_empty_list_can_be_followed(service: Service) -> None:
    wanted = OrderFilter(customer_id="newcomer")
    (page,) = [page async for page in service.orders.ListOrders(ListOrdersRequest(filter=wanted))]
    order = await create(service, customer_id="newcomer")
    async with watching(service, filter=wanted, resume_token=page.resume_token) as watcher:
        await watcher.until_seen((order.order_id, 1))


async def test_every_message_has_a_cursor_that_continues_behind_it(service: Service) -> None:
    made = [await create(service, customer_id="hopper") for _ in range(5)]
    await until_sequenced(service, *[(order.order_id, 1) for order in made])
    token, found = "", list[Key]()
    while len(found) < 5:
        start = {"resume_token": token} if token else {"start_time": {"seconds": 1}}
        page = await service.orders.ListOrderChanges(
            ListOrderChangesRequest(filter={"customer_id": "hopper"}, page_size=2, **start)
        )
        found += keys_of([page])
        token = page.resume_token
        assert page.count == len(found)
        assert page.checksum == zlib.crc32(b"".join(feed_tokens.stamp(*key) for key in found))
    assert found == [(order.order_id, 1) for order in made]
    assert keys_of(await read_to_end(service, filter={"customer_id": "hopper"}, resume_token=token)) == []


async def test_poller_without_cursor_starts_at_the_end(service: Service) -> None:
    await create(service)
    page = await service.orders.ListOrderChanges(ListOrderChangesRequest())
    order = await create(service, customer_id="polled")
    await until_sequenced(service, (order.order_id, 1))
    later = await service.orders.ListOrderChanges(
        ListOrderChangesRequest(resume_token=page.resume_token, filter={"customer_id": "polled"})
    )
    assert keys_of([later]) == [(order.order_id, 1)]
    assert later.caught_up


async def test_bookmarks_move_the_cursor_when_nothing_matches(service: Service) -> None:
    async with watching(service, filter={"customer_id": "silent"}, bookmark_interval={"seconds": 1}) as watcher:
        order = await create(service)
        await until_sequenced(service, (order.order_id, 1))
        bookmark = await watcher.read()
        while (
            feed_tokens.decode(bookmark.resume_token, field="").position
            == feed_tokens.decode(watcher.messages[0].resume_token, field="").position
        ):
            bookmark = await watcher.read()
    assert not watcher.seen()
    assert bookmark.caught_up


async def test_watch_ends_truncated_before_the_deadline(service: Service) -> None:
    call = service.orders.WatchOrders(WatchOrdersRequest(), timeout=3)
    messages = [message async for message in call]
    assert messages[-1].truncated
    order = await create(service)
    async with watching(service, resume_token=messages[-1].resume_token) as watcher:
        await watcher.until_seen((order.order_id, 1))


async def test_latest_sends_the_newest_change_of_each_order(service: Service) -> None:
    order = await create(service, customer_id="latest")
    await cancel(service, order)
    await until_sequenced(service, (order.order_id, 2))
    wanted = {"filter": {"customer_id": "latest"}, "start_time": {"seconds": 1}}
    assert keys_of(await read_to_end(service, **wanted)) == [(order.order_id, 1), (order.order_id, 2)]
    assert keys_of(await read_to_end(service, **wanted, latest=True)) == [(order.order_id, 2)]


async def test_order_is_included_with_the_fields_of_the_mask(service: Service) -> None:
    order = await create(service, customer_id="masked")
    await until_sequenced(service, (order.order_id, 1))
    wanted = {"filter": {"customer_id": "masked"}, "start_time": {"seconds": 1}, "include_order": True}
    (whole,) = [c for m in await read_to_end(service, **wanted) for c in m.changes]
    assert whole.order == order
    mask = {"paths": ["order_number", "customer.customer_id"]}
    (part,) = [c for m in await read_to_end(service, **wanted, read_mask=mask) for c in m.changes]
    expected = pb.Order(order_number=order.order_number, customer={"customer_id": "masked"})
    assert part.order == expected
    (slim,) = [
        c for m in await read_to_end(service, filter=wanted["filter"], start_time={"seconds": 1}) for c in m.changes
    ]
    assert not slim.HasField("order")


async def changes_of(service: Service, order: pb.Order) -> list[OrderChange]:
    await until_sequenced(service, (order.order_id, order.version))
    messages = await read_to_end(service, start_time={"seconds": 1}, include_order=True)
    return [change for m in messages for change in m.changes if change.event.order_id == order.order_id]


async def test_changes_carry_their_values_and_the_order_as_of_each(service: Service) -> None:
    order = (await delivered_order(service))[-1]
    events = await service.orders.ListOrderEvents(ListOrderEventsRequest(order_id=order.order_id))
    changes = await changes_of(service, order)
    assert [change.event for change in changes] == list(events.events)
    versions = [GetOrderRequest(order_id=order.order_id, version=change.event.version) for change in changes]
    assert [change.order for change in changes] == [await service.orders.GetOrder(version) for version in versions]


async def test_orders_before_values_were_recorded_are_as_of_the_oldest_known(service: Service) -> None:
    versions = await delivered_order(service)
    await forget_values(service, versions[-1], [2, 3])
    orders = [change.order for change in await changes_of(service, versions[-1])]
    assert orders[:3] == [versions[2]] * 3
    assert [order.version for order in orders[3:]] == list(range(4, versions[-1].version + 1))


FILTERS: list[tuple[dict[str, Any], list[int]]] = [
    ({"filter": {"statuses": [pb.ORDER_STATUS_CANCELLED]}}, [2]),
    ({"filter": {"statuses": [pb.ORDER_STATUS_PENDING]}}, [1, 2]),
    ({"filter": {"statuses": [pb.ORDER_STATUS_SHIPPED]}}, []),
    ({"event_types": [pb.ORDER_EVENT_TYPE_CREATED]}, [1]),
    ({"filter": {"product_id": "mug"}}, [1, 2]),
    ({"filter": {"product_id": "lamp"}}, []),
    ({"filter": {"payment_statuses": [pb.PAYMENT_STATUS_UNPAID]}}, [1, 2]),
    ({"filter": {"total_from": usd(1)}}, [1, 2]),
    ({"filter": {"total_to": usd(1)}}, []),
    ({"filter": {"create_time_from": {"seconds": 7_000_000_000}}}, []),
    ({"filter": {"update_time_to": {"seconds": 7_000_000_000}}}, [1, 2]),
    ({"filter": {"status_time_from": {"seconds": 1}, "status_time_to": {"seconds": 7_000_000_000}}}, [1, 2]),
    ({"filter": {"status_time_from": {"seconds": 7_000_000_000}}}, []),
    ({"filter": {"customer_email": "filtered@example.com"}}, []),
    ({"filter": {"held": False}}, [1, 2]),
    ({"filter": {"metadata_key": "channel", "metadata_value": "fair"}}, []),
    ({"filter": {"source": "elsewhere"}}, []),
    ({"filter": {"stuck_for": {"seconds": 3600}}}, []),
]


async def test_filters_select_the_same_changes_live_and_from_the_database(service: Service) -> None:
    customer = {"customer_id": "filtered"}
    asked = [{**wanted, "filter": OrderFilter(**(wanted.get("filter", {}) | customer))} for wanted, _ in FILTERS]
    start = (await service.orders.ListOrderChanges(ListOrderChangesRequest())).resume_token
    calls = [service.orders.WatchOrders(WatchOrdersRequest(**wanted), timeout=120) for wanted in asked]
    live = [await Watcher(call).until_caught_up() for call in calls]
    order = await create(service, **customer)
    await cancel(service, order)
    end = await create(service, **customer)
    await until_sequenced(service, (end.order_id, 1))
    try:
        for watcher, wanted, (_, versions) in zip(live, asked, FILTERS, strict=True):
            expected = [(order.order_id, version) for version in versions]
            await watcher.until_seen(*expected)
            own = [key for key in watcher.seen() if key[0] == order.order_id]
            assert own == expected, wanted
            stored = keys_of(await read_to_end(service, **wanted, resume_token=start))
            assert [key for key in stored if key[0] == order.order_id] == expected, wanted
    finally:
        for call in calls:
            call.cancel()


async def test_forged_and_foreign_tokens_are_refused(service: Service) -> None:
    token = (await service.orders.ListOrderChanges(ListOrderChangesRequest())).resume_token
    for forged in (f"{token[:-2]}AA", "x", "é"):
        refusal = await refused(service.orders.ListOrderChanges(ListOrderChangesRequest(resume_token=forged)))
        assert refusal.reason == "RESUME_TOKEN_INVALID"
    cursor = feed_tokens.decode(token, field="")
    cluster, database, timeline = cursor.history.split(".")
    for history in (f"1.{database}.{timeline}", f"{cluster}.1.{timeline}", f"{cluster}.{database}.0000000f"):
        expired = feed_tokens.encode(FeedCursor(cursor.position, history))
        for call in (
            service.orders.ListOrderChanges(ListOrderChangesRequest(resume_token=expired)),
            anext(aiter(service.orders.WatchOrders(WatchOrdersRequest(resume_token=expired)))),
        ):
            refusal = await refused(call)
            assert refusal.reason == "CURSOR_EXPIRED"
            assert refusal.metadata == {"field": "resume_token", "next_method": "ListOrders"}
    ahead = feed_tokens.encode(cursor._replace(position=cursor.position + 1_000_000))
    assert (await refused(service.orders.ListOrderChanges(ListOrderChangesRequest(resume_token=ahead)))).reason == (
        "CURSOR_EXPIRED"
    )


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"resume_token": "x", "start_time": {"seconds": 1}}, "start_time"),
        ({"start_time": {"seconds": 1}, "consumer_id": "c"}, "consumer_id"),
        ({"read_mask": {"paths": ["status"]}}, "read_mask"),
        ({"read_mask": {"paths": ["status", "colour"]}, "include_order": True}, "read_mask.paths[1]"),
        ({"filter": {"update_time_from": {"seconds": 9}, "update_time_to": {"seconds": 8}}}, "filter.update_time_from"),
    ],
)
async def test_watch_that_makes_no_sense_is_refused_by_field(service: Service, request_: Any, field: str) -> None:
    refusal = await refused(service.orders.ListOrderChanges(ListOrderChangesRequest(**request_)))
    assert refusal.reason == "INVALID_ORDER_DATA"
    assert list(refusal.fields) == [field]


async def test_server_that_stops_ends_watches_with_their_cursors(new_database: Callable[[], str]) -> None:
    url = new_database()
    async with AsyncExitStack() as stack:
        async with serving(url, shutdown_grace=30.0) as service:
            await stock_shop(service)
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(service.address))
            watcher = Watcher(OrderServiceStub(channel).WatchOrders(WatchOrdersRequest(), timeout=100))
            await watcher.until_caught_up()
        assert (await watcher.read()).truncated
