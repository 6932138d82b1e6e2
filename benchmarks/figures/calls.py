"""What the calls cost the server that no other figure is about, beside GetOrder."""

import itertools
from collections.abc import Iterator, Sequence

from google.protobuf.message import Message
from orders.v1.cart_service_pb2 import AddCartItemRequest, GetCartRequest
from orders.v1.catalog_service_pb2 import AdjustStockRequest, GetProductRequest, ListProductsRequest
from orders.v1.customer_service_pb2 import GetCustomerRequest, UpsertCustomerRequest
from orders.v1.order_service_pb2 import (
    BatchGetOrdersRequest,
    CreateOrderRequest,
    ExplainOrderRequest,
    ListOrderEventsRequest,
    PriceOrderRequest,
    SearchOrdersRequest,
    TrackOrderRequest,
)

from benchmarks import bodies
from benchmarks.bench import Bench, Row
from benchmarks.turns import Measure, Turns

_CUSTOMERS = 500


def measure(bench: Bench, turns: Turns) -> Sequence[Row]:
    ids, seconds = bench.order_ids, bench.seconds(1)

    def calls(method: str, requests: Sequence[Message]) -> Measure:
        serialized = [request.SerializeToString() for request in requests]
        return lambda: bench.calls(f"/orders.v1.{method}", itertools.cycle(serialized), seconds=seconds)

    priced = CreateOrderRequest.FromString(next(bodies.creates(products=3)))
    customers, products = list(_customers()), [bodies.product_id(number) for number in range(bodies.PRODUCTS)]
    # Who is to be read, there is.
    calls("CustomerService/UpsertCustomer", [UpsertCustomerRequest(customer={"customer_id": c}) for c in customers])()
    tens = [ids[first : first + 10] for first in range(0, len(ids), 10)]
    measures = {
        "GetOrder": lambda: bench.calls(bodies.GET, bodies.gets(ids), seconds=seconds),
        "BatchGetOrders, 10": calls(
            "OrderService/BatchGetOrders", [BatchGetOrdersRequest(order_ids=ten) for ten in tens]
        ),
        "TrackOrder": calls("OrderService/TrackOrder", [TrackOrderRequest(order_id=each) for each in ids]),
        "ExplainOrder": calls("OrderService/ExplainOrder", [ExplainOrderRequest(order_id=each) for each in ids]),
        "ListOrderEvents": calls("OrderService/ListOrderEvents", [ListOrderEventsRequest(order_id=e) for e in ids]),
        "SearchOrders of a customer": calls(
            "OrderService/SearchOrders", [SearchOrdersRequest(filter={"customer_id": each}) for each in customers]
        ),
        "PriceOrder": calls("OrderService/PriceOrder", [PriceOrderRequest(order=priced)]),
        "GetCart": calls("CartService/GetCart", [GetCartRequest(customer_id=each) for each in customers]),
        "AddCartItem": calls(
            "CartService/AddCartItem",
            [AddCartItemRequest(customer_id=each, product_id=products[0], quantity=1) for each in customers],
        ),
        "GetCustomer": calls(
            "CustomerService/GetCustomer", [GetCustomerRequest(customer_id=each) for each in customers]
        ),
        "GetProduct": calls("CatalogService/GetProduct", [GetProductRequest(product_id=each) for each in products]),
        "ListProducts, 50": calls("CatalogService/ListProducts", [ListProductsRequest(page_size=50)]),
        "AdjustStock": calls(
            "CatalogService/AdjustStock",
            [AdjustStockRequest(product_id=each, delta=1, reason="counted") for each in products],
        ),
    }
    turns.run(measures, rounds=bench.rounds(3))
    return [
        Row(f"{name}'s CPU ÷ GetOrder's", turns.ratio(name, "GetOrder", of=lambda value: value.microseconds))
        for name in measures
        if name != "GetOrder"
    ]


def _customers() -> Iterator[str]:
    return (f"called-{number:04d}" for number in range(_CUSTOMERS))
