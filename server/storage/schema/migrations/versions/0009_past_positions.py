"""The positions in lists that orders had before their changes.

Creating the trigger waits for running changes of orders and holds up new ones for some milliseconds. No row is rewritten.
"""

import sqlalchemy as sa
from alembic import op

from server.storage.schema.tables import Xid8

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_KEEP_POSITION = """
CREATE FUNCTION keep_position() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO past_positions (order_id, currency, total_minor, update_time, written_xid)
    VALUES (OLD.order_id, OLD.currency, OLD.total_minor, OLD.update_time, OLD.xid);
    RETURN NULL;
END $$"""
_ORDERS_KEEP_POSITION = """
CREATE TRIGGER orders_keep_position AFTER UPDATE OF xid ON orders
FOR EACH ROW WHEN (OLD.xid <> NEW.xid) EXECUTE FUNCTION keep_position()"""
# The servers that run while this does write through the trigger, too.
_GRANT = """
DO $$
DECLARE role_name text;
BEGIN
    FOR role_name IN
        SELECT grantee FROM information_schema.role_table_grants
        WHERE table_schema = current_schema AND table_name = 'orders' AND privilege_type = 'UPDATE'
            AND grantee NOT IN ('PUBLIC', current_user)
    LOOP
        EXECUTE format('GRANT SELECT, INSERT ON past_positions TO %I', role_name);
    END LOOP;
END $$"""


def upgrade() -> None:
    op.create_table(
        "past_positions",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("written_xid", Xid8(), nullable=False),
        sa.Column("replaced_xid", Xid8(), nullable=False, server_default=sa.func.pg_current_xact_id()),
    )
    op.create_index("past_positions_update_time", "past_positions", ["update_time", "order_id"])
    op.create_index("past_positions_total", "past_positions", ["currency", "total_minor", "order_id"])
    op.execute(_GRANT)
    op.execute(_KEEP_POSITION)
    op.execute(_ORDERS_KEEP_POSITION)


def downgrade() -> None:
    op.execute("DROP TRIGGER orders_keep_position ON orders")
    op.execute("DROP FUNCTION keep_position()")
    op.drop_table("past_positions")
