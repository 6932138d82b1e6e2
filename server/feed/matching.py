"""Decides in memory which changes a filter selects: the same ones as the conditions in SQL."""

from collections.abc import Callable, Iterator
from datetime import datetime

from orders.v1.order_service_pb2 import OrderFilter

from server.domain.base.money import to_minor
from server.storage.projections import ceiling_of
from server.storage.read.feed import Change, Selection

Test = Callable[[Change], bool]

# Their values are not in the change, only in the database.
_OF_ORDERS = (
    "payment_statuses",
    "product_id",
    "stuck_for",
    "order_ids",
    "document_number",
    "payment_event_id",
    "payment_provider",
    "variant_id",
    "imported",
    "customer_email",
    "customer_phone",
    "metadata_key",
    "metadata_value",
    "tracking_number",
    "coupon_code",
    "payment_id",
    "held",
)


def can_match(selection: Selection) -> bool:
    """Whether the change itself is sufficient to evaluate the selection."""
    names = {field.name for field, _ in selection.filter.ListFields()}
    return not selection.unseen_by and names.isdisjoint(_OF_ORDERS)


def test_of(selection: Selection) -> Test:
    """A predicate for the changes of a selection."""
    tests = list(_tests(selection))
    if len(tests) == 1:
        return tests[0]
    return lambda change: all(test(change) for test in tests)


def _tests(selection: Selection) -> Iterator[Test]:
    wanted = selection.filter
    if selection.types:
        types = frozenset(selection.types)
        yield lambda change: change.type in types
    for name in ("customer_id", "source", "external_order_id"):
        if value := getattr(wanted, name):
            yield _equals(name, value)
    if wanted.statuses:
        statuses = frozenset(wanted.statuses)
        yield lambda change: change.from_status in statuses or change.to_status in statuses
    yield from _time_tests(selection)
    yield from _total_tests(wanted)


def _equals(name: str, value: str) -> Test:
    return lambda change: getattr(change, name) == value


def _time_tests(selection: Selection) -> Iterator[Test]:
    wanted = selection.filter
    times = [("create_time", "create_time"), ("update_time", "event_time"), ("status_time", "event_time")]
    for prefix, name in times:
        if wanted.HasField(f"{prefix}_from"):
            yield _from(name, ceiling_of(getattr(wanted, f"{prefix}_from")))
        if wanted.HasField(f"{prefix}_to"):
            yield _before(name, ceiling_of(getattr(wanted, f"{prefix}_to")))
    if wanted.HasField("status_time_from") or wanted.HasField("status_time_to"):
        yield lambda change: change.from_status != change.to_status
    if selection.since is not None:
        yield _from("event_time", selection.since)


def _from(name: str, time: datetime) -> Test:
    return lambda change: getattr(change, name) >= time


def _before(name: str, time: datetime) -> Test:
    return lambda change: getattr(change, name) < time


def _total_tests(wanted: OrderFilter) -> Iterator[Test]:
    if wanted.HasField("total_from"):
        least, currency = to_minor(wanted.total_from, field="filter.total_from"), wanted.total_from.currency_code
        yield lambda change: change.currency == currency and change.total_minor >= least
    if wanted.HasField("total_to"):
        above, code = to_minor(wanted.total_to, field="filter.total_to"), wanted.total_to.currency_code
        yield lambda change: change.currency == code and change.total_minor < above
