"""Answers to repeated requests: the current order, with trailers about the first answer."""

from collections.abc import Mapping
from typing import Protocol

from google.protobuf.message import Message
from orders.v1.order_pb2 import Order

from server.domain.base.errors import Refusal
from server.domain.base.methods import response_type_of
from server.domain.operations import Answer, Command
from server.rpc.endpoint import Call
from server.storage.references import Reference


class Orders(Protocol):
    """The reader of orders: `storage/read/orders.py`."""

    async def get(self, reference: Reference) -> bytes: ...


async def answer_again(command: Command, answer: Answer, call: Call, orders: Orders) -> bytes:
    """The answer to a repeated request, with trailers about the first answer."""
    first, current = await _first_and_current(command, answer, call, orders)
    await call.mark_replayed(_trailers(answer, first.version if isinstance(first, Order) else 0, current))
    return _newest(first, current, answer)


async def newest_body(command: Command, answer: Answer, call: Call, orders: Orders) -> bytes:
    """The answer to a repeated item of a batch."""
    return _newest(*await _first_and_current(command, answer, call, orders), answer)


async def _first_and_current(
    command: Command, answer: Answer, call: Call, orders: Orders
) -> tuple[Message, Order | None]:
    assert answer.replayed is not None
    first: Message = response_type_of(command.operation.method).FromString(answer.replayed.response)
    return first, await _current(getattr(first, "order_id", ""), call, orders)


def _newest(first: Message, current: Order | None, answer: Answer) -> bytes:
    """The answer, or the current order if it has changed since, for example by the payment provider."""
    if isinstance(first, Order) and current is not None and current.version > Order.FromString(answer.body).version:
        return current.SerializeToString(deterministic=True)
    return answer.body


async def _current(order_id: str, call: Call, orders: Orders) -> Order | None:
    """The current order, if the caller has access to it."""
    if not order_id:
        return None
    try:
        return Order.FromString(await orders.get(call.reference(order_id)))
    except Refusal:
        return None


def _trailers(answer: Answer, first_version: int, current: Order | None) -> Mapping[str, str]:
    assert answer.replayed is not None
    trailers = {"idempotency-first-answered": answer.replayed.answer_time.ToJsonString()}
    if first_version:
        trailers["idempotency-first-version"] = str(first_version)
    if current is not None:
        trailers["order-version"] = str(current.version)
    return trailers
