"""Every write as a command, and what it decides. No I/O. What it needs to know is in needs.py."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, NamedTuple

from google.protobuf.message import Message
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
    Product,
)
from orders.v1.customer_service_pb2 import (
    AdjustPointsRequest,
    DeleteAddressRequest,
    DeletePaymentMethodRequest,
    UpsertAddressRequest,
    UpsertCustomerRequest,
    UpsertPaymentMethodRequest,
)
from orders.v1.order_pb2 import ORDER_STATUS_CANCELLED, ORDER_STATUS_SHIPPED
from orders.v1.order_service_pb2 import (
    BatchUpsertOrdersRequest,
    CancelOrderRequest,
    CreateOrderRequest,
    PriceOrderRequest,
    PriceOrderResponse,
    RecordPaymentRequest,
    RecordTrackingEventRequest,
    RefundOrderRequest,
    ReorderOrderRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
)

from server.domain.base.caller import Caller
from server.domain.base.edits import OrderChange, Stamp, check_etag, draft_of
from server.domain.base.errors import invalid_field
from server.domain.base.idempotency import Key, first_answer
from server.domain.base.state import State
from server.domain.carts import carts
from server.domain.catalog.products import adjust_stock, upsert_products, with_stock
from server.domain.customers import accounts as customers
from server.domain.fulfilment.tracking import record_tracking_event, set_carrier, track
from server.domain.lifecycle.lifecycle import FULFILMENT, RANK, check_role, transition
from server.domain.orders.create import create_order, price_order
from server.domain.orders.update import update_order
from server.domain.orders.upsert_batch import UpsertBatch, Validate
from server.domain.payments.payments import SettleIntent, record_payment, refund_order, settle_intent
from server.domain.pricing.coupons import upsert_coupons
from server.domain.pricing.delivery import delete_zone, upsert_zones

# Yields after each element of a request, so that the caller can let others go first; returns the answer.
Steps = Generator[None, None, Message | bytes]


@dataclass(frozen=True, slots=True)
class Command:
    """A request to write something, and who makes it."""

    request: Any
    caller: Caller

    @property
    def method(self) -> str:
        """The name of the RPC, for example `CreateOrder`."""
        return type(self.request).__name__.removesuffix("Request")

    @property
    def dry(self) -> bool:
        """Whether it only looks: nothing is locked and nothing is written."""
        return isinstance(self.request, PriceOrderRequest | GetCartRequest) or getattr(
            self.request, "validate_only", False
        )

    @property
    def key(self) -> Key | None:
        """The key under which the answer is remembered, if the caller asked for it."""
        request_id = getattr(self.request, "request_id", "")
        # One subject may act for several customers, as a shop front does: what one has asked for is no other's answer.
        caller = "\n".join(filter(None, (self.caller.subject, self.caller.confined_to)))
        return Key(caller, self.method, request_id) if request_id else None

    def stamp(self, state: State) -> Stamp:
        return Stamp(self.caller, getattr(self.request, "request_id", ""), state.time)


class Answer(NamedTuple):
    """A serialized response, and whether it was given before."""

    body: bytes
    replayed: bool = False


def decide(command: Command, state: State) -> Answer:
    """Carries a command out on the state, or refuses and leaves the state as it was."""
    key = command.key
    if key is not None and (remembered := state.remembered.get(key)):
        return Answer(first_answer(key, command.request, remembered), replayed=True)
    answer = RULES[type(command.request)](command.request, state, command.stamp(state))
    return _remember(command, state, _body(answer))


def _body(answer: Message | bytes) -> bytes:
    return answer if isinstance(answer, bytes) else answer.SerializeToString(deterministic=True)


def _remember(command: Command, state: State, body: bytes) -> Answer:
    key = command.key
    if key is not None and not command.dry:
        state.remember(key, request=command.request.SerializeToString(deterministic=True), response=body)
    return Answer(body)


def _finish(state: State, change: OrderChange, *, validate_only: bool = False) -> bytes:
    if not validate_only:
        return state.apply(change)
    state.check(change)
    return change.after.SerializeToString(deterministic=True)


def _create(request: CreateOrderRequest, state: State, stamp: Stamp) -> bytes:
    number = "" if request.validate_only else state.next_order_number()
    created = create_order(request, state, order_id=state.new_id(), order_number=number, stamp=stamp)
    body = _finish(state, created.change, validate_only=request.validate_only)
    if request.cart_id and not request.validate_only:
        carts.empty(request.cart_id, state, stamp)
    return body


def _price(request: PriceOrderRequest, state: State, stamp: Stamp) -> PriceOrderResponse:
    created = create_order(request.order, state, order_id="", order_number="", stamp=stamp)
    state.check(created.change)
    return price_order(created, state)


def _update(request: UpdateOrderRequest, state: State, stamp: Stamp) -> bytes:
    change = update_order(state.order(request.order.order_id, stamp.caller), request, state, stamp=stamp)
    return _finish(state, change, validate_only=request.validate_only)


def _transition(request: TransitionOrderRequest, state: State, stamp: Stamp) -> bytes:
    before = state.order(request.order_id, stamp.caller)
    check_etag(before, request.etag)
    draft = draft_of(before, stamp)
    if request.carrier or request.tracking_number:
        check_role(before, FULFILMENT, stamp.caller, what="set the carrier of")
        set_carrier(draft.order, request)
    transition(draft, request.status, override_reason=request.override_reason, reason=request.reason)
    if RANK[before.status] >= RANK[ORDER_STATUS_SHIPPED] and draft.order.delivery != before.delivery:
        raise invalid_field("carrier", "can be set, like the tracking number, until the order is shipped")
    draft.note_delivery_changes("carrier", "tracking_number")
    return state.apply(draft.finish())


def _cancel(request: CancelOrderRequest, state: State, stamp: Stamp) -> bytes:
    before = state.order(request.order_id, stamp.caller)
    check_etag(before, request.etag)
    draft = draft_of(before, stamp)
    transition(draft, ORDER_STATUS_CANCELLED, reason=request.reason)
    return state.apply(draft.finish())


def _record_tracking_event(request: RecordTrackingEventRequest, state: State, stamp: Stamp) -> Message:
    before = state.order(request.order_id, stamp.caller)
    told = len(state.history[before.order_id])
    state.apply(record_tracking_event(before, request, told=told, stamp=stamp))
    order = state.order(before.order_id, stamp.caller)
    return track(order, state.history[order.order_id])


def _record_payment(request: RecordPaymentRequest, state: State, stamp: Stamp) -> bytes:
    return state.apply(
        record_payment(state.order(request.order_id, stamp.caller), request.event, state.payments, stamp=stamp)
    )


def _settle_intent(request: SettleIntent, state: State, stamp: Stamp) -> bytes:
    before = state.order(request.order_id, stamp.caller)
    change = settle_intent(before, request, state.payments, stamp=stamp)
    body = state.apply(change)
    if request.cart_id and ORDER_STATUS_CANCELLED == change.after.status != before.status:
        carts.refill(request.cart_id, change.after, state, stamp)
    return body


def _refund(request: RefundOrderRequest, state: State, stamp: Stamp) -> bytes:
    return state.apply(refund_order(state.order(request.order_id, stamp.caller), request, stamp=stamp))


def _upsert_products(request: BatchUpsertProductsRequest, state: State, stamp: Stamp) -> Steps:
    changes, response = yield from upsert_products(
        request, state.products.stored, state.stock.values, state.reserved.values, stamp=stamp
    )
    for change in changes:
        state.apply_catalog([change])
        yield
    return response


def _adjust_stock(request: AdjustStockRequest, state: State, stamp: Stamp) -> Message:
    state.apply_catalog([adjust_stock(request, state.stock.values, stamp=stamp)])
    product = Product.FromString(state.products.stored[request.product_id])
    return with_stock(product, state.stock.values, state.reserved.values)


Rule = Callable[[Any, State, Stamp], Message | bytes]

RULES: dict[type, Rule] = {
    CreateOrderRequest: _create,
    PriceOrderRequest: _price,
    UpdateOrderRequest: _update,
    TransitionOrderRequest: _transition,
    CancelOrderRequest: _cancel,
    RecordTrackingEventRequest: _record_tracking_event,
    RecordPaymentRequest: _record_payment,
    SettleIntent: _settle_intent,
    RefundOrderRequest: _refund,
    ReorderOrderRequest: carts.reorder,
    AdjustStockRequest: _adjust_stock,
    DeleteDeliveryZoneRequest: delete_zone,
    GetCartRequest: carts.get_cart,
    AddCartItemRequest: carts.add_cart_item,
    UpdateCartItemRequest: carts.update_cart_item,
    RemoveCartItemRequest: carts.remove_cart_item,
    ClearCartRequest: carts.clear_cart,
    UpsertCustomerRequest: customers.upsert_customer,
    UpsertAddressRequest: customers.upsert_address,
    DeleteAddressRequest: customers.delete_address,
    UpsertPaymentMethodRequest: customers.upsert_payment_method,
    DeletePaymentMethodRequest: customers.delete_payment_method,
    AdjustPointsRequest: customers.adjust_points,
}


# The rules of requests with up to a thousand elements of some size each. BatchUpsertOrders has its own.
BULK_RULES: dict[type, Callable[[Any, State, Stamp], Steps]] = {
    BatchUpsertProductsRequest: _upsert_products,
    BatchUpsertCouponsRequest: upsert_coupons,
    BatchUpsertDeliveryZonesRequest: upsert_zones,
}


def is_bulk(request: object) -> bool:
    """Whether a request has to be decided in steps."""
    return type(request) in BULK_RULES or isinstance(request, BatchUpsertOrdersRequest)


def decide_in_steps(command: Command, state: State, validate: Validate) -> Generator[None, None, Answer]:
    """As `decide`, for bulk requests. Yields after each element, so that the caller can let others go first."""
    key = command.key
    if key is not None and (remembered := state.remembered.get(key)):
        return Answer(first_answer(key, command.request, remembered), replayed=True)
    stamp = command.stamp(state)
    if isinstance(command.request, BatchUpsertOrdersRequest):
        answer = yield from _upsert_orders(command.request, state, stamp, validate)
    else:
        answer = yield from BULK_RULES[type(command.request)](command.request, state, stamp)
    return _remember(command, state, _body(answer))


def _upsert_orders(request: BatchUpsertOrdersRequest, state: State, stamp: Stamp, validate: Validate) -> Steps:
    batch = UpsertBatch(request, state, stamp, validate)
    for index, wished in enumerate(request.orders):
        batch.add(index, wished)
        yield
    return (yield from batch.finish())
