"""The schema: what the migrations make is what the tables say, and it refuses what must never be."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from google.protobuf.message import Message
from orders.v1.api_key_service_pb2 import ApiKey, RotateApiKeyRequest
from orders.v1.order_pb2 import Order, OrderEvent
from orders.v1.order_service_pb2 import UpdateOrderRequest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from server.domain.access.key_texts import generate
from server.runtime import preflight as startup
from server.runtime.preflight import StartError
from server.storage.schema import schema
from server.storage.schema.tables import metadata
from tests.conftest import SERVING_ROLE, new_order
from tests.storage.helpers import disagreements, imported, replica, storing, upserts

pytestmark = pytest.mark.every_postgres

# What a database is made of, object by object, as PostgreSQL itself writes it.
_CATALOGUE = {
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attnum,
            pg_get_expr(d.adbin, d.adrelid), a.attcollation
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped""",
    "options": "SELECT relname, relkind, relpersistence, reloptions FROM pg_class WHERE relnamespace = 'public'::regnamespace",
    "constraints": """
        SELECT conrelid::regclass::text, conname, contype, convalidated, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "sequences": """
        SELECT sequencename, data_type::text, start_value, min_value, max_value, increment_by, cycle, cache_size
        FROM pg_sequences WHERE schemaname = 'public'""",
    "functions": "SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "triggers": "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
}


def _catalogue(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in the database but Alembic's own table."""
    with psycopg.connect(url) as connection:
        found = {kind: connection.execute(query).fetchall() for kind, query in _CATALOGUE.items()}
    return {kind: sorted((r for r in rows if "alembic" not in r[0]), key=repr) for kind, rows in found.items()}


def _engine(url: str) -> Any:
    return create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)


def test_the_migrations_make_exactly_the_tables_of_the_program(
    new_database: Callable[[], str], empty_database: Callable[[], str]
) -> None:
    created = empty_database()
    metadata.create_all(_engine(created))
    migrated, expected = _catalogue(new_database()), _catalogue(created)
    assert expected["columns"]
    for kind in _CATALOGUE:
        assert migrated[kind] == expected[kind]


@pytest.mark.filterwarnings("ignore:Did not recognize type 'xid8'")
def test_alembic_finds_nothing_left_to_migrate(new_database: Callable[[], str]) -> None:
    with _engine(new_database()).connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []


