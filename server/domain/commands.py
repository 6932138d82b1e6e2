"""Every write as a command: what it needs to know, and what it decides. No I/O."""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from google.protobuf.message import Message
from orders.v1.catalog_service_pb2 import AdjustStockRequest, BatchUpsertProductsRequest, Product
from orders.v1.order_pb2 import ORDER_STATUS_CANCELLED, ORDER_STATUS_SHIPPED, Order
from orders.v1.order_service_pb2 import (
    UPSERT_MODE_ALL_OR_NOTHING,
    UPSERT_OUTCOME_INSERTED,
    UPSERT_OUTCOME_INVALID,
    UPSERT_OUTCOME_UNCHANGED,
    UPSERT_OUTCOME_UPDATED,
    BatchUpsertOrdersRequest,
    BatchUpsertOrdersResponse,
    CancelOrderRequest,
    CreateOrderRequest,
    RecordTrackingEventRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
    UpsertOrder,
    UpsertResult,
)

from server.domain.caller import Caller
from server.domain.catalog import adjust_stock, upsert_products, with_stock
from server.domain.create import create_order
from server.domain.draft import OrderChange, Stamp, check_etag, draft_of
from server.domain.errors import OrderError, Violation, invalid, invalid_field
from server.domain.idempotency import Key, first_answer
from server.domain.lifecycle import RANK, transition
from server.domain.state import State
from server.domain.status import status_of
from server.domain.tracking import record_tracking_event, set_carrier, track
from server.domain.update import update_order
from server.domain.upsert import summarize, upsert_order


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
    def key(self) -> Key | None:
        """The key under which the answer is remembered, if the caller asked for it."""
        request_id = self.request.request_id
        return Key(self.caller.subject, self.method, request_id) if request_id else None

    def stamp(self, state: State) -> Stamp:
        return Stamp(self.caller, self.request.request_id, state.time)


class Answer(NamedTuple):
    """A serialized response, and whether it was given before."""

    body: bytes
    replayed: bool = False


@dataclass(slots=True)
class Needs:
    """The rows a command reads and locks."""

    orders: Iterable[str] = ()
    external: Iterable[tuple[str, str]] = ()
    products: Iterable[str] = ()
    # Also the stock of what the orders hold now, because the command may give it back.
    held_stock: bool = False
    replaces_products: bool = False
    history: bool = False
    new_orders: int = 0


def _held(request: UpdateOrderRequest) -> bool:
    order, paths = request.order, request.update_mask.paths
    return bool(order.items or order.status == ORDER_STATUS_CANCELLED or "items" in paths or "*" in paths)


NEEDS: dict[type[Message], Callable[[Any], Needs]] = {
    CreateOrderRequest: lambda r: Needs(
        products=[item.product_id for item in r.items], new_orders=int(not r.validate_only)
    ),
    UpdateOrderRequest: lambda r: Needs(
        orders=[r.order.order_id], products=[item.product_id for item in r.order.items], held_stock=_held(r)
    ),
    TransitionOrderRequest: lambda r: Needs(orders=[r.order_id], held_stock=r.status == ORDER_STATUS_CANCELLED),
    CancelOrderRequest: lambda r: Needs(orders=[r.order_id], held_stock=True),
    RecordTrackingEventRequest: lambda r: Needs(orders=[r.order_id], history=True),
    BatchUpsertOrdersRequest: lambda r: Needs(
        external=[(r.source, order.external_order_id) for order in r.orders],
        new_orders=0 if r.validate_only else len(r.orders),
    ),
    BatchUpsertProductsRequest: lambda r: Needs(
        products=[product.product_id for product in r.products], replaces_products=True
    ),
    AdjustStockRequest: lambda r: Needs(products=[r.product_id]),
}


def needs_of(command: Command) -> Needs:
    return NEEDS[type(command.request)](command.request)


