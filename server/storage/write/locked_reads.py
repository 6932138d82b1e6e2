"""Reads the rows that a batch of commands needs: locked if it writes, always in the same order of tables and keys."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from orders.v1.order_pb2 import Order, OrderEvent, PaymentEvent
from psycopg import AsyncConnection, AsyncCursor
from uuid_utils import uuid7

from server.domain.base.event_values import StoredEvent, whole
from server.domain.base.idempotency import Key, Remembered
from server.domain.base.needs import BatchNeeds
from server.domain.base.records import Kind
from server.domain.base.state import Same, State, Validate
from server.domain.base.values import Series, Terms
from server.domain.operations import Command
from server.domain.orders.create import order_number
from server.domain.orders.upsert import sent_hash
from server.storage.database import Row
from server.storage.fairness import yield_once
from server.storage.projections import StoredKeyRow, stored_key_of, timestamp_of
from server.storage.references import Reference, split_references
from server.storage.sql import Statement
from server.storage.write import event_statements, statements, work_queue
from server.storage.write.lock_order import LOCK_ORDER
from server.storage.write.statements import Read

# Rows after which other work runs: taking in an order costs microseconds.
_AT_ONCE = 100

# A dry run sees all tables as of one moment.
_LOOK = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


@dataclass(slots=True)
class Batch:
    """A batch that is being read."""

    commands: Sequence[Command]
    state: State
    needs: BatchNeeds
    lock: bool
    # The ids of imported orders that differ from what their source sends now.
    differing: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    def locks(self, kind: Kind) -> bool:
        """Whether records of a kind are replaced; they are otherwise read without locks."""
        return self.lock and kind in self.needs.replaces


Parameters = dict[str, object]


class Step(NamedTuple):
    """A statement, the parameters of its executions, and the receiver of its rows, if any."""

    read: Read
    parameters: Callable[[Batch], Iterable[Parameters]]
    take: Callable[[Batch, list[Row]], object] | None


async def read_state(
    connection: AsyncConnection[Row], commands: Sequence[Command], *, terms: Terms, validate: Validate, lock: bool
) -> State:
    """Begins a transaction and reads; without locks, ends it too.

    Two round trips at most: the rows that orders and carts refer to are known only once those are read.
    """
    state = State(new_id=lambda: str(uuid7()), terms=terms, validate=validate, dry=not lock)
    batch = Batch(commands, state, BatchNeeds([command.needs() for command in commands], state), lock)
    async with connection.pipeline():
        await connection.execute("BEGIN" if lock else _LOOK)
        await _run(connection, NAMED, batch)
        batch.needs.add_related()
        cursors = await _send(connection, RELATED, batch)
        if not lock:
            # Nothing was written. A ROLLBACK would make psycopg forget its prepared statements in the middle of a pipeline.
            await connection.execute("COMMIT")
        await _take(cursors, batch)
    # Read only now that every lock is held: a batch that waited for another one happens after it.
    now = datetime.now(UTC)
    state.time = timestamp_of(now)
    state.order_numbers = [order_number(now.year, count) for count in reversed(batch.numbers)]
    return state


Sent = list[tuple[Step, AsyncCursor[Row]]]


async def _run(connection: AsyncConnection[Row], steps: Iterable[Step], batch: Batch) -> None:
    await _take(await _send(connection, steps, batch), batch)


async def _send(connection: AsyncConnection[Row], steps: Iterable[Step], batch: Batch) -> Sent:
    sent = []
    for step in steps:
        statement: Statement = step.read.choose(lock=batch.lock)
        for parameters in step.parameters(batch):
            cursor = await connection.execute(statement.text, statement.bind(parameters), prepare=True, binary=True)
            sent.append((step, cursor))
    return sent


async def _take(sent: Sent, batch: Batch) -> None:
    """Waits for the rows and processes them, a few at a time."""
    for step, cursor in sent:
        if step.take is None:
            continue
        rows = await cursor.fetchall()
        step.take(batch, rows[:_AT_ONCE])
        for start in range(_AT_ONCE, len(rows), _AT_ONCE):
            await yield_once()
            step.take(batch, rows[start : start + _AT_ONCE])


def _keys(keys: Iterable[str]) -> list[str]:
    """The sorted keys, without duplicates.

    A key that breaks its rule is refused when its command is decided; the database does not accept every such text.
    """
    return sorted({key for key in keys if key and key.isprintable()})


# Named orders.


def _orders(batch: Batch) -> Iterator[Parameters]:
    references = split_references(Reference(name, owner) for name, owner in batch.needs.references())
    if any(references):
        yield references._asdict()


def _take_orders(batch: Batch, rows: list[Row]) -> None:
    for (snapshot,) in rows:
        batch.state.add_order(Order.FromString(snapshot))


def _imported(batch: Batch) -> Iterator[Parameters]:
    external = sorted(key for key in batch.needs.external if key[1].isprintable())
    for source, keys in groupby(external, key=itemgetter(0)):
        yield {"source": source, "external_order_id": [external_order_id for _, external_order_id in keys]}


def _take_imported(batch: Batch, rows: list[Row]) -> None:
    for source, external_order_id, order_id, version, sent in rows:
        key = (source, external_order_id)
        batch.state.ids_by_external[key] = order_id
        if sent is not None and all(sent_hash(each, version) == sent for each in batch.needs.external[key]):
            batch.state.same[key] = Same(order_id, str(version))
        else:
            batch.differing.append(order_id)


def _differing(batch: Batch) -> Iterator[Parameters]:
    if batch.differing:
        yield {"order_ids": batch.differing}


# Records.


def _records(kind: Kind, keys: Callable[[Batch], Iterable[str]]) -> Step:
    def parameters(batch: Batch) -> Iterator[Parameters]:
        found = _keys(keys(batch))
        if found:
            yield {"keys": found}

    def take(batch: Batch, rows: list[Row]) -> None:
        batch.state.records(kind).stored.update(rows)

    return Step(statements.RECORDS[kind].read, parameters, take)


def _products(batch: Batch) -> Iterable[str]:
    return batch.needs.products


def _customers(batch: Batch) -> Iterable[str]:
    return batch.needs.customers


def _locked(kind: Kind, keys: Callable[[Batch], Iterable[str]]) -> Callable[[Batch], Iterable[str]]:
    return lambda batch: keys(batch) if batch.locks(kind) else ()


def _unlocked_records(batch: Batch) -> Iterator[Parameters]:
    product_ids = [] if batch.locks(Kind.PRODUCT) else _keys(batch.needs.products)
    customer_ids = [] if batch.locks(Kind.CUSTOMER) else _keys(batch.needs.customers)
    if product_ids or customer_ids or batch.needs.zones:
        yield {"products": product_ids, "customers": customer_ids, "zones": batch.needs.zones}


def _zone_lock(batch: Batch) -> Iterator[Parameters]:
    if batch.locks(Kind.ZONE):
        yield {}


def _take_records(batch: Batch, rows: list[Row]) -> None:
    for kind, key, snapshot in rows:
        batch.state.records(Kind(kind)).stored[key] = snapshot


# Counters.


def _uses(batch: Batch) -> Iterator[Parameters]:
    uses = sorted(use for use in batch.needs.uses if "".join(use).isprintable())
    if uses:
        codes, customer_ids = map(list, zip(*uses, strict=True))
        yield {"code": codes, "customer_id": customer_ids}


def _take_uses(batch: Batch, rows: list[Row]) -> None:
    batch.state.coupon_uses.values.update({(code, customer_id): used for code, customer_id, used in rows})


def _points(batch: Batch) -> Iterator[Parameters]:
    customer_ids = _keys(batch.needs.points)
    if customer_ids:
        yield {"customer_ids": customer_ids}


def _take_points(batch: Batch, rows: list[Row]) -> None:
    batch.state.points.values.update(rows)


def _inventory(batch: Batch) -> Iterator[Parameters]:
    product_ids = _keys(batch.needs.products)
    if product_ids:
        yield {"product_ids": product_ids}


def _take_inventory(batch: Batch, rows: list[Row]) -> None:
    stock, reserved, awaited = (
        counter.values for counter in (batch.state.stock, batch.state.reserved, batch.state.awaited)
    )
    for product_id, variant_id, available, held, waiting in rows:
        stock[product_id, variant_id] = available
        reserved[product_id, variant_id] = held
        awaited[product_id, variant_id] = waiting


def _documents(batch: Batch) -> Iterator[Parameters]:
    """This year's. If the year ends before the locks are held, the next year's first number is inserted, or met by a retry."""
    if batch.needs.documents:
        yield {"year": datetime.now(UTC).year}


def _take_documents(batch: Batch, rows: list[Row]) -> None:
    batch.state.documents.values.update({Series(prefix, year): last for prefix, year, last in rows})


# API keys.


def _api_keys(batch: Batch) -> Iterator[Parameters]:
    key_ids, names = _keys(batch.needs.api_keys), _keys(batch.needs.certificate_names)
    if key_ids or names:
        yield {"key_ids": key_ids, "certificate_names": names}


def _take_api_keys(batch: Batch, rows: list[Row]) -> None:
    for stored in map(stored_key_of, map(StoredKeyRow._make, rows)):
        batch.state.api_keys[stored.api_key.key_id] = stored


# The rest, read without locks.


def _payments(batch: Batch) -> Iterator[Parameters]:
    order_ids = sorted(batch.needs.ledgers())
    if batch.needs.payments or order_ids:
        keys = sorted(batch.needs.payments)
        yield {
            "provider": [provider for provider, _ in keys],
            "event_id": [event_id for _, event_id in keys],
            "order_ids": order_ids,
        }


def _take_payments(batch: Batch, rows: list[Row]) -> None:
    for order_id, event in rows:
        batch.state.add_payment(str(order_id), PaymentEvent.FromString(event))


def _history(batch: Batch) -> Iterator[Parameters]:
    order_ids = sorted(batch.needs.history())
    if order_ids:
        yield {"order_ids": order_ids}


def _take_history(batch: Batch, rows: list[Row]) -> None:
    for (event,) in rows:
        message = OrderEvent.FromString(event)
        batch.state.history.setdefault(message.order_id, []).append(message)


def _stored_events(batch: Batch) -> Iterator[Parameters]:
    order_ids = sorted(batch.needs.stored_events())
    if order_ids:
        yield {"order_ids": order_ids}


def _take_stored_events(batch: Batch, rows: list[Row]) -> None:
    for order_id, version, *stored in rows:
        batch.state.stored_events.setdefault(order_id, []).append((version, StoredEvent._make(stored)))


def _later_events(batch: Batch) -> Iterator[Parameters]:
    found = sorted(batch.needs.later_events().items())
    if found:
        order_ids, versions = map(list, zip(*found, strict=True))
        yield {"order_ids": order_ids, "versions": versions}


def _take_later_events(batch: Batch, rows: list[Row]) -> None:
    for order_id, *stored in rows:
        batch.state.later_events.setdefault(order_id, []).append(whole(StoredEvent._make(stored)))


def _order_numbers(batch: Batch) -> Iterator[Parameters]:
    count = batch.needs.order_numbers() if batch.lock else 0
    if count:
        yield {"count": count}


def _take_order_numbers(batch: Batch, rows: list[Row]) -> None:
    batch.numbers.extend(number for (number,) in rows)


def _request_keys(batch: Batch) -> Iterator[Parameters]:
    keys = sorted({key for command in batch.commands if (key := command.key) is not None})
    if keys:
        callers, methods, request_ids = map(list, zip(*keys, strict=True))
        yield {"caller": callers, "method": methods, "request_id": request_ids}


def _take_request_keys(batch: Batch, rows: list[Row]) -> None:
    for caller, method, request_id, request, response, answer_time in rows:
        remembered = Remembered(request, response, timestamp_of(answer_time))
        batch.state.remembered[Key(caller, method, request_id)] = remembered


def _plain(statement: Statement) -> Read:
    return Read(statement, statement)


# Steps by the table that they lock.
_LOCKING = {
    "orders": [
        Step(statements.ORDERS, _orders, _take_orders),
        Step(statements.IMPORTED_ORDERS, _imported, _take_imported),
    ],
    "carts": [_records(Kind.CART, lambda batch: batch.needs.carts)],
    "customers": [_records(Kind.CUSTOMER, _locked(Kind.CUSTOMER, _customers))],
    "coupons": [_records(Kind.COUPON, lambda batch: batch.needs.coupons)],
    "coupon_uses": [Step(statements.COUPON_USES, _uses, _take_uses)],
    "delivery_zones": [Step(_plain(statements.LOCK_ZONES), _zone_lock, None)],
    "points_accounts": [Step(statements.POINTS, _points, _take_points)],
    "products": [_records(Kind.PRODUCT, _locked(Kind.PRODUCT, _products))],
    "inventory": [Step(statements.INVENTORY, _inventory, _take_inventory)],
    "webhook_endpoints": [_records(Kind.WEBHOOK_ENDPOINT, lambda batch: batch.needs.webhook_endpoints)],
    "runtime_settings": [_records(Kind.RUNTIME_SETTING, lambda batch: batch.needs.runtime_settings)],
    "api_keys": [Step(statements.API_KEYS, _api_keys, _take_api_keys)],
    "document_numbers": [Step(statements.DOCUMENT_NUMBERS, _documents, _take_documents)],
    "fulfilments": [
        Step(Read(work_queue.READ_QUEUED, work_queue.LOCK_QUEUED), work_queue.queued, work_queue.take_queued),
        Step(_plain(work_queue.OFFER_EXPIRED), work_queue.expired, None),
        Step(Read(work_queue.READ_WAITING, work_queue.LOCK_WAITING), work_queue.claims, work_queue.take_claimable),
    ],
}
_NAMED_TABLES = ("orders", "carts")

# The first round trip: the orders and carts that the commands name.
NAMED = [step for table in LOCK_ORDER if table in _NAMED_TABLES for step in _LOCKING[table]]

# The second: the rows that those refer to, then the rows that are read without locks, after all locks are held.
RELATED = [
    Step(_plain(statements.READ_SNAPSHOTS), _differing, _take_orders),
    *(step for table in LOCK_ORDER if table not in _NAMED_TABLES for step in _LOCKING[table]),
    Step(_plain(statements.READ_RECORDS), _unlocked_records, _take_records),
    Step(_plain(statements.READ_PAYMENTS), _payments, _take_payments),
    Step(_plain(statements.READ_HISTORY), _history, _take_history),
    Step(_plain(event_statements.READ_STORED_EVENTS), _stored_events, _take_stored_events),
    Step(_plain(event_statements.READ_LATER_EVENTS), _later_events, _take_later_events),
    Step(_plain(statements.NEXT_ORDER_NUMBERS), _order_numbers, _take_order_numbers),
    # Last: where another replica carried out the same request, its answer is seen, not only its effect.
    Step(_plain(statements.READ_IDEMPOTENCY_KEYS), _request_keys, _take_request_keys),
]
