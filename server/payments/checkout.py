"""Writes of orders with a payment provider.

The write commits, then the provider is called, then its outcome is written. Each step can be repeated, so if the process dies, a
retry of the request continues where the first attempt stopped.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from orders.v1.error_reason_pb2 import ERROR_REASON_DEPENDENCY_UNAVAILABLE
from orders.v1.fulfilment_service_pb2 import RequestInstallationRequest
from orders.v1.order_pb2 import (
    ORDER_STATUS_CANCELLED,
    PAYMENT_STATUS_FAILED,
    REFUND_STATUS_FAILED,
    REFUND_STATUS_PENDING,
    Order,
    Payment,
    PaymentEvent,
    Refund,
)
from orders.v1.order_return_pb2 import CloseReturnRequest
from orders.v1.order_service_pb2 import (
    CancelOrderLinesRequest,
    CancelOrderRequest,
    CapturePaymentRequest,
    CreateOrderRequest,
    RecordPaymentRequest,
    RefundOrderRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
    VoidPaymentRequest,
)

from server.domain.base.errors import Refusal
from server.domain.base.money import minor_of
from server.domain.lifecycle.payment_status import due
from server.domain.operations import Answer, Command
from server.domain.payments.requests import choose_payment, default_capture, held_by, of_other_provider
from server.payments.declines import capture_declined, due_declined, payment_declined, refund_refused
from server.payments.flow import (
    Accounts,
    Orders,
    PaymentFlow,
    Writes,
    awaits_payment,
    refund_of,
    uses_provider,
)
from server.payments.provider import PaymentProvider, ProviderUnavailable
from server.tasks import Tasks

log = logging.getLogger(__name__)

Around = Callable[[PaymentFlow, Command], Coroutine[Any, Any, Answer]]


class Checkout:
    """Executes commands with the writer, and calls the payment provider, if there is one."""

    def __init__(
        self, *, writer: Writes, orders: Orders, customers: Accounts, provider: PaymentProvider | None, timeout: float
    ) -> None:
        """`timeout` bounds each call of the provider, in seconds."""
        self._writer = writer
        self._flow: PaymentFlow | None = None
        if provider is not None:
            self._flow = PaymentFlow(
                writer=writer, orders=orders, customers=customers, provider=provider, timeout=timeout
            )
        self._around: Mapping[type, Around] = {
            CreateOrderRequest: self._create,
            UpdateOrderRequest: self._update,
            RequestInstallationRequest: self._update,
            # A transition can also cancel.
            TransitionOrderRequest: self._cancel,
            CancelOrderRequest: self._cancel,
            CancelOrderLinesRequest: self._cancel_lines,
            RecordPaymentRequest: self._record,
            RefundOrderRequest: self._refund,
            CloseReturnRequest: self._close_return,
            CapturePaymentRequest: self._capture,
            VoidPaymentRequest: self._void,
        }
        self._tasks = Tasks()

    async def execute(self, command: Command) -> Answer:
        """The command's answer. Raises the writer's errors and, for commands that move money:

        PAYMENT_FAILED if the provider declines, and DEPENDENCY_UNAVAILABLE if it does not answer.
        """
        around = self._around.get(type(command.request))
        if self._flow is None or around is None or command.dry:
            return await self._without_provider(command)
        # A disconnected caller does not stop the work: the order exists, and may be paid.
        task: asyncio.Task[Answer] = self._tasks.spawn(around(self._flow, command))
        try:
            await asyncio.wait([task])
            return task.result()
        except asyncio.CancelledError:
            task.add_done_callback(_after_its_caller)
            raise
        finally:
            # It refers to an error, which refers to this frame: a cycle.
            del task

    async def _without_provider(self, command: Command) -> Answer:
        answer = await self._writer.execute(command)
        if isinstance(command.request, CapturePaymentRequest | VoidPaymentRequest):
            order = Order.FromString(answer.body)
            payment = _held_payment(order, command)
            if self._flow is None or not self._flow.owns(payment):
                raise of_other_provider(order, payment)
        return answer

    async def drain(self) -> None:
        """Waits until all running commands finish, including those whose callers have disconnected."""
        await self._tasks.drain()

    async def _create(self, flow: PaymentFlow, command: Command) -> Answer:
        answer = await self._writer.execute(command)
        order = Order.FromString(answer.body)
        if answer.replayed:
            first, order = order, await flow.current(order)
            if not (uses_provider(first) or uses_provider(order)):
                return answer
            if order.status == ORDER_STATUS_CANCELLED:
                order = await flow.give_up(order)
                if order.payment_status == PAYMENT_STATUS_FAILED:
                    raise payment_declined(order, PaymentEvent())
            if not awaits_payment(order):
                return _answer(order, answer)
        elif not uses_provider(order):
            return answer
        try:
            # After an intent is settled, a later failure does not cancel the order.
            settled = await flow.open(order, cancels=not order.HasField("payment_intent"))
        except ProviderUnavailable as error:
            raise await self._unpaid(flow, command, order) from error
        if settled.decline:
            raise payment_declined(settled.order, settled.decline)
        if awaits_payment(settled.order):
            settled.order.payment_intent.client_secret = settled.client_secret
        return _answer(settled.order, answer)

    async def _unpaid(self, flow: PaymentFlow, command: Command, order: Order) -> Refusal:
        """The error for a new order that could not be paid. Without a request id no retry can find it, so it is cancelled."""
        text = "the payment provider does not answer; "
        if command.request.request_id:
            text += f"order {order.order_number} awaits its payment; retry with the same request_id"
            return _unavailable(text, order)
        try:
            cancelled = await flow.abandon(order, reason="the payment provider did not answer")
        except Refusal:
            return _unavailable(text + f"order {order.order_number} awaits its payment", order)
        if cancelled.status != ORDER_STATUS_CANCELLED:
            return _unavailable(text + f"order {order.order_number} exists nevertheless; check it", order)
        self._tasks.spawn(flow.give_up(cancelled)).add_done_callback(_after_its_caller)
        return _unavailable(text + "nothing was ordered; retry in a moment")

    async def _update(self, flow: PaymentFlow, command: Command) -> Answer:
        answer = await self._writer.execute(command)
        return await self._follow_total(flow, Order.FromString(answer.body), answer)

    async def _follow_total(self, flow: PaymentFlow, order: Order, answer: Answer) -> Answer:
        """Updates the payment of a changed order to its total."""
        if answer.replayed and (uses_provider(order) or order.HasField("payment_intent")):
            order = await flow.current(order)
        if order.status == ORDER_STATUS_CANCELLED:
            return _answer(await self._given_up(flow, order), answer)
        try:
            if not uses_provider(order) and flow.has_open_intent(order):
                return _answer(await flow.drop(order), answer)
            if uses_provider(order) and due(order):
                return _answer(await self._open_due(flow, order), answer)
            if not awaits_payment(order):
                return _answer(order, answer)
            settled = await flow.open(order, cancels=False)
        except ProviderUnavailable as error:
            text = f"order {order.order_number} is changed, but the payment provider does not answer; retry the request"
            raise _unavailable(text, order) from error
        # An earlier failed payment is not a failure of this update.
        tried = answer.replayed or settled.order.version > order.version
        if settled.decline and tried:
            raise payment_declined(settled.order, settled.decline)
        return _answer(settled.order, answer)

    async def _open_due(self, flow: PaymentFlow, order: Order) -> Order:
        settled = await flow.open_due(order)
        if settled.decline:
            raise due_declined(settled.order, settled.decline)
        if due(settled.order):
            settled.order.payment_intent.client_secret = settled.client_secret
        return settled.order

    async def _cancel_lines(self, flow: PaymentFlow, command: Command) -> Answer:
        answer = await self._writer.execute(command)
        order = Order.FromString(answer.body)
        refund_ids = order.adjustments[-1].refund_ids
        if not refund_ids:
            # The total of an unpaid order and its intent have changed, as after an update.
            return await self._follow_total(flow, order, answer)
        return await self._pay_all_back(flow, command, answer, refund_ids)

    async def _close_return(self, flow: PaymentFlow, command: Command) -> Answer:
        answer = await self._writer.execute(command)
        order = Order.FromString(answer.body)
        closed = next(each for each in order.returns if each.return_id == command.request.return_id)
        answer = await self._pay_all_back(flow, command, answer, closed.refund_ids)
        if closed.exchange_order_id:
            await self._charge_exchange(flow, closed.exchange_order_id, order)
        return answer

    async def _charge_exchange(self, flow: PaymentFlow, order_id: str, returned: Order) -> None:
        """Opens an intent for what an exchange costs more than the returned units."""
        order = await flow.current(Order(order_id=order_id))
        if not (uses_provider(order) and due(order)):
            return
        try:
            await flow.open_due(order)
        except ProviderUnavailable as error:
            text = f"order {order.order_number} is the exchange, but the payment provider does not answer; retry the request"
            raise _unavailable(text, returned) from error

    async def _pay_all_back(
        self, flow: PaymentFlow, command: Command, answer: Answer, refund_ids: Sequence[str]
    ) -> Answer:
        """Makes the pending refunds of the server's provider."""
        order = Order.FromString(answer.body)
        order = await flow.current(order) if answer.replayed else order
        for refund_id in refund_ids:
            refund = refund_of(order, refund_id)
            if refund.status == REFUND_STATUS_PENDING and flow.took(order, refund):
                order, _ = await self._pay_back(flow, command, order, refund)
        return _answer(order, answer)

    async def _cancel(self, flow: PaymentFlow, command: Command) -> Answer:
        answer = await self._writer.execute(command)
        order = Order.FromString(answer.body)
        if order.status != ORDER_STATUS_CANCELLED:
            return answer
        if answer.replayed:
            order = await flow.current(order)
        return _answer(await self._given_up(flow, order), answer)

    async def _given_up(self, flow: PaymentFlow, order: Order) -> Order:
        """Cancels the intent, even if none is stored: another call may have opened one and not recorded it yet."""
        concerned = uses_provider(order) or order.HasField("payment_intent")
        return await flow.give_up(order) if concerned else order

    async def _record(self, flow: PaymentFlow, command: Command) -> Answer:
        answer = await self._writer.execute(command)
        order = Order.FromString(answer.body)
        return _answer(await flow.close(order), answer) if flow.is_passed_over(order) else answer

    async def _refund(self, flow: PaymentFlow, command: Command) -> Answer:
        answer = await self._writer.execute(command)
        order = Order.FromString(answer.body)
        refund_id = order.refunds[-1].refund_id
        if not flow.took(order, order.refunds[-1]):
            # The payment's provider makes the refund and reports it by RecordPayment.
            return answer
        if answer.replayed:
            order = await flow.current(order)
        refund = refund_of(order, refund_id)
        event = None
        if refund.status == REFUND_STATUS_PENDING:
            order, event = await self._pay_back(flow, command, order, refund)
        if refund_of(order, refund_id).status == REFUND_STATUS_FAILED:
            raise refund_refused(order, refund_of(order, refund_id), event, provider=flow.provider)
        return _answer(order, answer)

    async def _capture(self, flow: PaymentFlow, command: Command) -> Answer:
        request, answer = command.request, await self._writer.execute(command)
        # The amount of the first request: a retry captures the same amount under the same key.
        order = Order.FromString(answer.body)
        payment = _held_payment(order, command)
        if not flow.owns(payment):
            raise of_other_provider(order, payment)
        amount = request.amount if request.HasField("amount") else default_capture(order, payment)
        key = f"{request.request_id or order.version}:{minor_of(amount)}"
        try:
            order, decline = await flow.capture(order, payment, amount, key=key)
        except ProviderUnavailable as error:
            text = f"the payment provider does not answer; retry the capture of order {order.order_number} with the same request_id"
            raise _unavailable(text, order) from error
        if decline:
            raise capture_declined(order, payment, amount, decline)
        return _answer(order, answer)

    async def _void(self, flow: PaymentFlow, command: Command) -> Answer:
        answer = await self._writer.execute(command)
        order = Order.FromString(answer.body)
        payment = _held_payment(order, command)
        if not flow.owns(payment):
            raise of_other_provider(order, payment)
        order = await flow.current(order) if answer.replayed else order
        try:
            return _answer(await flow.release(order, payment, reason=command.request.reason), answer)
        except ProviderUnavailable as error:
            text = f"the payment provider does not answer; retry the release of order {order.order_number}"
            raise _unavailable(text, order) from error

    async def _pay_back(
        self, flow: PaymentFlow, command: Command, order: Order, refund: Refund
    ) -> tuple[Order, PaymentEvent | None]:
        """The order after a refund, and the provider's answer, if it has one already."""
        try:
            return await flow.refund(order, refund)
        except ProviderUnavailable as error:
            # It may have been refunded: removing the refund would refund it twice.
            text = f"the payment provider does not answer; refund {refund.refund_id} of order {order.order_number} is pending: "
            again = "retry with the same request_id"
            text += again if command.request.request_id else "RecordPayment reports its outcome"
            raise _unavailable(text, order) from error


def _after_its_caller(task: asyncio.Task[Any]) -> None:
    """Logs the failure of a call whose caller has disconnected. Refusals are not logged."""
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, Refusal):
        log.error("a call failed after its caller had left", exc_info=error)


def _held_payment(order: Order, command: Command) -> Payment:
    """The payment to capture or release."""
    purpose = "capture" if isinstance(command.request, CapturePaymentRequest) else "release"
    payment = choose_payment(order, command.request.payment_id, room=held_by, purpose=purpose)
    assert payment is not None
    return payment


def _answer(order: Order, first: Answer) -> Answer:
    return Answer(order.SerializeToString(deterministic=True), replayed=first.replayed)


def _unavailable(text: str, order: Order | None = None) -> Refusal:
    metadata = {"dependency": "payment_provider"}
    if order is not None:
        metadata["order_id"] = order.order_id
    return Refusal(ERROR_REASON_DEPENDENCY_UNAVAILABLE, text, metadata=metadata, retry_after=1.0)
