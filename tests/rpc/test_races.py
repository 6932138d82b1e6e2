"""Callers that want the same thing at the same time, on one server and on two replicas."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import grpc
import pytest
from orders.v1.catalog_service_pb2 import AdjustStockRequest, BatchUpsertProductsRequest, Product
from orders.v1.order_pb2 import (
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    Order,
    OrderEvent,
)
from orders.v1.order_service_pb2 import (
    CancelOrderRequest,
    CreateOrderRequest,
    GetOrderRequest,
    ListOrderEventsRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
)

from tests.conftest import PRODUCTS, RefusedCall, Service, new_order, refusal_of, serving, usd
from tests.storage.helpers import disagreements, imported, session, until, upserts, waiting_for_locks


@pytest.fixture(scope="module")
async def replicas(new_database: Callable[[], str]) -> AsyncIterator[tuple[Service, Service]]:
    """Two servers on one database."""
    url = new_database()
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(serving(url)) for _ in range(2)]
        await one.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=PRODUCTS))
        yield one, other


@pytest.fixture(autouse=True)
async def everything_agrees(replicas: tuple[Service, Service]) -> AsyncIterator[None]:
    """Whatever was raced: afterwards snapshots, columns, items, events and stock say the same."""
    yield
    assert await disagreements(replicas[0].url) == []


async def attempt(call: Awaitable[Any]) -> Any:
    """The call's answer, or how it was refused."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        return refusal_of(error)


async def race(*calls: Awaitable[Any]) -> list[Any]:
    return list(await asyncio.gather(*map(attempt, calls)))


def split(found: Iterable[Any], *, reasons: set[str]) -> tuple[list[Any], list[RefusedCall]]:
    """The answers and the refusals, none of which has another reason than these."""
    answers, refusals = [], []
    for answer in found:
        (refusals if isinstance(answer, RefusedCall) else answers).append(answer)
    assert {refusal.reason for refusal in refusals} <= reasons
    return answers, refusals


async def events_of(service: Service, order: Order) -> Sequence[OrderEvent]:
    request = ListOrderEventsRequest(order_id=order.order_id, page_size=1000)
    return (await service.orders.ListOrderEvents(request)).events


async def put_product(service: Service, *, stock: int) -> str:
    """A product of the test's own."""
    product_id = f"scarce-{uuid4()}"
    product = Product(product_id=product_id, name="Scarce", price=usd(1), stock=stock)
    await service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=[product]))
    return product_id


# Updates of the same orders.


async def test_an_etag_has_exactly_one_winner_and_no_update_is_lost(replicas: tuple[Service, Service]) -> None:
    orders = [await replicas[0].orders.CreateOrder(new_order()) for _ in range(3)]
    won: list[tuple[str, str, Order]] = []
    lost = 0

    async def writer(number: int) -> None:
        nonlocal lost
        service, order = replicas[number % 2], orders[number % 3]
        for attempts in range(1000):
            seen = await service.orders.GetOrder(GetOrderRequest(order_id=order.order_id))
            request_id = f"writer-{number}-{attempts}"
            wish = UpdateOrderRequest(
                order={"order_id": order.order_id, "etag": seen.etag, "referral_code": str(number)},
                update_mask={"paths": ["referral_code"]},
                request_id=request_id,
            )
            found = await attempt(service.orders.UpdateOrder(wish))
            if not isinstance(found, RefusedCall):
                won.append((seen.etag, request_id, found))
                return
            assert found.reason == "ETAG_MISMATCH"
            assert int(found.metadata["etag"]) > int(seen.etag)
            lost += 1
        raise AssertionError("never won")

    await asyncio.gather(*(writer(number) for number in range(60)))
    assert lost > 0
    assert max(Counter((order.order_id, etag) for etag, _, order in won).values()) == 1
    for order in orders:
        events = await events_of(replicas[0], order)
        assert [event.version for event in events] == list(range(1, 22))
        updates = {event.request_id: event.version for event in events[1:]}
        mine = {request_id: after.version for _, request_id, after in won if after.order_id == order.order_id}
        assert updates == mine
        assert all(after.version == int(etag) + 1 for etag, _, after in won)


