"""Batches of writes: each item is executed like a separate call, and has its own outcome."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from orders.v1.order_pb2 import Order
from orders.v1.order_service_pb2 import (
    BatchCancelOrdersRequest,
    BatchCancelOrdersResponse,
    BatchCreateOrdersRequest,
    BatchCreateOrdersResponse,
    BatchTransitionOrdersRequest,
    BatchTransitionOrdersResponse,
    CancelOrderRequest,
    CreateOrderRequest,
    OrderResult,
    TransitionOrderRequest,
)

from server.domain.base.errors import Refusal, invalid_field, within
from server.domain.base.methods import method_of
from server.domain.base.sizes import MAX_PAGE
from server.domain.operations import Answer, Command
from server.rpc.access import MethodAccess
from server.rpc.endpoint import Call
from server.rpc.errors import Refuser, failure
from server.rpc.replays import Orders, newest_body
from server.rpc.validation import check
from server.tasks import contain

Execute = Callable[[Command], Awaitable[Answer]]

Response = TypeVar("Response", BatchCreateOrdersResponse, BatchTransitionOrdersResponse, BatchCancelOrdersResponse)

_Request = BatchCreateOrdersRequest | BatchTransitionOrdersRequest | BatchCancelOrdersRequest

# Concurrent items of one call: fewer than a batch of the writer holds, so that other calls can join.
_AT_ONCE = 32
_MAX_ID = 128


class BatchWrites:
    """Executes batches of writes of orders."""

    def __init__(self, execute: Execute, *, orders: Orders, refuser: Refuser) -> None:
        self._execute, self._orders, self._refuser = execute, orders, refuser
        requests = (CreateOrderRequest, TransitionOrderRequest, CancelOrderRequest)
        self._access = {request: MethodAccess(method_of(request)) for request in requests}

    async def create(self, request: BatchCreateOrdersRequest, call: Call) -> BatchCreateOrdersResponse:
        return await self._run(request, call, BatchCreateOrdersResponse())

    async def transition(self, request: BatchTransitionOrdersRequest, call: Call) -> BatchTransitionOrdersResponse:
        return await self._run(request, call, BatchTransitionOrdersResponse())

    async def cancel(self, request: BatchCancelOrdersRequest, call: Call) -> BatchCancelOrdersResponse:
        return await self._run(request, call, BatchCancelOrdersResponse())

    async def _run(self, request: _Request, call: Call, response: Response) -> Response:
        """The response with the outcome of each item."""
        under_way, items = asyncio.Semaphore(_AT_ONCE), request.requests

        async def run(index: int, item: Any) -> OrderResult:
            async with under_way:
                item.validate_only |= request.validate_only
                return await self._outcome(index, item, call)

        room = MAX_PAGE
        for result in await asyncio.gather(*(run(index, item) for index, item in enumerate(items))):
            room -= result.ByteSize()
            if room < 0:
                result.ClearField("order")
            response.results.append(result)
        response.failed = sum(result.HasField("status") for result in response.results)
        response.succeeded = len(items) - response.failed
        return response

    async def _outcome(self, index: int, item: Any, call: Call) -> OrderResult:
        result = OrderResult(index=index, request_id=item.request_id[:_MAX_ID])
        try:
            self._check(item, call)
            command = Command(item, call.caller, explain=call.effects is not None)
            answer = await self._execute(command)
            if call.effects is not None and answer.effects is not None:
                call.effects.MergeFrom(answer.effects)
            body = answer.body if answer.replayed is None else await newest_body(command, answer, call, self._orders)
            result.order.CopyFrom(Order.FromString(body))
            result.order_id, result.replayed = result.order.order_id, answer.replayed is not None
        except BaseException as error:
            result.status.CopyFrom(
                self._refuser.status_of(within(self._refusal(contain(error), item), f"requests[{index}]"))
            )
        return result

    def _check(self, item: Any, call: Call) -> None:
        """Checks an item's request like the request of a separate call."""
        self._access[type(item)].confine(item, call.caller)
        check(item, item.SerializeToString())
        if not item.request_id:
            raise invalid_field("request_id", "is required in a batch, so that it can be sent again")

    def _refusal(self, error: Exception, item: Any) -> Refusal:
        return error if isinstance(error, Refusal) else failure(error, method=self._access[type(item)].method)
