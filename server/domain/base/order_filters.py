"""Filters of orders: those that no order can match are refused."""

from orders.v1.order_service_pb2 import OrderFilter

from server.domain.base.errors import Violation, invalid
from server.domain.base.money import to_minor

# Fields that mean nothing without another one.
_REQUIRED = {
    "payment_event_id": "payment_provider",
    "payment_provider": "payment_event_id",
    "variant_id": "product_id",
    "metadata_value": "metadata_key",
}


def check_filter(wanted: OrderFilter, *, field: str = "filter") -> None:
    """Refuses a filter that can match nothing; `field` is its path in the request."""
    violations = [Violation(f"{field}.{name}", why) for name, why in (*_times(wanted), *_totals(wanted, field))]
    if wanted.external_order_id and not wanted.source:
        violations.append(Violation(f"{field}.source", "is required with external_order_id, which is unique within it"))
    for name, other in _REQUIRED.items():
        if getattr(wanted, name) and not getattr(wanted, other):
            violations.append(Violation(f"{field}.{other}", f"is required with {name}"))
    if violations:
        raise invalid(*violations)


def _times(wanted: OrderFilter) -> list[tuple[str, str]]:
    """Ranges of times that include nothing, since a range excludes its end."""
    found = []
    for name in ("create_time", "update_time", "status_time"):
        low, high = f"{name}_from", f"{name}_to"
        given = wanted.HasField(low) and wanted.HasField(high)
        if given and getattr(wanted, low).ToNanoseconds() >= getattr(wanted, high).ToNanoseconds():
            found.append((low, f"is not before {high}, so no order matches"))
    return found


def _totals(wanted: OrderFilter, field: str) -> list[tuple[str, str]]:
    """Ranges of totals that include nothing. Refuses amounts that are not valid."""
    low, high = (
        to_minor(getattr(wanted, name), field=f"{field}.{name}") if wanted.HasField(name) else None
        for name in ("total_from", "total_to")
    )
    if low is None or high is None:
        return []
    currencies = wanted.total_from.currency_code, wanted.total_to.currency_code
    if currencies[0] != currencies[1]:
        return [("total_to", f"is in {currencies[1]} and total_from in {currencies[0]}, so no order matches")]
    return [("total_from", "is not below total_to, so no order matches")] if low >= high else []
