"""Queues deliveries of webhooks."""

from datetime import datetime
from typing import NamedTuple

from orders.v1.webhook_service_pb2 import WEBHOOK_DELIVERY_STATE_PENDING, WebhookDelivery
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from server.storage import sql
from server.storage.projections import datetime_of
from server.storage.schema.webhook_tables import webhook_deliveries


class DeliveryRow(NamedTuple):
    """A delivery that waits for its first attempt."""

    delivery_id: str
    endpoint_id: str
    order_id: str | None
    version: int
    event_type: str
    state: int
    attempts: int
    next_time: datetime
    create_time: datetime


DELIVERY_COLUMNS = sql.columns_for(webhook_deliveries, DeliveryRow, without={"lease_id", "end_time"})
_rows = sql.rows(DELIVERY_COLUMNS)

# An endpoint gets a change once, however often the change is read.
INSERT_DELIVERIES = sql.compiled(
    insert(webhook_deliveries)
    .from_select([column.name for column in DELIVERY_COLUMNS], select(*_rows.c))
    .on_conflict_do_nothing()
)


def delivery_row(delivery: WebhookDelivery) -> DeliveryRow:
    """The row of a delivery that waits for its first attempt."""
    time = datetime_of(delivery.create_time)
    return DeliveryRow(
        delivery.delivery_id,
        delivery.endpoint_id,
        delivery.order_id or None,
        delivery.version,
        delivery.event_type,
        WEBHOOK_DELIVERY_STATE_PENDING,
        0,
        time,
        time,
    )


def _delete(condition: str) -> sql.Statement:
    return sql.Statement(
        f"""
WITH old AS (
    SELECT delivery_id FROM webhook_deliveries AS delivery WHERE {condition} LIMIT %(limit)s::bigint FOR UPDATE SKIP LOCKED
), attempts AS (
    DELETE FROM webhook_attempts USING old WHERE webhook_attempts.delivery_id = old.delivery_id
)
DELETE FROM webhook_deliveries USING old WHERE webhook_deliveries.delivery_id = old.delivery_id"""
    )


DELETE_OLD_DELIVERIES = _delete("end_time < %(before)s")
_of_none = "NOT EXISTS (SELECT FROM webhook_endpoints WHERE webhook_endpoints.endpoint_id = delivery.endpoint_id)"
DELETE_ORPHANED_DELIVERIES = _delete(f"{_of_none} AND %(before)s::timestamptz IS NOT NULL")