async def test_updates_transitions_and_cancellations_of_the_same_orders_all_leave_their_events(
    replicas: tuple[Service, Service],
) -> None:
    chance = random.Random(1)
    orders = [await replicas[0].orders.CreateOrder(new_order(quantity=2)) for _ in range(4)]

    def call(number: int) -> Awaitable[Order]:
        service, order_id, request_id = chance.choice(replicas), chance.choice(orders).order_id, f"mixed-{number}"
        kind = chance.random()
        if kind < 0.5:
            wish = {"order_id": order_id, "special_instructions": request_id}
            return service.orders.UpdateOrder(UpdateOrderRequest(order=wish, request_id=request_id))
        if kind < 0.95:
            status = chance.choice([ORDER_STATUS_CONFIRMED, ORDER_STATUS_PROCESSING, ORDER_STATUS_SHIPPED])
            request = TransitionOrderRequest(
                order_id=order_id,
                status=status,
                override_reason="race",
                carrier="UPS",
                tracking_number="1",
                request_id=request_id,
            )
            return service.orders.TransitionOrder(request)
        return service.orders.CancelOrder(CancelOrderRequest(order_id=order_id, request_id=request_id))

    found = await race(*(call(number) for number in range(200)))
    reasons = {"INVALID_TRANSITION", "ORDER_NOT_CANCELLABLE", "ORDER_ALREADY_CANCELLED"}
    answers, refusals = split(found, reasons=reasons)
    assert answers
    assert refusals
    last: dict[tuple[str, str], int] = {}
    for order in orders:
        events = await events_of(replicas[1], order)
        assert [event.version for event in events] == list(range(1, len(events) + 1))
        last |= {(order.order_id, event.request_id): event.version for event in events[1:]}
        now = await replicas[0].orders.GetOrder(GetOrderRequest(order_id=order.order_id))
        assert now.version == len(events)
        assert now.status == events[-1].to_status
    # The update that wishes for what is there already changes nothing; each of these wishes for something of its own.
    assert last == {(o.order_id, f"mixed-{n}"): o.version for n, o in enumerate(found) if isinstance(o, Order)}


# The last pieces.


@pytest.mark.parametrize(("stock", "callers"), [(1, 2), (1, 50), (7, 20), (20, 20), (30, 50)])
async def test_the_last_pieces_go_to_as_many_callers_as_there_are_pieces(
    replicas: tuple[Service, Service], stock: int, callers: int
) -> None:
    product_id = await put_product(replicas[0], stock=stock)
    requests = [new_order(f"caller-{number}", product_id=product_id) for number in range(callers)]
    found = await race(*(replicas[n % 2].orders.CreateOrder(request) for n, request in enumerate(requests)))
    orders, refusals = split(found, reasons={"INSUFFICIENT_STOCK"})
    assert len(orders) == stock
    assert len({order.order_number for order in orders}) == stock
    for refusal in refusals:
        assert refusal.code == grpc.StatusCode.FAILED_PRECONDITION
        assert refusal.metadata == {"product_id": product_id, "variant_id": "", "requested": "1", "available": "0"}
    assert await replicas[0].stock(product_id) == 0


async def test_who_wants_more_than_is_left_is_told_what_is_left(replicas: tuple[Service, Service]) -> None:
    product_id = await put_product(replicas[0], stock=10)
    sizes = [2, 3, 4] * 8
    calls = (
        replicas[n % 2].orders.CreateOrder(new_order(product_id=product_id, quantity=size))
        for n, size in enumerate(sizes)
    )
    orders, refusals = split(await race(*calls), reasons={"INSUFFICIENT_STOCK"})
    left = await replicas[0].stock(product_id)
    assert left == 10 - sum(order.total_quantity for order in orders)
    assert left < 2
    for refusal in refusals:
        assert left <= int(refusal.metadata["available"]) < int(refusal.metadata["requested"])


async def test_a_piece_that_is_given_back_goes_to_one_of_those_who_want_it(replicas: tuple[Service, Service]) -> None:
    product_id = await put_product(replicas[0], stock=3)
    held = [await replicas[0].orders.CreateOrder(new_order(product_id=product_id)) for _ in range(3)]
    for _ in range(5):
        calls: list[Awaitable[Any]] = [
            replicas[1].orders.CancelOrder(CancelOrderRequest(order_id=order.order_id)) for order in held
        ]
        calls += [replicas[n % 2].orders.CreateOrder(new_order(product_id=product_id)) for n in range(6)]
        found = await race(*calls)
        assert [order.status for order in found[:3]] == [ORDER_STATUS_CANCELLED] * 3
        created, _ = split(found[3:], reasons={"INSUFFICIENT_STOCK"})
        assert await replicas[0].stock(product_id) == 3 - len(created)
        rest = 3 - len(created)
        held = created + [await replicas[0].orders.CreateOrder(new_order(product_id=product_id)) for _ in range(rest)]