def orders_to_number(needs: Needs, state: State) -> int:
    """How many order numbers a command may need, now that the orders it names are read."""
    stored = sum(1 for key in needs.external if key in state.ids_by_external)
    return max(0, needs.new_orders - stored)


def decide(command: Command, state: State) -> Answer:
    """Carries a command out on the state, or refuses and leaves the state as it was."""
    key = command.key
    if key is not None and (remembered := state.remembered.get(key)):
        return Answer(first_answer(key, command.request, remembered), replayed=True)
    return _remember(command, state, RULES[type(command.request)](command, state))


def _remember(command: Command, state: State, body: bytes) -> Answer:
    key = command.key
    if key is not None and not getattr(command.request, "validate_only", False):
        state.remember(key, request=command.request.SerializeToString(deterministic=True), response=body)
    return Answer(body)


def _finish(state: State, change: OrderChange, *, validate_only: bool = False) -> bytes:
    if not validate_only:
        return state.apply(change)
    state.check(change)
    return change.after.SerializeToString(deterministic=True)


def _create(command: Command, state: State) -> bytes:
    request: CreateOrderRequest = command.request
    change = create_order(
        request,
        state.products,
        order_id=state.new_order_id(),
        order_number="" if request.validate_only else state.next_order_number(),
        stamp=command.stamp(state),
    )
    return _finish(state, change, validate_only=request.validate_only)


def _update(command: Command, state: State) -> bytes:
    request: UpdateOrderRequest = command.request
    before = state.order(request.order.order_id)
    change = update_order(before, request, state.products, stamp=command.stamp(state))
    return _finish(state, change, validate_only=request.validate_only)


def _transition(command: Command, state: State) -> bytes:
    request: TransitionOrderRequest = command.request
    before = state.order(request.order_id)
    check_etag(before, request.etag)
    draft = draft_of(before, command.stamp(state))
    set_carrier(draft.order, request)
    transition(draft, request.status, override_reason=request.override_reason, reason=request.reason)
    if RANK[before.status] >= RANK[ORDER_STATUS_SHIPPED] and draft.order.delivery != before.delivery:
        raise invalid_field("carrier", "can be set, like the tracking number, until the order is shipped")
    draft.note_delivery_changes("carrier", "tracking_number")
    return _finish(state, draft.finish())


def _cancel(command: Command, state: State) -> bytes:
    request: CancelOrderRequest = command.request
    before = state.order(request.order_id)
    check_etag(before, request.etag)
    draft = draft_of(before, command.stamp(state))
    transition(draft, ORDER_STATUS_CANCELLED, reason=request.reason)
    return _finish(state, draft.finish())


def _record_tracking_event(command: Command, state: State) -> bytes:
    request: RecordTrackingEventRequest = command.request
    before = state.order(request.order_id)
    state.apply(record_tracking_event(before, request, stamp=command.stamp(state)))
    order = state.order(before.order_id)
    return track(order, state.history[order.order_id]).SerializeToString()


def _upsert_products(command: Command, state: State) -> bytes:
    changes, response = upsert_products(command.request, state.products, state.stock, stamp=command.stamp(state))
    state.apply_catalog(changes)
    return response.SerializeToString()


def _adjust_stock(command: Command, state: State) -> bytes:
    request: AdjustStockRequest = command.request
    state.apply_catalog([adjust_stock(request, state.stock, stamp=command.stamp(state))])
    product = Product.FromString(state.products[request.product_id])
    return with_stock(product, state.stock).SerializeToString()


RULES: dict[type[Message], Callable[[Command, State], bytes]] = {
    CreateOrderRequest: _create,
    UpdateOrderRequest: _update,
    TransitionOrderRequest: _transition,
    CancelOrderRequest: _cancel,
    RecordTrackingEventRequest: _record_tracking_event,
    BatchUpsertProductsRequest: _upsert_products,
    AdjustStockRequest: _adjust_stock,
}

# Returns what is wrong with an order by the static rules of its message, with paths within it.
Validate = Callable[[UpsertOrder], list[Violation]]


