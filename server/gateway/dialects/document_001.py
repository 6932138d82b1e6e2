"""Document 001: order management with carts."""

from typing import Any

from server.gateway.dialects.dialect import Dialect, Route
from server.gateway.dialects.shared import FILTER, STATUS, small_error
from server.gateway.dialects.tables import Json, Table, amount, enum, inner, items, same, to_theirs

_ADDRESS: Table = {**same("name", "city", "state", "country"), "address": "street", "zip": "postal_code"}
_CREATE: Table = {
    "cart_id": "cart_id",
    "user_id": "customer_id",
    "shipping_address": inner("shipping_address", _ADDRESS),
    "payment_method": enum("payment_method", "PAYMENT_METHOD_"),
}
_ORDER: Table = {
    "order_id": "order_number",
    "user_id": "customer.customer_id",
    "status": enum("status", STATUS),
    "payment_status": enum("payment_status", "PAYMENT_STATUS_"),
    "shipping_status": enum("shipping_status", "SHIPPING_STATUS_"),
    "total": amount("pricing.total"),
    "items": items("items", {**same("product_id", "name", "quantity"), "price": amount("unit_price")}),
    "shipping_address": inner("shipping_address", _ADDRESS),
    "created_at": "create_time",
}
_STATUS: Table = {"order_id": "order_number", "status": enum("status", STATUS)}


def _created(order: Json, _: Any) -> Json:
    pending = order["status"] == "ORDER_STATUS_PENDING"
    message = "Order received and pending payment." if pending else "Order received."
    return {**to_theirs(_STATUS, order), "message": message}


def _cancelled(_: Json, request: Any) -> Json:
    return {"message": f"Order {request.order_id} cancelled successfully."}


DOCUMENT = Dialect(
    name="001",
    at_root=True,
    fault=small_error,
    routes=(
        Route("POST", "/api/orders", "CreateOrder", _created, 201, _CREATE),
        Route(
            "GET",
            "/api/orders",
            "SearchOrders",
            lambda found, _: [to_theirs(_ORDER, order) for order in found["orders"]],
            query={name: FILTER[name] for name in ("user_id", "status")},
        ),
        Route(
            "GET",
            "/api/orders/{id}",
            "GetOrder",
            lambda order, _: to_theirs(_ORDER, order),
            variables={"id": "order_id"},
        ),
        Route(
            "PUT",
            "/api/orders/{id}/status",
            "TransitionOrder",
            lambda order, _: to_theirs(_STATUS, order),
            body={"status": enum("status", STATUS), **same("carrier", "tracking_number")},
            variables={"id": "order_id"},
        ),
        Route("DELETE", "/api/orders/{id}", "CancelOrder", _cancelled, variables={"id": "order_id"}),
    ),
)
