"""The rules of an OrderFilter that its message cannot state."""

from orders.v1.order_service_pb2 import OrderFilter

from server.domain.base.errors import invalid_field
from server.domain.base.money import to_minor


def check_filter(wanted: OrderFilter, *, field: str = "filter") -> None:
    """Refuses a filter whose amounts or times cannot be compared."""
    for name in ("total_from", "total_to"):
        if wanted.HasField(name):
            to_minor(getattr(wanted, name), field=f"{field}.{name}")
    for name in ("create_time", "update_time"):
        low, high = f"{name}_from", f"{name}_to"
        given = wanted.HasField(low) and wanted.HasField(high)
        if given and getattr(wanted, low).ToNanoseconds() > getattr(wanted, high).ToNanoseconds():
            raise invalid_field(f"{field}.{low}", f"is after {high}")
