"""The terms by which orders are found: one row for each value that few orders have, and none for most orders."""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import NamedTuple

from orders.v1.order_pb2 import Order

_SIZE = 16

NO_TERMS: frozenset[bytes] = frozenset()
HELD = sha256(b"held").digest()[:_SIZE]


class TermRow(NamedTuple):
    """A row of `order_terms`."""

    term: bytes
    order_id: str


def metadata_term(key: str, value: str) -> bytes:
    return _term("metadata", key, value)


def tracking_term(number: str) -> bytes:
    """Numbers are typed with spaces and in either case."""
    return _term("tracking", "".join(number.split()).upper())


def coupon_term(code: str) -> bytes:
    return _term("coupon", code.upper())


def payment_term(payment_id: str) -> bytes:
    """The provider's id of a payment or of a payment intent."""
    return _term("payment", payment_id)


def terms_of(order: Order) -> frozenset[bytes]:
    """The order's terms."""
    return frozenset(_terms(order)) if _may_have_terms(order) else NO_TERMS


def term_rows(order: Order, terms: Iterable[bytes]) -> list[TermRow]:
    order_id = order.order_id
    return [TermRow(term, order_id) for term in sorted(terms)]


def _may_have_terms(order: Order) -> bool:
    """Most new orders have none: this tells so in the least time."""
    return bool(
        order.metadata
        or order.pricing.applied_coupons
        or order.payments
        or order.shipments
        or order.holds
        or order.HasField("payment_intent")
        or order.delivery.tracking_number
    )


def _terms(order: Order) -> Iterator[bytes]:
    for key, value in order.metadata.items():
        yield metadata_term(key, value)
    for coupon in order.pricing.applied_coupons:
        yield coupon_term(coupon.code)
    for payment in order.payments:
        if payment.provider_payment_id:
            yield payment_term(payment.provider_payment_id)
    if order.payment_intent.id:
        yield payment_term(order.payment_intent.id)
    if order.delivery.tracking_number:
        yield tracking_term(order.delivery.tracking_number)
    for shipment in order.shipments:
        for parcel in shipment.parcels:
            if parcel.tracking_number:
                yield tracking_term(parcel.tracking_number)
    if order.holds:
        yield HELD


def _term(*values: str) -> bytes:
    """A digest: short, and of one size."""
    return sha256("\0".join(values).encode()).digest()[:_SIZE]
