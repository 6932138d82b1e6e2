"""Value types that several subjects share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from orders.v1.api_key_service_pb2 import ApiKey
from orders.v1.customer_service_pb2 import PointsEntryType

from server.domain.base.edits import Audit
from server.domain.base.help_links import DOCS

# A product id and a variant id, '' where the product has no variants.
Sku = tuple[str, str]

# A coupon's code, and the customer who used it; '' for all customers together.
CouponUse = tuple[str, str]


class PointsMove(NamedTuple):
    """Loyalty points given to a customer; negative where they are taken."""

    type: PointsEntryType
    delta: int


class Series(NamedTuple):
    """Documents that are numbered together, from 1 and without gaps."""

    prefix: str
    year: int


def document_number(series: Series, count: int) -> str:
    """The number that people quote, for example `INV-2026-000001`."""
    return f"{series.prefix}-{series.year}-{count:06d}"


class PointTerms(NamedTuple):
    """The terms of loyalty points in one currency. Without a value, points cannot be used or earned."""

    # The value of a point in units of the currency.
    value: Decimal = Decimal(0)
    # Points earned per unit of the total.
    per_unit: Decimal = Decimal(0)


NO_POINTS = PointTerms()
_DEFAULT_POINTS = {code: PointTerms(Decimal("0.01"), Decimal("0.05")) for code in ("EUR", "GBP", "USD")}


@dataclass(frozen=True, slots=True)
class Terms:
    """The settings that rules depend on: the terms of loyalty points by currency, whether webhooks may be unencrypted, the
    address of the page about errors, and the return window.
    """

    points: Mapping[str, PointTerms] = field(default_factory=lambda: _DEFAULT_POINTS)
    plain_webhooks: bool = False
    error_docs: str = DOCS
    # Days after the delivery within which customers can request a return; 0 for no limit.
    return_days: int = 30

    def points_in(self, currency: str) -> PointTerms:
        return self.points.get(currency, NO_POINTS)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Units that a person, not an order, adds to or removes from the stock of a SKU."""

    sku: Sku
    delta: int
    reason: str
    audit: Audit


class StoredKey(NamedTuple):
    """A stored API key: the SHA-256 of its text and of the text before the last rotation, but no text."""

    api_key: ApiKey
    # None for a certificate, which has no text.
    digest: bytes | None = None
    previous: bytes | None = None
    # Whether a caller has used the newest text.
    used: bool = False

    @property
    def certificate_name(self) -> str:
        """The certificate name that the key takes. Revoking the key frees the name."""
        return "" if self.api_key.HasField("revoke_time") else self.api_key.certificate_name


class AuditEvent(NamedTuple):
    """A change of a resource, which is named by its path, for example `apiKeys/6q76SiVvxYs9`.

    `before` and `after` are serialized messages of its type with the fields that differ.
    """

    event_id: str
    resource: str
    before: bytes
    after: bytes
    audit: Audit
