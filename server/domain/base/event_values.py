"""Stored events: a part that the chain of hashes covers, and a part that can be erased.

The first part holds the salted digest of the second one, which has the values before and after the change and the event's personal
data. The values of the first event are the whole order. They are covered by the digest too, but they are not stored with the event:
they are rebuilt from the order.
"""

import os
from hashlib import sha256
from typing import NamedTuple

from orders.v1.order_pb2 import (
    EVENT_VALUES_STATE_ERASED,
    EVENT_VALUES_STATE_NOT_RECORDED,
    EVENT_VALUES_STATE_RECORDED,
    Order,
    OrderEvent,
)

from server.domain.base.differences import Difference
from server.domain.base.personal_data import erased, move_personal_data
from server.domain.base.varint import varint

_SALT_SIZE = 16
_ERASED = OrderEvent(values_state=EVENT_VALUES_STATE_ERASED).SerializeToString()
# The tag of `after`.
_AFTER = OrderEvent(after=Order()).SerializeToString()[:-1]


class StoredEvent(NamedTuple):
    """An event as it is stored. Old events have no values. Erased values have no salt, so they cannot be guessed."""

    event: bytes
    values: bytes | None = None
    salt: bytes | None = None


def split(event: OrderEvent, found: Difference | None, body: bytes) -> tuple[OrderEvent, StoredEvent]:
    """The part of an event that its hash covers, with the digest, and the stored rest.

    `found` is the difference that the event made; None for the first one, which made the order that is serialized as `body`.
    """
    covered, rest = event, OrderEvent()
    if event.reason or event.HasField("tracking_event") or event.HasField("payment_event"):
        covered = OrderEvent()
        covered.CopyFrom(event)
        move_personal_data(covered, rest)
    if found is not None:
        rest.before.CopyFrom(found.before)
        rest.after.CopyFrom(found.after)
    values, salt = rest.SerializeToString(deterministic=True), os.urandom(_SALT_SIZE)
    event.values_digest = covered.values_digest = digest(values, salt, created=None if found else body)
    return covered, StoredEvent(b"", values or None, salt)


def digest(values: bytes, salt: bytes, *, created: bytes | None = None) -> bytes:
    """The digest of an event's values; `created` is the order, serialized without its hash, that the first event made."""
    after = b"" if created is None else _AFTER + varint(len(created)) + created
    return sha256(salt + values + after).digest()


def whole(stored: StoredEvent) -> OrderEvent:
    """The event with its values."""
    event = OrderEvent.FromString(stored.event + (stored.values or b""))
    if not event.values_state:
        recorded = EVENT_VALUES_STATE_RECORDED if event.values_digest else EVENT_VALUES_STATE_NOT_RECORDED
        event.values_state = recorded
    return event


def is_erased(stored: StoredEvent) -> bool:
    """Whether the event's personal data was erased."""
    return (stored.values or b"").endswith(_ERASED)


def erase_event(stored: StoredEvent) -> StoredEvent:
    """The event without its personal data. The part covered by the hash is unchanged, except in old events, which have no other part."""
    values = erased(OrderEvent.FromString(stored.values or b""))
    values.ClearField("values_state")
    event = stored.event
    if not OrderEvent.FromString(event).values_digest:
        bare = erased(OrderEvent.FromString(event))
        event = bare.SerializeToString(deterministic=True)
    return StoredEvent(event, values.SerializeToString(deterministic=True) + _ERASED, None)
