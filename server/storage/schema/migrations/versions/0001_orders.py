"""Orders, their items and events, the catalogue, the stock and the idempotency keys."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SEQUENCE order_numbers AS bigint")
    op.create_table(
        "idempotency_keys",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("caller", "method", "request_id", name="idempotency_keys_pkey"),
    )
    op.create_index(
        "idempotency_keys_create_time", "idempotency_keys", ["create_time"], unique=False, postgresql_using="brin"
    )
    op.create_table(
        "orders",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("order_number", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_order_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("payment_status", sa.SmallInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("snapshot", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("(source = '') = (external_order_id = '')", name=op.f("orders_external_id_with_source")),
        sa.CheckConstraint("payment_status BETWEEN 1 AND 7", name=op.f("orders_payment_status_known")),
        sa.CheckConstraint("status BETWEEN 1 AND 6", name=op.f("orders_status_known")),
        sa.CheckConstraint("total_minor >= 0", name=op.f("orders_total_not_negative")),
        sa.CheckConstraint("version > 0", name=op.f("orders_version_positive")),
        sa.PrimaryKeyConstraint("order_id", name="orders_pkey"),
    )
    op.create_index("orders_create_time", "orders", ["create_time", "order_id"], unique=False)
    op.create_index("orders_customer", "orders", ["customer_id", "create_time", "order_id"], unique=False)
    op.create_index(
        "orders_external_order_id_key",
        "orders",
        ["source", "external_order_id"],
        unique=True,
        postgresql_where=sa.text("source != ''"),
    )
    op.create_index("orders_order_number_key", "orders", ["order_number"], unique=True)
    op.create_index("orders_total", "orders", ["currency", "total_minor", "order_id"], unique=False)
    op.create_index("orders_update_time", "orders", ["update_time", "order_id"], unique=False)
    op.create_table(
        "products",
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("snapshot", sa.LargeBinary(), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("product_id", name="products_pkey"),
    )
    op.create_table(
        "stock_adjustments",
        sa.Column("adjustment_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("variant_id", sa.Text(), nullable=False),
        sa.Column("delta", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("adjust_time", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("delta <> 0", name=op.f("stock_adjustments_delta_not_zero")),
        sa.PrimaryKeyConstraint("adjustment_id", name="stock_adjustments_pkey"),
    )
    op.create_index("stock_adjustments_product", "stock_adjustments", ["product_id", "variant_id"], unique=False)
    op.create_table(
        "inventory",
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("variant_id", sa.Text(), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("available >= 0", name=op.f("inventory_available_not_negative")),
        sa.ForeignKeyConstraint(["product_id"], ["products.product_id"], name="inventory_product_id_fkey"),
        sa.PrimaryKeyConstraint("product_id", "variant_id", name="inventory_pkey"),
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "order_events",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.SmallInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("event_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("from_status", sa.SmallInteger(), nullable=False),
        sa.Column("to_status", sa.SmallInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("order_events_version_positive")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.order_id"], name="order_events_order_id_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("order_id", "version", name="order_events_pkey"),
    )
    op.create_table(
        "order_items",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=True),
        sa.Column("variant_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_price_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("order_items_quantity_positive")),
        sa.CheckConstraint(
            "total_price_minor = unit_price_minor * quantity", name=op.f("order_items_total_price_adds_up")
        ),
        sa.CheckConstraint("unit_price_minor >= 0", name=op.f("order_items_unit_price_not_negative")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.order_id"], name="order_items_order_id_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("order_id", "position", name="order_items_pkey"),
    )
    op.create_index(
        "order_items_product", "order_items", [sa.literal_column("coalesce(product_id, sku)"), "order_id"], unique=False
    )

    for table in ("orders", "order_events"):
        op.execute(f"ALTER TABLE {table} ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id()")
    op.create_index("order_events_xid", "order_events", ["xid"], unique=False)


def downgrade() -> None:
    for table in (
        "order_items",
        "order_events",
        "inventory",
        "stock_adjustments",
        "products",
        "orders",
        "idempotency_keys",
    ):
        op.drop_table(table)
    op.execute("DROP SEQUENCE order_numbers")
