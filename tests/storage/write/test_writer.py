"""The write path when things go wrong: lost connections, locks, callers that leave, commands that fail."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import grpc
import pytest
from google.protobuf.message import Message
from orders.v1.catalog_service_pb2 import AdjustStockRequest, BatchUpsertProductsRequest, Product
from orders.v1.order_pb2 import ORDER_STATUS_CANCELLED, ORDER_STATUS_CONFIRMED, ORDER_STATUS_PENDING, Order, OrderEvent
from orders.v1.order_service_pb2 import (
    BatchUpsertOrdersRequest,
    BatchUpsertOrdersResponse,
    CancelOrderRequest,
    GetOrderRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
)

from server.domain import operations
from server.domain.base.errors import Refusal
from server.domain.base.needs import Needs
from server.domain.base.operation import Rule, operation
from server.domain.operations import OPERATIONS, Answer
from server.storage.write import statements
from tests.conftest import PRODUCTS, RefusedCall, Service, new_order, refusal_of, refused, serving, usd
from tests.storage.helpers import (
    Store,
    disagreements,
    imported,
    locked,
    outcomes,
    reason,
    session,
    storing,
    until_waiting,
    upserts,
)

Response = TypeVar("Response", bound=Message)


@pytest.fixture(scope="module")
async def store(new_database: Callable[[], str]) -> AsyncIterator[Store]:
    url = new_database()
    async with storing(url) as store:
        yield store


def note(order: Order, text: str, **fields: Any) -> UpdateOrderRequest:
    return UpdateOrderRequest(order={"order_id": order.order_id, "special_instructions": text}, **fields)


# Commands that share a batch.


async def test_commands_on_the_same_order_see_each_other_within_a_batch(store: Store) -> None:
    order = await store.order(new_order())
    tasks = store.submit(
        note(order, "first"),
        UpdateOrderRequest(order={"order_id": order.order_number, "referral_code": "R", "etag": "2"}),
        UpdateOrderRequest(order={"order_id": order.order_id, "referral_code": "late", "etag": "2"}),
        TransitionOrderRequest(order_id=order.order_id, status=ORDER_STATUS_CONFIRMED, override_reason="known"),
        CancelOrderRequest(order_id=order.order_id),
        CancelOrderRequest(order_id=order.order_id),
    )
    found = await outcomes(tasks)
    assert [reason(outcome) for outcome in found] == ["", "", "ETAG_MISMATCH", "", "", "ORDER_ALREADY_CANCELLED"]
    last = Order.FromString(found[4].body)  # type: ignore[union-attr]
    assert (last.version, last.special_instructions, last.referral_code) == (5, "first", "R")
    async with session(store.url) as outside:
        query = "SELECT count(*), count(DISTINCT xid) FROM order_events WHERE order_id = %s AND version > 1"
        assert await (await outside.execute(query, [order.order_id])).fetchall() == [(4, 1)]
    assert await disagreements(store.url) == []


async def test_one_commands_refusal_does_not_touch_its_neighbours(store: Store) -> None:
    tasks = store.submit(
        new_order("neighbour-1"),
        new_order(product_id="mug", quantity=1_000_000),
        new_order(product_id="unicorn"),
        CancelOrderRequest(order_id="ORD-1999-000001"),
        new_order("neighbour-2", product_id="lamp", quantity=2),
    )
    found = await outcomes(tasks)
    assert [reason(outcome) for outcome in found] == [
        "",
        "INSUFFICIENT_STOCK",
        "PRODUCT_NOT_FOUND",
        "ORDER_NOT_FOUND",
        "",
    ]
    assert await disagreements(store.url) == []


async def test_the_same_request_id_twice_in_a_batch_has_one_effect(store: Store) -> None:
    request = new_order("twice", request_id="twice")
    first, second, other = await outcomes(store.submit(request, request, new_order("thrice", request_id="twice")))
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert (second.body, first.replayed) == (first.body, None)
    assert second.replayed is not None
    assert second.replayed.response == first.body
    assert reason(other) == "IDEMPOTENCY_KEY_REUSED"


# An event is a message with a request id that is no request: no operation takes it.


def answer_events_by(rule: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = operation(OrderEvent, needs=lambda _: Needs())(rule)
    monkeypatch.setattr(operations, "OPERATIONS", {**OPERATIONS, OrderEvent: declared})


async def test_a_command_that_the_program_does_not_know_fails_alone(store: Store) -> None:
    before, broken, after = await outcomes(store.submit(new_order(), OrderEvent(), new_order()))
    assert isinstance(before, Answer)
    assert isinstance(after, Answer)
    assert isinstance(broken, KeyError)


async def test_a_bug_in_a_rule_fails_its_own_command_only(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def rule(request: Any, state: Any, audit: Any) -> bytes:
        raise ZeroDivisionError

    answer_events_by(rule, monkeypatch)
    before, broken, after = await outcomes(store.submit(new_order(), OrderEvent(request_id="key"), new_order()))
    assert isinstance(before, Answer)
    assert isinstance(after, Answer)
    assert isinstance(broken, ZeroDivisionError)


async def test_what_the_database_cannot_store_fails_its_own_command_only(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_events_by(lambda request, state, audit: b"", monkeypatch)
    before, broken, after = await outcomes(store.submit(new_order("a"), OrderEvent(request_id="\0"), new_order("b")))
    assert isinstance(broken, Exception)
    assert not isinstance(broken, Refusal)
    assert isinstance(before, Answer)
    assert isinstance(after, Answer)
    assert await disagreements(store.url) == []


async def test_a_reason_that_the_database_cannot_store_is_refused_as_the_callers_fault(store: Store) -> None:
    adjust = AdjustStockRequest(product_id="mug", delta=1, reason="a\0b")
    broken, neighbour = await outcomes(store.submit(adjust, new_order()))
    assert reason(broken) == "INVALID_ORDER_DATA"
    assert isinstance(neighbour, Answer)


# Locks that others hold.


async def test_callers_that_meet_a_lock_are_told_and_served_again_when_it_is_gone(
    new_database: Callable[[], str],
) -> None:
    url = new_database()
    # Seconds that a busy machine needs for the calls that meet no lock.
    async with serving(url, database_timeout=3.0) as service:
        await service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=PRODUCTS))
        order, other = [await service.orders.CreateOrder(new_order()) for _ in range(2)]
        async with locked(url, "orders", f"order_id = '{order.order_id}'") as outside:
            cancel = asyncio.create_task(
                refused(service.orders.CancelOrder(CancelOrderRequest(order_id=order.order_id)))
            )
            await until_waiting(outside)
            await service.orders.GetOrder(GetOrderRequest(order_id=order.order_id))
            refusal = await cancel
            assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE")
            assert refusal.retry is not None
            # What needs none of the locked rows goes on meanwhile.
            await service.orders.UpdateOrder(note(other, "unaffected"))
        cancelled = await service.orders.CancelOrder(CancelOrderRequest(order_id=order.order_id))
        assert cancelled.status == ORDER_STATUS_CANCELLED
        assert cancelled.version == 2
        assert await disagreements(url) == []


async def test_what_waits_behind_a_lock_is_carried_out_when_it_is_released(store: Store) -> None:
    order = await store.order(new_order())
    async with locked(store.url, "orders", f"order_id = '{order.order_id}'") as outside:
        first = store.submit(note(order, "patient"))
        await until_waiting(outside)
        others = store.submit(note(order, "more patient"), new_order())
    notes = [Order.FromString(answer.body) for answer in await asyncio.gather(*first, *others)]
    assert [changed.version for changed in notes] == [2, 3, 1]


async def test_a_bulk_call_that_waits_for_a_lock_does_not_hold_up_single_calls(store: Store) -> None:
    await store.execute(upserts("slow", imported("1")))
    async with locked(store.url, "orders", "source = 'slow'") as outside:
        bulk = store.submit(upserts("slow", imported("1", cents=200)))
        await until_waiting(outside)
        async with asyncio.timeout(60):
            await asyncio.gather(*store.submit(*[new_order() for _ in range(20)]))
        assert not bulk[0].done()
    (answer,) = await asyncio.gather(*bulk)
    assert BatchUpsertOrdersResponse.FromString(answer.body).updated == 1


# Orders that their source sends again.


async def test_an_imported_order_is_the_same_as_long_as_nothing_happens_to_it(store: Store) -> None:
    async def send(*external_ids: str) -> BatchUpsertOrdersResponse:
        answer = await store.execute(upserts("again", *(imported(each) for each in external_ids)))
        return BatchUpsertOrdersResponse.FromString(answer.body)

    inserted = await send("1", "2")
    again = await send("1", "2", "3")
    assert (again.inserted, again.unchanged) == (1, 2)
    assert [(r.order_id, r.etag) for r in again.results[:2]] == [(r.order_id, r.etag) for r in inserted.results]
    known = "SELECT external_order_id FROM orders WHERE source = 'again' AND sent_hash IS NOT NULL ORDER BY 1"
    assert await store.rows(known) == [("1",), ("2",), ("3",)]
    changed = await store.order(note(Order(order_id=again.results[0].order_id), "changed here"))
    assert await store.rows(known) == [("2",), ("3",)]
    once_more = await send("1", "2")
    assert once_more.unchanged == 2
    assert once_more.results[0].etag == changed.etag
    assert await disagreements(store.url) == []


@pytest.mark.every_postgres
async def test_imported_orders_are_looked_up_by_their_ids_also_where_statistics_know_of_none(
    new_database: Callable[[], str],
) -> None:
    async with storing(new_database()) as store, session(store.url) as outside:
        await asyncio.gather(*store.submit(*[new_order() for _ in range(20)]))
        await outside.execute("ANALYZE orders")
        await outside.execute("SET enable_seqscan = off")
        for statement in statements.IMPORTED_ORDERS:
            numbered = statement.text.replace("%(source)s", "$1").replace("%(external_order_id)s", "$2")
            plan = await (await outside.execute(f"EXPLAIN (GENERIC_PLAN) {numbered}".encode())).fetchall()
            condition, by_id = [line.strip() for (line,) in plan if "Index Cond" in line]
            assert condition == "Index Cond: ((source = ($1)::text) AND (external_order_id = rows.external_order_id))"
            assert by_id.startswith("Index Cond: (order_id = ANY")


# Callers that leave.


async def _effects(service: Service, request_id: str) -> int:
    return int((await service.rows("SELECT count(*) FROM order_events WHERE request_id = %s", request_id))[0][0])


async def test_a_caller_that_leaves_takes_nobody_along_and_its_begun_work_is_finished(service: Service) -> None:
    async with locked(service.url, "inventory", "product_id = 'mug'") as outside:
        begun = service.orders.CreateOrder(new_order(request_id="begun"))
        await until_waiting(outside)
        waiting = service.orders.CreateOrder(new_order(request_id="waiting"))
        neighbour = service.orders.CreateOrder(new_order(request_id="neighbour"))
        # An answered call shows that the server has taken in the two before it, and not ended the first.
        await refused(service.orders.GetOrder(GetOrderRequest(order_id="ORD-1999-000001")))
        begun.cancel()
        waiting.cancel()
        for call in (begun, waiting):
            with pytest.raises(asyncio.CancelledError):
                await call
        await refused(service.orders.GetOrder(GetOrderRequest(order_id="ORD-1999-000001")))
    order = await neighbour
    assert order.status == ORDER_STATUS_PENDING
    assert [await _effects(service, request_id) for request_id in ("begun", "waiting", "neighbour")] == [1, 0, 1]
    replay = await service.orders.CreateOrder(new_order(request_id="begun"))
    assert await _effects(service, "begun") == 1
    assert (await service.orders.GetOrder(GetOrderRequest(order_id=replay.order_id))) == replay
    assert await disagreements(service.url) == []


# Connections that are lost.


_KILL = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'orders' AND backend_type = 'client backend'"""


