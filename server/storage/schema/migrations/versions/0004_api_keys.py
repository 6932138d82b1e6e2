"""API keys and registered client certificates."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("certificate_name", sa.Text),
        sa.Column("digest", sa.LargeBinary),
        sa.Column("previous_digest", sa.LargeBinary),
        sa.Column("used", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("last_use_time", sa.DateTime(timezone=True)),
        sa.Column("snapshot", sa.LargeBinary, nullable=False),
    )
    op.create_index("api_keys_certificate_name_key", "api_keys", ["certificate_name"], unique=True)


def downgrade() -> None:
    op.drop_table("api_keys")
