"""The values that events record, in a part of the event that can be erased."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Servers of the previous version record events without them.
    op.add_column("order_events", sa.Column("event_values", sa.LargeBinary()))
    op.add_column("order_events", sa.Column("salt", sa.LargeBinary()))


def downgrade() -> None:
    op.drop_column("order_events", "salt")
    op.drop_column("order_events", "event_values")
