"""The tables of the change feed."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)

from server.storage.schema.tables import PgSnapshot, metadata

# The order of all events: an index of the history that the sequencer appends to. Positions start at 1 and are dense.
feed = Table(
    "feed",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("order_id", Uuid, nullable=False),
    Column("version", BigInteger, nullable=False),
)
Index("feed_event_key", feed.c.order_id, feed.c.version, unique=True)

# One row: the last position, the snapshot of the database whose events have positions, and the cluster that it is a snapshot of.
feed_state = Table(
    "feed_state",
    metadata,
    Column("singleton", Boolean, primary_key=True, server_default=text("true")),
    Column("position", BigInteger, nullable=False),
    Column("snapshot", PgSnapshot, nullable=False),
    Column("system_identifier", BigInteger, nullable=False),
    CheckConstraint("singleton", name="one_row"),
)

# Durable consumers of the feed: what they want, and how far they have acknowledged it.
consumers = Table(
    "consumers",
    metadata,
    Column("consumer_id", Text, primary_key=True),
    # The filter and the event types, as a message.
    Column("definition", LargeBinary, nullable=False),
    Column("position", BigInteger, nullable=False),
    # A snapshot of the database that saw changes after the position, which the consumer has from a list; empty otherwise.
    Column("unseen_by", Text, nullable=False),
    Column("ack_time", DateTime(timezone=True)),
    Column("acked_by", Text, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    CheckConstraint("position >= 0", name="position_not_negative"),
)
