"""Expiry of unpaid orders, which returns their stock, coupons and points."""

import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Protocol

from orders.v1.order_pb2 import PAYMENT_METHOD_CASH_ON_DELIVERY, Order
from orders.v1.order_service_pb2 import CancelOrderRequest

from server.domain.base.caller import Caller, Role
from server.domain.base.errors import Refusal
from server.domain.lifecycle.payment_status import has_money
from server.domain.operations import Command
from server.payments.checkout import Checkout
from server.tasks import contain
from server.telemetry.log import fields

log = logging.getLogger(__name__)

_CALLER = Caller(subject="housekeeping", roles=frozenset({Role.ADMIN}))
# Older orders are ignored.
_WINDOW = timedelta(days=30)


class Unpaid(Protocol):
    """The reader of unpaid orders: `storage/read/orders.py`."""

    def unpaid(self, *, since: datetime, before: datetime) -> AsyncIterator[Order]: ...


async def cancel_unpaid(checkout: Checkout, orders: Unpaid, *, before: datetime) -> int:
    """Cancels the pending orders created before a time that have received no money; returns their number."""
    cancelled = 0
    async for order in orders.unpaid(since=before - _WINDOW, before=before):
        # Cash on delivery is not late, and a partial payment needs a person's decision.
        if order.payment_method != PAYMENT_METHOD_CASH_ON_DELIVERY and not has_money(order):
            cancelled += await _cancel(checkout, order)
    return cancelled


async def _cancel(checkout: Checkout, order: Order) -> bool:
    """Cancels an order. The etag prevents this if the order has changed."""
    request = CancelOrderRequest(order_id=order.order_id, etag=order.etag, reason="not paid in time")
    try:
        await checkout.execute(Command(request, _CALLER))
    except Refusal as error:
        log.info("an unpaid order was not cancelled", extra=fields(error, order_id=order.order_id))
        return False
    except BaseException as error:
        contain(error)
        log.exception("an unpaid order could not be cancelled", extra=fields(order_id=order.order_id))
        return False
    return True
