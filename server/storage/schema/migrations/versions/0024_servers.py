"""The processes of the service, and settings that are changed at run time."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0020"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "servers",
        sa.Column("server_id", sa.Text(), primary_key=True),
        sa.Column("heartbeat_time", _TIME, nullable=False),
        sa.Column("snapshot", sa.LargeBinary(), nullable=False),
        prefixes=["UNLOGGED"],
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "runtime_settings",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("snapshot", sa.LargeBinary(), nullable=False),
        sa.Column("update_time", _TIME, nullable=False),
    )


def downgrade() -> None:
    for table in ("runtime_settings", "servers"):
        op.drop_table(table)
