"""Tokens that somebody has made up, checksum and all."""

from typing import Any

import grpc
import pytest
from orders.v1.catalog_service_pb2 import ListCouponsRequest, ListDeliveryZonesRequest, ListProductsRequest
from orders.v1.customer_service_pb2 import ListPointsEntriesRequest
from orders.v1.order_service_pb2 import ORDER_BY_TOTAL, ListOrderEventsRequest, ListOrdersRequest, SearchOrdersRequest

from server.domain.base import page_tokens as tokens
from tests.conftest import Service, new_order, refused

ID = "01a20015-3414-74db-896e-10b62e166a1b"
NOON = "2026-11-21T12:00:00+00:00"
POSITIONS: list[Any] = [
    [],
    {},
    ["1:1:", NOON, ID, 0],
    ["1:1:", NOON, "no id", 0, {"time": NOON}],
    ["1:1:", "no time", ID, 0, {"time": NOON}],
    ["1:1:", NOON, ID, 0, {"time": "no time"}],
    ["1:1:", NOON, ID, 0, {}],
    ["1:1:", NOON, ID, 2**70, {"time": NOON}],
    ["1:1:", NOON, ID, "0", {"time": NOON}],
    ["no snapshot", NOON, ID, 0, {"time": NOON}],
    ["\0"],
    ["\ud800"],
    [2**70],
    [""] * 2,
]


@pytest.mark.parametrize("position", POSITIONS, ids=str)
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
