"""What an order costs, as a pure function of its lines."""

from collections.abc import Iterable

from orders.v1.order_pb2 import Order, OrderItem

from server.domain.catalog import Offer
from server.domain.errors import invalid_field
from server.domain.money import MAX_MINOR, from_minor


def add_line(order: Order, offer: Offer, *, quantity: int, item_id: str, field: str) -> OrderItem:
    """Appends a line at the offer's price; `field` is the line's path in the request."""
    total = offer.unit_minor * quantity
    if total > MAX_MINOR:
        raise invalid_field(f"{field}.quantity", "makes the line's total too large")
    item = order.items.add()
    item.CopyFrom(offer.line)
    item.item_id = item_id
    item.quantity = quantity
    item.total_price.CopyFrom(from_minor(total, offer.currency))
    return item


def price(order: Order, offers: Iterable[Offer], *, field: str) -> None:
    """Sums the order's lines, which were added from `offers` one for one, into its pricing."""
    subtotal = installation = pieces = 0
    currency = ""
    for index, (item, offer) in enumerate(zip(order.items, offers, strict=True)):
        if currency and offer.currency != currency:
            text = f"is priced in {offer.currency}, the lines before in {currency}; an order has one currency"
            raise invalid_field(f"{field}[{index}].product_id", text)
        currency = offer.currency
        pieces += item.quantity
        subtotal += offer.unit_minor * item.quantity
        installation += offer.installation_minor * item.quantity
    total = subtotal + installation
    if total > MAX_MINOR:
        raise invalid_field(field, "the order's total is too large")
    order.total_quantity = pieces
    order.installation.required = any(item.requires_installation for item in order.items)
    zero = from_minor(0, currency)
    pricing = order.pricing
    pricing.subtotal.CopyFrom(from_minor(subtotal, currency))
    pricing.tax.CopyFrom(zero)
    pricing.shipping.CopyFrom(zero)
    pricing.discount.CopyFrom(zero)
    pricing.installation.CopyFrom(from_minor(installation, currency))
    pricing.total.CopyFrom(from_minor(total, currency))
