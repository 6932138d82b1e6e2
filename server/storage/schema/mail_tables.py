"""The table of mails: their queue, and the record of those that were sent."""

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, SmallInteger, Table, Text, Uuid, text

from server.storage.schema.tables import metadata

# It has no addresses. A pending mail is due at `next_time`; the process that sends it sets that to a later time.
mails = Table(
    "mails",
    metadata,
    Column("mail_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    # The order and its version that the mail is about, or the webhook endpoint.
    Column("order_id", Uuid),
    Column("version", BigInteger, nullable=False),
    Column("endpoint_id", Text),
    Column("state", SmallInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_time", DateTime(timezone=True)),
    # Why the last attempt failed.
    Column("cause", Text, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("end_time", DateTime(timezone=True)),
)
Index("mails_due", mails.c.next_time, mails.c.version, postgresql_where=text("state = 1"))
Index("mails_ended", mails.c.end_time, postgresql_where=text("end_time IS NOT NULL"))