_ID = "'018f0000-0000-7000-8000-000000000001'"
_OTHER_ID = "'018f0000-0000-7000-8000-000000000002'"
_ORDER = {
    "order_id": _OTHER_ID,
    "order_number": "'ORD-2'",
    "source": "''",
    "external_order_id": "''",
    "customer_id": "'jane'",
    "status": "1",
    "payment_status": "1",
    "currency": "'USD'",
    "total_minor": "0",
    "version": "1",
    "create_time": "now()",
    "update_time": "now()",
    "snapshot": "''",
}
_STORED_ORDER = _ORDER | {
    "order_id": _ID,
    "order_number": "'ORD-1'",
    "source": "'shop'",
    "external_order_id": "'1'",
}
_ITEM = {
    "order_id": _ID,
    "position": "1",
    "item_id": "'2'",
    "product_id": "'mug'",
    "variant_id": "''",
    "sku": "'MUG'",
    "quantity": "2",
    "unit_price_minor": "5",
    "total_price_minor": "10",
}
_EVENT = {
    "order_id": _ID,
    "version": "2",
    "type": "1",
    "actor": "'jane'",
    "request_id": "''",
    "event_time": "now()",
    "from_status": "1",
    "to_status": "1",
    "total_minor": "0",
    "event": "''",
    "event_values": "'x'",
    "salt": "'x'",
}
_PRODUCT = {"product_id": "'lamp'", "snapshot": "''", "update_time": "now()"}
_STOCK = {"product_id": "'mug'", "variant_id": "'red'", "available": "0", "reserved": "0"}
_ADJUSTMENT = {
    "product_id": "'mug'",
    "variant_id": "''",
    "delta": "1",
    "reason": "''",
    "actor": "''",
    "request_id": "''",
    "adjust_time": "now()",
}
_RECORD = {"snapshot": "''", "update_time": "now()"}
_COUPON = {"code": "'WELCOME'"} | _RECORD
_ZONE = {"zone_id": "'eu'"} | _RECORD
_CUSTOMER = {"customer_id": "'jane'"} | _RECORD
_CART = {"cart_id": "'jane'"} | _RECORD
_USE = {"code": "'WELCOME'", "customer_id": "'jane'", "used": "0"}
_POINTS = {"customer_id": "'jane'", "balance": "0"}
_ENTRY = {
    "entry_id": _OTHER_ID,
    "customer_id": "'jane'",
    "type": "1",
    "delta": "1",
    "balance": "0",
    "order_id": _ID,
    "reason": "''",
    "actor": "''",
    "request_id": "''",
    "entry_time": "now()",
}
_PAYMENT = {
    "provider": "'stripe'",
    "event_id": "'2'",
    "order_id": _ID,
    "type": "1",
    "amount_minor": "0",
    "refund_id": "''",
    "event_time": "now()",
    "event": "''",
}
_SERIES = {"prefix": "'INV'", "year": "2027", "last": "0"}
_DOCUMENT = {
    "document_number": "'INV-2026-000002'",
    "prefix": "'INV'",
    "year": "2026",
    "number": "2",
    "order_id": _ID,
    "issue_time": "now()",
    "snapshot": "''",
}
_KEY = {
    "caller": "'jane'",
    "method": "'CreateOrder'",
    "request_id": "'2'",
    "request": "''",
    "response": "''",
    "create_time": "now()",
}
_LIMIT = {
    "subject": "'jane'",
    "method_class": "'write'",
    "rate": "1",
    "burst": "2",
    "tokens": "0",
    "granted": "1",
    "refill_time": "now()",
    "blocked_until": "NULL",
}
_API_KEY = {
    "key_id": "'k2'",
    "certificate_name": "'shop.internal'",
    "digest": "'x'",
    "previous_digest": "'x'",
    "used": "false",
    "last_use_time": "now()",
    "snapshot": "'x'",
}
_AUDIT_EVENT = {
    "event_id": _OTHER_ID,
    "resource": "'apiKeys/k1'",
    "method": "'CreateApiKey'",
    "actor": "'jane'",
    "request_id": "''",
    "event_time": "now()",
}
_LEASE = {"job": "'feed'", "holder": "'a'", "expire_time": "now()"}
_POSITION = {"position": "2", "order_id": _ID, "version": "2"}
_STATE = {"position": "1", "snapshot": "'1:1:'", "system_identifier": "1"}
_CONSUMER = {
    "consumer_id": "'mirror'",
    "definition": "''",
    "position": "0",
    "unseen_by": "''",
    "acked_by": "''",
    "create_time": "now()",
}
_SERVER = {"server_id": "'host:2:bb'", "heartbeat_time": "now()", "snapshot": "''"}
_RUNTIME_SETTING = {"name": "'other'", "snapshot": "''", "update_time": "now()"}
_ENDPOINT = {"endpoint_id": "'audit'", "snapshot": "''", "update_time": "now()"}
_DELIVERY = {
    "delivery_id": "gen_random_uuid()",
    "endpoint_id": "'shop'",
    "order_id": _ID,
    "version": "2",
    "event_type": "'order.updated'",
    "state": "1",
    "attempts": "0",
    "create_time": "now()",
}
_WAITING = "'01890a5d-ac96-774b-bcce-b302099a8059'"
_TERM = {"term": "'held'", "order_id": _ID}
_FULFILMENT = {
    "order_id": _WAITING,
    "order_number": "'ORD-1'",
    "due_time": "now()",
    "delivery_method": "''",
    "zone_id": "''",
    "worker": "''",
    "claim_count": "0",
}
_ATTEMPT = {"delivery_id": _OTHER_ID, "attempt_time": "'epoch'", "attempt": "''"}
_MAIL = {
    "mail_id": "'order_received.2'",
    "kind": "'order_received'",
    "version": "1",
    "state": "1",
    "attempts": "0",
    "cause": "''",
    "create_time": "now()",
}
_ROWS = {
    "products": _PRODUCT,
    "orders": _ORDER,
    "order_items": _ITEM,
    "order_events": _EVENT,
    "inventory": _STOCK,
    "stock_adjustments": _ADJUSTMENT,
    "idempotency_keys": _KEY,
    "coupons": _COUPON,
    "delivery_zones": _ZONE,
    "customers": _CUSTOMER,
    "carts": _CART,
    "coupon_uses": _USE,
    "points_accounts": _POINTS,
    "points_entries": _ENTRY,
    "payments": _PAYMENT,
    "document_numbers": _SERIES,
    "documents": _DOCUMENT,
    "rate_limits": _LIMIT,
    "api_keys": _API_KEY,
    "audit_events": _AUDIT_EVENT,
    "job_leases": _LEASE,
    "feed": _POSITION,
    "feed_state": _STATE,
    "consumers": _CONSUMER,
    "webhook_endpoints": _ENDPOINT,
    "webhook_deliveries": _DELIVERY,
    "webhook_attempts": _ATTEMPT,
    "fulfilments": _FULFILMENT,
    "order_terms": _TERM,
    "mails": _MAIL,
    "servers": _SERVER,
    "runtime_settings": _RUNTIME_SETTING,
}
# What may be unknown: the product of an imported line, the order of points that no order moved, the end of a block there is not.
_OPTIONAL = {
    ("order_events", "event_values"),
    ("order_events", "salt"),
    ("order_items", "product_id"),
    ("points_entries", "order_id"),
    ("rate_limits", "blocked_until"),
    ("webhook_deliveries", "order_id"),
} | {("api_keys", column) for column in ("certificate_name", "digest", "previous_digest", "last_use_time")}
_STORED = [
    ("products", _PRODUCT | {"product_id": "'mug'"}),
    ("orders", _STORED_ORDER),
    ("orders", _ORDER | {"order_id": _WAITING, "order_number": "'ORD-W'"}),
    ("order_items", _ITEM | {"position": "0", "item_id": "'1'"}),
    ("order_events", _EVENT | {"version": "1"}),
    ("inventory", _STOCK | {"variant_id": "''"}),
    ("idempotency_keys", _KEY | {"request_id": "'1'"}),
    ("coupons", _COUPON | {"code": "'OLD'"}),
    ("delivery_zones", _ZONE | {"zone_id": "'us'"}),
    ("customers", _CUSTOMER | {"customer_id": "'john'"}),
    ("carts", _CART | {"cart_id": "'john'"}),
    ("coupon_uses", _USE | {"customer_id": "''"}),
    ("points_accounts", _POINTS | {"customer_id": "'john'"}),
    ("points_entries", _ENTRY | {"entry_id": _ID}),
    ("payments", _PAYMENT | {"event_id": "'1'"}),
    ("document_numbers", _SERIES | {"year": "2026"}),
    ("documents", _DOCUMENT | {"document_number": "'INV-2026-000001'", "number": "1"}),
    ("rate_limits", _LIMIT | {"subject": "'john'"}),
    ("api_keys", _API_KEY | {"key_id": "'k1'", "certificate_name": "'shop'"}),
    ("audit_events", _AUDIT_EVENT | {"event_id": _ID}),
    ("job_leases", _LEASE | {"job": "'sweep'"}),
    ("feed", _POSITION | {"position": "1", "version": "1"}),
    ("consumers", _CONSUMER | {"consumer_id": "'billing'"}),
    ("webhook_endpoints", _ENDPOINT | {"endpoint_id": "'shop'"}),
    ("webhook_deliveries", _DELIVERY | {"delivery_id": _ID, "version": "1"}),
    ("webhook_attempts", _ATTEMPT | {"delivery_id": _ID}),
    ("fulfilments", _FULFILMENT | {"order_id": _ID}),
    ("order_terms", _TERM | {"term": "'1'"}),
    ("mails", _MAIL | {"mail_id": "'order_received.1'"}),
    ("servers", _SERVER | {"server_id": "'host:1:aa'"}),
    ("runtime_settings", _RUNTIME_SETTING | {"name": "'log_level'"}),
]

