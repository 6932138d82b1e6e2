"""Which zone an address belongs to, how it is delivered there and when, and the rules on zones."""

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import code_pb2
from hypothesis import given
from hypothesis import strategies as st
from orders.v1.catalog_service_pb2 import (
    BatchUpsertDeliveryZonesRequest,
    DeleteDeliveryZoneRequest,
    DeliveryArea,
    DeliveryMethod,
    DeliveryZone,
    TaxRate,
)
from orders.v1.order_pb2 import Address, Order
from orders.v1.order_service_pb2 import DeliveryOption

from server.domain.base.error_codes import CODES
from server.domain.base.errors import Refusal
from server.domain.base.state import State
from server.domain.base.values import NO_POINTS
from server.domain.pricing.delivery import check_installation, choose_delivery, delivery_options, schedule
from server.domain.pricing.quotes import Line, Quote, quote
from server.domain.pricing.zones import Area, DeliveryChoice, area_of, find_zone
from tests.domain.builders import ADMIN, NOW, at, fields_of, fingerprint, money, new_state, refuse, run, unhurried

DAY = 24 * 60 * 60


def area(country: str = "", state: str = "", postal_prefix: str = "") -> DeliveryArea:
    return DeliveryArea(country=country, state=state, postal_prefix=postal_prefix)


def way(method: str = "standard", *prices: str, currency: str = "USD", **more: Any) -> DeliveryMethod:
    return DeliveryMethod(method=method, prices=[money(price, currency) for price in prices or ["5.00"]], **more)


def a_zone(zone_id: str, *areas: DeliveryArea, methods: tuple[DeliveryMethod, ...] = (), **more: Any) -> DeliveryZone:
    return DeliveryZone(zone_id=zone_id, areas=areas or [area()], methods=methods or [way()], **more)


def kept(*zones: DeliveryZone) -> dict[str, bytes]:
    """Zones as they are stored."""
    return {zone.zone_id: zone.SerializeToString(deterministic=True) for zone in zones}


def zone_of(address: Address, *zones: DeliveryZone) -> str:
    """The id of an address's zone, '' if it lies in none."""
    found = find_zone(kept(*zones), address)
    return "" if found is None else str(found.zone.zone_id)


def served(*methods: DeliveryMethod, method: str = "", time_slot: str = "", currency: str = "USD") -> DeliveryChoice:
    zones = kept(a_zone("all", methods=methods))
    choice = choose_delivery(zones, Address(country="EG"), method=method, time_slot=time_slot, currency=currency)
    assert choice is not None
    return choice


