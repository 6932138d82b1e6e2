"""Compares what was committed with what each reader of the feed received, while writers, kills and slow readers go on."""

import asyncio
import itertools
import random
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import grpc
import psycopg
from orders.v1.consumer_service_pb2 import AckConsumerRequest, UpsertConsumerRequest
from orders.v1.consumer_service_pb2_grpc import ConsumerServiceStub
from orders.v1.order_service_pb2 import (
    CancelOrderRequest,
    ListOrderChangesRequest,
    ListOrdersRequest,
    UpdateOrderRequest,
    WatchOrdersRequest,
)
from orders.v1.order_service_pb2_grpc import OrderServiceStub

from tests.shop import new_order

Key = tuple[str, int]
# What a reader meets when its server is killed, or starts.
LOST = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.DEADLINE_EXCEEDED,
)


class Servers:
    """The addresses of the servers that run now."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[grpc.aio.Channel]:
        async with grpc.aio.insecure_channel(random.choice(self.addresses)) as channel:
            yield channel


@dataclass
class Reader:
    """A reader of the feed, and what it received: each change once, and each order's changes by version."""

    name: str
    received: list[Key] = field(default_factory=list)
    # The versions of the orders that its list had.
    listed: dict[str, int] = field(default_factory=dict)
    token: str = ""
    checksum: int = 0

    def take(self, message: Any) -> None:
        """Takes in a message. With its cursor, so that a reader that breaks off between the two takes neither."""
        keys = [(change.event.order_id, change.event.version) for change in message.changes]
        self.received += keys
        self.checksum = zlib.crc32(
            b"".join(b"%b:%d\n" % (order_id.encode(), version) for order_id, version in keys), self.checksum
        )
        assert (message.count, message.checksum) == (len(self.received), self.checksum), self.name
        self.token = message.resume_token

    def problems(self, committed: Sequence[Key]) -> list[str]:
        """What was lost, repeated or out of order."""
        found, last = [], dict(self.listed)
        for order_id, version in self.received:
            if version != last.get(order_id, 0) + 1:
                found.append(f"{self.name}: {order_id} went from version {last.get(order_id, 0)} to {version}")
            last[order_id] = version
        newest: dict[str, int] = {}
        for order_id, version in committed:
            newest[order_id] = max(version, newest.get(order_id, 0))
        return found + [f"{self.name}: lost {key}" for key in newest.items() - last.items()]


class Checker:
    """Writers and readers that go on until they are told to stop, whatever happens to their servers."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self.readers: list[Reader] = []
        # Orders and versions that callers were told of.
        self.acknowledged: set[Key] = set()
        self.writes = 0

    async def write(self, *, changes: int) -> None:
        """Creates, changes and cancels orders. A write whose server dies may or may not be committed."""
        own: list[str] = []
        for number in range(changes):
            with suppress(grpc.aio.AioRpcError):
                async with self._servers.channel() as channel:
                    stub = OrderServiceStub(channel)
                    if not own or number % 3 == 0:
                        order = await stub.CreateOrder(new_order(), timeout=20)
                        own.append(order.order_id)
                    elif number % 3 == 1:
                        text = {"order_id": own[-1], "special_instructions": f"note {number}"}
                        order = await stub.UpdateOrder(UpdateOrderRequest(order=text), timeout=20)
                    else:
                        order = await stub.CancelOrder(CancelOrderRequest(order_id=own[-1]), timeout=20)
                    self.acknowledged.add((order.order_id, order.version))
                    self.writes += 1

    async def follow(
        self, name: str, *, messages: int = 1 << 30, pause: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Lists, then follows; reconnects after so many messages, anywhere."""
        reader = await self._listed(name)

        async def attempt(channel: grpc.aio.Channel) -> None:
            call = OrderServiceStub(channel).WatchOrders(WatchOrdersRequest(resume_token=reader.token), timeout=20)
            for _ in range(messages):
                message = await call.read()
                if message is grpc.aio.EOF:
                    return
                reader.take(message)
                if pause is not None:
                    await pause()

        await self._forever(attempt)

    async def poll(self, name: str) -> None:
        """Lists, then polls pages of a few changes."""
        reader = await self._listed(name)

        async def attempt(channel: grpc.aio.Channel) -> None:
            request = ListOrderChangesRequest(resume_token=reader.token, page_size=7)
            page = await OrderServiceStub(channel).ListOrderChanges(request, timeout=20)
            reader.take(page)
            if page.caught_up:
                await asyncio.sleep(0.05)

        await self._forever(attempt)

    async def consume(self, name: str) -> None:
        """Acknowledges each message as a durable consumer, and begins again behind the last one."""
        reader = Reader(name)

        async def create(channel: grpc.aio.Channel) -> None:
            await ConsumerServiceStub(channel).UpsertConsumer(UpsertConsumerRequest(consumer={"consumer_id": name}))
            raise StopAsyncIteration

        async def attempt(channel: grpc.aio.Channel) -> None:
            call = OrderServiceStub(channel).WatchOrders(WatchOrdersRequest(consumer_id=name), timeout=20)
            async for message in call:
                # An acknowledgement that fails may be stored or not: whatever comes again is known.
                known = set(reader.received)
                keys = [(change.event.order_id, change.event.version) for change in message.changes]
                reader.received += [key for key in keys if key not in known]
                request = AckConsumerRequest(consumer_id=name, resume_token=message.resume_token)
                await ConsumerServiceStub(channel).AckConsumer(request, timeout=20)

        await self._forever(create)
        self.readers.append(reader)
        await self._forever(attempt)

    async def _listed(self, name: str) -> Reader:
        reader = Reader(name)

        async def attempt(channel: grpc.aio.Channel) -> None:
            reader.listed.clear()
            async for page in OrderServiceStub(channel).ListOrders(ListOrdersRequest(), timeout=20):
                reader.listed.update({order.order_id: order.version for order in page.orders})
                reader.token = page.resume_token
                if page.complete:
                    raise StopAsyncIteration

        await self._forever(attempt)
        self.readers.append(reader)
        return reader

    async def _forever(self, attempt: Callable[[grpc.aio.Channel], Awaitable[None]]) -> None:
        """Attempts again and again, also where servers die, until one says that it is done."""
        for _ in itertools.count():
            try:
                async with self._servers.channel() as channel:
                    await attempt(channel)
            except StopAsyncIteration:
                return
            except grpc.aio.AioRpcError as error:
                if error.code() not in LOST:
                    raise

    async def problems(self, url: str) -> list[str]:
        """The problems of all readers, once each has everything or none has received anything for a while."""
        while True:
            before = self._received()
            found = await self._problems_within(60, url)
            if not found or self._received() == before:
                return found

    def _received(self) -> int:
        return sum(len(reader.received) for reader in self.readers)

    async def _problems_within(self, seconds: float, url: str) -> list[str]:
        found: list[str] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while found := await self._problems_now(url):  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
        return found

    async def _problems_now(self, url: str) -> list[str]:
        async with await psycopg.AsyncConnection.connect(url) as connection:
            cursor = await connection.execute("SELECT order_id::text, version FROM order_events")
            committed = await cursor.fetchall()
        found = [problem for reader in self.readers for problem in reader.problems(committed)]
        return found + [f"acknowledged, but lost: {key}" for key in self.acknowledged.difference(committed)]
