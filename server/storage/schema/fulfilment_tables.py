"""The table of fulfilment's work queue."""

from sqlalchemy import Column, DateTime, ForeignKey, Index, Integer, Table, Text, Uuid, text

from server.storage.schema.tables import inventory, metadata, orders

# The orders that workers may claim. `due_time`, `delivery_method` and `zone_id` follow from the order; the rest is the claim.
fulfilments = Table(
    "fulfilments",
    metadata,
    Column("order_id", ForeignKey(orders.c.order_id, ondelete="CASCADE"), primary_key=True),
    Column("order_number", Text, nullable=False),
    Column("due_time", DateTime(timezone=True), nullable=False),
    Column("delivery_method", Text, nullable=False),
    Column("zone_id", Text, nullable=False),
    # The last claim. It counts until another worker claims the order.
    Column("claim_id", Uuid),
    Column("worker", Text, nullable=False, server_default=text("''")),
    Column("claim_time", DateTime(timezone=True)),
    # Until when the order is not offered: the end of a lease, or of the delay with which the order was given back.
    Column("expire_time", DateTime(timezone=True)),
    Column("claim_count", Integer, nullable=False, server_default=text("0")),
)
Index(
    "fulfilments_waiting",
    fulfilments.c.due_time,
    fulfilments.c.order_id,
    postgresql_where=text("expire_time IS NULL"),
)
Index("fulfilments_expire_time", fulfilments.c.expire_time, postgresql_where=text("expire_time IS NOT NULL"))
# The stock that orders wait for.
Index(
    "inventory_awaited",
    inventory.c.product_id,
    inventory.c.variant_id,
    postgresql_where=text("awaited > 0"),
)