def unserved(*methods: DeliveryMethod, **asked: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        served(*methods, **asked)
    return caught.value


# Addresses and areas.


def test_an_address_belongs_to_the_longest_postal_prefix_then_the_state_then_the_country() -> None:
    zones = [
        a_zone("all"),
        a_zone("egypt", area("EG")),
        a_zone("giza-anywhere", area(state="Giza")),
        a_zone("giza", area("EG", "Giza")),
        a_zone("one", area(postal_prefix="1")),
        a_zone("twelve", area("EG", postal_prefix="12")),
    ]
    address = Address(country="EG", state="Giza", postal_code="12345")
    found = []
    while zones:
        found.append(zone_of(address, *zones))
        zones = [zone for zone in zones if zone.zone_id != found[-1]]
    assert found == ["twelve", "one", "giza", "giza-anywhere", "egypt", "all"]


@pytest.mark.parametrize(
    ("written", "address"),
    [
        (area("eg"), Address(country="EG")),
        (area("United Kingdom"), Address(country="united-kingdom")),
        (area("Straße"), Address(country="STRASSE")),
        (area(postal_prefix="SW1A-1"), Address(postal_code="sw1a 1aa")),
        (area(state="New South Wales"), Address(state=" new south wales ")),
        (area("United States", "New York"), Address(country="USA", state="US-NY")),
        (area("us", "ny"), Address(country="United States of America", state="New York")),
        (area("CA", "Québec"), Address(country="CAN", state="QC")),
        (area("UK"), Address(country="GB")),
    ],
)
def test_addresses_are_compared_without_case_blanks_and_hyphens(written: DeliveryArea, address: Address) -> None:
    assert zone_of(address, a_zone("here", written)) == "here"


@pytest.mark.parametrize(
    ("written", "address"),
    [
        (area("EG"), Address(country="DZ")),
        (area("EG"), Address(state="EG")),
        (area("EG", "Giza"), Address(country="EG")),
        (area(postal_prefix="12"), Address(postal_code="1")),
        (area(postal_prefix="12"), Address(postal_code="21")),
        (area("EG", postal_prefix="1"), Address(country="US", postal_code="12")),
    ],
)
def test_an_address_that_differs_in_anything_an_area_names_is_outside(written: DeliveryArea, address: Address) -> None:
    assert zone_of(address, a_zone("there", written)) == ""


TEXTS = st.sampled_from(["", "a", "b", "ab"])
AREAS = st.builds(area, TEXTS, TEXTS, st.sampled_from(["", "1", "12", "123", "2"]))


@unhurried
@given(
    st.lists(AREAS, min_size=1, max_size=12),
    st.builds(Address, country=TEXTS, state=TEXTS, postal_code=st.sampled_from(["", "1", "12", "1234", "22"])),
)
def test_the_zone_is_that_of_the_most_exact_area_that_fits(areas: list[DeliveryArea], address: Address) -> None:
    zones = [a_zone(f"z{index}", written) for index, written in enumerate(areas)]

    def fits(written: Area) -> bool:
        return (
            written.country in ("", address.country)
            and written.state in ("", address.state)
            and address.postal_code.startswith(written.postal_prefix)
        )

    ranked = [
        (-len(written.postal_prefix), not written.state, not written.country, zone.zone_id)
        for zone in zones
        if fits(written := area_of(zone.areas[0]))
    ]
    assert zone_of(address, *zones) == (min(ranked)[-1] if ranked else "")


def test_zones_that_change_are_looked_up_as_they_are_now() -> None:
    address = Address(country="EG")
    zones = kept(a_zone("old", area("EG")))
    before = find_zone(zones, address)
    zones |= kept(a_zone("old", area("US")), a_zone("new", area("EG")))
    after = find_zone(zones, address)
    assert before is not None
    assert after is not None
    assert (before.zone.zone_id, after.zone.zone_id) == ("old", "new")


# What is offered at an address.


def test_without_zones_everything_is_delivered_everywhere() -> None:
    assert choose_delivery({}, None, method="rocket", time_slot="now", currency="USD") is None


def test_with_zones_an_order_needs_an_address() -> None:
    with pytest.raises(Refusal) as caught:
        choose_delivery(
            kept(a_zone("all")), None, method="", time_slot="", currency="USD", field="order.shipping_address"
        )
    assert (caught.value.reason, fields_of(caught.value)) == ("INVALID_ORDER_DATA", ["order.shipping_address"])


def test_an_address_in_no_zone_is_refused_with_where_it_is() -> None:
    address = Address(country="US", state="NY", postal_code="10001")
    with pytest.raises(Refusal) as caught:
        choose_delivery(kept(a_zone("egypt", area("EG"))), address, method="", time_slot="", currency="USD")
    assert caught.value.reason == "DELIVERY_NOT_AVAILABLE"
    assert caught.value.metadata == {"condition": "zone", "country": "US", "state": "NY", "postal_code": "10001"}
    assert "10001" in caught.value.message


def test_an_order_that_names_no_method_goes_by_standard_or_else_the_first() -> None:
    assert served(way("express"), way("standard")).method.method == "standard"
    assert served(way("express"), way("pickup")).method.method == "express"
    assert served(way("express"), way("pickup"), method="pickup").method.method == "pickup"


def test_an_order_that_names_no_method_goes_by_one_that_has_a_price_in_its_currency() -> None:
    priced_methods = [way("standard", currency="EUR"), way("express"), way("pickup")]
    assert served(*priced_methods).method.method == "express"


def test_a_method_that_is_not_offered_is_refused_with_those_that_are() -> None:
    error = unserved(way("standard"), way("express"), method="rocket")
    assert error.reason == "DELIVERY_NOT_AVAILABLE"
    assert error.metadata == {"condition": "method", "method": "rocket", "available": "standard, express"}


@pytest.mark.parametrize("method", ["", "standard"])
def test_a_currency_without_a_price_is_refused_with_those_that_have_one(method: str) -> None:
    both = DeliveryMethod(method="standard", prices=[money("5", "USD"), money("4", "EUR")])
    error = unserved(both, method=method, currency="JPY")
    assert error.metadata == {"condition": "currency", "currency": "JPY", "available": "EUR, USD"}


def test_a_service_has_the_price_in_the_orders_currency() -> None:
    both = DeliveryMethod(
        method="standard", prices=[money("5.00"), money("4.50", "EUR")], free_from=[money("50.00", "EUR")]
    )
    in_dollars, in_euros = served(both), served(both, currency="EUR")
    assert (in_dollars.price_minor, in_dollars.free_from_minor) == (500, None)
    assert (in_euros.price_minor, in_euros.free_from_minor) == (450, 5000)


def test_a_time_slot_is_one_of_those_offered_and_the_first_if_none_is_named() -> None:
    slots = way(time_slots=["10:00-14:00", "14:00-18:00"])
    assert served(slots).time_slot == "10:00-14:00"
    assert served(slots, time_slot="14:00-18:00").time_slot == "14:00-18:00"
    error = unserved(slots, time_slot="night")
    assert error.metadata == {
        "condition": "time_slot",
        "time_slot": "night",
        "available": "10:00-14:00, 14:00-18:00",
    }


def test_where_no_time_slots_are_offered_any_text_is_kept() -> None:
    assert served(way(), time_slot="after five").time_slot == "after five"


# When it arrives.


def scheduled(choice: DeliveryChoice | None, *, order: Order | None = None) -> Order:
    order = order or Order()
    schedule(order, choice, now=NOW)
    return order


def test_the_parcel_leaves_after_handling_and_arrives_after_transit() -> None:
    delivery = scheduled(served(way(handling_days=2, transit_days=3, time_slots=["am"]))).delivery
    assert (delivery.zone_id, delivery.method, delivery.time_slot) == ("all", "standard", "am")
    assert (delivery.estimated_shipping_time, delivery.estimated_time) == (at(2 * DAY), at(5 * DAY))


@pytest.mark.parametrize(("wished", "estimated"), [(at(9 * DAY), at(9 * DAY)), (at(1), at(5 * DAY))])
def test_the_parcel_does_not_arrive_before_the_customer_would_like_it(wished: Timestamp, estimated: Timestamp) -> None:
    order = Order()
    order.delivery.requested_time.CopyFrom(wished)
    assert scheduled(served(way(transit_days=5)), order=order).delivery.estimated_time == estimated


def test_without_zones_what_was_asked_for_is_kept_and_nothing_is_estimated() -> None:
    order = Order()
    order.delivery.method, order.delivery.time_slot = "drone", "at night"
    delivery = scheduled(None, order=order).delivery
    assert (delivery.method, delivery.time_slot, delivery.zone_id) == ("drone", "at night", "")
    assert not delivery.HasField("estimated_time")
    assert scheduled(None).delivery.method == "standard"


def test_an_order_whose_zone_is_gone_forgets_what_it_said() -> None:
    order = scheduled(served(way(transit_days=3)))
    scheduled(None, order=order)
    assert order == scheduled(None)


def test_without_zones_an_estimate_that_somebody_has_set_is_kept() -> None:
    order = Order()
    order.delivery.estimated_time.CopyFrom(at(DAY))
    assert scheduled(None, order=order).delivery.estimated_time == at(DAY)


def to_install(at_time: Timestamp, *, requires_installation: bool = True) -> Order:
    order = Order()
    order.items.add(requires_installation=requires_installation)
    order.installation.scheduled_time.CopyFrom(at_time)
    return order


def test_goods_are_not_installed_before_they_arrive() -> None:
    choice = served(way(transit_days=3))
    with pytest.raises(Refusal) as caught:
        schedule(to_install(at(3 * DAY - 1)), choice, now=NOW)
    assert (caught.value.reason, fields_of(caught.value)) == ("INVALID_ORDER_DATA", ["installation_time"])
    schedule(to_install(at(3 * DAY)), choice, now=NOW)


def test_an_appointment_says_nothing_where_nothing_has_to_be_installed() -> None:
    schedule(to_install(at(1), requires_installation=False), served(way(transit_days=3)), now=NOW)


def test_an_appointment_can_be_checked_by_itself() -> None:
    order = to_install(at(1))
    check_installation(order)
    order.delivery.estimated_time.CopyFrom(at(2))
    with pytest.raises(Refusal) as caught:
        check_installation(order)
    assert fields_of(caught.value) == ["order.installation.scheduled_time"]


# The choice.


def priced(minor: int = 1000, currency: str = "USD") -> Quote:
    return quote([Line("chair", "", 1, minor, 0, "")], currency=currency, point_terms=NO_POINTS)


def options(*methods: DeliveryMethod, quote: Quote | None = None) -> list[DeliveryOption]:
    zones = kept(a_zone("all", methods=methods))
    return delivery_options(zones, Address(), currency="USD", quote=quote or priced(), now=NOW)


def test_the_options_are_those_with_a_price_cheapest_first_and_then_the_fastest() -> None:
    found = options(
        way("express", "20", name="Express", handling_days=1, transit_days=1, time_slots=["am", "pm"]),
        way("slow", "5", transit_days=9),
        way("standard", "5", transit_days=3),
        way("abroad", currency="EUR"),
    )
    assert [option.method for option in found] == ["standard", "slow", "express"]
    express = found[-1]
    assert (express.name, express.price, list(express.time_slots)) == ("Express", money("20"), ["am", "pm"])
    assert (express.estimated_shipping_time, express.estimated_delivery_time) == (at(DAY), at(2 * DAY))


def test_an_option_costs_what_it_costs_for_this_order() -> None:
    free = way("free", "8", free_from=[money("10.00")])
    assert [option.price for option in options(free, quote=priced(1000))] == [money("0")]
    assert [option.price for option in options(free, quote=priced(999))] == [money("8")]


def test_there_are_no_options_where_nothing_is_delivered() -> None:
    assert delivery_options({}, Address(), currency="USD", quote=priced(), now=NOW) == []
    zones = kept(a_zone("egypt", area("EG")))
    assert delivery_options(zones, Address(country="US"), currency="USD", quote=priced(), now=NOW) == []
    assert delivery_options(zones, None, currency="USD", quote=priced(), now=NOW) == []


# The rules on zones.


def upsert(*zones: DeliveryZone) -> BatchUpsertDeliveryZonesRequest:
    return BatchUpsertDeliveryZonesRequest(zones=zones)


def state_with(*zones: DeliveryZone) -> State:
    """A state that has these zones stored, and nothing to write."""
    state = new_state()
    state.zones.stored.update(kept(*zones))
    return state


def test_zones_come_back_as_they_are_and_are_counted() -> None:
    same, changed, new = a_zone("same", area("A")), a_zone("b", area("B"), name="new name"), a_zone("c", area("C"))
    state = state_with(same, a_zone("b", area("B"), name="old name"))
    response = run(state, upsert(new, same, changed), ADMIN)
    assert list(response.zones) == [new, same, changed]
    assert (response.inserted, response.updated, response.unchanged) == (1, 1, 1)
    assert state.zones.changes.keys() == {"b", "c"}
    assert state.zones.stored == kept(same, changed, new)


def test_zones_that_are_the_same_write_nothing() -> None:
    state = state_with(a_zone("a"))
    before = fingerprint(state)
    run(state, upsert(a_zone("a")))
    assert fingerprint(state) == before


@pytest.mark.parametrize(
    ("zones", "field"),
    [
        ([a_zone("a"), a_zone("a", area("X"))], "zones[1].zone_id"),
        ([a_zone("a", area("EG"), area("e-g"))], "zones[0].areas[1]"),
        ([a_zone("a", area("EG")), a_zone("b", area("X"), area("eg"))], "zones[1].areas[1]"),
        ([a_zone("a", area("EG", postal_prefix="-"))], "zones[0].areas[0].postal_prefix"),
        ([a_zone("a", methods=(way(), way()))], "zones[0].methods[1].method"),
        ([a_zone("a", methods=(way("x", "1", "2"),))], "zones[0].methods[0].prices[1].currency_code"),
        ([a_zone("a", methods=(way("x", "0.001"),))], "zones[0].methods[0].prices[0].nanos"),
        ([a_zone("a", methods=(way("x", "-1"),))], "zones[0].methods[0].prices[0]"),
        ([a_zone("a", methods=(way("x", currency="XXX"),))], "zones[0].methods[0].prices[0].currency_code"),
        (
            [a_zone("a", methods=(way(), way("x", free_from=[money("1"), money("2")])))],
            "zones[0].methods[1].free_from[1].currency_code",
        ),
        ([a_zone("a", methods=(way("x", time_slots=["am", "am"]),))], "zones[0].methods[0].time_slots[1]"),
        ([a_zone("a", tax_rates=[TaxRate(tax_class="standard"), TaxRate()])], "zones[0].tax_rates[1].tax_class"),
    ],
)
def test_zones_that_cannot_be_are_refused_by_field(zones: list[DeliveryZone], field: str) -> None:
    assert fields_of(refuse(state_with(), upsert(*zones))) == [field]


def test_all_zones_that_cannot_be_are_named_at_once_and_none_is_kept() -> None:
    twice = way("x", "1", "2")
    error = refuse(state_with(), upsert(a_zone("a", methods=(twice,)), a_zone("b", area("B")), a_zone("c", area("B"))))
    assert fields_of(error) == ["zones[0].methods[0].prices[1].currency_code", "zones[2].areas[0]"]


def test_an_area_that_is_in_another_zone_is_refused_with_its_name() -> None:
    error = refuse(state_with(a_zone("x", area("EG"))), upsert(a_zone("a", area("DE")), a_zone("b", area("eg"))))
    assert error.message == "zones[1].areas[0]: is in zone 'x' already"


def test_an_area_can_move_from_one_zone_to_another_in_one_call() -> None:
    state = state_with(a_zone("x", area("EG"), area("SD")))
    run(state, upsert(a_zone("b", area("EG")), a_zone("x", area("SD"))))
    assert zone_of(Address(country="EG"), *map(DeliveryZone.FromString, state.zones.stored.values())) == "b"


def test_no_more_than_a_thousand_zones_are_kept() -> None:
    state = state_with(*(a_zone(f"z{index}", area(f"Land {index}")) for index in range(999)))
    run(state, upsert(a_zone("last", area("EG"))))
    run(state, upsert(a_zone("last", area("SD"))))
    error = refuse(state, upsert(a_zone("more", area("EG"))))
    assert fields_of(error) == ["zones"]
    assert "1,000" in error.message


def test_a_zone_that_is_deleted_answers_with_what_it_was() -> None:
    state = state_with(a_zone("a", name="Here"))
    assert run(state, DeleteDeliveryZoneRequest(zone_id="a")) == a_zone("a", name="Here")
    assert not state.zones.stored


def test_a_zone_that_is_not_there_cannot_be_deleted() -> None:
    error = refuse(state_with(a_zone("a")), DeleteDeliveryZoneRequest(zone_id="b"))
    assert (error.reason, error.metadata) == ("DELIVERY_ZONE_NOT_FOUND", {"zone_id": "b"})
    assert CODES[error.error_reason] == code_pb2.NOT_FOUND
