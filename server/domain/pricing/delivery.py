"""Delivery: methods for an address, shipping and arrival times, and operations on delivery zones."""

from collections.abc import Generator, Mapping, Sequence

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.catalog_service_pb2 import (
    BatchUpsertDeliveryZonesRequest,
    BatchUpsertDeliveryZonesResponse,
    DeleteDeliveryZoneRequest,
    DeliveryMethod,
    DeliveryZone,
)
from orders.v1.error_reason_pb2 import ERROR_REASON_DELIVERY_NOT_AVAILABLE, ERROR_REASON_DELIVERY_ZONE_NOT_FOUND
from orders.v1.order_pb2 import ORDER_STATUS_DELIVERED, Address, Order
from orders.v1.order_service_pb2 import DeliveryOption

from server.domain.base.amounts import check_amounts
from server.domain.base.edits import Audit
from server.domain.base.errors import Refusal, Violation, invalid, invalid_field
from server.domain.base.money import from_minor
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.places import plain
from server.domain.base.records import Kind
from server.domain.base.sizes import check_answer
from server.domain.base.state import State
from server.domain.pricing.calendars import check_calendar, delivery_times
from server.domain.pricing.quotes import Quote, shipping_price
from server.domain.pricing.taxes import STANDARD, check_tax_rates
from server.domain.pricing.zones import Area, DeliveryChoice, PricedMethod, Zone, area_of, find_zone, zone_of

MAX_ZONES = 1_000


def choose_delivery(
    zones: Mapping[str, bytes],
    address: Address | None,
    *,
    method: str,
    time_slot: str,
    currency: str,
    field: str = "shipping_address",
) -> DeliveryChoice | None:
    """The delivery to an address by the requested method; None if there are no zones. `field` is the address's path."""
    if not zones:
        return None
    if address is None:
        raise invalid_field(field, "is required: delivery and its price depend on it")
    zone = find_zone(zones, address)
    if zone is None:
        raise _no_zone(address)
    priced = _find_method(zone, method, currency)
    return DeliveryChoice(
        zone=zone.zone,
        method=priced.method,
        price_minor=priced.prices[currency],
        free_from_minor=priced.free_from.get(currency),
        time_slot=_time_slot(priced.method, time_slot),
        taxes=zone.taxes,
        price_terms=priced.terms[currency],
        calendar=zone.calendar,
    )


def _find_method(zone: Zone, method: str, currency: str) -> PricedMethod:
    """The delivery method with an id; for '', the standard or the first one with a price in the currency."""
    offered = zone.methods_in(currency)
    if not method and offered:
        return next((priced for priced in offered if priced.method.method == STANDARD), offered[0])
    priced = zone.priced_methods.get(method) if method else next(iter(zone.priced_methods.values()))
    if priced is None:
        known = ", ".join(priced.method.method for priced in offered or zone.priced_methods.values())
        text = f"delivery method {method!r} is not offered at the address; choose one of: {known}"
        raise _not_available("method", text, method=method, available=known)
    if currency not in priced.prices:
        known = ", ".join(sorted(priced.prices if method else zone.currencies))
        text = f"delivery to the address has no price in {currency}; choose one of: {known}"
        raise _not_available("currency", text, currency=currency, available=known)
    return priced


def _time_slot(method: DeliveryMethod, time_slot: str) -> str:
    if not method.time_slots:
        return time_slot
    if not time_slot:
        return str(method.time_slots[0])
    if time_slot not in method.time_slots:
        known = ", ".join(method.time_slots)
        text = f"time slot {time_slot!r} is not offered with delivery method {method.method!r}; choose one of: {known}"
        raise _not_available("time_slot", text, time_slot=time_slot, available=known)
    return time_slot


def _no_zone(address: Address) -> Refusal:
    place = " ".join(filter(None, (address.postal_code, address.city, address.state, address.country)))
    return _not_available(
        "zone",
        f"there is no delivery to {place or 'an address without a country'}; give another shipping address",
        country=address.country,
        state=address.state,
        postal_code=address.postal_code,
    )


def _not_available(condition: str, text: str, **asked: str) -> Refusal:
    return Refusal(ERROR_REASON_DELIVERY_NOT_AVAILABLE, text, metadata={"condition": condition, **asked})


def schedule(order: Order, choice: DeliveryChoice | None, *, now: Timestamp, field: str = "installation_time") -> None:
    """Sets the order's delivery, as if it were placed now. `field` is the installation time's path in the request."""
    delivery = order.delivery
    if choice is None:
        _unschedule(order)
        return
    method = choice.method
    delivery.zone_id = choice.zone.zone_id
    delivery.method = method.method
    delivery.time_slot = choice.time_slot
    leaves, arrives = delivery_times(method, choice.calendar, now)
    delivery.estimated_shipping_time.CopyFrom(leaves)
    if delivery.HasField("requested_time") and _is_before(arrives, delivery.requested_time):
        arrives = delivery.requested_time
    delivery.estimated_time.CopyFrom(arrives)
    check_installation(order, field=field)


def _unschedule(order: Order) -> None:
    """Keeps the requested values and clears those of a zone that no longer exists."""
    delivery = order.delivery
    delivery.method = delivery.method or STANDARD
    if delivery.zone_id:
        for name in ("zone_id", "estimated_shipping_time", "estimated_time"):
            delivery.ClearField(name)


def check_installation(order: Order, *, field: str = "order.installation.scheduled_time") -> None:
    """Refuses an appointment to install goods before they arrive; `field` is its path in the request."""
    delivery, installation = order.delivery, order.installation
    if order.status == ORDER_STATUS_DELIVERED:
        return
    if not installation.HasField("scheduled_time") or not delivery.HasField("estimated_time"):
        return
    needed = any(item.requires_installation for item in order.items)
    if needed and _is_before(installation.scheduled_time, delivery.estimated_time):
        arrival = delivery.estimated_time.ToJsonString()
        raise invalid_field(field, f"is before the goods arrive; choose {arrival} or later")


