"""Delivery zones: their areas, taxes and delivery methods."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from orders.v1.catalog_service_pb2 import DeliveryArea, DeliveryMethod, DeliveryZone
from orders.v1.order_pb2 import Address, PriceTerms

from server.domain.base.amounts import by_currency
from server.domain.base.places import country_key, plain, state_key
from server.domain.pricing.calendars import Calendar, calendar_of
from server.domain.pricing.taxes import Taxes, taxes_of


class PricedMethod(NamedTuple):
    """A delivery method, with its prices in minor units by currency."""

    method: DeliveryMethod
    prices: Mapping[str, int]
    free_from: Mapping[str, int]
    # The terms of orders by currency. Never changed: all orders share them.
    terms: Mapping[str, PriceTerms]


@dataclass(frozen=True, slots=True)
class DeliveryChoice:
    """The chosen delivery of an order: a zone, one of its methods, and its price in the order's currency."""

    zone: DeliveryZone
    method: DeliveryMethod
    price_minor: int
    # The subtotal less the discount from which it is free; None for never.
    free_from_minor: int | None
    time_slot: str
    taxes: Taxes
    # As the order keeps them.
    price_terms: PriceTerms
    # None if every day counts.
    calendar: Calendar | None = None


class Area(NamedTuple):
    """An area as it is compared: places by their codes, other texts without case, blanks and hyphens."""

    country: str
    state: str
    postal_prefix: str


def area_of(area: DeliveryArea) -> Area:
    return Area(country_key(area.country), state_key(area.country, area.state), plain(area.postal_prefix))


class Place(NamedTuple):
    """The parts of an address that its delivery zone depends on, as they are compared."""

    country: str
    state: str
    # The state as an area without a country names it.
    state_text: str
    postal_code: str


def place_of(address: Address) -> Place:
    country, state = address.country, address.state
    return Place(country_key(country), state_key(country, state), plain(state), plain(address.postal_code))


@dataclass(frozen=True, slots=True)
class Zone:
    """A stored zone, read once."""

    zone: DeliveryZone
    areas: tuple[Area, ...]
    taxes: Taxes
    priced_methods: Mapping[str, PricedMethod]
    calendar: Calendar | None

    @property
    def currencies(self) -> set[str]:
        """The currencies that any method has a price in."""
        return {currency for priced in self.priced_methods.values() for currency in priced.prices}

    def methods_in(self, currency: str) -> list[PricedMethod]:
        """The methods that have a price in a currency, in the zone's order."""
        return [priced for priced in self.priced_methods.values() if currency in priced.prices]


@lru_cache(maxsize=2_000)
def zone_of(snapshot: bytes) -> Zone:
    """A stored zone."""
    zone = DeliveryZone.FromString(snapshot)
    priced_methods = [
        PricedMethod(method, by_currency(method.prices), by_currency(method.free_from), _terms_of(zone, method))
        for method in zone.methods
    ]
    return Zone(
        zone=zone,
        areas=tuple(area_of(area) for area in zone.areas),
        taxes=taxes_of(zone),
        priced_methods={priced.method.method: priced for priced in priced_methods},
        calendar=calendar_of(zone),
    )


def _terms_of(zone: DeliveryZone, method: DeliveryMethod) -> dict[str, PriceTerms]:
    """The terms of a method's prices by currency, as orders keep them."""
    terms = {
        price.currency_code: PriceTerms(
            tax_included=zone.tax_included, shipping_tax_policy=zone.shipping_tax_policy, shipping_price=price
        )
        for price in method.prices
    }
    for amount in method.free_from:
        if amount.currency_code in terms:
            terms[amount.currency_code].free_from.CopyFrom(amount)
    if zone.HasField("rounding"):
        for filled in terms.values():
            filled.rounding.CopyFrom(zone.rounding)
    return terms


class ZoneIndex:
    """The areas of all zones."""

    def __init__(self, zones: Iterable[Zone]) -> None:
        self._zones: dict[Area, Zone] = {}
        for zone in sorted(zones, key=lambda zone: str(zone.zone.zone_id)):
            for area in zone.areas:
                self._zones.setdefault(area, zone)
        # An address is looked up by every length that a postal prefix has, the longest first.
        self._lengths = sorted({len(area.postal_prefix) for area in self._zones}, reverse=True)

    def find(self, address: Address) -> Zone | None:
        """The zone of the most exact area that an address lies in."""
        return next((zone for area in self._areas_around(address) if (zone := self._zones.get(area))), None)

    def _areas_around(self, address: Address) -> Iterator[Area]:
        country, state, state_text, postal_code = place_of(address)
        for length in self._lengths:
            if length <= len(postal_code):
                prefix = postal_code[:length]
                yield Area(country, state, prefix)
                yield Area("", state_text, prefix)
                yield Area(country, "", prefix)
                yield Area("", "", prefix)


@dataclass(slots=True)
class _Latest:
    """The zones of the last lookup: they are read with every order, and seldom change."""

    snapshots: tuple[bytes, ...] = ()
    zone_index: ZoneIndex = field(default_factory=lambda: ZoneIndex(()))


_latest = _Latest()


def find_zone(zones: Mapping[str, bytes], address: Address) -> Zone | None:
    """The zone of an address, if it lies in one."""
    snapshots = tuple(zones.values())
    # A tuple compares the same objects by identity, and equal bytes without hashing them.
    if snapshots != _latest.snapshots:
        _latest.zone_index = ZoneIndex(map(zone_of, snapshots))
    _latest.snapshots = snapshots
    return _latest.zone_index.find(address)