# Each constraint with a row that would be fine but for it.
_REFUSED: list[tuple[str, str, dict[str, str]]] = [
    ("orders_pkey", "orders", {"order_id": _ID}),
    ("orders_order_number_key", "orders", {"order_number": "'ORD-1'"}),
    ("orders_external_order_id_key", "orders", {"source": "'shop'", "external_order_id": "'1'"}),
    ("orders_external_id_with_source", "orders", {"source": "'shop'"}),
    ("orders_external_id_with_source", "orders", {"external_order_id": "'1'"}),
    ("orders_status_known", "orders", {"status": "0"}),
    ("orders_status_known", "orders", {"status": "7"}),
    ("orders_payment_status_known", "orders", {"payment_status": "0"}),
    ("orders_payment_status_known", "orders", {"payment_status": "11"}),
    ("orders_total_not_negative", "orders", {"total_minor": "-1"}),
    ("orders_version_positive", "orders", {"version": "0"}),
    ("order_items_pkey", "order_items", {"position": "0"}),
    ("order_items_order_id_fkey", "order_items", {"order_id": _OTHER_ID}),
    ("order_items_quantity_positive", "order_items", {"quantity": "0", "total_price_minor": "0"}),
    ("order_items_quantity_positive", "order_items", {"quantity": "-1", "total_price_minor": "-5"}),
    ("order_items_unit_price_not_negative", "order_items", {"unit_price_minor": "-5", "total_price_minor": "-10"}),
    ("order_items_total_price_adds_up", "order_items", {"total_price_minor": "11"}),
    ("order_events_pkey", "order_events", {"version": "1"}),
    ("order_events_order_id_fkey", "order_events", {"order_id": _OTHER_ID}),
    ("order_events_version_positive", "order_events", {"version": "0"}),
    ("products_pkey", "products", {"product_id": "'mug'"}),
    ("inventory_pkey", "inventory", {"variant_id": "''"}),
    ("inventory_product_id_fkey", "inventory", {"product_id": "'lamp'"}),
    ("inventory_available_not_negative", "inventory", {"available": "-1"}),
    ("inventory_reserved_not_negative", "inventory", {"reserved": "-1"}),
    ("stock_adjustments_delta_not_zero", "stock_adjustments", {"delta": "0"}),
    ("coupons_pkey", "coupons", {"code": "'OLD'"}),
    ("delivery_zones_pkey", "delivery_zones", {"zone_id": "'us'"}),
    ("customers_pkey", "customers", {"customer_id": "'john'"}),
    ("carts_pkey", "carts", {"cart_id": "'john'"}),
    ("coupon_uses_pkey", "coupon_uses", {"customer_id": "''"}),
    ("coupon_uses_used_not_negative", "coupon_uses", {"used": "-1"}),
    ("points_accounts_pkey", "points_accounts", {"customer_id": "'john'"}),
    ("points_accounts_balance_not_negative", "points_accounts", {"balance": "-1"}),
    ("points_entries_pkey", "points_entries", {"entry_id": _ID}),
    ("points_entries_delta_not_zero", "points_entries", {"delta": "0"}),
    ("points_entries_balance_not_negative", "points_entries", {"balance": "-1"}),
    ("payments_pkey", "payments", {"event_id": "'1'"}),
    ("payments_amount_not_negative", "payments", {"amount_minor": "-1"}),
    ("document_numbers_pkey", "document_numbers", {"year": "2026"}),
    ("document_numbers_last_not_negative", "document_numbers", {"last": "-1"}),
    ("documents_pkey", "documents", {"document_number": "'INV-2026-000001'"}),
    ("documents_series_key", "documents", {"number": "1"}),
    ("documents_number_positive", "documents", {"number": "0"}),
    ("idempotency_keys_pkey", "idempotency_keys", {"request_id": "'1'"}),
    ("rate_limits_pkey", "rate_limits", {"subject": "'john'"}),
    ("rate_limits_rate_positive", "rate_limits", {"rate": "0"}),
    ("rate_limits_tokens_within_burst", "rate_limits", {"tokens": "-0.1"}),
    ("rate_limits_tokens_within_burst", "rate_limits", {"tokens": "2.1"}),
    ("api_keys_pkey", "api_keys", {"key_id": "'k1'"}),
    ("api_keys_certificate_name_key", "api_keys", {"certificate_name": "'shop'"}),
    ("audit_events_pkey", "audit_events", {"event_id": _ID}),
    ("job_leases_pkey", "job_leases", {"job": "'sweep'"}),
    ("feed_pkey", "feed", {"position": "1"}),
    ("feed_event_key", "feed", {"version": "1"}),
    ("feed_state_one_row", "feed_state", {"singleton": "false"}),
    ("consumers_pkey", "consumers", {"consumer_id": "'billing'"}),
    ("consumers_position_not_negative", "consumers", {"position": "-1"}),
    ("webhook_endpoints_pkey", "webhook_endpoints", {"endpoint_id": "'shop'"}),
    ("webhook_deliveries_pkey", "webhook_deliveries", {"delivery_id": _ID}),
    ("webhook_deliveries_change_key", "webhook_deliveries", {"version": "1"}),
    ("webhook_attempts_pkey", "webhook_attempts", {"delivery_id": _ID}),
    ("order_terms_pkey", "order_terms", {"term": "'1'"}),
    ("fulfilments_pkey", "fulfilments", {"order_id": _ID}),
    ("fulfilments_order_id_fkey", "fulfilments", {"order_id": _OTHER_ID}),
    ("mails_pkey", "mails", {"mail_id": "'order_received.1'"}),
    ("servers_pkey", "servers", {"server_id": "'host:1:aa'"}),
    ("runtime_settings_pkey", "runtime_settings", {"name": "'log_level'"}),
]


