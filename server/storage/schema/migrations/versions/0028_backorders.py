"""The pieces that orders wait for."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Servers of the previous version sell nothing beyond the stock, and leave it at 0.
    op.add_column("inventory", sa.Column("awaited", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    with op.get_context().autocommit_block():
        op.create_index(
            "inventory_awaited",
            "inventory",
            ["product_id", "variant_id"],
            postgresql_where=sa.text("awaited > 0"),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    op.drop_index("inventory_awaited", "inventory")
    op.drop_column("inventory", "awaited")
