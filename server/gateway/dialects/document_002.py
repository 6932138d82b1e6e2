"""Document 002: an orders reference with offset paging."""

from typing import Any

from google.rpc import code_pb2

from server.gateway.dialects.dialect import Dialect, Route
from server.gateway.dialects.shared import FILTER, SORTING, STATUS
from server.gateway.dialects.tables import Json, Table, amount, enum, inner, items, same, to_theirs, whole
from server.gateway.errors import HttpError


def _offsets(query: dict[str, str]) -> Json:
    return {
        "page_size": whole(query.pop("limit", 20), least=1, name="limit"),
        "skip": whole(query.pop("offset", 0), least=0, name="offset"),
    }


_ADDRESS: Table = {**same("street", "city", "state", "country"), "zipCode": "postal_code"}
_LINE: Table = {"productId": "product_id", "quantity": "quantity"}
_CREATE: Table = {
    "customerId": "customer_id",
    "items": items("items", _LINE),
    "shippingAddress": inner("shipping_address", _ADDRESS),
    "paymentMethodId": "payment_method_id",
}
_SUMMARY: Table = {
    "orderId": "order_number",
    "customerId": "customer.customer_id",
    "status": enum("status", STATUS),
    "totalAmount": amount("pricing.total"),
    "currency": "pricing.total.currency_code",
    "createdAt": "create_time",
    "updatedAt": "update_time",
    "items": items("items", {**_LINE, "price": amount("unit_price")}),
}
_ORDER: Table = {**_SUMMARY, "shippingAddress": inner("shipping_address", _ADDRESS)}
_CODES = {400: "BAD_REQUEST", 401: "UNAUTHENTICATED", 403: "FORBIDDEN", 404: "NOT_FOUND", 409: "CONFLICT"}


def _error(error: HttpError, _: str) -> tuple[int, Any]:
    # A change that the order's state forbids is a bad request there.
    refused_by_state = error.status.code == code_pb2.FAILED_PRECONDITION
    status = 400 if refused_by_state else error.http_status
    code = _CODES.get(status, code_pb2.Code.Name(error.status.code))
    return status, {"error": {"code": code, "message": error.status.message}}


def _page(found: Json, request: Any) -> Json:
    total, limit, offset = int(found["total_size"]), request.page_size, request.skip
    return {
        "data": [to_theirs(_SUMMARY, order) for order in found["orders"]],
        "pagination": {
            "total": total,
            "limit": limit,
            "offset": offset,
            "nextOffset": offset + limit if offset + limit < total else None,
            "prevOffset": max(0, offset - limit) if offset else None,
        },
    }


DOCUMENT = Dialect(
    name="002",
    at_root=False,
    fault=_error,
    routes=(
        Route(
            "GET",
            "/v1/orders",
            "SearchOrders",
            _page,
            query={"status": FILTER["status"], **SORTING},
            paging=_offsets,
        ),
        Route("POST", "/v1/orders", "CreateOrder", lambda order, _: to_theirs(_SUMMARY, order), 201, _CREATE),
        Route(
            "GET",
            "/v1/orders/{orderId}",
            "GetOrder",
            lambda order, _: to_theirs(_ORDER, order),
            variables={"orderId": "order_id"},
        ),
        Route(
            "PUT",
            "/v1/orders/{orderId}",
            "UpdateOrder",
            lambda order, _: to_theirs(_ORDER, order),
            body={"status": enum("status", STATUS), "shippingAddress": inner("shipping_address", _ADDRESS)},
            within="order",
            variables={"orderId": "order.order_id"},
        ),
        Route("DELETE", "/v1/orders/{orderId}", "CancelOrder", lambda *_: None, 204, variables={"orderId": "order_id"}),
    ),
)
