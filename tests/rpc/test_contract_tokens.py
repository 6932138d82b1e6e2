"""Tokens that somebody has made up, checksum and all."""

from base64 import urlsafe_b64encode
from typing import Any

import grpc
import pytest
from orders.v1.catalog_service_pb2 import ListCouponsRequest, ListDeliveryZonesRequest, ListProductsRequest
from orders.v1.customer_service_pb2 import ListPointsEntriesRequest
from orders.v1.order_service_pb2 import ORDER_BY_TOTAL, ListOrderEventsRequest, ListOrdersRequest, SearchOrdersRequest

from server.domain.base import page_tokens as tokens
from server.domain.base.errors import Refusal
from tests.conftest import Service, new_order, refused

ID = "01a20015-3414-74db-896e-10b62e166a1b"
NOON = 1_795_435_200_000_000
MAX = 2**63 - 1
POSITIONS: list[Any] = [
    [],
    {},
    None,
    ["1:1:", NOON],
    ["1:1:", NOON, True],
    ["1:1:", NOON, 0.0],
    ["1:1:", NOON, -1],
    ["1:1:", "2026-11-21T12:00:00", 0],
    ["1:1:", -1, 0],
    ["1:1:", MAX, 0],
    ["1:1:", NOON, 0, "no id", NOON],
    ["1:1:", NOON, 0, ID.upper(), NOON],
    ["1:1:", NOON, 0, ID.replace("-", ""), NOON],
    ["1:1:", NOON, 0, ID, {"time": "2026-11-21T12:00:00"}],
    ["1:1:", NOON, 0, ID, -1],
    ["1:1:", NOON, 0, ID, MAX],
    ["1:1:", NOON, 2**70, ID, NOON],
    ["1:1:", NOON, 0, ID, "USD", -1],
    ["1:1:", NOON, 0, ID, "USD", MAX],
    ["1:1:", NOON, 0, ID, "\0", 1],
    ["1:1:", NOON, 0, ID, "\ud800", 1],
    ["1:1:", NOON, 0, ID, "", 1],
    *(
        [snapshot, NOON, 0, ID, *key]
        for snapshot in (
            "",
            "no snapshot",
            "0:1:",
            "5:1:",
            "1:5:5",
            "2:5:1",
            "1:5:3,2",
            "1:5:2,2",
            "1:5:2,",
            "1:5:,",
            "1:1:\n",
            "1:1",
            "\u0661:\u0661:",
            f"1:{2**64}:",
            f"1:{'9' * 2500}:",
            "1:9:" + "2" * 2500,
        )
        for key in ([NOON], ["USD", 1])
    ),
    ["\0"],
    ["\ud800"],
    [2**70],
    [""] * 2,
]


def _nested(depth: int) -> Any:
    return [] if not depth else [_nested(depth - 1)]


@pytest.mark.parametrize("position", [*POSITIONS, _nested(500)], ids=lambda position: str(position)[:60])
async def test_a_made_up_token_is_refused_by_every_list(service: Service, position: Any) -> None:
    await service.orders.CreateOrder(new_order())
    lists, search = ListOrdersRequest(), SearchOrdersRequest()
    by_total = SearchOrdersRequest(order_by=ORDER_BY_TOTAL)
    events, points = ListOrderEventsRequest(order_id=ID), ListPointsEntriesRequest(customer_id="jane")
    products, coupons, zones = ListProductsRequest(), ListCouponsRequest(), ListDeliveryZonesRequest()
    calls = [
        anext(aiter(service.orders.ListOrders(ListOrdersRequest(resume_token=tokens.encode(lists, position))))),
        service.orders.SearchOrders(SearchOrdersRequest(page_token=tokens.encode(search, position))),
        service.orders.SearchOrders(
            SearchOrdersRequest(order_by=ORDER_BY_TOTAL, page_token=tokens.encode(by_total, position))
        ),
        service.orders.ListOrderEvents(ListOrderEventsRequest(order_id=ID, page_token=tokens.encode(events, position))),
        service.catalog.ListProducts(ListProductsRequest(page_token=tokens.encode(products, position))),
        service.catalog.ListCoupons(ListCouponsRequest(page_token=tokens.encode(coupons, position))),
        service.catalog.ListDeliveryZones(ListDeliveryZonesRequest(page_token=tokens.encode(zones, position))),
        service.customers.ListPointsEntries(
            ListPointsEntriesRequest(customer_id="jane", page_token=tokens.encode(points, position))
        ),
    ]
    for call in calls:
        refusal = await refused(call)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "RESUME_TOKEN_INVALID")


def test_token_nested_beyond_the_stack_is_refused() -> None:
    query = ListOrdersRequest()
    payload = b"[" * 12_000 + b"]" * 100
    token = urlsafe_b64encode(tokens._digest(query, payload) + payload).decode().rstrip("=")
    with pytest.raises(Refusal, match="resume_token is damaged"):
        tokens.decode(token, query, (str,), field="resume_token")
