"""Working days: when a parcel leaves and arrives in a zone with a calendar, a cut-off and a time zone."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from orders.v1.catalog_service_pb2 import BatchUpsertDeliveryZonesRequest, DeliveryMethod, DeliveryZone

from server.domain.pricing.calendars import calendar_of, delivery_times
from tests.domain.builders import fields_of, new_state, refuse

WORKDAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"]
BERLIN = ZoneInfo("Europe/Berlin")


def times(ordered: str, *, handling: int = 0, transit: int = 0, **zone: Any) -> tuple[str, str]:
    """The local times of leaving and arrival of a parcel that is ordered at a local time."""
    zone = {"time_zone": "Europe/Berlin", "calendar": {"working_days": WORKDAYS}} | zone
    now = Timestamp()
    now.FromDatetime(datetime.fromisoformat(ordered).replace(tzinfo=BERLIN).astimezone(UTC))
    method = DeliveryMethod(handling_days=handling, transit_days=transit)
    found = delivery_times(method, calendar_of(DeliveryZone(**zone)), now)
    leaves, arrives = (each.ToDatetime(UTC).astimezone(BERLIN).strftime("%a %d %H:%M") for each in found)
    return leaves, arrives


@pytest.mark.parametrize(
    ("ordered", "zone", "expected"),
    [
        # 2026-12-03 is a Thursday.
        ("2026-12-03T10:00", {"handling": 1, "transit": 2}, ("Fri 04 10:00", "Tue 08 10:00")),
        ("2026-12-03T10:00", {}, ("Thu 03 10:00", "Thu 03 10:00")),
        ("2026-12-05T10:00", {"transit": 1}, ("Mon 07 10:00", "Tue 08 10:00")),
        ("2026-12-03T14:59", {"cut_off": "15:00", "transit": 1}, ("Thu 03 14:59", "Fri 04 14:59")),
        ("2026-12-03T15:00", {"cut_off": "15:00", "transit": 1}, ("Fri 04 15:00", "Mon 07 15:00")),
        ("2026-12-04T23:30", {"cut_off": "15:00"}, ("Mon 07 23:30", "Mon 07 23:30")),
        (
            "2026-12-23T10:00",
            {"transit": 1, "calendar": {"working_days": WORKDAYS, "holidays": ["2026-12-24", "2026-12-25"]}},
            ("Wed 23 10:00", "Mon 28 10:00"),
        ),
        # Without working days, all seven count.
        (
            "2026-12-05T10:00",
            {"handling": 1, "calendar": {"holidays": ["2026-12-06"]}},
            ("Mon 07 10:00", "Mon 07 10:00"),
        ),
        ("2026-12-05T16:00", {"cut_off": "15:00", "calendar": None}, ("Sun 06 16:00", "Sun 06 16:00")),
        # The clocks change: the time of day stays.
        ("2026-10-23T10:00", {"handling": 1}, ("Mon 26 10:00", "Mon 26 10:00")),
    ],
)
def test_only_working_days_count(ordered: str, zone: dict[str, Any], expected: tuple[str, str]) -> None:
    assert times(ordered, **zone) == expected


def test_the_day_is_that_of_the_time_zone() -> None:
    # In New York it is Sunday still, which is no working day.
    assert times("2026-12-07T00:30", time_zone="America/New_York") == ("Tue 08 00:30", "Tue 08 00:30")


@given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)), st.integers(0, 30), st.integers(0, 30))
def test_a_calendar_of_all_days_in_utc_changes_nothing(now: datetime, handling: int, transit: int) -> None:
    at = Timestamp()
    at.FromDatetime(now)
    method = DeliveryMethod(handling_days=handling, transit_days=transit)
    calendar = calendar_of(DeliveryZone(calendar={}))
    assert calendar is not None
    assert delivery_times(method, calendar, at) == delivery_times(method, None, at)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)), st.integers(0, 30), st.integers(0, 30))
def test_parcels_never_move_on_a_day_off(now: datetime, handling: int, transit: int) -> None:
    at = Timestamp()
    at.FromDatetime(now)
    zone = DeliveryZone(calendar={"working_days": WORKDAYS}, time_zone="Europe/Berlin", cut_off="12:00")
    leaves, arrives = delivery_times(
        DeliveryMethod(handling_days=handling, transit_days=transit), calendar_of(zone), at
    )
    days = [each.ToDatetime(UTC).astimezone(BERLIN).weekday() for each in (leaves, arrives)]
    assert max(days) < 5
    assert arrives.ToDatetime() - leaves.ToDatetime() >= timedelta(days=transit, hours=-1)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"time_zone": "Europe/Atlantis"}, "zones[0].time_zone"),
        ({"time_zone": "../etc/passwd"}, "zones[0].time_zone"),
        ({"calendar": {"holidays": ["2026-12-25", "2026-02-30"]}}, "zones[0].calendar.holidays[1]"),
    ],
)
def test_what_does_not_exist_is_refused(wrong: dict[str, Any], field: str) -> None:
    zone = {"zone_id": "z", "areas": [{}], "methods": [{"method": "standard"}]} | wrong
    assert fields_of(refuse(new_state(), BatchUpsertDeliveryZonesRequest(zones=[zone]))) == [field]
