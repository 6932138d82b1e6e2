"""The feed's positions and consumers, and the index of open orders. `orders migrate` assigns the positions of existing events afterwards."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import UserDefinedType

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


class _PgSnapshot(UserDefinedType[str]):
    def get_col_spec(self, **_: object) -> str:
        return "pg_snapshot"


def upgrade() -> None:
    # Without a lock that writers would wait for. First, since it commits: if it is interrupted, it can be run again.
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS orders_open")
        op.create_index(
            "orders_open",
            "orders",
            ["create_time", "order_id"],
            postgresql_where=sa.text("status < 5"),
            postgresql_concurrently=True,
        )
    op.create_table(
        "feed",
        sa.Column("position", sa.BigInteger(), autoincrement=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="feed_pkey"),
    )
    op.create_index("feed_event_key", "feed", ["order_id", "version"], unique=True)
    op.create_table(
        "feed_state",
        sa.Column("singleton", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("snapshot", _PgSnapshot(), nullable=False),
        sa.Column("system_identifier", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("singleton", name="feed_state_pkey"),
        sa.CheckConstraint("singleton", name="one_row"),
    )
    op.create_table(
        "consumers",
        sa.Column("consumer_id", sa.Text(), primary_key=True),
        sa.Column("definition", sa.LargeBinary(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("unseen_by", sa.Text(), nullable=False),
        sa.Column("ack_time", sa.DateTime(timezone=True)),
        sa.Column("acked_by", sa.Text(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("position >= 0", name="position_not_negative"),
    )
    # The snapshot sees nothing, so every existing event still gets a position.
    op.execute(
        "INSERT INTO feed_state (position, snapshot, system_identifier) "
        "SELECT 0, '1:1:', system_identifier FROM pg_control_system()"
    )


def downgrade() -> None:
    op.drop_index("orders_open", "orders")
    op.drop_table("consumers")
    op.drop_table("feed_state")
    op.drop_table("feed")
