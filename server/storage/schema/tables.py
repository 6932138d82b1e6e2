"""The schema. `orders.snapshot` is the source of truth; the other columns and `order_items` are its projections."""

from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    SmallInteger,
    Table,
    Text,
    Uuid,
    event,
    func,
    literal_column,
    text,
)
from sqlalchemy.types import UserDefinedType


class Xid8(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


class PgSnapshot(UserDefinedType[str]):
    """A snapshot: the transactions that were committed when another one began."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "pg_snapshot"


metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s",
    }
)

order_numbers = Sequence("order_numbers", data_type=BigInteger, metadata=metadata)


def written_by() -> Column[str]:
    """The transaction that last wrote the row, which shows whether a database snapshot sees this state of it."""
    return Column("xid", Xid8, nullable=False, server_default=func.pg_current_xact_id())


orders = Table(
    "orders",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("order_number", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("external_order_id", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("payment_status", SmallInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("update_time", DateTime(timezone=True), nullable=False),
    Column("snapshot", LargeBinary, nullable=False),
    written_by(),
    # The hash of the source's last data, while the order still equals it: recognizes unchanged imports.
    Column("sent_hash", LargeBinary),
    CheckConstraint("status BETWEEN 1 AND 6", name="status_known"),
    CheckConstraint("payment_status BETWEEN 1 AND 10", name="payment_status_known"),
    CheckConstraint("total_minor >= 0", name="total_not_negative"),
    CheckConstraint("version > 0", name="version_positive"),
    CheckConstraint("(source = '') = (external_order_id = '')", name="external_id_with_source"),
)

Index("orders_order_number_key", orders.c.order_number, unique=True)
Index(
    "orders_external_order_id_key",
    orders.c.source,
    orders.c.external_order_id,
    unique=True,
    postgresql_where=orders.c.source != "",
)
Index("orders_customer", orders.c.customer_id, orders.c.create_time, orders.c.order_id)
Index("orders_create_time", orders.c.create_time, orders.c.order_id)
# Both change with every change of an order, which rules out heap-only updates; they serve the lists that are polled.
Index("orders_update_time", orders.c.update_time, orders.c.order_id)
# The open orders: finds those that have been in a status for long.
Index(
    "orders_open",
    orders.c.create_time,
    orders.c.order_id,
    postgresql_where=orders.c.status < literal_column("5"),
)
Index("orders_total", orders.c.currency, orders.c.total_minor, orders.c.order_id)

order_items = Table(
    "order_items",
    metadata,
    Column("order_id", ForeignKey(orders.c.order_id, ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("item_id", Text, nullable=False),
    Column("product_id", Text),
    Column("variant_id", Text, nullable=False),
    Column("sku", Text, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("unit_price_minor", BigInteger, nullable=False),
    Column("total_price_minor", BigInteger, nullable=False),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    CheckConstraint("unit_price_minor >= 0", name="unit_price_not_negative"),
    CheckConstraint("total_price_minor = unit_price_minor * quantity", name="total_price_adds_up"),
)

# Imported lines have no product of this catalogue, and are found by their SKU.
item_product = func.coalesce(order_items.c.product_id, order_items.c.sku)
Index("order_items_product", item_product, order_items.c.order_id)

order_events = Table(
    "order_events",
    metadata,
    Column("order_id", ForeignKey(orders.c.order_id, ondelete="CASCADE"), primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("type", SmallInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("event_time", DateTime(timezone=True), nullable=False),
    Column("from_status", SmallInteger, nullable=False),
    Column("to_status", SmallInteger, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("event", LargeBinary, nullable=False),
    written_by(),
    # The part of the event that can be erased, and the salt of its digest in the event. Old events have neither, and erased ones
    # have no salt.
    Column("event_values", LargeBinary),
    Column("salt", LargeBinary),
    CheckConstraint("version > 0", name="version_positive"),
)
# A stored event: both parts of it, and the salt.
STORED_EVENT = (order_events.c.event, order_events.c.event_values, order_events.c.salt)
# Both parts in one: a serialized message that is appended to another is merged into it.
WHOLE_EVENT = order_events.c.event.op("||")(func.coalesce(order_events.c.event_values, text("''::bytea")))
# Finds what changed since a snapshot of the database. Transaction ids only grow, so an insert goes to the right edge.
Index("order_events_xid", order_events.c.xid)
# Refunds by the time of their request.
Index(
    "order_events_refunds",
    order_events.c.event_time,
    order_events.c.order_id,
    postgresql_where=order_events.c.type == literal_column("7"),
)


def _records(name: str, key: str) -> Table:
    """A table of serialized messages by key."""
    return Table(
        name,
        metadata,
        Column(key, Text, primary_key=True),
        Column("snapshot", LargeBinary, nullable=False),
        Column("update_time", DateTime(timezone=True), nullable=False),
    )


products = _records("products", "product_id")
coupons = _records("coupons", "code")
delivery_zones = _records("delivery_zones", "zone_id")
customers = _records("customers", "customer_id")
# The search columns of customers: see `contact_of`.
for _name in ("email", "phone", "name"):
    customers.append_column(Column(_name, Text, nullable=False, server_default=text("''")))
Index("customers_email", customers.c.email, customers.c.customer_id)
Index("customers_phone", customers.c.phone, customers.c.customer_id)
carts = _records("carts", "cart_id")
# Finds carts that are long unchanged.
Index("carts_update_time", carts.c.update_time)

# One row for a product without variants, with variant_id '', or one for each variant.
inventory = Table(
    "inventory",
    metadata,
    Column("product_id", ForeignKey(products.c.product_id), primary_key=True),
    Column("variant_id", Text, primary_key=True),
    # Available units, units that orders hold until they are shipped, and backordered units.
    Column("available", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False, server_default=text("0")),
    Column("awaited", BigInteger, nullable=False, server_default=text("0")),
    CheckConstraint("available >= 0", name="available_not_negative"),
    CheckConstraint("reserved >= 0", name="reserved_not_negative"),
    # Nearly every order updates a row here in place; room on the page keeps those updates off the index.
    postgresql_with={"fillfactor": 50},
)

stock_adjustments = Table(
    "stock_adjustments",
    metadata,
    Column("adjustment_id", BigInteger, Identity(always=True), primary_key=True),
    Column("product_id", Text, nullable=False),
    Column("variant_id", Text, nullable=False),
    Column("delta", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("adjust_time", DateTime(timezone=True), nullable=False),
    CheckConstraint("delta <> 0", name="delta_not_zero"),
)
Index("stock_adjustments_product", stock_adjustments.c.product_id, stock_adjustments.c.adjustment_id)

# The number of orders that use a coupon: in total with customer_id '', and for each customer.
coupon_uses = Table(
    "coupon_uses",
    metadata,
    Column("code", Text, primary_key=True),
    Column("customer_id", Text, primary_key=True),
    Column("used", BigInteger, nullable=False),
    CheckConstraint("used >= 0", name="used_not_negative"),
)

points_accounts = Table(
    "points_accounts",
    metadata,
    Column("customer_id", Text, primary_key=True),
    Column("balance", BigInteger, nullable=False),
    CheckConstraint("balance >= 0", name="balance_not_negative"),
)

points_entries = Table(
    "points_entries",
    metadata,
    Column("entry_id", Uuid, primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("type", SmallInteger, nullable=False),
    Column("delta", BigInteger, nullable=False),
    Column("balance", BigInteger, nullable=False),
    Column("order_id", Uuid),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("entry_time", DateTime(timezone=True), nullable=False),
    CheckConstraint("delta <> 0", name="delta_not_zero"),
    CheckConstraint("balance >= 0", name="balance_not_negative"),
)
Index("points_entries_customer", points_entries.c.customer_id, points_entries.c.entry_id)
Index("points_entries_order", points_entries.c.order_id, postgresql_where=points_entries.c.order_id.is_not(None))

# Payment providers' reports. The key makes each count once.
payments = Table(
    "payments",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("type", SmallInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("refund_id", Text, nullable=False),
    Column("event_time", DateTime(timezone=True), nullable=False),
    Column("event", LargeBinary, nullable=False),
    CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
)
Index("payments_order", payments.c.order_id)
Index("payments_event_time", payments.c.event_time, payments.c.order_id)

# The last number of each series of documents.
document_numbers = Table(
    "document_numbers",
    metadata,
    Column("prefix", Text, primary_key=True),
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    CheckConstraint("last >= 0", name="last_not_negative"),
)

# Invoices and credit notes. A trigger prevents changes.
documents = Table(
    "documents",
    metadata,
    Column("document_number", Text, primary_key=True),
    Column("prefix", Text, nullable=False),
    Column("year", Integer, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("issue_time", DateTime(timezone=True), nullable=False),
    Column("snapshot", LargeBinary, nullable=False),
    CheckConstraint("number > 0", name="number_positive"),
)
Index("documents_series_key", documents.c.prefix, documents.c.year, documents.c.number, unique=True)
Index("documents_order", documents.c.order_id)
Index("documents_issue_time", documents.c.issue_time, documents.c.document_number)

_REFUSE_CHANGE = DDL(  # type: ignore[no-untyped-call]
    """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of %% never change', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$"""
)
_DOCUMENTS_NEVER_CHANGE = DDL(  # type: ignore[no-untyped-call]
    """
CREATE TRIGGER documents_never_change BEFORE UPDATE OR DELETE ON documents
FOR EACH ROW EXECUTE FUNCTION refuse_change()"""
)
event.listen(documents, "after_create", _REFUSE_CHANGE)
event.listen(documents, "after_create", _DOCUMENTS_NEVER_CHANGE)

