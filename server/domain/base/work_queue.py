"""The work queue of fulfilment: the orders that wait for a worker, and the claims on them."""

from typing import NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp


class WorkFilter(NamedTuple):
    """Selects orders in the queue; an empty list selects all."""

    delivery_methods: tuple[str, ...] = ()
    zone_ids: tuple[str, ...] = ()
    product_ids: tuple[str, ...] = ()


class QueueEntry(NamedTuple):
    """The place of an order in the queue, as it follows from the order."""

    order_id: str
    order_number: str
    due_time: Timestamp
    delivery_method: str
    zone_id: str


class Claim(NamedTuple):
    """A worker's current or last claim on an order. It has no id if the order was not claimed since it was given back."""

    claim_id: str = ""
    worker: str = ""
    claim_time: Timestamp | None = None
    # The time until which the order is claimed, or delayed after it was given back. None if it can be claimed.
    expire_time: Timestamp | None = None
    # Number of claims so far.
    claim_count: int = 0


class Queued(NamedTuple):
    """An order in the queue with its claim, at the database's time `now`."""

    entry: QueueEntry
    claim: Claim
    now: Timestamp
