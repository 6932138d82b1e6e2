"""Webhook endpoints, their deliveries and attempts, and the position in the feed up to which deliveries are queued."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "webhook_endpoints",
        sa.Column("endpoint_id", sa.Text(), primary_key=True),
        sa.Column("snapshot", sa.LargeBinary(), nullable=False),
        sa.Column("update_time", _TIME, nullable=False),
        sa.Column("paced_until", _TIME),
        sa.Column("failing_since", _TIME),
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("delivery_id", sa.Uuid(), primary_key=True),
        sa.Column("endpoint_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid()),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_time", _TIME),
        sa.Column("lease_id", sa.Uuid()),
        sa.Column("create_time", _TIME, nullable=False),
        sa.Column("end_time", _TIME),
    )
    table = "webhook_deliveries"
    op.create_index(f"{table}_change_key", table, ["endpoint_id", "order_id", "version"], unique=True)
    due = ["endpoint_id", "next_time", "delivery_id"]
    op.create_index(f"{table}_due", table, due, postgresql_where=sa.text("state = 1"))
    leased = sa.text("lease_id IS NOT NULL")
    op.create_index(f"{table}_leased", table, ["endpoint_id", "next_time"], postgresql_where=leased)
    op.create_index(f"{table}_endpoint", table, ["endpoint_id", "delivery_id"])
    op.create_index(f"{table}_ended", table, ["end_time"], postgresql_where=sa.text("end_time IS NOT NULL"))
    op.create_table(
        "webhook_attempts",
        sa.Column("delivery_id", sa.Uuid(), primary_key=True),
        sa.Column("attempt_time", _TIME, primary_key=True),
        sa.Column("attempt", sa.LargeBinary(), nullable=False),
    )
    # Also while the feed still gets positions for existing events: endpoints only get changes from their creation on.
    op.execute(
        "INSERT INTO consumers (consumer_id, definition, position, unseen_by, acked_by, create_time) "
        "SELECT 'orders.webhooks', '', position, '', '', now() FROM feed_state"
    )


def downgrade() -> None:
    op.execute("DELETE FROM consumers WHERE consumer_id = 'orders.webhooks'")
    for table in ("webhook_attempts", "webhook_deliveries", "webhook_endpoints"):
        op.drop_table(table)
