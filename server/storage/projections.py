"""The rows that a message stands for. The one place that says which column holds what."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.order_pb2 import Order, OrderEvent

from server.domain.money import minor_of

Row = tuple[Any, ...]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def datetime_of(time: Timestamp) -> datetime:
    return _datetime(time.seconds, time.nanos)


@lru_cache(maxsize=1024)
def _datetime(seconds: int, nanos: int) -> datetime:
    return _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)


def timestamp_of(time: datetime) -> Timestamp:
    """The message, with the microseconds that the database keeps."""
    timestamp = Timestamp()
    timestamp.FromDatetime(time)
    return timestamp


def order_row(order: Order, snapshot: bytes) -> Row:
    """The row of `orders`, in the order of its columns, without the transaction id."""
    total = order.pricing.total
    return (
        order.order_id,
        order.order_number,
        order.source,
        order.external_order_id,
        order.customer.customer_id,
        order.status,
        order.payment_status,
        total.currency_code,
        minor_of(total),
        order.version,
        datetime_of(order.create_time),
        datetime_of(order.update_time),
        snapshot,
    )


def item_rows(order: Order) -> list[Row]:
    """The rows of `order_items`, in the order of its columns."""
    order_id = order.order_id
    return [
        (
            order_id,
            position,
            item.item_id,
            item.product_id or None,
            item.variant_id,
            item.sku,
            item.quantity,
            minor_of(item.unit_price),
            minor_of(item.total_price),
        )
        for position, item in enumerate(order.items)
    ]


def event_row(order: Order, event: OrderEvent) -> Row:
    """The row of `order_events`; `order` is the order after the event."""
    return (
        event.order_id,
        event.version,
        event.type,
        event.actor,
        event.request_id,
        datetime_of(event.event_time),
        event.from_status,
        event.to_status,
        minor_of(order.pricing.total),
        event.SerializeToString(),
    )
