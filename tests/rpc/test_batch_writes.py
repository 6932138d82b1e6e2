"""Batches of writes: each item is carried out, refused and repeated as a call of its own would be."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo, Help
from google.rpc.status_pb2 import Status
from orders.v1.access_pb2 import ROLE_CUSTOMER, SCOPE_ORDERS_WRITE
from orders.v1.api_key_service_pb2 import ApiKey, CreateApiKeyRequest
from orders.v1.order_pb2 import (
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    PAYMENT_METHOD_CREDIT_CARD,
)
from orders.v1.order_service_pb2 import (
    BatchCancelOrdersRequest,
    BatchCreateOrdersRequest,
    BatchCreateOrdersResponse,
    BatchGetOrdersRequest,
    BatchTransitionOrdersRequest,
    CancelOrderRequest,
    CreateOrderRequest,
    GetRequestRequest,
)

from server.rpc import batch_writes
from tests.conftest import Service, refused, serving, stock_shop
from tests.rpc.breaks import breaks_of_money, breaks_of_rules
from tests.rpc.calls import call, fields_of
from tests.rpc.test_access import RULES
from tests.samples import Subject, request_for
from tests.shop import new_order


def creating(*requests: CreateOrderRequest) -> BatchCreateOrdersRequest:
    return BatchCreateOrdersRequest(requests=requests)


def reason_of(status: Status) -> str:
    (info,) = (ErrorInfo.FromString(detail.value) for detail in status.details if detail.Is(ErrorInfo.DESCRIPTOR))
    return str(info.reason)


async def test_one_failing_item_does_not_affect_the_others(service: Service) -> None:
    before = await service.stock("mug")
    batch = creating(
        new_order(request_id="one-1"),
        new_order(request_id="one-2", product_id="nothing"),
        new_order(request_id="one-3", quantity=-1),
        new_order(request_id="one-4", quantity=2),
        new_order(),
        new_order(request_id="one-6", special_instructions="4111 1111 1111 1111"),
    )
    answer = await service.orders.BatchCreateOrders(batch)
    assert (answer.succeeded, answer.failed) == (2, 4)
    assert [result.index for result in answer.results] == list(range(6))
    assert [result.request_id for result in answer.results] == [each.request_id for each in batch.requests]
    assert [reason_of(result.status) for result in answer.results if result.HasField("status")] == [
        "PRODUCT_NOT_FOUND",
        "INVALID_ORDER_DATA",
        "INVALID_ORDER_DATA",
        "INVALID_ORDER_DATA",
    ]
    assert await service.stock("mug") == before - 3
    stored = await service.orders.BatchGetOrders(
        BatchGetOrdersRequest(order_ids=[result.order_id for result in answer.results if result.order_id])
    )
    assert list(stored.orders) == [answer.results[index].order for index in (0, 3)]


@pytest.mark.parametrize("method", ["BatchCreateOrders", "BatchTransitionOrders", "BatchCancelOrders"])
async def test_a_bad_item_is_answered_by_itself_with_its_fields(service: Service, method: str) -> None:
    order = await service.orders.CreateOrder(new_order())
    valid = request_for(method, Subject(order.order_id))
    for item in valid.requests:
        if method == "BatchCreateOrders":
            item.coupon_codes.extend(("tenth", "tenth"))
    found = [*breaks_of_rules(method), *breaks_of_money(method)]
    mismatches = []
    for one in (one for one in found if one.field.startswith("requests[1].")):
        (body,) = await call(service, method, one.applied_to(valid))
        _, bad = BatchCreateOrdersResponse.FromString(body).results
        if fields_of(bad.status) != {one.field} or reason_of(bad.status) != "INVALID_ORDER_DATA" or bad.order_id:
            mismatches.append(f"{one.name}: {bad}")
    assert mismatches == []


async def test_the_error_of_an_item_has_links(service: Service) -> None:
    answer = await service.orders.BatchCreateOrders(creating(new_order(request_id="help-1", product_id="nothing")))
    (link,) = Help.FromString(answer.results[0].status.details[-1].value).links
    assert link.url == "docs/errors.md#product_not_found"


async def test_a_batch_that_is_sent_again_does_nothing_more(service: Service) -> None:
    batch = creating(*[new_order(request_id=f"again-{number}") for number in range(3)])
    first = await service.orders.BatchCreateOrders(batch)
    before = await service.contents()
    second = await service.orders.BatchCreateOrders(batch)
    assert await service.contents() == before
    assert [result.replayed for result in first.results] == [False] * 3
    assert [result.replayed for result in second.results] == [True] * 3
    assert [result.order for result in second.results] == [result.order for result in first.results]
    # The ids are those of single calls.
    assert await service.orders.CreateOrder(batch.requests[0]) == first.results[0].order
    found = await service.orders.GetRequest(GetRequestRequest(request_id="again-1"))
    assert [done.method for done in found.done] == ["CreateOrder"]


async def test_an_item_that_is_sent_again_shows_its_order_as_it_is_now(service: Service) -> None:
    batch = creating(new_order(request_id="now-1"))
    (first,) = (await service.orders.BatchCreateOrders(batch)).results
    await service.orders.CancelOrder(CancelOrderRequest(order_id=first.order_id))
    (second,) = (await service.orders.BatchCreateOrders(batch)).results
    assert (second.replayed, second.order.status) == (True, ORDER_STATUS_CANCELLED)


async def test_equal_ids_within_a_batch_are_one_request(service: Service) -> None:
    same, other = new_order(request_id="twice-1"), new_order(request_id="twice-1", quantity=2)
    results = (await service.orders.BatchCreateOrders(creating(same, same, other))).results
    orders = {result.order_id for result in results if result.order_id}
    assert len(orders) == 1
    assert "IDEMPOTENCY_KEY_REUSED" in [reason_of(each.status) for each in results if each.HasField("status")]


async def test_transitions_and_cancellations_have_their_own_outcomes(service: Service) -> None:
    orders = [await service.orders.CreateOrder(new_order()) for _ in range(3)]
    moves = [
        {
            "order_id": order.order_id,
            "status": ORDER_STATUS_CONFIRMED,
            "override_reason": "cash",
            "request_id": f"move-{order.order_id}",
            "etag": etag,
        }
        for order, etag in zip(orders, ("1", "7", ""), strict=True)
    ]
    moved = await service.orders.BatchTransitionOrders(BatchTransitionOrdersRequest(requests=moves))
    assert [result.order.status for result in moved.results] == [ORDER_STATUS_CONFIRMED, 0, ORDER_STATUS_CONFIRMED]
    assert reason_of(moved.results[1].status) == "ETAG_MISMATCH"
    named = [order.order_id for order in orders] + ["ORD-2026-999999"]
    cancels = [{"order_id": name, "request_id": f"cancel-{name}"} for name in named]
    cancelled = await service.orders.BatchCancelOrders(BatchCancelOrdersRequest(requests=cancels))
    assert [result.order.status for result in cancelled.results] == [ORDER_STATUS_CANCELLED] * 3 + [0]
    assert reason_of(cancelled.results[3].status) == "ORDER_NOT_FOUND"


async def test_the_payment_provider_takes_part(new_database: Callable[[], str]) -> None:
    async with serving(new_database(), payment_provider="test") as shop:
        await stock_shop(shop)
        card = {"payment_method": PAYMENT_METHOD_CREDIT_CARD}
        answer = await shop.orders.BatchCreateOrders(
            creating(*[new_order(request_id=f"paid-{number}", **card) for number in range(2)])
        )
        alone = await shop.orders.CreateOrder(new_order(request_id="paid-2", **card))
        for result in answer.results:
            assert result.order.HasField("payment_intent")
            assert result.order.payment_status == alone.payment_status
            assert result.order.status == alone.status


@pytest.mark.parametrize("single", ["CreateOrder", "TransitionOrder", "CancelOrder"])
def test_a_batch_takes_the_roles_and_scope_of_its_items(single: str) -> None:
    batch, own = RULES[f"Batch{single}s"], RULES[single]
    assert (batch.scope, batch.roles) == (own.scope, own.roles)


async def test_a_customer_orders_and_cancels_only_for_themselves(new_database: Callable[[], str]) -> None:
    async with serving(new_database()) as shop:
        await stock_shop(shop)
        other = await shop.orders.CreateOrder(new_order("omar"))
        key = ApiKey(owner="x", roles=[ROLE_CUSTOMER], scopes=[SCOPE_ORDERS_WRITE], customer_id="jane")
        text = (await shop.api_keys.CreateApiKey(CreateApiKeyRequest(api_key=key))).key
        async with serving(shop.url, authentication="required") as closed:
            metadata = (("authorization", f"Bearer {text}"),)
            batch = creating(new_order("", request_id="own-1"), new_order("omar", request_id="own-2"))
            own, others = (await closed.orders.BatchCreateOrders(batch, metadata=metadata)).results
            assert own.order.customer.customer_id == "jane"
            assert reason_of(others.status) == "CUSTOMER_ACCESS_DENIED"
            cancel = BatchCancelOrdersRequest(requests=[{"order_id": other.order_id, "request_id": "own-3"}])
            (result,) = (await closed.orders.BatchCancelOrders(cancel, metadata=metadata)).results
            assert reason_of(result.status) == "ORDER_NOT_FOUND"


async def test_orders_that_do_not_fit_are_left_out(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_writes, "MAX_PAGE", 1000)
    batch = creating(*[new_order(request_id=f"room-{number}") for number in range(3)])
    answer = await service.orders.BatchCreateOrders(batch)
    assert [result.HasField("order") for result in answer.results] == [True, False, False]
    assert all(result.order_id for result in answer.results)
    assert answer.succeeded == 3


async def test_a_bug_fails_only_its_item(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    check: Any = batch_writes.check

    def fail(item: Any, data: bytes) -> None:
        if item.request_id == "bug-1":
            raise ZeroDivisionError
        check(item, data)

    monkeypatch.setattr(batch_writes, "check", fail)
    batch = creating(*[new_order(request_id=f"bug-{number}") for number in range(3)])
    results = (await service.orders.BatchCreateOrders(batch)).results
    assert [result.HasField("status") for result in results] == [False, True, False]
    assert reason_of(results[1].status) == "INTERNAL"


async def test_more_items_than_a_batch_takes_are_refused(service: Service) -> None:
    before = await service.contents()
    refusal = await refused(service.orders.BatchCreateOrders(creating(*[new_order(request_id="x")] * 1001)))
    assert (refusal.code, list(refusal.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, ["requests"])
    assert await service.contents() == before
