"""Workers and servers of the work queue that are killed: each order is worked on once."""

import asyncio
import itertools
import multiprocessing
import os
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
from orders.v1 import fulfilment_queue_pb2 as queue
from orders.v1 import order_pb2 as pb
from orders.v1.fulfilment_service_pb2_grpc import FulfilmentServiceStub
from orders.v1.order_service_pb2 import TransitionOrderRequest

from tests.conftest import Service, new_order, serving, stock_shop

# `make torture` sets larger ones.
ORDERS = int(os.environ.get("TORTURE_ORDERS", "120"))
WORKERS = int(os.environ.get("TORTURE_WORKERS", "10"))


def _serve(url: str, said: Any) -> None:
    async def serve() -> None:
        async with serving(url) as service:
            said.send(service.address)
            await asyncio.Event().wait()

    asyncio.run(serve())


@asynccontextmanager
async def server(url: str) -> AsyncIterator[str]:
    """The address of a server in a process of its own, which is killed at the end."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(url, theirs))
    process.start()
    theirs.close()
    try:
        yield await asyncio.to_thread(ours.recv)
    finally:
        process.kill()
        await asyncio.to_thread(process.join)


async def confirmed(service: Service) -> str:
    order = await service.orders.CreateOrder(new_order())
    move = {"status": pb.ORDER_STATUS_CONFIRMED, "override_reason": "pays at the door"}
    await service.orders.TransitionOrder(TransitionOrderRequest(order_id=order.order_id, **move))
    return str(order.order_id)


class Workers:
    """Workers that send each request again, to the next server, until it is answered."""

    def __init__(self, stubs: list[FulfilmentServiceStub]) -> None:
        self.stubs, self.claims = stubs, Counter[str]()
        self.completed, self.half_done = 0, asyncio.Event()

    async def call(self, method: str, request: Any) -> Any:
        for stub in itertools.cycle(self.stubs):
            try:
                return await getattr(stub, method)(request)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise

    async def claim(self) -> list[queue.Fulfilment]:
        request = queue.ClaimFulfilmentsRequest(worker="w", count=3, request_id=str(uuid.uuid4()))
        claimed = list((await self.call("ClaimFulfilments", request)).fulfilments)
        self.claims.update(each.order_id for each in claimed)
        return claimed

    async def work(self) -> None:
        while claimed := await self.claim():
            for each in claimed:
                request = {"order_id": each.order_id, "claim_id": each.claim_id, "request_id": str(uuid.uuid4())}
                await self.call("CompleteFulfilment", queue.CompleteFulfilmentRequest(**request))
                self.completed += 1
                if self.completed == ORDERS // 2:
                    self.half_done.set()


async def test_each_order_is_claimed_once_whoever_is_killed(new_database: Callable[[], str]) -> None:
    url = new_database()
    async with serving(url) as service:
        await stock_shop(service)
        made = await asyncio.gather(*(confirmed(service) for _ in range(ORDERS)))
        own = FulfilmentServiceStub(service.channel)
        # Of a worker that was killed.
        lost = await Workers([own]).claim()
        async with server(url) as address:
            channel = grpc.aio.insecure_channel(address)
            workers = Workers([FulfilmentServiceStub(channel), own])
            tasks = [asyncio.create_task(workers.work()) for _ in range(WORKERS)]
            await workers.half_done.wait()
        await asyncio.gather(*tasks)
        # Orders that another batch held at that moment were passed over.
        await workers.work()
        assert workers.claims == Counter(set(made) - {each.order_id for each in lost})
        await service.rows("UPDATE fulfilments SET expire_time = now() - interval '1 second' RETURNING 1")
        await workers.work()
        assert workers.claims == Counter(made)
        events = await service.rows("SELECT order_id::text FROM order_events WHERE type = 30")
        assert Counter(order_id for (order_id,) in events) == Counter(made)
        await channel.close()
