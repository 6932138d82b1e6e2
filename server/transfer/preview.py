"""The first orders of a dry run, as they would be stored."""

from collections.abc import Iterator, Sequence

from google.type.money_pb2 import Money
from orders.v1.order_pb2 import Order, OrderItem, OrderStatus, PaymentStatus
from orders.v1.order_service_pb2 import UpsertOutcome, UpsertResult

from server.transfer.values import decimal_text

_AMOUNTS = ("subtotal", "tax", "shipping", "installation", "discount", "loyalty_points_value", "total", "included_tax")
_ITEMS = 3


def preview_text(preview: Sequence[tuple[int, UpsertResult]]) -> str:
    """The orders, each with its line in the file."""
    return "\n".join(text for line, result in preview for text in _texts(line, result))


def _texts(line: int, result: UpsertResult) -> Iterator[str]:
    order, outcome = result.order, UpsertOutcome.Name(result.outcome).removeprefix("UPSERT_OUTCOME_").lower()
    yield f"line {line}: {order.external_order_id} would be {outcome}{_placed(order)}"
    yield f"    {_statuses(order)}; {_customer(order)}"
    yield from (f"    {_item(item)}" for item in order.items[:_ITEMS])
    if len(order.items) > _ITEMS:
        yield f"    and {len(order.items) - _ITEMS:,} more lines"
    amounts = ((name, getattr(order.pricing, name)) for name in _AMOUNTS)
    said = [f"{name.replace('_', ' ')} {_amount(money)}" for name, money in amounts if money.units or money.nanos]
    yield f"    {', '.join(said) or 'total 0'} {order.pricing.total.currency_code}"
    yield from (f"    warning: {warning}" for warning in result.warnings)


def _placed(order: Order) -> str:
    return f", placed {order.order_time.ToJsonString()}" if order.HasField("order_time") else ""


def _statuses(order: Order) -> str:
    status = OrderStatus.Name(order.status).removeprefix("ORDER_STATUS_")
    payment = PaymentStatus.Name(order.payment_status).removeprefix("PAYMENT_STATUS_")
    back = order.payment.refunded_amount
    return f"{status}, {payment}" + (f", {_amount(back)} refunded" if back.units or back.nanos else "")


def _customer(order: Order) -> str:
    customer, address = order.customer, order.shipping_address
    said = [customer.name, customer.email, address.street, address.postal_code, address.city, address.country]
    return ", ".join(filter(None, said)) or "no customer"


def _item(item: OrderItem) -> str:
    return f"{item.quantity} × {item.sku} {item.name} at {_amount(item.unit_price)}"


def _amount(money: Money) -> str:
    return decimal_text(money.units, money.nanos)
