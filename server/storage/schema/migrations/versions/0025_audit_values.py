"""Audit events of all resources, with the values before and after."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Servers of the previous version record events without them.
    for name, kind in (("owner", sa.Text()), ("before", sa.LargeBinary()), ("after", sa.LargeBinary())):
        op.add_column("audit_events", sa.Column(name, kind, nullable=False, server_default=sa.text("''")))
    op.create_index("audit_events_actor", "audit_events", ["actor", "event_time", "event_id"])


def downgrade() -> None:
    op.drop_index("audit_events_actor", "audit_events")
    for name in ("after", "before", "owner"):
        op.drop_column("audit_events", name)
