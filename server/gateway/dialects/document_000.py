"""Document 000: an order guide with webhooks."""

from server.gateway.dialects.dialect import Dialect, Route
from server.gateway.dialects.shared import FILTER, STATUS, pages, small_error
from server.gateway.dialects.tables import Table, amount, enum, inner, items, refused, same, to_theirs

_NO_CARDS = "card data is not accepted; save a payment method with its provider's token, and name that"

_ADDRESS: Table = {**same("street", "city", "state", "country"), "zip": "postal_code"}
_CREATE: Table = {
    "customer_id": "customer_id",
    "items": items("items", same("product_id", "quantity")),
    "shipping_address": inner("shipping_address", _ADDRESS),
    "payment_method": enum("payment_method", "PAYMENT_METHOD_"),
    "payment_details": refused(_NO_CARDS),
}
_UPDATE: Table = {
    "status": enum("status", STATUS),
    "shipping_address": inner("shipping_address", _ADDRESS),
    "items": items("items", same("product_id", "quantity")),
}
_CREATED: Table = {"order_id": "order_id", "status": enum("status", STATUS), "created_at": "create_time"}
_CHANGED: Table = {"order_id": "order_id", "status": enum("status", STATUS), "updated_at": "update_time"}
_ORDER: Table = {
    "order_id": "order_id",
    "customer_id": "customer.customer_id",
    "items": items("items", {**same("product_id", "quantity"), "price": amount("unit_price")}),
    "shipping_address": inner("shipping_address", _ADDRESS),
    "payment_method": enum("payment_method", "PAYMENT_METHOD_"),
    "status": enum("status", STATUS),
    "created_at": "create_time",
    "updated_at": "update_time",
}
DOCUMENT = Dialect(
    name="000",
    at_root=True,
    fault=small_error,
    routes=(
        Route("POST", "/orders", "CreateOrder", lambda order, _: to_theirs(_CREATED, order), 201, _CREATE),
        Route(
            "GET",
            "/orders",
            "SearchOrders",
            lambda found, _: [to_theirs(_ORDER, order) for order in found["orders"]],
            query={name: FILTER[name] for name in ("customer_id", "status")},
            paging=pages,
        ),
        Route(
            "GET",
            "/orders/{order_id}",
            "GetOrder",
            lambda order, _: to_theirs(_ORDER, order),
            variables={"order_id": "order_id"},
        ),
        Route(
            "PUT",
            "/orders/{order_id}",
            "UpdateOrder",
            lambda order, _: to_theirs(_CHANGED, order),
            body=_UPDATE,
            within="order",
            variables={"order_id": "order.order_id"},
        ),
        Route(
            "DELETE",
            "/orders/{order_id}",
            "CancelOrder",
            lambda order, _: to_theirs(_CHANGED, order),
            variables={"order_id": "order_id"},
        ),
    ),
)