# API keys by id, and client certificates by name. `snapshot` is the message without secrets and without values that change
# independently.
api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    # Of a certificate that is not revoked.
    Column("certificate_name", Text),
    # The SHA-256 of the key's text, and of the one before the last rotation.
    Column("digest", LargeBinary),
    Column("previous_digest", LargeBinary),
    # Whether the newest text has been used.
    Column("used", Boolean, nullable=False, server_default=text("false")),
    Column("last_use_time", DateTime(timezone=True)),
    Column("snapshot", LargeBinary, nullable=False),
)
Index("api_keys_certificate_name_key", api_keys.c.certificate_name, unique=True)

# Who changed a resource. Rows are only inserted.
audit_events = Table(
    "audit_events",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    # Its path, for example `apiKeys/6q76SiVvxYs9`.
    Column("resource", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("event_time", DateTime(timezone=True), nullable=False),
    # The owner of the actor's API key.
    Column("owner", Text, nullable=False, server_default=text("''")),
    # The fields that differ, as messages of the resource's type. Emptied when a customer is erased.
    Column("before", LargeBinary, nullable=False, server_default=text("''")),
    Column("after", LargeBinary, nullable=False, server_default=text("''")),
)
Index("audit_events_actor", audit_events.c.actor, audit_events.c.event_time, audit_events.c.event_id)
Index("audit_events_resource", audit_events.c.resource, audit_events.c.event_time, audit_events.c.event_id)
Index("audit_events_event_time", audit_events.c.event_time, audit_events.c.event_id)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("caller", Text, primary_key=True),
    Column("method", Text, primary_key=True),
    Column("request_id", Text, primary_key=True),
    Column("request", LargeBinary, nullable=False),
    Column("response", LargeBinary, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
)
# Rows arrive in the order of time and leave in it: a summary a block range finds the old ones, and costs an insert nothing.
Index("idempotency_keys_create_time", idempotency_keys.c.create_time, postgresql_using="brin")

# The buckets of calls that each subject has left. Not logged: a crash empties the table, which fills every bucket once, and a lease
# costs no fsync. `granted` is what the last lease got of what it wanted; an upsert has no other way to say so before version 18.
rate_limits = Table(
    "rate_limits",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("method_class", Text, primary_key=True),
    # The limit of the last lease: calls per second, and the burst.
    Column("rate", Double, nullable=False),
    Column("burst", Double, nullable=False),
    Column("tokens", Double, nullable=False),
    Column("granted", Double, nullable=False),
    Column("refill_time", DateTime(timezone=True), nullable=False),
    Column("blocked_until", DateTime(timezone=True)),
    CheckConstraint("rate > 0", name="rate_positive"),
    CheckConstraint("tokens BETWEEN 0 AND burst", name="tokens_within_burst"),
    prefixes=["UNLOGGED"],
    # Every lease updates a row in place, as orders do in the inventory.
    postgresql_with={"fillfactor": 50},
)

# The process that runs an exclusive background job, and the end of its lease.
job_leases = Table(
    "job_leases",
    metadata,
    Column("job", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("expire_time", DateTime(timezone=True), nullable=False),
)
