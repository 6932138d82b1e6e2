"""Hashes that chain the events of each order, and the last one in the order."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# The fields of the hashes, tag and length: what is appended to a serialized message is set in it.
_EVENT_FIELD = r"'\x6a20'::bytea"
_ORDER_FIELD = r"'\xfa0120'::bytea"

# As an aggregate over a window it goes through each order's events once, in the order of their versions.
_CREATE_LINK = """
CREATE FUNCTION pg_temp.link(previous bytea, event bytea) RETURNS bytea
IMMUTABLE STRICT LANGUAGE sql AS 'SELECT sha256(previous || event)'"""
_CREATE_CHAIN = rf"""
CREATE AGGREGATE pg_temp.chain(bytea) (
    SFUNC = pg_temp.link, STYPE = bytea, INITCOND = '\x{"00" * 32}'
)"""

# The transaction ids stay, because lists use them to detect changed orders, and no order has changed.
_CHAIN_EVENTS = f"""
UPDATE order_events SET event = order_events.event || {_EVENT_FIELD} || chained.hash
FROM (
    SELECT order_id, version, pg_temp.chain(event) OVER (PARTITION BY order_id ORDER BY version) AS hash
    FROM order_events
) AS chained
WHERE order_events.order_id = chained.order_id AND order_events.version = chained.version"""
_SET_LAST_HASHES = f"""
UPDATE orders SET snapshot = snapshot || {_ORDER_FIELD} || substring(event FROM octet_length(event) - 31)
FROM order_events
WHERE order_events.order_id = orders.order_id AND order_events.version = orders.version"""

_UNCHAIN_EVENTS = f"""
UPDATE order_events SET event = substring(event FOR octet_length(event) - 34)
WHERE substring(event FROM octet_length(event) - 33 FOR 2) = {_EVENT_FIELD}"""
_UNSET_LAST_HASHES = f"""
UPDATE orders SET snapshot = substring(snapshot FOR octet_length(snapshot) - 35)
WHERE substring(snapshot FROM octet_length(snapshot) - 34 FOR 3) = {_ORDER_FIELD}"""


def upgrade() -> None:
    # No event may be recorded between the two.
    op.execute("LOCK TABLE orders, order_events IN EXCLUSIVE MODE")
    for statement in (_CREATE_LINK, _CREATE_CHAIN, _CHAIN_EVENTS, _SET_LAST_HASHES):
        op.execute(statement)
    op.execute("DROP AGGREGATE pg_temp.chain(bytea)")
    op.execute("DROP FUNCTION pg_temp.link(bytea, bytea)")


def downgrade() -> None:
    op.execute(_UNCHAIN_EVENTS)
    op.execute(_UNSET_LAST_HASHES)
