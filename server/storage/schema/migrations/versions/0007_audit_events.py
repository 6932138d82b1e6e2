"""Audit events: who changed a resource, beginning with API keys."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_events",
        sa.Column("event_id", sa.Uuid(), primary_key=True),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("event_time", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("audit_events_resource", "audit_events", ["resource", "event_time", "event_id"])
    op.create_index("audit_events_event_time", "audit_events", ["event_time", "event_id"])


def downgrade() -> None:
    op.drop_table("audit_events")
