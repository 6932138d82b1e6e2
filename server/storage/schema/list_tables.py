"""The tables that lists of orders look into: where orders were before they changed, and what few orders have."""

from sqlalchemy import DDL, BigInteger, Column, DateTime, Index, LargeBinary, Table, Text, Uuid, event, func

from server.storage.schema.tables import Xid8, metadata

# The positions in lists that orders had before their changes: a list finds an order where it was when the list began, however
# much has changed since. A trigger on `orders` writes them. Rows are only inserted.
past_positions = Table(
    "past_positions",
    metadata,
    Column("order_id", Uuid, nullable=False),
    Column("currency", Text, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("update_time", DateTime(timezone=True), nullable=False),
    # The transactions that wrote the position and replaced it: a snapshot that sees only the first finds the order here.
    Column("written_xid", Xid8, nullable=False),
    Column("replaced_xid", Xid8, nullable=False, server_default=func.pg_current_xact_id()),
)
Index("past_positions_update_time", past_positions.c.update_time, past_positions.c.order_id)
Index("past_positions_total", past_positions.c.currency, past_positions.c.total_minor, past_positions.c.order_id)

_KEEP_POSITION = DDL(  # type: ignore[no-untyped-call]
    """
CREATE FUNCTION keep_position() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO past_positions (order_id, currency, total_minor, update_time, written_xid)
    VALUES (OLD.order_id, OLD.currency, OLD.total_minor, OLD.update_time, OLD.xid);
    RETURN NULL;
END $$"""
)
_ORDERS_KEEP_POSITION = DDL(  # type: ignore[no-untyped-call]
    """
CREATE TRIGGER orders_keep_position AFTER UPDATE OF xid ON orders
FOR EACH ROW WHEN (OLD.xid <> NEW.xid) EXECUTE FUNCTION keep_position()"""
)
event.listen(past_positions, "after_create", _KEEP_POSITION)
event.listen(metadata, "after_create", _ORDERS_KEEP_POSITION)

# The values that few orders have, as `storage/order_terms.py` makes them: an order without any has no row here, and costs nothing.
# It does not refer to the orders, which would be looked up again for each row: orders are never deleted.
order_terms = Table(
    "order_terms",
    metadata,
    Column("term", LargeBinary, primary_key=True),
    Column("order_id", Uuid, primary_key=True),
)