async def test_an_order_cancelled_by_many_at_once_gives_its_stock_back_once(replicas: tuple[Service, Service]) -> None:
    product_id = await put_product(replicas[0], stock=5)
    order = await replicas[0].orders.CreateOrder(new_order(product_id=product_id, quantity=5))
    cancel = CancelOrderRequest(order_id=order.order_id)
    found = await race(*(replicas[n % 2].orders.CancelOrder(cancel) for n in range(20)))
    answers, _ = split(found, reasons={"ORDER_ALREADY_CANCELLED"})
    assert len(answers) == 1
    assert await replicas[0].stock(product_id) == 5


# The same request at two replicas.


async def test_a_request_that_reaches_two_replicas_at_once_has_one_effect_and_one_answer(
    replicas: tuple[Service, Service],
) -> None:
    requests = [new_order(f"hedged-{n}", quantity=1 + n % 3, request_id=f"hedged-{n}") for n in range(40)]
    before = await replicas[0].stock("mug")
    found = await race(*(service.orders.CreateOrder(request) for request in requests for service in replicas))
    answers, _ = split(found, reasons=set())
    assert all(one == other for one, other in zip(answers[::2], answers[1::2], strict=True))
    assert len({order.order_id for order in answers}) == 40
    assert await replicas[0].stock("mug") == before - sum(request.items[0].quantity for request in requests)


@pytest.mark.parametrize("method", ["CancelOrder", "UpdateOrder", "TransitionOrder", "CreateOrder", "AdjustStock"])
async def test_the_replica_that_comes_second_gives_the_first_answer_although_the_state_would_refuse_it(
    replicas: tuple[Service, Service], method: str
) -> None:
    product_id = await put_product(replicas[0], stock=2)
    order = await replicas[0].orders.CreateOrder(new_order(product_id=product_id))
    order_id, request_id = order.order_id, f"second-{order.order_id}"
    request: Any = {
        "CancelOrder": CancelOrderRequest(order_id=order_id, request_id=request_id),
        "UpdateOrder": UpdateOrderRequest(
            order={"order_id": order_id, "etag": "1", "referral_code": "R"}, request_id=request_id
        ),
        "TransitionOrder": TransitionOrderRequest(
            order_id=order_id, status=ORDER_STATUS_CONFIRMED, override_reason="R", request_id=request_id
        ),
        "CreateOrder": new_order(product_id=product_id, request_id=request_id),
        "AdjustStock": AdjustStockRequest(product_id=product_id, delta=-1, reason="lost", request_id=request_id),
    }[method]
    calls = [getattr(service.catalog if method == "AdjustStock" else service.orders, method) for service in replicas]
    lock = "SELECT FROM orders, inventory WHERE order_id = %s AND product_id = %s FOR UPDATE"
    async with session(replicas[0].url) as outside, session(replicas[0].url, autocommit=False) as holder:
        await holder.execute(lock, [order_id, product_id])
        racing = asyncio.create_task(race(*(call(request) for call in calls)))

        async def both_wait() -> bool:
            return await waiting_for_locks(outside) == 2

        await until(both_wait)
    one, other = await racing
    assert not isinstance(one, RefusedCall), one
    assert one == other
    assert await replicas[0].stock(product_id) == {"CancelOrder": 2, "CreateOrder": 0, "AdjustStock": 0}.get(method, 1)


