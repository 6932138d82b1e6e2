"""Composes mails: recipient, language and contents."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, NamedTuple

from google.type.money_pb2 import Money
from orders.v1.invoice_pb2 import Invoice
from orders.v1.order_pb2 import (
    PAYMENT_STATUS_REFUND_DUE,
    SHIPPING_STATUS_PARTIALLY_SHIPPED,
    Order,
    OrderEvent,
    Pricing,
)
from orders.v1.shipment_pb2 import Shipment
from orders.v1.webhook_service_pb2 import WEBHOOK_DISABLE_CAUSE_GONE, WebhookEndpoint

from server.mail.kinds import ENDPOINT_DISABLED
from server.mail.rendering import Renderer

# A line length for any Message-ID: some clients cannot read a folded one.
_POLICY = SMTP.clone(max_line_length=400)
# Mails that list the order's lines.
_WITH_LINES = ("order_received", "order_confirmed")
# Countries are written as codes or as names.
_COUNTRIES = {"GERMANY": "DE", "DEUTSCHLAND": "DE", "AUSTRIA": "AT", "ÖSTERREICH": "AT"}


class NoRecipient(Exception):
    """The order has no email address, for example because it was erased, or the endpoint no longer exists."""


class BadAddress(Exception):
    """The email address is invalid."""


class Subject(NamedTuple):
    """The subject of a mail: an order and a change, or a webhook endpoint."""

    kind: str
    order: Order
    event: OrderEvent
    # Set only for mails about them.
    invoice: Invoice | None = None
    endpoint: WebhookEndpoint | None = None


class Sender(NamedTuple):
    """The address that mails come from, and that of the operator."""

    address: Address
    operator: str


class Composer:
    """Composes a mail from its subject."""

    def __init__(self, renderer: Renderer, sender: Sender, languages: Mapping[str, str]) -> None:
        """`languages` has the language of each country, and the default for ''."""
        self._renderer, self._sender, self._languages = renderer, sender, languages

    def compose(self, mail_id: str, subject: Subject) -> EmailMessage:
        """The mail. Raises NoRecipient, BadAddress and RenderingError."""
        message = EmailMessage(_POLICY)
        message["From"] = self._sender.address
        message["To"] = self._recipient(subject)
        message["Message-ID"] = f"<{mail_id}@{self._sender.address.domain}>"
        message["Date"] = format_datetime(datetime.now(UTC))
        message["Auto-Submitted"] = "auto-generated"
        language = self._language(subject.order)
        self._render(message, subject, language)
        # Last, because it would otherwise move to the first part.
        message["Content-Language"] = language
        return message

    def _render(self, message: EmailMessage, subject: Subject, language: str) -> None:
        values = self._values(subject)
        rendered = self._renderer.render(subject.kind, language, values)
        message["Subject"] = rendered.subject
        message.set_content(rendered.text)
        message.add_alternative(rendered.html, subtype="html")
        if subject.invoice is not None:
            totals = {"totals": _totals_of(subject.invoice.pricing)}
            page = self._renderer.page("invoice.html", language, values | totals)
            message.add_attachment(page, subtype="html", filename=f"{subject.invoice.invoice_number}.html")

    def _recipient(self, subject: Subject) -> Address:
        to_operator = self._sender.operator if subject.endpoint is not None else ""
        email = to_operator if subject.kind == ENDPOINT_DISABLED else subject.order.customer.email
        if not email:
            raise NoRecipient
        try:
            parsed = Address(addr_spec=email)
            return Address(
                username=parsed.username.encode("ascii").decode(), domain=parsed.domain.encode("idna").decode()
            )
        except (HeaderParseError, ValueError, IndexError) as error:
            raise BadAddress from error

    def _language(self, order: Order) -> str:
        country = order.shipping_address.country.upper()
        return self._languages.get(_COUNTRIES.get(country, country), self._languages[""])

    def _values(self, subject: Subject) -> dict[str, Any]:
        shop = self._sender.address.display_name or self._sender.address.domain
        if subject.endpoint is not None:
            is_gone = subject.endpoint.disable_cause == WEBHOOK_DISABLE_CAUSE_GONE
            return {"shop": shop, "lines": [], "endpoint": subject.endpoint, "is_gone": is_gone}
        order = subject.order
        return {
            "shop": shop,
            "order": order,
            "lines": order.items if subject.kind in _WITH_LINES else [],
            "shipment": _shipment_of(subject),
            "is_partial": order.shipping_status == SHIPPING_STATUS_PARTIALLY_SHIPPED,
            "totals": _totals_of(order.pricing),
            "invoice": subject.invoice,
            "is_refund_due": order.payment_status == PAYMENT_STATUS_REFUND_DUE,
            "refunded": subject.event.payment_event.amount,
        }


def _shipment_of(subject: Subject) -> Shipment:
    """The shipment of the change; an empty one if there is none."""
    wanted = subject.event.shipment_id
    return next((each for each in subject.order.shipments if each.shipment_id == wanted), Shipment())


def _totals_of(pricing: Pricing) -> Callable[[Any], list[tuple[str, Money]]]:
    """The amounts below the lines with their labels, from the words of a language. Amounts of 0 are left out, except for the total."""
    return lambda words: [*_amounts(pricing, words), (words.total, pricing.total)]


def _amounts(pricing: Pricing, words: Any) -> Iterator[tuple[str, Money]]:
    named = (
        (words.subtotal, pricing.subtotal),
        (words.discount, _negative(pricing.discount)),
        (words.shipping, pricing.shipping),
        (words.installation, pricing.installation),
        (words.tax, pricing.tax),
        (words.points, _negative(pricing.loyalty_points_value)),
    )
    return ((label, amount) for label, amount in named if amount.units or amount.nanos)


def _negative(amount: Money) -> Money:
    return Money(currency_code=amount.currency_code, units=-amount.units, nanos=-amount.nanos)
