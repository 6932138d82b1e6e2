"""The chain of an order's events: the hash of each covers the event and, through the hash before it, all earlier ones."""

from hashlib import sha256

from orders.v1.order_pb2 import Order, OrderEvent

from server.domain.base.differences import difference
from server.domain.base.edits import OrderChange
from server.domain.base.event_values import StoredEvent, split

HASH_SIZE = 32

# The hash before the first event's.
START = bytes(HASH_SIZE)

# The tags and lengths of the hash fields. A field that is appended to a serialized message is set in it.
_FIELD = OrderEvent(hash=START).SerializeToString()[:-HASH_SIZE]
_ORDER_FIELD = Order(event_hash=START).SerializeToString()[:-HASH_SIZE]


def chain_events(change: OrderChange) -> tuple[bytes, list[StoredEvent]]:
    """Sets the hashes of a change's events and of the order; returns the order and the stored events.

    The hash is final: changing an event afterwards breaks the chain.
    """
    previous = START if change.before is None else change.before.event_hash
    body = change.after.SerializeToString(deterministic=True)
    stored = []
    for event, before, after in change.steps():
        found = None if before is None else difference(before, after)
        covered, rest = split(event, found, body)
        sealed = seal(covered.SerializeToString(deterministic=True), previous)
        event.hash = previous = hash_of(sealed)
        stored.append(rest._replace(event=sealed))
    change.after.event_hash = previous
    return body + _ORDER_FIELD + previous, stored


def seal(event: bytes, previous: bytes) -> bytes:
    """A serialized event with its hash as the last field; `previous` is the hash of the event before."""
    return event + _FIELD + sha256(previous + event).digest()


def hash_of(stored: bytes) -> bytes:
    """The hash of a stored event."""
    return stored[-HASH_SIZE:]


def follows(stored: bytes, previous: bytes) -> bool:
    """Whether a stored event is what was recorded after the event with the hash `previous`."""
    return stored == seal(stored[: -len(_FIELD) - HASH_SIZE], previous)
