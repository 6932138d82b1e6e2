"""Rows into messages."""

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from orders.v1 import order_pb2

from benchmarks.baselines.straightforward.models import Order


def money(minor: int, currency: str) -> Money:
    units, cents = divmod(minor, 100)
    return Money(currency_code=currency, units=units, nanos=cents * 10_000_000)


def minor(amount: Money) -> int:
    return int(amount.units * 100 + amount.nanos // 10_000_000)


def order_message(order: Order) -> order_pb2.Order:
    created, updated = Timestamp(), Timestamp()
    created.FromDatetime(order.create_time)
    updated.FromDatetime(order.update_time)
    total = money(order.total_minor, order.currency)
    return order_pb2.Order(
        order_id=str(order.order_id),
        order_number=f"ORD-{order.create_time.year}-{order.number:06d}",
        source=order.source,
        external_order_id=order.external_order_id,
        customer=order_pb2.Customer(
            customer_id=order.customer_id,
            name=order.customer_name,
            email=order.customer_email,
            phone=order.customer_phone,
        ),
        status=order.status,
        payment_status=order.payment_status,
        items=[
            order_pb2.OrderItem(
                item_id=str(item.position + 1),
                product_id=item.product_id,
                sku=item.sku,
                name=item.name,
                quantity=item.quantity,
                unit_price=money(item.unit_price_minor, order.currency),
                total_price=money(item.unit_price_minor * item.quantity, order.currency),
            )
            for item in order.items
        ],
        shipping_address=order_pb2.Address(
            name=order.name,
            street=order.street,
            city=order.city,
            state=order.state,
            postal_code=order.postal_code,
            country=order.country,
        ),
        pricing=order_pb2.Pricing(subtotal=total, total=total),
        etag=str(order.version),
        version=order.version,
        create_time=created,
        update_time=updated,
    )
