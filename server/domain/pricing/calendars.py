"""The working days on which parcels are packed and carried."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.catalog_service_pb2 import DeliveryMethod, DeliveryZone

from server.domain.base.errors import invalid_field

_DAY, _DAY_SECONDS = timedelta(days=1), 24 * 60 * 60
_EVERY_DAY = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class Calendar:
    """The working days and the cut-off time of a delivery zone."""

    zone: ZoneInfo
    # 0 for Monday.
    weekdays: frozenset[int]
    holidays: frozenset[date]
    cut_off: time

    def times(self, method: DeliveryMethod, now: Timestamp) -> tuple[Timestamp, Timestamp]:
        """The times at which a parcel ordered now leaves and arrives: on working days, at this time of day in the zone."""
        local = now.ToDatetime(UTC).astimezone(self.zone)
        days = self._working_days(local.date() if local.time() < self.cut_off else local.date() + _DAY)
        leaves = arrives = next(days)
        for _ in range(method.handling_days):
            leaves = arrives = next(days)
        for _ in range(method.transit_days):
            arrives = next(days)
        return self._on(leaves, local), self._on(arrives, local)

    def _working_days(self, day: date) -> Iterator[date]:
        """Yields the working days, starting at a day."""
        while True:
            if day.weekday() in self.weekdays and day not in self.holidays:
                yield day
            day += _DAY

    @staticmethod
    def _on(day: date, local: datetime) -> Timestamp:
        found = Timestamp()
        found.FromDatetime(datetime.combine(day, local.time(), local.tzinfo).astimezone(UTC))
        return found


def delivery_times(method: DeliveryMethod, calendar: Calendar | None, now: Timestamp) -> tuple[Timestamp, Timestamp]:
    """The times at which a parcel ordered now leaves and arrives. Without a calendar, every day counts 24 hours."""
    if calendar is not None:
        return calendar.times(method, now)
    leaves = now.seconds + method.handling_days * _DAY_SECONDS
    arrives = leaves + method.transit_days * _DAY_SECONDS
    return Timestamp(seconds=leaves, nanos=now.nanos), Timestamp(seconds=arrives, nanos=now.nanos)


def calendar_of(zone: DeliveryZone) -> Calendar | None:
    """The zone's calendar; None if its days have 24 hours each."""
    if not zone.HasField("calendar") and not zone.cut_off:
        return None
    return Calendar(
        zone=ZoneInfo(zone.time_zone or "UTC"),
        weekdays=frozenset(day - 1 for day in zone.calendar.working_days) or _EVERY_DAY,
        holidays=frozenset(map(date.fromisoformat, zone.calendar.holidays)),
        cut_off=time.fromisoformat(zone.cut_off) if zone.cut_off else time.max,
    )


def check_calendar(zone: DeliveryZone, field: str) -> None:
    """Refuses a time zone and holidays that do not exist."""
    if zone.time_zone:
        try:
            ZoneInfo(zone.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            text = f"{zone.time_zone!r} is not a time zone; give a name such as Europe/Berlin"
            raise invalid_field(f"{field}.time_zone", text) from None
    for index, holiday in enumerate(zone.calendar.holidays):
        try:
            date.fromisoformat(holiday)
        except ValueError:
            raise invalid_field(f"{field}.calendar.holidays[{index}]", f"{holiday!r} is not a date") from None
