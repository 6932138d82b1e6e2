"""The statements that give events their positions in the feed. `orders migrate` and the sequencer run the same ones.

An event is new if the stored snapshot does not see it: if its transaction began after the snapshot, or was still running. Both are
looked up by transaction id. A transaction that stays open elsewhere costs one lookup and delays nothing.
"""

_LATER = "xid >= pg_snapshot_xmax(feed_state.snapshot)"

# A row if events are committed that have no position yet.
PENDING = f"""
SELECT 1 FROM feed_state, LATERAL (SELECT FROM order_events WHERE {_LATER} ORDER BY xid LIMIT 1) AS later
UNION ALL (
    SELECT 1 FROM feed_state, pg_snapshot_xip(feed_state.snapshot) AS running,
        LATERAL (SELECT FROM order_events WHERE xid = running LIMIT 1) AS earlier
    LIMIT 1
)"""

# Not those of a dump of another cluster, whose snapshot means nothing here.
_OWN = "feed_state.system_identifier = (SELECT system_identifier FROM pg_control_system())"

# Keeps out another sequencer, should two run by mistake.
LOCK = "SELECT FROM feed_state FOR UPDATE"

# The snapshot and the events come from one statement, so that no event falls between them. Events are in the order of their times,
# those of one order always by version. An event with a position keeps it, regardless of its transaction id. Returns no row and
# does nothing if the feed is another cluster's.
ASSIGN = f"""
WITH unseen AS (
    SELECT later.* FROM feed_state, LATERAL (
        SELECT order_id, version, event_time FROM order_events WHERE {_LATER} OFFSET 0
    ) AS later WHERE {_OWN}
    UNION ALL
    SELECT earlier.* FROM feed_state, pg_snapshot_xip(feed_state.snapshot) AS running, LATERAL (
        SELECT order_id, version, event_time FROM order_events WHERE xid = running OFFSET 0
    ) AS earlier WHERE {_OWN}
), timed AS (
    SELECT order_id, version, max(event_time) OVER (PARTITION BY order_id ORDER BY version) AS time
    FROM unseen
    WHERE NOT EXISTS (
        SELECT FROM feed WHERE feed.order_id = unseen.order_id AND feed.version = unseen.version
    )
), added AS (
    INSERT INTO feed (position, order_id, version)
    SELECT feed_state.position + row_number() OVER (ORDER BY time, order_id, version), order_id, version
    FROM feed_state, timed
    RETURNING position
)
UPDATE feed_state
SET position = feed_state.position + (SELECT count(*) FROM added), snapshot = pg_current_snapshot()
WHERE {_OWN}
RETURNING (SELECT count(*) FROM added)"""

# Of a dump of another cluster: the snapshot sees nothing, so that every event without a position gets one.
ADOPT = """
UPDATE feed_state
SET snapshot = '1:1:', system_identifier = (SELECT system_identifier FROM pg_control_system())
WHERE :restored OR system_identifier <> (SELECT system_identifier FROM pg_control_system())"""

IS_FOREIGN = """
SELECT EXISTS (
    SELECT FROM feed_state WHERE system_identifier <> (SELECT system_identifier FROM pg_control_system())
)"""
