"""Every statement of the write path and the point reads."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Integer,
    Select,
    Table,
    Text,
    Uuid,
    cast,
    delete,
    extract,
    func,
    insert,
    literal_column,
    or_,
    select,
    text,
    true,
    tuple_,
    union,
    union_all,
    update,
)

from server.domain.base.records import Kind
from server.domain.fulfilment.tracking import TRACKED_TYPES
from server.storage import sql
from server.storage.projections import (
    ApiKeyRow,
    AuditEventRow,
    DocumentRow,
    EventRow,
    ItemRow,
    OrderRow,
    PaymentRow,
    PointsRow,
    StoredKeyRow,
)
from server.storage.schema.server_tables import runtime_settings
from server.storage.schema.tables import (
    WHOLE_EVENT,
    api_keys,
    audit_events,
    carts,
    coupon_uses,
    coupons,
    customers,
    delivery_zones,
    document_numbers,
    documents,
    idempotency_keys,
    inventory,
    order_events,
    order_items,
    order_numbers,
    orders,
    payments,
    points_accounts,
    points_entries,
    products,
    rate_limits,
    stock_adjustments,
)
from server.storage.schema.webhook_tables import webhook_endpoints

# Read, with locks or without, in key order.


class Read(NamedTuple):
    """A statement that reads rows, and its variant that locks them."""

    plain: sql.Statement
    locking: sql.Statement

    def choose(self, *, lock: bool) -> sql.Statement:
        return self.locking if lock else self.plain


def _read(statement: Select[Any], *, of: Table | None = None) -> Read:
    return Read(sql.compiled(statement), sql.compiled(statement.with_for_update(of=of, key_share=True)))


def _own(name: Column[Any], names: str, owners: str) -> Select[Any]:
    """The ids of the named orders that belong to the calling customer."""
    asked = sql.rows([Column(names, name.type), Column(owners, Text())])
    found = (name == asked.c[names]) & (orders.c.customer_id == asked.c[owners])
    return select(orders.c.order_id).select_from(asked).join(orders, found)


_own_orders = union_all(
    _own(orders.c.order_id, "own_ids", "id_owners"), _own(orders.c.order_number, "own_numbers", "number_owners")
)

# The parameters are References. One condition for all callers, so that rows are locked in one order.
by_reference = or_(
    orders.c.order_id == func.any(sql.array("order_ids", Uuid())),
    orders.c.order_number == func.any(sql.array("order_numbers", Text())),
    orders.c.order_id == func.any(func.array(_own_orders.scalar_subquery())),
)

ORDERS = _read(select(orders.c.snapshot).where(by_reference).order_by(orders.c.order_id))

# The OFFSET forces an index lookup for each row. Without it, the planner scans all imported orders for each lookup as long as its
# statistics have seen none, which among many other orders lasts for hundreds of thousands.
_external = sql.rows([orders.c.external_order_id])
_imported = orders.alias("imported")
_found = (
    select(_imported.c.order_id)
    .where(
        _imported.c.source == sql.parameter("source", Text()),
        _imported.c.external_order_id == _external.c.external_order_id,
        text("imported.source <> ''"),
    )
    .offset(literal_column("0"))
    .lateral("found")
)
_found_ids = select(_found.c.order_id).select_from(_external).join(_found, true())

IMPORTED_ORDERS = _read(
    select(
        orders.c.source,
        orders.c.external_order_id,
        cast(orders.c.order_id, Text),
        orders.c.version,
        orders.c.sent_hash,
    )
    .where(orders.c.order_id == func.any(func.array(_found_ids.scalar_subquery())))
    .order_by(orders.c.order_id)
)

READ_SNAPSHOTS = sql.compiled(
    select(orders.c.snapshot).where(orders.c.order_id == func.any(sql.array("order_ids", Uuid())))
)

INVENTORY = _read(
    select(*inventory.c)
    .where(inventory.c.product_id == func.any(sql.array("product_ids", Text())))
    .order_by(inventory.c.product_id, inventory.c.variant_id)
)

_use = sql.rows([coupon_uses.c.code, coupon_uses.c.customer_id])

COUPON_USES = _read(
    select(coupon_uses.c.code, coupon_uses.c.customer_id, coupon_uses.c.used)
    .join(_use, (coupon_uses.c.code == _use.c.code) & (coupon_uses.c.customer_id == _use.c.customer_id))
    .order_by(coupon_uses.c.code, coupon_uses.c.customer_id),
    of=coupon_uses,
)

POINTS = _read(
    select(points_accounts.c.customer_id, points_accounts.c.balance)
    .where(points_accounts.c.customer_id == func.any(sql.array("customer_ids", Text())))
    .order_by(points_accounts.c.customer_id)
)

DOCUMENT_NUMBERS = _read(
    select(document_numbers.c.prefix, document_numbers.c.year, document_numbers.c.last)
    .where(document_numbers.c.year == sql.parameter("year", Integer()))
    .order_by(document_numbers.c.prefix)
)

STORED_KEY_COLUMNS = [api_keys.c[name] for name in StoredKeyRow._fields]

API_KEYS = _read(
    select(*STORED_KEY_COLUMNS)
    .where(
        or_(
            api_keys.c.key_id == func.any(sql.array("key_ids", Text())),
            api_keys.c.certificate_name == func.any(sql.array("certificate_names", Text())),
        )
    )
    .order_by(api_keys.c.key_id)
)

_payment = sql.rows([payments.c.provider, payments.c.event_id])
_reported = select(payments.c.order_id, payments.c.event)
_by_id = tuple_(payments.c.provider, payments.c.event_id).in_(select(*_payment.c))
_of_orders = payments.c.order_id == func.any(sql.array("order_ids", Uuid()))
# A union, since an event may be found by its id and among its order's.
READ_PAYMENTS = sql.compiled(union(_reported.where(_by_id), _reported.where(_of_orders)))

# A change of zones compares all of them, including those that another transaction is adding. Reads continue.
LOCK_ZONES = sql.Statement(f"LOCK TABLE {delivery_zones.name} IN SHARE ROW EXCLUSIVE MODE")

_keys = sql.rows([idempotency_keys.c.caller, idempotency_keys.c.method, idempotency_keys.c.request_id])

READ_IDEMPOTENCY_KEYS = sql.compiled(
    select(*idempotency_keys.c).where(
        tuple_(idempotency_keys.c.caller, idempotency_keys.c.method, idempotency_keys.c.request_id).in_(
            select(_keys.c.caller, _keys.c.method, _keys.c.request_id)
        )
    )
)

NEXT_ORDER_NUMBERS = sql.compiled(
    select(order_numbers.next_value()).select_from(
        func.generate_series(text("1"), sql.parameter("count", Integer())).table_valued("n")
    )
)

# Updates, of which an order can have any number, are not among them.
recorded = order_events.c.type.in_([literal_column(str(type_)) for type_ in TRACKED_TYPES])

READ_HISTORY = sql.compiled(
    select(WHOLE_EVENT)
    .where(order_events.c.order_id == func.any(sql.array("order_ids", Uuid())), recorded)
    .order_by(order_events.c.order_id, order_events.c.version)
)

# Write, one statement per table.

# The columns that follow from the snapshot.
ORDER_COLUMNS = sql.columns_for(orders, OrderRow, without={"sent_hash", "xid"})
WRITTEN_ORDER_COLUMNS = [*ORDER_COLUMNS, orders.c.sent_hash]
ITEM_COLUMNS = sql.columns_for(order_items, ItemRow)
EVENT_COLUMNS = sql.columns_for(order_events, EventRow, without={"xid"})
ADJUSTMENT_COLUMNS = [column for column in stock_adjustments.c if column.name != "adjustment_id"]
POINTS_COLUMNS = sql.columns_for(points_entries, PointsRow)
PAYMENT_COLUMNS = sql.columns_for(payments, PaymentRow)
DOCUMENT_COLUMNS = sql.columns_for(documents, DocumentRow)
API_KEY_COLUMNS = sql.columns_for(api_keys, ApiKeyRow, without={"last_use_time"})
AUDIT_COLUMNS = sql.columns_for(audit_events, AuditEventRow)
IDEMPOTENCY_COLUMNS = list(idempotency_keys.c)


def insert_rows(table: Table, columns: Sequence[Column[Any]]) -> sql.Statement:
    source = sql.rows(columns)
    return sql.compiled(insert(table).from_select([column.name for column in columns], select(*source.c)))


def update_rows(table: Table, columns: Sequence[Column[Any]]) -> sql.Statement:
    (key,) = table.primary_key.columns
    source = sql.rows(columns)
    values = {column.name: source.c[column.name] for column in columns}
    return sql.compiled(update(table).values(values).where(key == source.c[key.name]))


INSERT_ORDERS = insert_rows(orders, WRITTEN_ORDER_COLUMNS)
INSERT_ITEMS = insert_rows(order_items, ITEM_COLUMNS)
INSERT_EVENTS = insert_rows(order_events, EVENT_COLUMNS)
INSERT_ADJUSTMENTS = insert_rows(stock_adjustments, ADJUSTMENT_COLUMNS)
INSERT_POINTS_ENTRIES = insert_rows(points_entries, POINTS_COLUMNS)
INSERT_PAYMENTS = insert_rows(payments, PAYMENT_COLUMNS)
INSERT_DOCUMENTS = insert_rows(documents, DOCUMENT_COLUMNS)
INSERT_API_KEYS = insert_rows(api_keys, API_KEY_COLUMNS)
UPDATE_API_KEYS = update_rows(api_keys, API_KEY_COLUMNS)
INSERT_AUDIT_EVENTS = insert_rows(audit_events, AUDIT_COLUMNS)
INSERT_IDEMPOTENCY_KEYS = insert_rows(idempotency_keys, IDEMPOTENCY_COLUMNS)

# The columns that never change.
_never_change = {"order_id", "order_number", "source", "external_order_id", "create_time"}
_changing = [column for column in WRITTEN_ORDER_COLUMNS if column.name not in _never_change]
_new = sql.rows([orders.c.order_id, *_changing])

UPDATE_ORDERS = sql.compiled(
    update(orders)
    .values({column.name: _new.c[column.name] for column in _changing} | {"xid": func.pg_current_xact_id()})
    .where(orders.c.order_id == _new.c.order_id)
)

# Only from the snapshots: the transaction id remains, because the orders themselves have not changed.
REBUILD_ORDERS = update_rows(orders, ORDER_COLUMNS)

DELETE_ITEMS = sql.compiled(
    delete(order_items).where(order_items.c.order_id == func.any(sql.array("order_ids", Uuid())))
)


# Messages by key.


class RecordStatements(NamedTuple):
    """The statements of a table of messages by key."""

    read: Read
    insert: sql.Statement
    update: sql.Statement
    delete: sql.Statement


RECORD_COLUMNS = ("key", "snapshot", "update_time")


def _record_statements(table: Table) -> RecordStatements:
    (key,) = table.primary_key.columns
    wanted = key == func.any(sql.array("keys", Text()))
    rows = sql.rows([Column("key", Text()), table.c.snapshot, table.c.update_time])
    changed = {"snapshot": rows.c.snapshot, "update_time": rows.c.update_time}
    return RecordStatements(
        read=_read(select(key, table.c.snapshot).where(wanted).order_by(key)),
        insert=sql.compiled(insert(table).from_select([key.name, *changed], select(*rows.c))),
        update=sql.compiled(update(table).values(changed).where(key == rows.c.key)),
        delete=sql.compiled(delete(table).where(wanted)),
    )


RECORDS = {
    Kind(table.name): _record_statements(table)
    for table in (products, coupons, delivery_zones, customers, carts, webhook_endpoints, runtime_settings)
}


def _of_kind(table: Table, where: ColumnElement[bool]) -> Select[Any]:
    (key,) = table.primary_key.columns
    return select(literal_column(f"'{table.name}'").label("kind"), key.label("key"), table.c.snapshot).where(where)


# Rarely written records, read in one statement: nearly every order needs all three.
READ_RECORDS = sql.compiled(
    union_all(
        _of_kind(products, products.c.product_id == func.any(sql.array("products", Text()))),
        _of_kind(customers, customers.c.customer_id == func.any(sql.array("customers", Text()))),
        _of_kind(delivery_zones, sql.parameter("zones", Boolean())),
    ).order_by("kind", "key")
)

# Numbers by key.


class CounterStatements(NamedTuple):
    """The statements of a table of numbers by key: its columns, inserts, and additions to existing numbers."""

    columns: list[str]
    insert: sql.Statement
    add: sql.Statement


def _counter_statements(table: Table, *names: str) -> CounterStatements:
    """The statements of a table's columns with these names; of all columns by default."""
    columns = [column for column in table.c if not names or column.primary_key or column.name in names]
    rows = sql.rows(columns)
    added = {column.name: column + rows.c[column.name] for column in columns if not column.primary_key}
    same = (column == rows.c[column.name] for column in columns if column.primary_key)
    return CounterStatements(
        [column.name for column in columns],
        insert=insert_rows(table, columns),
        add=sql.compiled(update(table).values(added).where(*same)),
    )


