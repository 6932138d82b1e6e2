"""Of imported orders the hash of what their source sent last."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("sent_hash", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("orders", "sent_hash")
