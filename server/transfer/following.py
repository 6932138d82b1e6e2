"""Following the changes of a server across interruptions."""

import asyncio
from collections.abc import AsyncIterator, Callable

import grpc
from orders.v1.order_service_pb2 import WatchOrdersRequest, WatchOrdersResponse
from orders.v1.order_service_pb2_grpc import OrderServiceStub

from server.retry import RetryPolicy
from server.transfer.client import Client

_RETRY = RetryPolicy(first=0.5, longest=10.0)


async def follow(
    client: Client, request: WatchOrdersRequest, *, interrupted: Callable[[str], None]
) -> AsyncIterator[WatchOrdersResponse]:
    """The messages of WatchOrders, without an end unless the request sets one.

    After an interruption, which it reports, it resumes at the same position.

    Raises AioRpcError, except while the server is unavailable.
    """
    wanted, failures = WatchOrdersRequest(), 0
    wanted.CopyFrom(request)
    async with client.channel() as channel:
        while True:
            call = OrderServiceStub(channel).WatchOrders(  # type: ignore[no-untyped-call]
                wanted, metadata=client.metadata
            )
            try:
                async for message in call:
                    failures = 0
                    yield message
                    if message.caught_up and request.end_when_caught_up:
                        return
                    wanted.ClearField("start_time")
                    wanted.resume_token = message.resume_token
            except grpc.aio.AioRpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE:
                    raise
                failures += 1
                interrupted(f"the server is unavailable: {error.details()}; retrying")
                await asyncio.sleep(_RETRY.delay(failures))
