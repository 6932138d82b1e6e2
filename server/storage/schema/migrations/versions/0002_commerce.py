"""Reserved stock, coupons, delivery zones, customers with their points, carts, payments, invoices and credit notes."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What orders hold that are pending, confirmed or processing: it is still on the shelf.
_FILL_RESERVED = """
    UPDATE inventory SET reserved = held.pieces
    FROM (
        SELECT product_id, variant_id, sum(quantity) AS pieces
        FROM order_items JOIN orders USING (order_id)
        WHERE product_id IS NOT NULL AND status IN (1, 2, 3)
        GROUP BY product_id, variant_id
    ) AS held
    WHERE inventory.product_id = held.product_id AND inventory.variant_id = held.variant_id"""

_REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % never change', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$"""
_DOCUMENTS_NEVER_CHANGE = """
CREATE TRIGGER documents_never_change BEFORE UPDATE OR DELETE ON documents
FOR EACH ROW EXECUTE FUNCTION refuse_change()"""


def upgrade() -> None:
    _reserve_stock()
    for name, key in (
        ("coupons", "code"),
        ("delivery_zones", "zone_id"),
        ("customers", "customer_id"),
        ("carts", "cart_id"),
    ):
        op.create_table(
            name,
            sa.Column(key, sa.Text(), nullable=False),
            sa.Column("snapshot", sa.LargeBinary(), nullable=False),
            sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
            sa.PrimaryKeyConstraint(key, name=f"{name}_pkey"),
        )
    op.create_index("carts_update_time", "carts", ["update_time"], unique=False)
    op.drop_index("stock_adjustments_product", "stock_adjustments")
    op.create_index("stock_adjustments_product", "stock_adjustments", ["product_id", "adjustment_id"], unique=False)
    op.create_table(
        "coupon_uses",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("coupon_uses_used_not_negative")),
        sa.PrimaryKeyConstraint("code", "customer_id", name="coupon_uses_pkey"),
    )
    _create_points()
    _create_payments()
    _create_documents()


def _reserve_stock() -> None:
    op.add_column("inventory", sa.Column("reserved", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.create_check_constraint(op.f("inventory_reserved_not_negative"), "inventory", "reserved >= 0")
    op.execute(_FILL_RESERVED)


def _create_points() -> None:
    op.create_table(
        "points_accounts",
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("balance >= 0", name=op.f("points_accounts_balance_not_negative")),
        sa.PrimaryKeyConstraint("customer_id", name="points_accounts_pkey"),
    )
    op.create_table(
        "points_entries",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("type", sa.SmallInteger(), nullable=False),
        sa.Column("delta", sa.BigInteger(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("entry_time", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("balance >= 0", name=op.f("points_entries_balance_not_negative")),
        sa.CheckConstraint("delta <> 0", name=op.f("points_entries_delta_not_zero")),
        sa.PrimaryKeyConstraint("entry_id", name="points_entries_pkey"),
    )
    op.create_index("points_entries_customer", "points_entries", ["customer_id", "entry_id"], unique=False)
    op.create_index(
        "points_entries_order",
        "points_entries",
        ["order_id"],
        unique=False,
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )


def _create_payments() -> None:
    op.create_table(
        "payments",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.SmallInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("refund_id", sa.Text(), nullable=False),
        sa.Column("event_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("payments_amount_not_negative")),
        sa.PrimaryKeyConstraint("provider", "event_id", name="payments_pkey"),
    )
    op.create_index("payments_order", "payments", ["order_id"], unique=False)


def _create_documents() -> None:
    op.create_table(
        "document_numbers",
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("last >= 0", name=op.f("document_numbers_last_not_negative")),
        sa.PrimaryKeyConstraint("prefix", "year", name="document_numbers_pkey"),
    )
    op.create_table(
        "documents",
        sa.Column("document_number", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("issue_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("snapshot", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("documents_number_positive")),
        sa.PrimaryKeyConstraint("document_number", name="documents_pkey"),
    )
    op.create_index("documents_order", "documents", ["order_id"], unique=False)
    op.create_index("documents_series_key", "documents", ["prefix", "year", "number"], unique=True)
    op.execute(_REFUSE_CHANGE)
    op.execute(_DOCUMENTS_NEVER_CHANGE)


def downgrade() -> None:
    for table in (
        "documents",
        "document_numbers",
        "payments",
        "points_entries",
        "points_accounts",
        "coupon_uses",
        "carts",
        "customers",
        "delivery_zones",
        "coupons",
    ):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_change()")
    op.drop_index("stock_adjustments_product", "stock_adjustments")
    op.create_index("stock_adjustments_product", "stock_adjustments", ["product_id", "variant_id"], unique=False)
    op.drop_column("inventory", "reserved")
