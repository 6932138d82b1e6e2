"""The statements that read stored events for the write path."""

from sqlalchemy import BigInteger, Column, Text, Uuid, cast, func, select

from server.storage import sql
from server.storage.schema.tables import STORED_EVENT, order_events

READ_STORED_EVENTS = sql.compiled(
    select(cast(order_events.c.order_id, Text), order_events.c.version, *STORED_EVENT)
    .where(order_events.c.order_id == func.any(sql.array("order_ids", Uuid())))
    .order_by(order_events.c.order_id, order_events.c.version)
)

_since = sql.rows([Column("order_ids", Uuid()), Column("versions", BigInteger())])
READ_LATER_EVENTS = sql.compiled(
    select(cast(order_events.c.order_id, Text), *STORED_EVENT)
    .join(_since, (order_events.c.order_id == _since.c.order_ids) & (order_events.c.version > _since.c.versions))
    .order_by(order_events.c.order_id, order_events.c.version)
)
