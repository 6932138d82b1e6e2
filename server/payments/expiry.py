"""Orders that nobody pays: after a while they give back what they hold."""

import logging
from datetime import datetime, timedelta
from typing import Protocol

from orders.v1.order_service_pb2 import CancelOrderRequest

from server.domain.caller import Caller, Role
from server.domain.commands import Command
from server.domain.errors import OrderError
from server.payments.checkout import Checkout

log = logging.getLogger(__name__)

_CALLER = Caller(subject="housekeeping", roles=frozenset({Role.ADMIN}))
_AT_ONCE = 100
# However long nobody kept house, orders are not looked for further back than this.
_WINDOW = timedelta(days=30)


class Unpaid(Protocol):
    """What finds unpaid orders: `storage/orders.py`."""

    async def unpaid(self, *, since: datetime, before: datetime, limit: int) -> list[tuple[str, str]]: ...


async def cancel_unpaid(checkout: Checkout, orders: Unpaid, *, before: datetime) -> int:
    """Cancels the pending orders created before a time that are not paid; returns how many."""
    cancelled = 0
    while True:
        found = await orders.unpaid(since=before - _WINDOW, before=before, limit=_AT_ONCE)
        now = sum([await _cancel(checkout, order_id, etag) for order_id, etag in found])
        cancelled += now
        if len(found) < _AT_ONCE or not now:
            return cancelled


async def _cancel(checkout: Checkout, order_id: str, etag: str) -> bool:
    """The etag sees to it that nobody has paid meanwhile."""
    request = CancelOrderRequest(order_id=order_id, etag=etag, reason="not paid in time")
    try:
        await checkout.cancel(Command(request, _CALLER))
    except OrderError as error:
        log.info("unpaid order %s is left alone: %s", order_id, error.reason)
        return False
    return True
