"""The statements that erase personal data."""

from collections.abc import Sequence
from typing import Any

from orders.v1.order_pb2 import ORDER_EVENT_TYPE_ERASED
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Table,
    Text,
    Uuid,
    cast,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)

from server.domain.base.personal_data import MARKER
from server.domain.orders.erase import FINAL
from server.storage import sql
from server.storage.schema.tables import STORED_EVENT, idempotency_keys, order_events, orders, payments, points_entries

ERASED_EVENT_COLUMNS = [order_events.c.order_id, order_events.c.version, *STORED_EVENT]
ERASED_PAYMENT_COLUMNS = [payments.c.provider, payments.c.event_id, payments.c.event]


def _erase_rows(table: Table, columns: Sequence[Column[Any]]) -> sql.Statement:
    """Replaces the columns that are not in the key."""
    source = sql.rows(columns)
    values = {column.name: source.c[column.name] for column in columns if not column.primary_key}
    same = (column == source.c[column.name] for column in columns if column.primary_key)
    return sql.compiled(update(table).values(values).where(*same))


ERASE_EVENTS = _erase_rows(order_events, ERASED_EVENT_COLUMNS)
ERASE_PAYMENTS = _erase_rows(payments, ERASED_PAYMENT_COLUMNS)

_customer_id = sql.parameter("customer_id", Text())
_open = orders.c.status.not_in([literal_column(str(status)) for status in FINAL])

OPEN_ORDERS = sql.compiled(
    select(cast(orders.c.order_id, Text)).where(orders.c.customer_id == _customer_id, _open).limit(literal_column("10"))
)

# An order is done if its last event erased it, and all that came before. Old events have no salt.
_last_type = (
    select(order_events.c.type)
    .where(order_events.c.order_id == orders.c.order_id, order_events.c.version == orders.c.version)
    .scalar_subquery()
)
_erases = order_events.c.type == literal_column(str(ORDER_EVENT_TYPE_ERASED))
_unerased = select(order_events.c.version).where(
    order_events.c.order_id == orders.c.order_id, order_events.c.salt.is_not(None), ~_erases
)
DUE_ORDERS = sql.compiled(
    select(cast(orders.c.order_id, Text), orders.c.version, orders.c.create_time)
    .where(
        orders.c.customer_id == _customer_id,
        tuple_(orders.c.create_time, orders.c.order_id)
        > tuple_(sql.parameter("since", orders.c.create_time.type), sql.parameter("after", Uuid())),
        or_(~_open, sql.parameter("include_open", Boolean())),
        or_(_last_type != literal_column(str(ORDER_EVENT_TYPE_ERASED)), _unerased.exists()),
    )
    .order_by(orders.c.create_time, orders.c.order_id)
    .limit(sql.parameter("limit", BigInteger()))
)

_marker: ColumnElement[str] = literal_column(f"'{MARKER}'")
ERASE_AUDIT_EVENTS = sql.Statement(
    """
UPDATE audit_events SET before = '', after = ''
WHERE resource = 'customers/' || %(customer_id)s::text AND (before <> '' OR after <> '')"""
)
ERASE_POINTS = sql.compiled(
    update(points_entries)
    .values(reason=_marker)
    .where(
        points_entries.c.customer_id == _customer_id, points_entries.c.reason.not_in([literal_column("''"), _marker])
    )
)

# Stored messages contain the customer's id as text, so data that is kept for only days needs no index.
CARTS_OF = sql.Statement("SELECT cart_id FROM carts WHERE position(%(needle)s::bytea IN snapshot) > 0")

# A part of the table, by the place of its rows: they never move. The answer to RecordTrackingEvent names only the order, in its
# first field.
REQUESTS_OF = sql.Statement("""
SELECT caller, method, request_id, request, response
FROM idempotency_keys
WHERE ctid >= %(first)s::tid AND ctid < %(last)s::tid
    AND (position(%(needle)s::bytea IN request) > 0 OR position(%(needle)s::bytea IN response) > 0
        OR substring(response FROM 3 FOR 36) IN (
            SELECT convert_to(order_id::text, 'UTF8') FROM orders WHERE customer_id = %(customer_id)s))""")
REQUEST_BLOCKS = sql.Statement("SELECT pg_relation_size('idempotency_keys') / current_setting('block_size')::bigint")
ERASED_REQUEST_COLUMNS = list(idempotency_keys.c)[:5]
ERASE_REQUESTS = _erase_rows(idempotency_keys, ERASED_REQUEST_COLUMNS)
