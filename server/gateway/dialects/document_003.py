"""Document 003: a shop with carts, coupons, installation and tracking."""

from datetime import UTC, datetime
from typing import Any

from server.gateway.dialects.dialect import Dialect, Route
from server.gateway.dialects.shared import FILTER, SORTING, STATUS, code_of, pages
from server.gateway.dialects.tables import (
    Json,
    Table,
    amount,
    enum,
    inner,
    integer,
    items,
    or_null,
    same,
    to_theirs,
    without_nulls,
)
from server.gateway.errors import HttpError

_NEW_LINE: Table = {
    "productId": "product_id",
    "variantId": "variant_id",
    "quantity": "quantity",
    "designProjectId": "design_project_id",
    "customizations": "customizations",
}
_CREATE: Table = {
    "items": items("items", _NEW_LINE),
    "shippingAddressId": "shipping_address_id",
    "billingAddressId": "billing_address_id",
    "paymentMethodId": "payment_method_id",
    "deliveryDate": "requested_delivery_time",
    "installationDate": "installation_time",
    "specialInstructions": "special_instructions",
    "couponCode": "coupon_code",
    "loyaltyPointsToUse": "loyalty_points_to_use",
}
_ADDRESS: Table = {
    "id": "address_id",
    "name": "name",
    "address": "street",
    "city": "city",
    "governorate": "state",
    "phone": "phone",
}
_LINE: Table = {
    "id": "item_id",
    "productId": "product_id",
    "productName": "name",
    "productSku": "sku",
    "variantId": "variant_id",
    "variantName": "variant_name",
    "quantity": "quantity",
    "unitPrice": amount("unit_price"),
    "totalPrice": amount("total_price"),
    "requiresInstallation": "requires_installation",
    "installationPrice": amount("installation_price"),
}
_PRICING: Table = {
    "subtotal": amount("subtotal"),
    "taxAmount": amount("tax"),
    "shippingAmount": amount("shipping"),
    "discountAmount": amount("discount"),
    "installationAmount": amount("installation"),
    "totalAmount": amount("total"),
    "currency": "total.currency_code",
    "appliedCoupons": items(
        "applied_coupons", {"code": "code", "discount": amount("discount"), "type": enum("type", "COUPON_TYPE_")}
    ),
    "loyaltyPointsUsed": integer("loyalty_points_used"),
    "loyaltyPointsEarned": integer("loyalty_points_earned"),
}
_ORDER: Table = {
    "id": "order_id",
    "orderNumber": "order_number",
    "status": enum("status", STATUS),
    "items": items("items", _LINE),
    "customer": inner("customer", {"id": "customer_id", **same("name", "email", "phone")}),
    "addresses": inner("", {"shipping": inner("shipping_address", _ADDRESS)}),
    "pricing": inner("pricing", _PRICING),
    "delivery": inner(
        "delivery",
        {
            "estimatedDate": "estimated_time",
            "deliveryMethod": "method",
            "trackingNumber": or_null("tracking_number"),
        },
    ),
    "installation": inner(
        "installation", {"required": "required", "scheduledDate": "scheduled_time", "timeSlot": or_null("time_slot")}
    ),
    "timeline": inner(
        "",
        {
            "createdAt": "create_time",
            "estimatedShipping": "delivery.estimated_shipping_time",
            "estimatedDelivery": "delivery.estimated_time",
        },
    ),
}
_CREATED: Table = {
    "order": inner("", _ORDER),
    "paymentIntent": inner(
        "payment_intent",
        {"id": "id", "clientSecret": "client_secret", "status": enum("status", "PAYMENT_INTENT_STATUS_")},
    ),
    "estimatedDelivery": inner("delivery", {"date": "estimated_time", "timeSlot": "time_slot", "method": "method"}),
}
_CART_LINE: Table = {
    "id": "item_id",
    "productId": "product_id",
    "product": inner("", {"name": "name", "image": "image_uri", "price": amount("unit_price")}),
    "variantId": "variant_id",
    "variant": inner("", {"name": "variant_name", "color": "variant_attributes.color"}),
    "quantity": "quantity",
    "unitPrice": amount("unit_price"),
    "totalPrice": amount("total_price"),
    "addedAt": "add_time",
}
_CART: Table = {
    "id": "cart_id",
    "items": items("items", _CART_LINE),
    "totalItems": integer("total_quantity"),
    "subtotal": amount("pricing.subtotal"),
    "estimatedTax": amount("pricing.tax"),
    "estimatedShipping": amount("pricing.shipping"),
    "estimatedTotal": amount("pricing.total"),
    "currency": "currency_code",
}
_TRACKING: Table = {
    "orderId": "order_id",
    "trackingNumber": or_null("tracking_number"),
    "carrier": or_null("carrier"),
    "status": enum("status", "TRACKING_STATUS_"),
    "estimatedDelivery": "estimated_delivery_time",
    "currentLocation": inner("current_location", {**same("city", "country"), "timestamp": "time"}),
    "events": items(
        "events",
        {
            "status": enum("status", "TRACKING_STATUS_"),
            "description": "description",
            "timestamp": "time",
            "location": "location",
        },
    ),
}
_SEARCH: Table = {
    "status": FILTER["status"],
    "fromDate": "filter.create_time_from",
    "toDate": "filter.create_time_to",
    **SORTING,
}
_NULLABLE = ("installationPrice",)