def decide_upsert(command: Command, state: State, validate: Validate) -> Generator[None, None, Answer]:
    """As `decide`, for BatchUpsertOrders. Yields after every order, so that whoever drives it can let others go first."""
    key = command.key
    if key is not None and (remembered := state.remembered.get(key)):
        return Answer(first_answer(key, command.request, remembered), replayed=True)
    request: BatchUpsertOrdersRequest = command.request
    batch = _UpsertBatch(request, state, command.stamp(state), validate)
    for index, wished in enumerate(request.orders):
        batch.add(index, wished)
        yield
    return _remember(command, state, batch.finish())


class _UpsertBatch:
    """The orders of one BatchUpsertOrders call, added one by one."""

    def __init__(self, request: BatchUpsertOrdersRequest, state: State, stamp: Stamp, validate: Validate) -> None:
        self._request, self._state, self._stamp, self._validate = request, state, stamp, validate
        self._atomic = request.mode == UPSERT_MODE_ALL_OR_NOTHING
        # Nothing of an atomic batch becomes part of the state before all of it is known to be valid.
        self._deferred = request.validate_only or self._atomic
        self._changes: list[OrderChange] = []
        self._seen: set[str] = set()
        self._errors: list[tuple[int, OrderError]] = []
        self._response = BatchUpsertOrdersResponse()

    def add(self, index: int, wished: UpsertOrder) -> None:
        result = self._response.results.add(index=index, external_order_id=wished.external_order_id)
        try:
            self._upsert(wished, result)
        except OrderError as error:
            result.outcome = UPSERT_OUTCOME_INVALID
            result.status.CopyFrom(status_of(_within(error, index)))
            self._response.invalid += 1
            self._errors.append((index, error))

    def _upsert(self, wished: UpsertOrder, result: UpsertResult) -> None:
        violations = self._validate(wished)
        if violations:
            raise invalid(*violations)
        if wished.external_order_id in self._seen:
            raise invalid_field("external_order_id", f"{wished.external_order_id!r} occurs twice in the batch")
        before = self._state.imported(self._request.source, wished.external_order_id)
        change, warnings = upsert_order(before, wished, fresh=self._fresh(before), stamp=self._stamp)
        self._seen.add(wished.external_order_id)
        if change.events and not self._deferred:
            self._state.apply(change)
        self._changes.append(change)
        self._count(change, result)
        stored = change.before if self._request.validate_only else change.after
        if stored is not None:
            result.order_id = stored.order_id
            result.etag = stored.etag
        result.warnings.extend(warnings)

    def _fresh(self, before: Order | None) -> Order:
        if before is not None:
            return before
        number = "" if self._request.validate_only else self._state.next_order_number()
        return Order(order_id=self._state.new_order_id(), order_number=number, source=self._request.source)

    def _count(self, change: OrderChange, result: UpsertResult) -> None:
        if change.before is None:
            result.outcome = UPSERT_OUTCOME_INSERTED
            self._response.inserted += 1
        elif change.events:
            result.outcome = UPSERT_OUTCOME_UPDATED
            self._response.updated += 1
        else:
            result.outcome = UPSERT_OUTCOME_UNCHANGED
            self._response.unchanged += 1

    def finish(self) -> bytes:
        if self._atomic and self._errors:
            raise invalid(
                *(
                    violation
                    for index, error in self._errors
                    for violation in error.violations or [Violation(f"orders[{index}]", error.message)]
                )
            )
        if self._atomic and not self._request.validate_only:
            for change in self._changes:
                if change.events:
                    self._state.apply(change)
        summarize(self._response)
        return self._response.SerializeToString()


def _within(error: OrderError, index: int) -> OrderError:
    """The same error, its fields named as the batch's."""
    error.violations = [
        Violation(f"orders[{index}].{violation.field}", violation.description) for violation in error.violations
    ]
    return error