@asynccontextmanager
async def _killing(url: str, *, every: float, times: int) -> AsyncIterator[list[int]]:
    """Ends every connection of the server to its database, some times; yields how many each time."""
    killed: list[int] = []

    async def kill() -> None:
        async with session(url) as connection:
            for _ in range(times):
                await asyncio.sleep(every)
                row = await (await connection.execute(_KILL)).fetchone()
                killed.append(row[0] if row else 0)

    task = asyncio.create_task(kill())
    try:
        yield killed
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _attempt(call: Coroutine[Any, Any, Response] | Any) -> Response | RefusedCall:
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        return refusal_of(error)


async def _persist(send: Callable[[], Any]) -> Any:
    """Sends a request again until it is answered, and refuses every failure but the one that asks for that."""
    async with asyncio.timeout(60):
        while True:
            answer = await _attempt(send())
            if not isinstance(answer, RefusedCall):
                return answer
            assert answer.reason == "DEPENDENCY_UNAVAILABLE", answer
            await asyncio.sleep(0.01)


async def test_what_was_acknowledged_is_committed_however_often_connections_are_lost(
    new_database: Callable[[], str],
) -> None:
    async with serving(new_database(), database_timeout=5) as service:
        await service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=PRODUCTS))
        acknowledged: dict[str, Order] = {}
        unanswered: list[str] = []

        async def caller(name: str) -> None:
            for number in range(25):
                request_id = f"{name}-{number}"
                answer = await _attempt(service.orders.CreateOrder(new_order(name, request_id=request_id)))
                if isinstance(answer, RefusedCall):
                    assert answer.reason == "DEPENDENCY_UNAVAILABLE", answer
                    assert answer.retry is not None
                    unanswered.append(request_id)
                else:
                    acknowledged[request_id] = answer

        async with _killing(service.url, every=0.015, times=60) as killed:
            await asyncio.gather(*(caller(f"caller-{number}") for number in range(12)))
        assert sum(killed) > 0
        assert acknowledged
        stored = dict(await service.rows("SELECT request_id, order_id::text FROM order_events"))
        for request_id, order in acknowledged.items():
            assert stored[request_id] == order.order_id

        for request_id in [*unanswered, *list(acknowledged)[:20]]:
            name = request_id.rpartition("-")[0]
            order = await _persist(lambda n=name, r=request_id: service.orders.CreateOrder(new_order(n, request_id=r)))
            assert stored.get(request_id, order.order_id) == order.order_id
        effects = await service.rows("SELECT request_id, count(*) FROM order_events GROUP BY 1")
        assert len(effects) == 12 * 25
        assert {count for _, count in effects} == {1}
        assert await service.stock("mug") == 1_000_000 - 12 * 25
        assert await disagreements(service.url) == []


