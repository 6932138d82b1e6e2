"""The log of refused and slow calls, and the metric of refusals by caller."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from orders.v1.catalog_service_pb2 import ListProductsRequest
from orders.v1.order_service_pb2 import GetOrderRequest, SearchOrdersRequest

from server.domain.base.caller import NOBODY, Caller, Role
from server.domain.base.errors import order_not_found
from server.payments.sandbox import SandboxProvider
from server.rpc.refusal_log import RefusalLog, RefusedCall
from server.storage.read.orders import OrderRepository
from server.telemetry.metrics import Metrics
from tests.conftest import Service, new_order, refused, serving, stock_shop
from tests.rpc.principals import bearer, closed, new_key, revoke_key

ABSENT = GetOrderRequest(order_id="ORD-2026-999999")
ADMIN = Caller("key:abcdefghijkl", frozenset({Role.ADMIN}))


@pytest.fixture(scope="module")
async def shop(new_database: Callable[[], str]) -> AsyncIterator[Service]:
    async with closed(new_database(), rate_limit_read=0.0) as service:
        yield service


def lines(caplog: pytest.LogCaptureFixture, text: str) -> list[str]:
    return [line for line in caplog.text.splitlines() if text in line]


async def test_a_refusal_names_caller_reason_and_peer(shop: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    key = await new_key(shop)
    metadata = (*bearer(key.key), ("x-request-id", "0196f2a4-5b5e-7cc3-8f0a-3b1a52f3c111"))
    await refused(shop.orders.GetOrder(ABSENT, metadata=metadata))
    (line,) = lines(caplog, "a call was refused")
    for part in (
        "reason=ORDER_NOT_FOUND",
        "method=orders.v1.OrderService.GetOrder",
        f"caller=key:{key.key_id}",
        "peer=ipv4:127.0.0.1",
        "request_id=0196f2a4-5b5e-7cc3-8f0a-3b1a52f3c111",
    ):
        assert part in line
    assert "INFO" in line


async def test_a_failed_authentication_names_cause_and_key(shop: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    key = await new_key(shop)
    await revoke_key(shop, key.key_id)
    await refused(shop.orders.GetOrder(ABSENT, metadata=bearer(key.key)))
    (line,) = lines(caplog, "a call was refused")
    assert "cause=revoked peer=ipv4:127.0.0.1" in line
    assert f"key_id={key.key_id}" in line
    assert key.key not in line


def refusal(caller: Caller = ADMIN) -> RefusedCall:
    return RefusedCall("orders.v1.OrderService.GetOrder", caller, "ipv4:127.0.0.1:1", "", order_not_found("x"))


def test_the_refusals_of_a_caller_are_sampled(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    now = [0.0]
    log = RefusalLog(clock=lambda: now[0])
    for _ in range(50):
        log.note(refusal())
    log.note(refusal(Caller("key:other", frozenset({Role.ADMIN}))))
    assert len(lines(caplog, "a call was refused")) == 6
    now[0] = 11.0
    log.note(refusal())
    assert "left_out=45" in lines(caplog, "a call was refused")[-1]


def test_one_caller_that_causes_most_refusals_is_named(caplog: pytest.LogCaptureFixture) -> None:
    log = RefusalLog(clock=lambda: 1.0)
    for number in range(300):
        log.note(refusal(ADMIN if number % 3 else NOBODY))
    (line,) = lines(caplog, "one caller causes most refusals")
    assert "WARNING" in line
    assert "caller=key:abcdefghijkl" in line


def test_many_callers_that_are_refused_alike_are_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    log = RefusalLog(clock=lambda: 1.0)
    for number in range(300):
        log.note(refusal(Caller(f"key:{number % 5}", frozenset({Role.ADMIN}))))
    assert not lines(caplog, "one caller causes most refusals")


def test_the_metric_has_few_callers() -> None:
    metrics = Metrics()
    for number in range(150):
        metrics.count_caller(f"key:{number}", "RATE_LIMITED")
    samples = [
        sample
        for family in metrics.registry.collect()
        if family.name == "orders_caller_refusals"
        for sample in family.samples
        if sample.labels["reason"] == "RATE_LIMITED"
    ]
    assert len({sample.labels["caller"] for sample in samples}) <= 101
    assert sum(sample.value for sample in samples) == 150
    assert any(sample.labels["caller"] == "other" for sample in samples)


async def test_a_blocked_caller_is_named(new_database: Callable[[], str], caplog: pytest.LogCaptureFixture) -> None:
    async with closed(new_database(), rate_limit_read=1.0) as service:
        key = await new_key(service)
        calls = [service.orders.GetOrder(ABSENT, metadata=bearer(key.key)) for _ in range(1200)]
        await asyncio.gather(*calls, return_exceptions=True)
    (line,) = lines(caplog, "a caller is blocked for exceeding its limit")
    assert f"caller=key:{key.key_id} method_class=read seconds=60.0" in line


async def test_an_internal_error_has_an_incident(
    shop: Service, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> bytes:
        raise ZeroDivisionError

    key = await new_key(shop)
    monkeypatch.setattr(OrderRepository, "get", fail)
    metadata = (*bearer(key.key), ("x-request-id", "0196f2a4-5b5e-7cc3-8f0a-3b1a52f3c112"))
    error = await refused(shop.orders.GetOrder(ABSENT, metadata=metadata))
    (line,) = lines(caplog, "a method failed")
    assert f"incident_id={error.metadata['incident_id']}" in line
    assert error.metadata["incident_id"] in error.message
    assert "request_id=0196f2a4-5b5e-7cc3-8f0a-3b1a52f3c112" in line
    assert f"caller=key:{key.key_id}" in line


async def test_a_slow_call_is_logged_with_its_filter(
    new_database: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(new_database(), slow_call_seconds=0.000001) as service:
        await stock_shop(service)
        await service.orders.CreateOrder(new_order())
        caplog.clear()
        await service.orders.SearchOrders(SearchOrdersRequest(filter={"customer_id": "jane"}, page_size=5))
        await service.orders.CreateOrder(new_order())
    slow = lines(caplog, "a call was slow")
    (listed,) = [line for line in slow if "SearchOrders" in line]
    assert "filter=filter.customer_id,page_size rows=" in listed
    assert "read_ms=" in listed
    assert "jane" not in listed
    (created,) = [line for line in slow if "CreateOrder" in line]
    for step in ("wait_ms=", "read_ms=", "decide_ms=", "commit_ms="):
        assert step in created


async def test_no_call_is_slow_without_a_threshold(
    new_database: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(new_database(), slow_call_seconds=0) as service:
        await service.catalog.ListProducts(ListProductsRequest())
    assert not lines(caplog, "a call was slow")


async def test_a_provider_that_fails_is_logged_with_the_order(
    new_database: Callable[[], str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any, token: str = "") -> Any:
        raise RuntimeError

    async with serving(new_database(), payment_provider="test") as service:
        await stock_shop(service)
        monkeypatch.setattr(SandboxProvider, "open_intent", fail)
        await refused(service.orders.CreateOrder(new_order(payment_method_id="pm-1")))
        ((order_id,),) = await service.rows("SELECT order_id::text FROM orders")
    (line,) = lines(caplog, "the payment provider failed")
    assert f"order_id={order_id}" in line
    assert "method=orders.v1.OrderService.CreateOrder caller=anonymous" in line
    assert "seconds=" in line
