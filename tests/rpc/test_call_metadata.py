"""The id that every response carries, the links of refusals, and the times that admins ask for."""

import logging
import re
import uuid
from typing import Any

import grpc
import pytest
from orders.v1.access_pb2 import ROLE_ADMIN, ROLE_CUSTOMER, SCOPE_ORDERS_READ, SCOPE_ORDERS_WRITE
from orders.v1.api_key_service_pb2 import ApiKey, CreateApiKeyRequest
from orders.v1.order_service_pb2 import (
    BatchUpsertOrdersRequest,
    CancelOrderRequest,
    GetOrderRequest,
    ListOrdersRequest,
    UpsertOrder,
)

from server.storage.read.orders import OrderRepository
from tests.conftest import Service, refused, serving, stock_shop
from tests.shop import new_order

ABSENT = GetOrderRequest(order_id="ORD-2026-999999")
STEPS = r'batch;desc="\d+", wait;dur=[\d.]+, read;dur=[\d.]+'


async def trailers_of(call: Any) -> dict[str, str]:
    """The trailers of a call, whatever its outcome."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return dict(error.trailing_metadata() or ())
    return dict(await call.trailing_metadata())


def calls_of(service: Service, metadata: tuple[tuple[str, str], ...]) -> list[Any]:
    """A call that succeeds, one that is refused, and one of an unknown method."""
    unknown = service.channel.unary_unary("/orders.v1.OrderService/Nothing")
    return [
        service.orders.CreateOrder(new_order(), metadata=metadata),
        service.orders.GetOrder(ABSENT, metadata=metadata),
        unknown(b"", metadata=metadata),
    ]


async def test_responses_carry_the_id_that_the_caller_sent(service: Service) -> None:
    for call in calls_of(service, (("x-request-id", "checkout-17"),)):
        assert (await trailers_of(call))["x-request-id"] == "checkout-17"


@pytest.mark.parametrize(
    "sent", [(), (("x-request-id", ""),), (("x-request-id", "x" * 129),), (("x-request-id", "a b"),)]
)
async def test_responses_carry_a_new_id_without_a_usable_one(service: Service, sent: Any) -> None:
    found = [(await trailers_of(call))["x-request-id"] for call in calls_of(service, sent)]
    assert len(set(found)) == len([uuid.UUID(each) for each in found]) == 3


async def test_a_stream_ends_with_its_id(service: Service) -> None:
    stream = service.orders.ListOrders(ListOrdersRequest(), metadata=(("x-request-id", "list-1"),))
    async for _ in stream:
        pass
    assert dict(await stream.trailing_metadata())["x-request-id"] == "list-1"


async def test_the_log_has_the_id_of_a_call(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "server.rpc.call_log")
    request_id = str(uuid.uuid4())
    await trailers_of(service.orders.GetOrder(ABSENT, metadata=(("x-request-id", request_id),)))
    assert f"request_id={request_id}" in caplog.text


@pytest.mark.parametrize("sent", ["0196f2a4-5b5e-7cc3-8f0a-3b1a52f3c111", "+12125550199"])
async def test_a_failure_is_found_in_the_log_by_its_id(
    service: Service, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, sent: str
) -> None:
    async def fail(*_: object) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr(OrderRepository, "get", fail)
    refusal = await refused(service.orders.GetOrder(ABSENT, metadata=(("x-request-id", sent),)))
    assert f"incident_id={refusal.metadata['incident_id']}" in caplog.text
    assert refusal.metadata["request_id"] == sent
    assert (f"request_id={sent}" in caplog.text) is (not sent.startswith("+"))


async def test_a_refusal_links_to_its_reason_and_the_next_command(service: Service) -> None:
    order = await service.orders.CreateOrder(new_order())
    cancel = CancelOrderRequest(order_id=order.order_id)
    await service.orders.CancelOrder(cancel)
    refusal = await refused(service.orders.CancelOrder(cancel))
    assert {link.url for link in refusal.links} == {"docs/errors.md#order_already_cancelled"}
    assert refusal.links[1].description == f"orders show {order.order_id}"


async def test_a_setting_chooses_the_page_that_refusals_link_to(new_database: Any) -> None:
    async with serving(new_database(), error_docs_url="https://docs.example.com/errors") as service:
        refusal = await refused(service.orders.GetOrder(ABSENT))
        assert [link.url for link in refusal.links] == ["https://docs.example.com/errors#order_not_found"]
        batch = BatchUpsertOrdersRequest(source="shop", orders=[UpsertOrder(external_order_id="1")])
        (result,) = (await service.orders.BatchUpsertOrders(batch)).results
        assert b"https://docs.example.com/errors#invalid_order_data" in result.status.SerializeToString()


async def test_an_admin_sees_where_the_time_of_a_call_went(service: Service) -> None:
    debug = (("x-debug", "1"),)
    write = service.orders.CreateOrder(new_order(), metadata=debug)
    timing = (await trailers_of(write))["server-timing"]
    assert re.fullmatch(STEPS + r", decide;dur=[\d.]+, commit;dur=[\d.]+", timing)
    order = await write
    read = service.orders.GetOrder(GetOrderRequest(order_id=order.order_id), metadata=debug)
    assert re.fullmatch(STEPS, (await trailers_of(read))["server-timing"])
    assert "server-timing" not in await trailers_of(service.orders.GetOrder(GetOrderRequest(order_id=order.order_id)))


async def test_other_callers_see_no_times(new_database: Any) -> None:
    async with serving(new_database()) as shop:
        await stock_shop(shop)
        scopes = [SCOPE_ORDERS_READ, SCOPE_ORDERS_WRITE]
        customer = ApiKey(owner="x", roles=[ROLE_CUSTOMER], scopes=scopes, customer_id="cora")
        keys = [customer, ApiKey(owner="x", roles=[ROLE_ADMIN], scopes=scopes)]
        texts = [(await shop.api_keys.CreateApiKey(CreateApiKeyRequest(api_key=key))).key for key in keys]
        async with serving(shop.url, authentication="required") as closed:
            for text, is_admin in zip(texts, (False, True), strict=True):
                metadata = (("authorization", f"Bearer {text}"), ("x-debug", "1"))
                found = await trailers_of(closed.orders.GetOrder(ABSENT, metadata=metadata))
                assert ("server-timing" in found) is is_admin
