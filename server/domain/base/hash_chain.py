"""The chain of an order's events: the hash of each covers the event and, through the hash before it, all earlier ones."""

from hashlib import sha256

from orders.v1.order_pb2 import OrderEvent

from server.domain.base.edits import OrderChange

HASH_SIZE = 32

# The hash before the first event's.
START = bytes(HASH_SIZE)

# The tag and length of the hash field. A field that is appended to a serialized message is set in it.
_FIELD = OrderEvent(hash=START).SerializeToString()[:-HASH_SIZE]


def chain_events(change: OrderChange) -> list[bytes]:
    """Sets the hashes of the events of a change, and the order's; returns the events as they are stored.

    The hash is final: changing an event afterwards breaks the chain.
    """
    previous = START if change.before is None else change.before.event_hash
    stored = []
    for event in change.events:
        stored.append(seal(event.SerializeToString(deterministic=True), previous))
        event.hash = previous = hash_of(stored[-1])
    change.after.event_hash = previous
    return stored


def seal(event: bytes, previous: bytes) -> bytes:
    """A serialized event with its hash as the last field; `previous` is the hash of the event before."""
    return event + _FIELD + sha256(previous + event).digest()


def hash_of(stored: bytes) -> bytes:
    """The hash of an event as it is stored."""
    return stored[-HASH_SIZE:]


def follows(stored: bytes, previous: bytes) -> bool:
    """Whether a stored event is what was recorded after the event with the hash `previous`."""
    return stored == seal(stored[: -len(_FIELD) - HASH_SIZE], previous)
