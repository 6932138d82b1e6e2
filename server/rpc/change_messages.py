"""Changes as messages, which embed serialized events without decoding them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from google.protobuf.field_mask_pb2 import FieldMask
from orders.v1.order_change_pb2 import OrderChange
from orders.v1.order_pb2 import Order

from server.domain.base.errors import invalid_field
from server.domain.base.sizes import readable
from server.domain.base.varint import varint
from server.feed.ring import Entry
from server.rpc.feed_tokens import stamp
from server.rpc.read_masks import Pick, picker
from server.storage.read.feed import Change, EventAt
from server.storage.read.order_versions import OrderVersion, OrderVersions

_LENGTH_DELIMITED = 2


def _tag(field: str, wire_type: int = _LENGTH_DELIMITED) -> bytes:
    return varint(OrderChange.DESCRIPTOR.fields_by_name[field].number << 3 | wire_type)


_POSITION, _EVENT, _ORDER = _tag("position", 0), _tag("event"), _tag("order")


def entry_of(change: Change | EventAt) -> Entry:
    """The change, serialized without an order."""
    body = _POSITION + varint(change.position) + _framed(_EVENT, change.event)
    return Entry(change.position, change.order_id, change.version, body, stamp(change.order_id, change.version))


def _framed(tag: bytes, body: bytes) -> bytes:
    return tag + varint(len(body)) + body


class OrderView(NamedTuple):
    """The requested part of each change's order."""

    versions: OrderVersions
    include: bool
    pick: Pick | None

    async def bodies(self, entries: Sequence[Entry]) -> list[bytes]:
        """The changes, serialized."""
        if not self.include:
            return [entry.body for entry in entries]
        orders = await self.versions.orders_at([OrderVersion(entry.order_id, entry.version) for entry in entries])
        return [entry.body + _framed(_ORDER, self._shown(order)) for entry, order in zip(entries, orders, strict=True)]

    def _shown(self, order: bytes) -> bytes:
        return readable(Order, order) if self.pick is None else self.pick(order)


def order_view(versions: OrderVersions, *, include: bool, mask: FieldMask) -> OrderView:
    """The requested view. Refuses fields that an order does not have."""
    if mask.paths and not include:
        raise invalid_field("read_mask", "needs include_order: it names the fields of the order")
    return OrderView(versions, include, picker(mask))


def newest_of_each(entries: Iterable[Entry]) -> list[Entry]:
    """The last entry of each order, in the order of the feed."""
    newest = {entry.order_id: entry for entry in entries}
    return sorted(newest.values(), key=lambda entry: entry.position)
