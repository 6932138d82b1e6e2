"""Indexes for the lists of invoices, payments and refunds by time."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("payments_event_time", "payments", ["event_time", "order_id"])
    op.create_index("documents_issue_time", "documents", ["issue_time", "document_number"])
    requested = sa.text("type = 7")
    op.create_index("order_events_refunds", "order_events", ["event_time", "order_id"], postgresql_where=requested)


def downgrade() -> None:
    op.drop_index("order_events_refunds", "order_events")
    op.drop_index("documents_issue_time", "documents")
    op.drop_index("payments_event_time", "payments")
