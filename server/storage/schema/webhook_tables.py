"""The tables of webhooks. That of deliveries is their queue."""

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, LargeBinary, SmallInteger, Table, Text, Uuid, text

from server.storage.schema.tables import metadata

# `snapshot` is the message with its secrets; the other columns change with the attempts.
webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("endpoint_id", Text, primary_key=True),
    Column("snapshot", LargeBinary, nullable=False),
    Column("update_time", DateTime(timezone=True), nullable=False),
    # The time until which the sent requests use up the endpoint's rate, or until which the endpoint is paused.
    Column("paced_until", DateTime(timezone=True)),
    # The time of the first failure since the last success.
    Column("failing_since", DateTime(timezone=True)),
    # Each group of attempts may update a row, in place.
    postgresql_with={"fillfactor": 50},
)

# A change for an endpoint. A pending delivery is due at `next_time`. An attempt takes a lease, and sets that to the lease's end.
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("delivery_id", Uuid, primary_key=True),
    Column("endpoint_id", Text, nullable=False),
    # None for a test.
    Column("order_id", Uuid),
    Column("version", BigInteger, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_time", DateTime(timezone=True)),
    Column("lease_id", Uuid),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("end_time", DateTime(timezone=True)),
)
_pending = text("state = 1")
Index(
    "webhook_deliveries_change_key",
    webhook_deliveries.c.endpoint_id,
    webhook_deliveries.c.order_id,
    webhook_deliveries.c.version,
    unique=True,
)
Index(
    "webhook_deliveries_due",
    webhook_deliveries.c.endpoint_id,
    webhook_deliveries.c.next_time,
    webhook_deliveries.c.delivery_id,
    postgresql_where=_pending,
)
Index(
    "webhook_deliveries_leased",
    webhook_deliveries.c.endpoint_id,
    webhook_deliveries.c.next_time,
    postgresql_where=text("lease_id IS NOT NULL"),
)
Index("webhook_deliveries_endpoint", webhook_deliveries.c.endpoint_id, webhook_deliveries.c.delivery_id)
Index(
    "webhook_deliveries_ended",
    webhook_deliveries.c.end_time,
    postgresql_where=text("end_time IS NOT NULL"),
)

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    Column("delivery_id", Uuid, primary_key=True),
    Column("attempt_time", DateTime(timezone=True), primary_key=True),
    # The attempt as a message.
    Column("attempt", LargeBinary, nullable=False),
)
