"""Indexes for the lists of invoices, payments and refunds by time."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    requested = sa.text("type = 7")
    # Concurrently, because orders are written at the same time.
    with op.get_context().autocommit_block():
        for name, table, columns, where in (
            ("payments_event_time", "payments", ["event_time", "order_id"], None),
            ("documents_issue_time", "documents", ["issue_time", "document_number"], None),
            ("order_events_refunds", "order_events", ["event_time", "order_id"], requested),
        ):
            op.drop_index(name, table, if_exists=True)
            op.create_index(name, table, columns, postgresql_where=where, postgresql_concurrently=True)


def downgrade() -> None:
    op.drop_index("order_events_refunds", "order_events")
    op.drop_index("documents_issue_time", "documents")
    op.drop_index("payments_event_time", "payments")