async def test_an_import_over_lost_connections_arrives_once(new_database: Callable[[], str]) -> None:
    async with serving(new_database(), database_timeout=5) as service:
        batches = [
            upserts("shop", *(imported(f"{batch}-{n}") for n in range(200)), request_id=f"batch-{batch}")
            for batch in range(8)
        ]

        async def send(batch: BatchUpsertOrdersRequest) -> BatchUpsertOrdersResponse:
            return await _persist(lambda: service.orders.BatchUpsertOrders(batch))

        async with _killing(service.url, every=0.03, times=12) as killed:
            answers = await asyncio.gather(*map(send, batches))
        assert sum(killed) > 0
        assert [answer.inserted for answer in answers] == [200] * 8
        assert await service.rows("SELECT count(*), max(version) FROM orders") == [(1600, 1)]
        assert await disagreements(service.url) == []


async def test_a_product_upsert_that_waits_for_another_one_answers_with_what_it_stored(store: Store) -> None:
    def product(name: str) -> Product:
        return Product(product_id="book", name=name, price=usd(1))

    await store.execute(BatchUpsertProductsRequest(products=[product("Old")]))
    newer = product("New").SerializeToString(deterministic=True)
    async with session(store.url, autocommit=False) as other, session(store.url) as outside:
        # Another replica stores a new name, and has not committed yet.
        await other.execute("SELECT FROM inventory WHERE product_id = 'book' FOR NO KEY UPDATE")
        await other.execute("SELECT FROM products WHERE product_id = 'book' FOR NO KEY UPDATE")
        await other.execute("UPDATE products SET snapshot = %s WHERE product_id = 'book'", [newer])
        tasks = store.submit(BatchUpsertProductsRequest(products=[product("Old")]))
        await until_waiting(outside)
    await asyncio.gather(*tasks)
    async with session(store.url) as outside:
        query = "SELECT snapshot FROM products WHERE product_id = 'book'"
        ((stored,),) = await (await outside.execute(query)).fetchall()
    assert Product.FromString(stored).name == "Old"