SKUS = _counter_statements(inventory, "available", "reserved")
AWAITED = _counter_statements(inventory, "awaited")
USES = _counter_statements(coupon_uses)
BALANCES = _counter_statements(points_accounts)
NUMBERS = _counter_statements(document_numbers)

# Sweep.

DELETE_OLD_IDEMPOTENCY_KEYS = sql.compiled(
    delete(idempotency_keys).where(
        tuple_(idempotency_keys.c.caller, idempotency_keys.c.method, idempotency_keys.c.request_id).in_(
            select(idempotency_keys.c.caller, idempotency_keys.c.method, idempotency_keys.c.request_id)
            .where(idempotency_keys.c.create_time < sql.parameter("before", idempotency_keys.c.create_time.type))
            .limit(sql.parameter("limit", BigInteger()))
            .with_for_update(skip_locked=True)
        )
    )
)

DELETE_OLD_CARTS = sql.compiled(
    delete(carts).where(
        carts.c.cart_id.in_(
            select(carts.c.cart_id)
            .where(carts.c.update_time < sql.parameter("before", carts.c.update_time.type))
            .limit(sql.parameter("limit", BigInteger()))
            .with_for_update(skip_locked=True)
        )
    )
)

_before = sql.parameter("before", rate_limits.c.refill_time.type)

# A full bucket equals a missing one.
DELETE_IDLE_RATE_LIMITS = sql.compiled(
    delete(rate_limits).where(
        tuple_(rate_limits.c.subject, rate_limits.c.method_class).in_(
            select(rate_limits.c.subject, rate_limits.c.method_class)
            .where(
                rate_limits.c.refill_time < _before,
                rate_limits.c.tokens + rate_limits.c.rate * extract("epoch", _before - rate_limits.c.refill_time)
                >= rate_limits.c.burst,
                func.coalesce(rate_limits.c.blocked_until, rate_limits.c.refill_time) < _before,
            )
            .limit(sql.parameter("limit", BigInteger()))
            .with_for_update(skip_locked=True)
        )
    )
)

# Point reads.

# An order's names and its owner: the first columns of a row that is found by reference.
ORDER_NAMES = sql.as_text([orders.c.order_id, orders.c.order_number, orders.c.customer_id])