async def test_imports_of_the_same_orders_at_two_replicas_insert_each_once(
    replicas: tuple[Service, Service], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "server.retry")
    chance = random.Random(3)
    numbers = list(range(150))
    calls = []
    for round_number in range(6):
        for service in replicas:
            chance.shuffle(numbers)
            orders = [imported(str(n), cents=100 + round_number) for n in numbers[:100]]
            calls.append(service.orders.BatchUpsertOrders(upserts("both", *orders)))
    answers, _ = split(await race(*calls), reasons=set())
    assert sum(answer.invalid for answer in answers) == 0
    ids = {result.external_order_id: set() for answer in answers for result in answer.results}
    for answer in answers:
        for result in answer.results:
            ids[result.external_order_id].add(result.order_id)
    assert {len(found) for found in ids.values()} == {1}
    assert sum(answer.inserted for answer in answers) == len(ids)
    updates = sum(answer.updated for answer in answers)
    rows = await replicas[0].rows("SELECT count(*), sum(version) FROM orders WHERE source = 'both'")
    assert rows == [(len(ids), len(ids) + updates)]
    # A deadlock would be broken after a second and retried, and only be slow: the batches write in the same order.
    assert "DeadlockDetected" not in caplog.text


async def test_imports_of_the_same_new_orders_in_opposite_order_do_not_deadlock(
    replicas: tuple[Service, Service], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "server.retry")
    for number in range(4):
        orders = [imported(str(n)) for n in range(600)]
        batches = [upserts(f"opposite-{number}", *some) for some in (orders, reversed(orders))]
        calls = (service.orders.BatchUpsertOrders(batch) for service, batch in zip(replicas, batches, strict=True))
        answers, _ = split(await race(*calls), reasons=set())
        assert sorted((answer.inserted, answer.unchanged) for answer in answers) == [(0, 600), (600, 0)]
    # It would be broken after a second and tried again: nobody would see it, but wait.
    assert "DeadlockDetected" not in caplog.text
    assert "UniqueViolation" in caplog.text


async def test_the_same_import_at_two_replicas_gets_the_same_answer(replicas: tuple[Service, Service]) -> None:
    batch = upserts("hedged", *(imported(str(n)) for n in range(50)), request_id="hedged-import")
    one, other = await race(*(service.orders.BatchUpsertOrders(batch) for service in replicas))
    assert one == other
    assert one.inserted == 50


# Overlapping rows in every order.


async def test_orders_of_overlapping_products_in_any_order_do_not_get_in_each_others_way(
    replicas: tuple[Service, Service],
) -> None:
    chance = random.Random(4)
    products = [await put_product(replicas[0], stock=60) for _ in range(6)]

    def request() -> CreateOrderRequest:
        made = CreateOrderRequest(customer_id="jane")
        for product_id in chance.sample(products, chance.randint(1, 6)):
            made.items.add(product_id=product_id, quantity=chance.randint(1, 3))
        return made

    async def shopper(service: Service) -> tuple[Counter[str], int]:
        """Orders, changes and cancels; returns what it still holds."""
        holds: Counter[str] = Counter()
        refused = 0
        for _ in range(8):
            order = await attempt(service.orders.CreateOrder(request()))
            if not isinstance(order, RefusedCall):
                wish = UpdateOrderRequest(order={"order_id": order.order_id}, update_mask={"paths": ["items"]})
                for line in request().items:
                    wish.order.items.add(product_id=line.product_id, quantity=line.quantity)
                changed = await attempt(service.orders.UpdateOrder(wish))
                if not isinstance(changed, RefusedCall):
                    order = changed
                else:
                    assert changed.reason == "INSUFFICIENT_STOCK"
                if chance.random() < 0.8:
                    await service.orders.CancelOrder(CancelOrderRequest(order_id=order.order_id))
                else:
                    holds.update({item.product_id: item.quantity for item in order.items})
            else:
                assert order.reason == "INSUFFICIENT_STOCK"
                refused += 1
        return holds, refused

    async def keeper(service: Service) -> int:
        """Adds and takes pieces, and changes the products themselves."""
        for number in range(10):
            product_id = chance.choice(products)
            await service.catalog.AdjustStock(AdjustStockRequest(product_id=product_id, delta=1, reason="found"))
            changed = [Product(product_id=p, name=f"Scarce {number}", price=usd(1)) for p in chance.sample(products, 3)]
            await service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=changed))
        return 10

    keepers = asyncio.gather(*(keeper(service) for service in replicas))
    shoppers = await asyncio.gather(*(shopper(replicas[number % 2]) for number in range(24)))
    added = sum(await keepers)
    held = sum(pieces for holds, _ in shoppers for pieces in holds.values())
    stock = [await replicas[0].stock(product_id) for product_id in products]
    assert sum(stock) == 60 * 6 + added - held
    assert held > 0
