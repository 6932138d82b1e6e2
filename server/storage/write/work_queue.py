"""The statements of fulfilment's work queue, and its rows."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from orders.v1.order_pb2 import Order
from sqlalchemy import BigInteger, ColumnElement, Text, Uuid, delete, func, literal_column, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from server.domain.base.needs import BatchNeeds
from server.domain.base.state import State
from server.domain.base.work_queue import Claim, Queued, QueueEntry
from server.domain.fulfilment.queue import entry_of
from server.storage import sql
from server.storage.projections import datetime_of, timestamp_of
from server.storage.schema.fulfilment_tables import fulfilments
from server.storage.schema.tables import order_items

# Leases that a claim ends at most.
_EXPIRED_AT_ONCE = 1_000

Parameters = dict[str, object]


class Batch(Protocol):
    """The batch that is being read: `locked_reads.py`."""

    @property
    def state(self) -> State: ...
    @property
    def needs(self) -> BatchNeeds: ...
    @property
    def lock(self) -> bool: ...


class EntryRow(NamedTuple):
    """The columns that follow from the order."""

    order_id: str
    order_number: str
    due_time: datetime
    delivery_method: str
    zone_id: str


class ClaimRow(NamedTuple):
    """The columns of a claim."""

    order_id: str
    claim_id: str | None
    worker: str
    claim_time: datetime | None
    expire_time: datetime | None
    claim_count: int


_ENTRY = [fulfilments.c[name] for name in EntryRow._fields]
_CLAIM = [fulfilments.c[name] for name in ClaimRow._fields if name != "order_id"]
_now = func.clock_timestamp().label("now")
# An order in the queue with its claim.
QUEUED = [*sql.as_text([*_ENTRY, *_CLAIM]), _now]


def queued_of(row: Sequence[Any]) -> Queued:
    """The order in the queue that a row of QUEUED holds."""
    order_id, order_number, due_time, delivery_method, zone_id, *claim, now = row
    entry = QueueEntry(order_id, order_number, timestamp_of(due_time), delivery_method, zone_id)
    return Queued(entry, _claim_of(*claim), timestamp_of(now))


def _claim_of(
    claim_id: str | None, worker: str, claim_time: datetime | None, expire_time: datetime | None, count: int
) -> Claim:
    claimed = timestamp_of(claim_time) if claim_time else None
    expires = timestamp_of(expire_time) if expire_time else None
    return Claim(claim_id or "", worker, claimed, expires, count)


def entry_row(order: Order) -> EntryRow | None:
    """The row of an order; None if it does not belong in the queue."""
    entry = entry_of(order)
    if entry is None:
        return None
    order_id, order_number, due_time, delivery_method, zone_id = entry
    return EntryRow(order_id, order_number, datetime_of(due_time), delivery_method, zone_id)


def claim_row(queued: Queued) -> ClaimRow:
    claim = queued.claim
    claimed = datetime_of(claim.claim_time) if claim.claim_time else None
    expires = datetime_of(claim.expire_time) if claim.expire_time else None
    return ClaimRow(queued.entry.order_id, claim.claim_id or None, claim.worker, claimed, expires, claim.claim_count)


def _any(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Whether a column has one of the values of a parameter, or the parameter is empty."""
    values = sql.array(name, Text())
    return or_(func.cardinality(values) == literal_column("0"), column == func.any(values))


_products = sql.array("product_ids", Text())
_of_products = (
    select(order_items.c.order_id)
    .where(order_items.c.order_id == fulfilments.c.order_id, order_items.c.product_id == func.any(_products))
    .exists()
)
# The parameters are those of a WorkFilter.
MATCHES = (
    _any(fulfilments.c.delivery_method, "delivery_methods"),
    _any(fulfilments.c.zone_id, "zone_ids"),
    or_(func.cardinality(_products) == literal_column("0"), _of_products),
)

_named = (
    select(*QUEUED)
    .where(fulfilments.c.order_id == func.any(sql.array("order_ids", Uuid())))
    .order_by(fulfilments.c.order_id)
)
READ_QUEUED, LOCK_QUEUED = sql.compiled(_named), sql.compiled(_named.with_for_update())

# Rows that another batch claims or changes at this moment are passed over; none is locked by two. `position` comes back in each row.
_waiting = (
    select(sql.parameter("position", BigInteger()), *QUEUED)
    .where(*MATCHES)
    .order_by(fulfilments.c.due_time, fulfilments.c.order_id)
    .limit(sql.parameter("limit", BigInteger()))
)
_is_free = fulfilments.c.expire_time.is_(None)
LOCK_WAITING = sql.compiled(_waiting.where(_is_free).with_for_update(skip_locked=True))
# A dry run offers no order again, so it also sees those whose lease has ended.
READ_WAITING = sql.compiled(_waiting.where(or_(_is_free, fulfilments.c.expire_time <= func.clock_timestamp())))

# Orders whose lease or delay has ended are offered again. Their last claim stays until another worker claims them.
OFFER_EXPIRED = sql.compiled(
    update(fulfilments)
    .values(expire_time=null())
    .where(
        fulfilments.c.order_id.in_(
            select(fulfilments.c.order_id)
            .where(fulfilments.c.expire_time <= func.clock_timestamp())
            .limit(sql.parameter("limit", BigInteger()))
            .with_for_update(skip_locked=True)
        )
    )
)

_entries = sql.rows(_ENTRY)
_insert = insert(fulfilments).from_select(list(EntryRow._fields), select(*_entries.c))
PUT_ENTRIES = sql.compiled(
    _insert.on_conflict_do_update(
        index_elements=[fulfilments.c.order_id],
        set_={name: _insert.excluded[name] for name in ("due_time", "delivery_method", "zone_id")},
    )
)
DELETE_ENTRIES = sql.compiled(
    delete(fulfilments).where(fulfilments.c.order_id == func.any(sql.array("order_ids", Uuid())))
)
_claims = sql.rows([fulfilments.c[name] for name in ClaimRow._fields])
PUT_CLAIMS = sql.compiled(
    update(fulfilments)
    .values({name: _claims.c[name] for name in ClaimRow._fields[1:]})
    .where(fulfilments.c.order_id == _claims.c.order_id)
)


# The parameters of each execution in a batch, and what takes in its rows.


def queued(batch: Batch) -> Iterator[Parameters]:
    order_ids = sorted(batch.needs.queued())
    if order_ids:
        yield {"order_ids": order_ids}


def take_queued(batch: Batch, rows: Sequence[Sequence[Any]]) -> None:
    for each in map(queued_of, rows):
        batch.state.queue[each.entry.order_id] = each


def expired(batch: Batch) -> Iterator[Parameters]:
    if batch.needs.claims and batch.lock:
        yield {"limit": _EXPIRED_AT_ONCE}


def claims(batch: Batch) -> Iterator[Parameters]:
    limit = batch.needs.claim_count()
    for position, wanted in enumerate(batch.needs.claims):
        batch.state.claimable[wanted] = []
        yield {"position": position, "limit": limit} | {name: list(each) for name, each in wanted._asdict().items()}


def take_claimable(batch: Batch, rows: Sequence[Sequence[Any]]) -> None:
    for position, *row in rows:
        batch.state.claimable[batch.needs.claims[position]].append(queued_of(row))
