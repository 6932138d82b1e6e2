"""The types of webhooks: the names of an order's changes, and the endpoints' selections of them."""

from collections.abc import Iterable, Sequence

from orders.v1.order_pb2 import ORDER_EVENT_TYPE_CREATED, ORDER_EVENT_TYPE_IMPORTED, OrderEventType, OrderStatus

TEST = "webhook.test"
# Every change but an order's first has this name, too.
UPDATED = "order.updated"

_FIRST = (ORDER_EVENT_TYPE_CREATED, ORDER_EVENT_TYPE_IMPORTED)
# Separate families. All other changes are in the family `order`.
_FAMILIES = ("return", "shipment", "hold")


def _name_of(event_type: str) -> str:
    family, _, rest = event_type.lower().partition("_")
    return f"{family}.{rest}" if family in _FAMILIES and rest else f"order.{event_type.lower()}"


_NAMES = {number: _name_of(name.removeprefix("ORDER_EVENT_TYPE_")) for name, number in OrderEventType.items() if number}
_STATUS_NAMES = {
    number: f"order.{name.removeprefix('ORDER_STATUS_').lower()}" for name, number in OrderStatus.items() if number
}
_UNNAMED = "order.status_changed"

TYPES = tuple(dict.fromkeys(name for name in (*_NAMES.values(), *_STATUS_NAMES.values()) if name != _UNNAMED))


def names_of(event_type: int, from_status: int, to_status: int) -> tuple[str, ...]:
    """The names of a change, the most specific first."""
    name = _NAMES.get(event_type, UPDATED)
    if event_type in _FIRST:
        return (name,)
    moved = (_STATUS_NAMES[to_status],) if from_status != to_status and to_status in _STATUS_NAMES else ()
    own = () if name in (UPDATED, _UNNAMED) else (name,)
    return (*own, *moved, UPDATED) if name.partition(".")[0] in _FAMILIES else (*moved, *own, UPDATED)


def choose(selected: Sequence[str], names: Iterable[str]) -> str | None:
    """The first of a change's names that an endpoint selects; None if it selects none."""
    return next((name for name in names if not selected or any(_covers(each, name) for each in selected)), None)


def is_known(selected: str) -> bool:
    """Whether a selection is a type, a family or `*`. Families may have types only in later versions."""
    return selected in ("*", "order.*", *TYPES, *(f"{family}.*" for family in _FAMILIES))


def _covers(selected: str, name: str) -> bool:
    return selected in ("*", name) or (selected.endswith(".*") and name.startswith(selected[:-1]))
