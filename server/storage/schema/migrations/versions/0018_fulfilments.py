"""The work queue of fulfilment."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0014"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    # `orders migrate` adds the orders that wait, and a background job those that the previous version confirms afterwards.
    op.create_table(
        "fulfilments",
        sa.Column("order_id", sa.Uuid(), sa.ForeignKey("orders.order_id", ondelete="CASCADE"), primary_key=True),
        sa.Column("order_number", sa.Text(), nullable=False),
        sa.Column("due_time", _TIME, nullable=False),
        sa.Column("delivery_method", sa.Text(), nullable=False),
        sa.Column("zone_id", sa.Text(), nullable=False),
        sa.Column("claim_id", sa.Uuid()),
        sa.Column("worker", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("claim_time", _TIME),
        sa.Column("expire_time", _TIME),
        sa.Column("claim_count", sa.Integer(), nullable=False, server_default=sa.text("0")),
    )
    offered, claimed = sa.text("expire_time IS NULL"), sa.text("expire_time IS NOT NULL")
    op.create_index("fulfilments_waiting", "fulfilments", ["due_time", "order_id"], postgresql_where=offered)
    op.create_index("fulfilments_expire_time", "fulfilments", ["expire_time"], postgresql_where=claimed)


def downgrade() -> None:
    op.drop_table("fulfilments")