def _order(order: Json) -> Json:
    shown = to_theirs(_ORDER, order)
    return {**shown, "items": [without_nulls(line, _NULLABLE) for line in shown["items"]]}


def _envelope(data: Any, request_id: str) -> Json:
    return {"success": True, "data": data, "timestamp": _now(), "requestId": request_id}


def _created(order: Json, _: Any) -> Json:
    return {**to_theirs(_CREATED, order), "order": _order(order)}


def _page(found: Json, request: Any) -> Json:
    total, size = int(found["total_size"]), request.page_size
    numbers = {"page": request.skip // size + 1, "limit": size, "total": total, "totalPages": -(-total // size)}
    return {"orders": [_order(order) for order in found["orders"]], "pagination": numbers}


def _cart(cart: Json, _: Any) -> Json:
    return {"cart": to_theirs(_CART, cart)}


def _error(error: HttpError, request_id: str) -> tuple[int, Any]:
    said = {"code": code_of(error), "message": error.status.message}
    return error.http_status, {"success": False, "error": said, "timestamp": _now(), "requestId": request_id}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


_ITEM = {"itemId": "item_id"}

DOCUMENT = Dialect(
    name="003",
    at_root=False,
    fault=_error,
    envelope=_envelope,
    routes=(
        Route("POST", "/v1/orders", "CreateOrder", _created, 201, _CREATE),
        Route("GET", "/v1/orders", "SearchOrders", _page, query=_SEARCH, paging=pages),
        Route(
            "GET",
            "/v1/orders/{orderId}",
            "GetOrder",
            lambda order, _: {"order": _order(order)},
            variables={"orderId": "order_id"},
        ),
        Route(
            "GET",
            "/v1/orders/{orderId}/tracking",
            "TrackOrder",
            lambda tracking, _: {"tracking": to_theirs(_TRACKING, tracking)},
            variables={"orderId": "order_id"},
        ),
        Route("GET", "/v1/cart", "GetCart", _cart),
        Route("POST", "/v1/cart/items", "AddCartItem", _cart, body=_NEW_LINE),
        Route("PUT", "/v1/cart/items/{itemId}", "UpdateCartItem", _cart, body=same("quantity"), variables=_ITEM),
        Route("DELETE", "/v1/cart/items/{itemId}", "RemoveCartItem", _cart, variables=_ITEM),
        Route("DELETE", "/v1/cart", "ClearCart", _cart),
    ),
)