def _is_before(one: Timestamp, other: Timestamp) -> bool:
    return (one.seconds, one.nanos) < (other.seconds, other.nanos)


def delivery_options(
    zones: Mapping[str, bytes], address: Address | None, *, currency: str, quote: Quote, now: Timestamp
) -> list[DeliveryOption]:
    """The delivery options of a priced order for an address, cheapest first; empty without zones."""
    zone = find_zone(zones, address) if zones and address is not None else None
    if zone is None:
        return []
    goods = quote.subtotal - quote.discount
    options = []
    for method, prices, free_from, _ in zone.methods_in(currency):
        price = shipping_price(prices[currency], free_from.get(currency), goods=goods)
        leaves, arrives = delivery_times(method, zone.calendar, now)
        option = DeliveryOption(
            method=method.method,
            name=method.name,
            price=from_minor(price, currency),
            estimated_shipping_time=leaves,
            estimated_delivery_time=arrives,
            time_slots=method.time_slots,
        )
        options.append(((price, arrives.seconds), option))
    return [option for _, option in sorted(options, key=lambda pair: pair[0])]


def _needs(_: Message) -> Needs:
    return Needs(zones=True, replaces=Kind.ZONE)


@operation(BatchUpsertDeliveryZonesRequest, needs=_needs)
def upsert_zones(
    request: BatchUpsertDeliveryZonesRequest, state: State, audit: Audit
) -> Generator[None, None, BatchUpsertDeliveryZonesResponse]:
    """Inserts or replaces zones, all or nothing."""
    yield from _check_zones(request.zones, state.zones.all())
    response = BatchUpsertDeliveryZonesResponse(zones=request.zones)
    check_answer(response, field="zones")
    for zone in response.zones:
        zone.ClearField("affected_orders")
        outcome = state.zones.upsert(zone.zone_id, zone.SerializeToString(deterministic=True))
        setattr(response, outcome, getattr(response, outcome) + 1)
        yield
    return response


@operation(DeleteDeliveryZoneRequest, needs=_needs)
def delete_zone(request: DeleteDeliveryZoneRequest, state: State, audit: Audit) -> DeliveryZone:
    """Deletes a zone and returns it."""
    zone_id = request.zone_id
    snapshot = state.zones.stored.get(zone_id)
    if snapshot is None:
        text = f"there is no delivery zone {zone_id!r}; ListDeliveryZones lists all"
        raise Refusal(ERROR_REASON_DELIVERY_ZONE_NOT_FOUND, text, metadata={"zone_id": zone_id})
    state.zones.remove(zone_id)
    return DeliveryZone.FromString(snapshot)


def _check_zones(zones: Sequence[DeliveryZone], stored: Mapping[str, bytes]) -> Generator[None, None, None]:
    """Checks the rules that protos cannot express: duplicate zones, areas, methods, taxes and currencies."""
    replaced = {zone.zone_id for zone in zones}
    kept = {zone_id: snapshot for zone_id, snapshot in stored.items() if zone_id not in replaced}
    # Each area, with its zone.
    taken: dict[Area, str] = {}
    for zone_id, snapshot in kept.items():
        taken |= dict.fromkeys(zone_of(snapshot).areas, zone_id)
        yield
    seen: set[str] = set()
    violations: list[Violation] = []
    for index, zone in enumerate(zones):
        field = f"zones[{index}]"
        try:
            _check_once(zone.zone_id, field=f"{field}.zone_id", seen=seen)
            _check_zone(zone, field)
            _check_areas(zone, taken, field)
        except Refusal as error:
            violations += error.violations
        yield
    if len(kept) + len(replaced) > MAX_ZONES:
        violations.append(Violation("zones", f"makes more than {MAX_ZONES:,} zones; delete some first"))
    if violations:
        raise invalid(*violations)


def _check_zone(zone: DeliveryZone, field: str) -> None:
    check_tax_rates(zone.tax_rates, field=f"{field}.tax_rates")
    check_calendar(zone, field)
    seen: set[str] = set()
    for index, method in enumerate(zone.methods):
        path = f"{field}.methods[{index}]"
        _check_once(method.method, field=f"{path}.method", seen=seen)
        check_amounts(method.prices, field=f"{path}.prices")
        check_amounts(method.free_from, field=f"{path}.free_from")
        slots: set[str] = set()
        for slot_index, slot in enumerate(method.time_slots):
            _check_once(slot, field=f"{path}.time_slots[{slot_index}]", seen=slots)


def _check_once(name: str, *, field: str, seen: set[str]) -> None:
    if name in seen:
        raise invalid_field(field, f"{name!r} occurs twice")
    seen.add(name)


def _check_areas(zone: DeliveryZone, taken: dict[Area, str], field: str) -> None:
    """Refuses an area twice, except for two spellings of one area in the same zone."""
    spellings: set[tuple[str, ...]] = set()
    for index, area in enumerate(zone.areas):
        path = f"{field}.areas[{index}]"
        compared = area_of(area)
        for name, text in zip(Area._fields, compared, strict=True):
            if getattr(area, name) and not text:
                raise invalid_field(f"{path}.{name}", "has only spaces and hyphens; leave it empty to match all")
        spelling = (plain(area.country), plain(area.state), plain(area.postal_prefix))
        if spelling in spellings:
            raise invalid_field(path, "occurs twice")
        spellings.add(spelling)
        other = taken.setdefault(compared, zone.zone_id)
        if other != zone.zone_id:
            raise invalid_field(path, f"is in zone {other!r} already")
