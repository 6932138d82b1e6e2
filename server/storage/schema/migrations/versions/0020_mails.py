"""Mails: their queue, and the record of those that were sent."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0018"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "mails",
        sa.Column("mail_id", sa.Text(), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid()),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("endpoint_id", sa.Text()),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_time", _TIME),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("create_time", _TIME, nullable=False),
        sa.Column("end_time", _TIME),
    )
    op.create_index("mails_due", "mails", ["next_time", "version"], postgresql_where=sa.text("state = 1"))
    op.create_index("mails_ended", "mails", ["end_time"], postgresql_where=sa.text("end_time IS NOT NULL"))


def downgrade() -> None:
    op.drop_table("mails")
