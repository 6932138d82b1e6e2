"""The rows that each command reads, and locks if it writes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from orders.v1.cart_service_pb2 import (
    AddCartItemRequest,
    ClearCartRequest,
    GetCartRequest,
    RemoveCartItemRequest,
    UpdateCartItemRequest,
)
from orders.v1.catalog_service_pb2 import (
    AdjustStockRequest,
    BatchUpsertCouponsRequest,
    BatchUpsertDeliveryZonesRequest,
    BatchUpsertProductsRequest,
    DeleteDeliveryZoneRequest,
)
from orders.v1.customer_service_pb2 import (
    AdjustPointsRequest,
    DeleteAddressRequest,
    DeletePaymentMethodRequest,
    UpsertAddressRequest,
    UpsertCustomerRequest,
    UpsertPaymentMethodRequest,
)
from orders.v1.order_pb2 import (
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    OrderStatus,
)
from orders.v1.order_service_pb2 import (
    BatchUpsertOrdersRequest,
    CancelOrderRequest,
    CreateOrderRequest,
    PriceOrderRequest,
    RecordPaymentRequest,
    RecordTrackingEventRequest,
    RefundOrderRequest,
    ReorderOrderRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
    UpsertOrder,
)

from server.domain.base.records import Kind
from server.domain.base.state import ExternalKey, PaymentKey, State
from server.domain.carts.carts import cart_id_of
from server.domain.fulfilment.tracking import IMPLIED
from server.domain.payments.payments import SettleIntent, payment_key
from server.domain.pricing.coupons import code_of

# Statuses whose entering moves what an order holds, and those whose entering may issue an invoice.
_MOVING = frozenset({ORDER_STATUS_CANCELLED, ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED})
_INVOICED = frozenset({ORDER_STATUS_CONFIRMED, ORDER_STATUS_PROCESSING})


@dataclass(slots=True)
class Needs:
    """The rows a command reads."""

    # By id or number.
    orders: Iterable[str] = ()
    # By source and external id, with what the source sends.
    external: Mapping[ExternalKey, UpsertOrder] = field(default_factory=dict)
    history: bool = False
    carts: Iterable[str] = ()
    # Also what the orders and carts refer to: products and stock of their lines, coupons, the customers' accounts and points.
    related: bool = False
    products: Iterable[str] = ()
    customers: Iterable[str] = ()
    # With how often they were used, by everybody and by `customers`.
    coupons: Iterable[str] = ()
    # The loyalty points of `customers`.
    points: bool = False
    # All delivery zones.
    zones: bool = False
    payments: Iterable[PaymentKey] = ()
    # The last numbers of invoices and credit notes.
    documents: bool = False
    new_orders: int = 0
    # The kind of records that the command writes, and so reads with locks.
    replaces: Kind | None = None
    # The one customer whose orders the caller sees; empty for all.
    owner: str = ""


def _create(request: CreateOrderRequest) -> Needs:
    return Needs(
        carts=[request.cart_id] if request.cart_id else [],
        related=bool(request.cart_id),
        products=[item.product_id for item in request.items],
        customers=[request.customer_id],
        coupons=[code_of(request.coupon_code)] if request.coupon_code else [],
        points=request.loyalty_points_to_use > 0,
        zones=True,
        new_orders=int(not request.validate_only),
    )


def _update(request: UpdateOrderRequest) -> Needs:
    order, paths = request.order, request.update_mask.paths
    return Needs(
        orders=[order.order_id],
        related=_reprices(request) or order.status in _MOVING,
        products=[item.product_id for item in order.items],
        zones=_reprices(request),
        documents=order.status in _INVOICED or "status" in paths or "*" in paths,
    )


def _reprices(request: UpdateOrderRequest) -> bool:
    order, roots = request.order, {path.split(".")[0] for path in request.update_mask.paths}
    return bool(
        order.items
        or order.HasField("shipping_address")
        or order.HasField("delivery")
        or order.HasField("installation")
        or order.payment_method_id
        or roots & {"*", "items", "shipping_address", "delivery", "installation", "payment_method_id"}
    )


def _transition(order_id: str, status: OrderStatus) -> Needs:
    return Needs(orders=[order_id], related=status in _MOVING, documents=status in _INVOICED)


def _cart(request: Any, *products: str) -> Needs:
    return Needs(
        carts=[cart_id_of(request)],
        related=True,
        products=products,
        customers=[request.customer_id],
        zones=True,
        replaces=None if isinstance(request, GetCartRequest) else Kind.CART,
    )


def _account(customer_id: str) -> Needs:
    return Needs(customers=[customer_id], points=True, replaces=Kind.CUSTOMER)


NEEDS: dict[type, Callable[[Any], Needs]] = {
    CreateOrderRequest: _create,
    PriceOrderRequest: lambda r: _create(r.order),
    UpdateOrderRequest: _update,
    TransitionOrderRequest: lambda r: _transition(r.order_id, r.status),
    CancelOrderRequest: lambda r: _transition(r.order_id, ORDER_STATUS_CANCELLED),
    RecordTrackingEventRequest: lambda r: Needs(orders=[r.order_id], history=True, related=r.event.status in IMPLIED),
    RecordPaymentRequest: lambda r: Needs(orders=[r.order_id], payments=[payment_key(r.event)], documents=True),
    SettleIntent: lambda r: Needs(
        orders=[r.order_id],
        carts=[r.cart_id] if r.cart_id else [],
        payments=r.payment_keys,
        documents=True,
        related=True,
    ),
    RefundOrderRequest: lambda r: Needs(orders=[r.order_id]),
    ReorderOrderRequest: lambda r: Needs(orders=[r.order_id], related=True, zones=True, replaces=Kind.CART),
    BatchUpsertOrdersRequest: lambda r: Needs(
        # Of those that occur twice, the first.
        external={(r.source, order.external_order_id): order for order in reversed(r.orders)},
        new_orders=0 if r.validate_only else len(r.orders),
    ),
    BatchUpsertProductsRequest: lambda r: Needs(
        products=[product.product_id for product in r.products], replaces=Kind.PRODUCT
    ),
    AdjustStockRequest: lambda r: Needs(products=[r.product_id]),
    BatchUpsertCouponsRequest: lambda r: Needs(
        coupons=[code_of(coupon.code) for coupon in r.coupons], replaces=Kind.COUPON
    ),
    BatchUpsertDeliveryZonesRequest: lambda r: Needs(zones=True, replaces=Kind.ZONE),
    DeleteDeliveryZoneRequest: lambda r: Needs(zones=True, replaces=Kind.ZONE),
    GetCartRequest: _cart,
    AddCartItemRequest: lambda r: _cart(r, r.product_id),
    UpdateCartItemRequest: _cart,
    RemoveCartItemRequest: _cart,
    ClearCartRequest: _cart,
    UpsertCustomerRequest: lambda r: _account(r.customer.customer_id),
    UpsertAddressRequest: lambda r: _account(r.customer_id),
    DeleteAddressRequest: lambda r: _account(r.customer_id),
    UpsertPaymentMethodRequest: lambda r: _account(r.customer_id),
    DeletePaymentMethodRequest: lambda r: _account(r.customer_id),
    AdjustPointsRequest: lambda r: _account(r.customer_id),
}


def needs_of(command: Any) -> Needs:
    """The rows of a command, by its request and its caller."""
    needs = NEEDS[type(command.request)](command.request)
    needs.owner = command.caller.confined_to
    return needs


def orders_to_number(needs: Needs, state: State) -> int:
    """How many order numbers a command may need, now that the orders it names are read."""
    stored = sum(1 for key in needs.external if key in state.ids_by_external or key in state.same)
    return max(0, needs.new_orders - stored)
