"""BatchUpsertOrders: imports many orders in one call, each with its own outcome."""

from collections.abc import Generator

from google.rpc.status_pb2 import Status
from orders.v1.order_pb2 import Order
from orders.v1.order_service_pb2 import (
    UPSERT_MODE_ALL_OR_NOTHING,
    UPSERT_OUTCOME_INSERTED,
    UPSERT_OUTCOME_INVALID,
    UPSERT_OUTCOME_UNCHANGED,
    UPSERT_OUTCOME_UPDATED,
    BatchUpsertOrdersRequest,
    BatchUpsertOrdersResponse,
    UpsertOrder,
    UpsertResult,
)

from server.domain.base.edits import Audit, OrderChange
from server.domain.base.error_codes import status_of
from server.domain.base.errors import Refusal, Violation, invalid, invalid_field, within
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.state import State
from server.domain.orders.apply import apply, check
from server.domain.orders.upsert import sent_hash, summarize, upsert_order
from server.domain.orders.upsert_payments import upsert_payments


def _needs(request: BatchUpsertOrdersRequest) -> Needs:
    # If an order occurs twice, its first occurrence.
    external = {(request.source, order.external_order_id): order for order in reversed(request.orders)}
    return Needs(external=external, new_orders=len(external))


@operation(BatchUpsertOrdersRequest, needs=_needs)
def upsert_orders(request: BatchUpsertOrdersRequest, state: State, audit: Audit) -> Generator[None, None, bytes]:
    """Inserts or updates imported orders, each with its own outcome."""
    batch = UpsertBatch(request, state, audit)
    for index, wished in enumerate(request.orders):
        batch.add(index, wished)
        yield
    return (yield from batch.finish())


# The longest id that an answer repeats: as long as a valid one can be.
_MAX_ID = 128
# Bytes of previews and of statuses that name fields in an answer; later statuses have only their code, message and reason.
_MAX_DETAILS = 2 << 20


class UpsertBatch:
    """The orders of one BatchUpsertOrders call, added one by one."""

    def __init__(self, request: BatchUpsertOrdersRequest, state: State, audit: Audit) -> None:
        self._request, self._state, self._stamp = request, state, audit
        self._atomic = request.mode == UPSERT_MODE_ALL_OR_NOTHING
        self._changes: list[tuple[OrderChange, bytes | None]] = []
        self._seen: set[str] = set()
        # The number that a refused new order leaves to the next one.
        self._number = ""
        self._errors: list[tuple[int, Refusal]] = []
        self._room = _MAX_DETAILS
        self._response = BatchUpsertOrdersResponse()

    def add(self, index: int, wished: UpsertOrder) -> None:
        result = self._response.results.add(index=index, external_order_id=wished.external_order_id[:_MAX_ID])
        try:
            self._upsert(wished, result)
        except Refusal as error:
            result.outcome = UPSERT_OUTCOME_INVALID
            result.status.CopyFrom(
                self._fitting(status_of(within(error, f"orders[{index}]"), docs=self._state.terms.error_docs))
            )
            self._response.invalid += 1
            self._errors.append((index, error))

    def _fitting(self, status: Status) -> Status:
        """The status, without the fields if they do not fit into the response."""
        self._room -= status.ByteSize()
        if self._room < 0:
            del status.details[1:]
        return status

    def _upsert(self, wished: UpsertOrder, result: UpsertResult) -> None:
        same = self._state.same.get((self._request.source, wished.external_order_id))
        if same is not None and wished.external_order_id not in self._seen:
            # It was checked when it was first sent, and has not changed since.
            self._seen.add(wished.external_order_id)
            self._response.unchanged += 1
            result.outcome = UPSERT_OUTCOME_UNCHANGED
            result.order_id, result.etag = same
            return
        violations = self._state.validate(wished)
        if violations:
            raise invalid(*violations)
        if wished.external_order_id in self._seen:
            raise invalid_field("external_order_id", f"{wished.external_order_id!r} occurs twice in the batch")
        before = self._state.imported(self._request.source, wished.external_order_id)
        change, warnings = upsert_order(before, wished, fresh=self._fresh(before), audit=self._stamp)
        changes = [change, *self._payments(before, wished, change.after)]
        after = changes[-1].after
        self._seen.add(wished.external_order_id)
        self._number = self._number if before else ""
        # An order with warnings is processed again each time, to repeat them.
        sent = None if warnings else sent_hash(wished, after.version)
        for each in changes:
            # An atomic batch changes the state only once all of it is known to be valid.
            if self._atomic:
                check(each, self._state)
            elif each.events:
                apply(each, self._state, sent=sent)
            self._changes.append((each, sent))
        self._count(before, changes, result)
        stored = before if self._state.dry else after
        if stored is not None:
            result.order_id = stored.order_id
            result.etag = stored.etag
        result.warnings.extend(warnings)
        self._preview(after, result)

    def _payments(self, before: Order | None, wished: UpsertOrder, stored: Order) -> list[OrderChange]:
        if not wished.payments:
            return []
        earlier = self._state.payment_events.get(before.order_id, ()) if before else ()
        change = upsert_payments(stored, wished, earlier, audit=self._stamp)
        return [] if change is None else [change]

    def _preview(self, after: Order, result: UpsertResult) -> None:
        if self._state.dry and result.index < self._request.preview_orders:
            self._room -= after.ByteSize()
            if self._room >= 0:
                result.order.CopyFrom(after)

    def _fresh(self, before: Order | None) -> Order:
        if before is not None:
            return before
        self._number = self._number or self._state.next_order_number()
        return Order(order_id=self._state.new_id(), order_number=self._number, source=self._request.source)

    def _count(self, before: Order | None, changes: list[OrderChange], result: UpsertResult) -> None:
        if before is None:
            result.outcome = UPSERT_OUTCOME_INSERTED
            self._response.inserted += 1
        elif any(change.events for change in changes):
            result.outcome = UPSERT_OUTCOME_UPDATED
            self._response.updated += 1
        else:
            result.outcome = UPSERT_OUTCOME_UNCHANGED
            self._response.unchanged += 1

    def finish(self) -> Generator[None, None, bytes]:
        """Applies an atomic batch and returns the serialized response. Yields after each order."""
        if self._atomic and self._errors:
            raise invalid(
                *(
                    violation
                    for index, error in self._errors
                    for violation in error.violations or [Violation(f"orders[{index}]", error.message)]
                )
            )
        if self._atomic:
            for change, sent in self._changes:
                if change.events:
                    apply(change, self._state, sent=sent)
                    yield
        summarize(self._response)
        return self._response.SerializeToString()