def _insert(table: str, row: dict[str, str]) -> str:
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(row.values())})"


@pytest.fixture(scope="module")
def stored(new_database: Callable[[], str]) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a database with one row in each table; what a test writes is forgotten."""
    with psycopg.connect(new_database()) as connection:
        # The migration has stored the only row that there may be.
        connection.execute("DELETE FROM feed_state")
        for table, row in _STORED:
            connection.execute(_insert(table, row))
        connection.commit()
        yield connection


@pytest.mark.parametrize(("table", "row"), _ROWS.items(), ids=_ROWS)
def test_a_sound_row_is_taken(stored: psycopg.Connection[Any], table: str, row: dict[str, str]) -> None:
    with stored.transaction(force_rollback=True):
        assert stored.execute(_insert(table, row)).rowcount == 1


@pytest.mark.parametrize(
    ("constraint", "table", "fault"), _REFUSED, ids=[f"{name}-{i}" for i, (name, _, _) in enumerate(_REFUSED)]
)
def test_a_row_that_must_never_be_is_refused_by_its_constraint(
    stored: psycopg.Connection[Any], constraint: str, table: str, fault: dict[str, str]
) -> None:
    with pytest.raises(psycopg.IntegrityError) as refusal, stored.transaction(force_rollback=True):
        stored.execute(_insert(table, _ROWS[table] | fault))
    assert refusal.value.diag.constraint_name == constraint


def test_every_constraint_is_tried(stored: psycopg.Connection[Any]) -> None:
    with stored.transaction():
        constraints = stored.execute(
            "SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'"
            " UNION SELECT relname FROM pg_index JOIN pg_class ON oid = indexrelid WHERE indisunique"
            " AND relnamespace = 'public'::regnamespace"
        ).fetchall()
    tried = {name for name, _, _ in _REFUSED}
    # An identity that is always generated cannot be inserted twice, and a second row is refused by its check first.
    assert {name for (name,) in constraints if "alembic" not in name} - {
        "stock_adjustments_pkey",
        "feed_state_pkey",
    } == tried


def test_only_what_may_be_unknown_may_be_empty_of_value(stored: psycopg.Connection[Any]) -> None:
    for table, row in _ROWS.items():
        for column in row:
            if (table, column) in _OPTIONAL:
                continue
            with pytest.raises(psycopg.errors.NotNullViolation), stored.transaction(force_rollback=True):
                stored.execute(_insert(table, row | {column: "NULL"}))


def test_orders_without_a_source_share_the_empty_external_id(stored: psycopg.Connection[Any]) -> None:
    with stored.transaction(force_rollback=True):
        stored.execute(_insert("orders", _ORDER))
        third = _ORDER | {"order_id": "gen_random_uuid()", "order_number": "'ORD-3'"}
        assert stored.execute(_insert("orders", third)).rowcount == 1


def test_items_and_events_go_with_their_order(stored: psycopg.Connection[Any]) -> None:
    with stored.transaction(force_rollback=True):
        stored.execute(f"DELETE FROM orders WHERE order_id = {_ID}")
        for table in ("order_items", "order_events"):
            assert stored.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


@pytest.mark.parametrize("change", ["UPDATE documents SET snapshot = 'x'", "DELETE FROM documents"])
def test_documents_never_change(stored: psycopg.Connection[Any], change: str) -> None:
    with (
        pytest.raises(psycopg.errors.RestrictViolation, match="rows of documents never change"),
        stored.transaction(force_rollback=True),
    ):
        stored.execute(change)
    with stored.transaction(force_rollback=True):
        stored.execute("TRUNCATE documents")


def test_stock_that_orders_hold_is_reserved_by_the_migration(empty_database: Callable[[], str]) -> None:
    url = empty_database()
    _upgrade(url, "0001")
    held = {1: 1, 2: 10, 3: 100, 4: 1000, 5: 10_000, 6: 100_000}
    with psycopg.connect(url) as connection:
        for product_id in ("mug", "lamp"):
            connection.execute(_insert("products", _PRODUCT | {"product_id": f"'{product_id}'"}))
        for sku in ({"variant_id": "''"}, {}, {"product_id": "'lamp'", "variant_id": "''"}):
            connection.execute(_insert("inventory", {k: v for k, v in (_STOCK | sku).items() if k != "reserved"}))
        for status, quantity in held.items():
            order_id = f"'018f0000-0000-7000-8000-00000000010{status}'"
            own = {"order_id": order_id, "order_number": f"'{status}'", "status": str(status)}
            connection.execute(_insert("orders", _ORDER | own))
            line = _ITEM | {"order_id": order_id, "quantity": str(quantity), "total_price_minor": str(5 * quantity)}
            connection.execute(_insert("order_items", line))
            connection.execute(_insert("order_items", line | {"position": "2", "variant_id": "'red'"}))
            connection.execute(_insert("order_items", line | {"position": "3"}))
            connection.execute(_insert("order_items", line | {"position": "4", "product_id": "NULL"}))
    assert schema.migrate(url) == ("0001", schema.newest_version())
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT product_id, variant_id, reserved FROM inventory ORDER BY 1, 2").fetchall()
    assert found == [("lamp", "", 0), ("mug", "", 222), ("mug", "red", 111)]


async def test_histories_from_before_the_chain_get_the_hashes_that_they_would_have_had(
    new_database: Callable[[], str],
) -> None:
    """Row by row and byte by byte, transaction ids included: lists tell by them what has changed since they began."""
    async with storing(new_database()) as store:
        for number in range(3):
            labels = {str(key): "x" for key in range(number, 20)}
            order = await store.order(new_order(quantity=number + 1, metadata=labels))
            for code in ("A", "B")[:number]:
                changed = Order(order_id=order.order_id, referral_code=code)
                await store.execute(UpdateOrderRequest(order=changed))
        for cents in (100, 200):
            await store.execute(upserts("shop", imported("1", cents=cents), imported("2", "john")))
        url = store.url
    rows = _stored_orders(url)
    assert [len(events) for _, events in rows] == [1, 2, 3, 2, 1]
    _downgrade(url, "0002")
    assert _stored_orders(url) == [
        (_bare(Order, order, "event_hash"), [_bare(OrderEvent, event, "hash") for event in events])
        for order, events in rows
    ]
    before = _beside(url)
    assert schema.migrate(url, grant_to=SERVING_ROLE) == ("0002", schema.newest_version())
    assert _stored_orders(url) == rows
    assert _beside(url) == before
    # The way back has lost their values, which verify finds.
    assert all("the values of event" in text for text in await disagreements(url))


async def test_keys_from_before_audit_events_are_changed_like_others(empty_database: Callable[[], str]) -> None:
    url = empty_database()
    _upgrade(url, "0006")
    made = generate()
    with psycopg.connect(url) as connection:
        query = "INSERT INTO api_keys (key_id, digest, snapshot) VALUES (%s, %s, %s)"
        connection.execute(query, [made.key_id, made.digest, ApiKey(key_id=made.key_id).SerializeToString()])
    assert schema.migrate(url, grant_to=SERVING_ROLE) == ("0006", schema.newest_version())
    async with replica(url) as store:
        await store.execute(RotateApiKeyRequest(key_id=made.key_id))
        assert await store.rows("SELECT previous_digest FROM api_keys") == [(made.digest,)]
        assert await store.rows("SELECT resource, method FROM audit_events") == [
            (f"apiKeys/{made.key_id}", "RotateApiKey")
        ]
    assert await disagreements(url) == []


def _stored_orders(url: str) -> list[tuple[bytes, list[bytes]]]:
    """Each order with its events, as they are serialized."""
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT snapshot, (SELECT array_agg(event ORDER BY e.version) FROM order_events e WHERE e.order_id = o.order_id)"
            " FROM orders o ORDER BY order_number"
        ).fetchall()


def _beside(url: str) -> list[tuple[Any, ...]]:
    """The rows of orders and events without what is serialized, and without columns that are empty."""
    with psycopg.connect(url) as connection:
        return [
            row
            for table, serialized in (("orders", "snapshot"), ("order_events", "event"))
            for row in connection.execute(
                f"SELECT jsonb_strip_nulls(to_jsonb(t) - '{serialized}')::text FROM {table} t ORDER BY 1"
            )
        ]


def _bare(kind: type[Message], serialized: bytes, field: str) -> bytes:
    """A serialized message without a field, which it has."""
    message = kind.FromString(serialized)
    assert getattr(message, field)
    message.ClearField(field)
    return message.SerializeToString(deterministic=True)


def _downgrade(url: str, version: str) -> None:
    with _engine(url).connect() as connection:
        config = schema._config()
        config.attributes["connection"] = connection
        command.downgrade(config, version)
        connection.commit()


def _upgrade(url: str, version: str) -> None:
    with _engine(url).connect() as connection:
        config = schema._config()
        config.attributes["connection"] = connection
        command.upgrade(config, version)
        connection.commit()


def test_replicas_that_migrate_at_once_run_each_migration_once(empty_database: Callable[[], str]) -> None:
    url = empty_database()
    with ThreadPoolExecutor(4) as replicas:
        versions = list(replicas.map(schema.migrate, [url] * 4))
    newest = schema.newest_version()
    assert sorted(versions, key=str) == sorted([(None, newest), *[(newest, newest)] * 3], key=str)
    startup.check_schema(url)


def test_a_database_can_be_taken_down_to_nothing_and_up_again(new_database: Callable[[], str]) -> None:
    url = new_database()
    before = _catalogue(url)
    _downgrade(url, "base")
    assert not any(_catalogue(url).values())
    assert schema.current_version(url) is None
    assert schema.migrate(url) == (None, schema.newest_version())
    assert _catalogue(url) == before


def test_an_empty_database_is_refused_with_what_to_do(empty_database: Callable[[], str]) -> None:
    with pytest.raises(StartError, match="no schema yet; run `orders migrate`"):
        startup.check_schema(empty_database())


@pytest.mark.parametrize("version", ["9999", "0999", "b7f1c2", "0000"])
def test_a_database_at_a_version_unknown_to_the_program_is_refused(
    new_database: Callable[[], str], version: str
) -> None:
    url = new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", (version,))
    before = _catalogue(url)
    for start in (startup.check_schema, startup.migrate):
        with pytest.raises(StartError, match=version):
            start(url)
    assert _catalogue(url) == before
    assert schema.current_version(url) == version


def test_a_database_with_two_versions_is_refused(new_database: Callable[[], str]) -> None:
    url = new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    for start in (startup.check_schema, startup.migrate):
        with pytest.raises(StartError, match="2 versions"):
            start(url)


def test_a_database_that_does_not_answer_is_named_with_its_reason(postgres: str) -> None:
    url = make_url(postgres).set(database="nowhere").render_as_string(hide_password=False)
    for start in (startup.check_schema, startup.migrate):
        with pytest.raises(StartError, match='"nowhere" does not exist'):
            start(url)
