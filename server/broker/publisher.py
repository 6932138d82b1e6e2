"""The consumer of the feed that publishes changes to a message broker."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Protocol

from orders.v1.order_pb2 import Order, OrderEvent

from server.broker.messages import BrokerMessage, Format, event_type_of, message_of
from server.retry import RetryPolicy
from server.storage.consumer_positions import Connection
from server.storage.read.feed import Change
from server.storage.read.order_versions import OrderVersion
from server.telemetry.spans import Attributes, Tracer, producer_span

# Seconds to wait for an acknowledgement before reconnecting.
_TIMEOUT = 30.0
_FAILURES = RetryPolicy(first=0.2, longest=5.0)


class Broker(Protocol):
    """A message broker."""

    async def connect(self) -> None:
        """Connects unless it is connected, and creates the destination of messages if it does not exist."""

    async def publish(self, messages: Sequence[BrokerMessage]) -> None:
        """Returns once the broker has acknowledged all of them.

        The messages have different keys, so their order does not matter. Raises an exception of the client's library if any
        of them may be missing.
        """

    async def close(self) -> None:
        """Drops the connection, if there is one."""


class Orders(Protocol):
    """Versions of orders: `storage/read/order_versions.py`."""

    async def orders_at(self, wanted: Sequence[OrderVersion]) -> list[bytes]: ...


class Watch(Protocol):
    """Records events for metrics."""

    def note_published(self, count: int, *, seconds: float) -> None: ...

    def note_failure(self) -> None: ...


class EventPublisher:
    """Publishes every change at least once. An order's changes are published one after the other."""

    def __init__(
        self,
        broker: Broker,
        orders: Orders,
        watch: Watch,
        tracer: Tracer | None = None,
        *,
        format: Format,
        with_orders: bool,
    ) -> None:
        self._broker, self._orders, self._watch, self._tracer = broker, orders, watch, tracer
        self._format, self._with_orders = format, with_orders
        self._failures = 0

    async def start(self) -> None:
        async with self._attempt():
            await self._broker.connect()

    async def is_idle(self) -> bool:
        return False

    async def handle(self, changes: Sequence[Change]) -> None:
        orders = await self._orders_of(changes)
        events, began = [OrderEvent.FromString(change.event) for change in changes], time.monotonic()
        async with self._attempt():
            with self._traced(events):
                await self._publish(events, orders)
        self._failures = 0
        self._watch.note_published(len(events), seconds=time.monotonic() - began)

    async def store(self, connection: Connection, changes: Sequence[Change]) -> None:
        """Stores nothing: the position shows what has been published."""

    async def _publish(self, events: Sequence[OrderEvent], orders: Sequence[Order | None]) -> None:
        pairs = zip(events, orders, strict=True)
        for round_ in _rounds([message_of(event, order, format=self._format) for event, order in pairs]):
            await self._broker.publish(round_)

    async def _orders_of(self, changes: Sequence[Change]) -> Sequence[Order | None]:
        if not self._with_orders:
            return [None] * len(changes)
        wanted = [OrderVersion(change.order_id, change.version) for change in changes]
        return [Order.FromString(order) for order in await self._orders.orders_at(wanted)]

    @contextmanager
    def _traced(self, events: Sequence[OrderEvent]) -> Iterator[None]:
        """Gives each event of a sampled call a span, which its message then names."""
        with ExitStack() as spans:
            for event in events:
                attributes: Attributes = {"orders.event.type": event_type_of(event), "orders.batch.size": len(events)}
                span = spans.enter_context(producer_span(self._tracer, "publish", event.traceparent, attributes))
                if span is not None:
                    event.traceparent = span.traceparent
            yield

    @asynccontextmanager
    async def _attempt(self) -> AsyncIterator[None]:
        """After a failure, drops the connection and waits before the job reconnects."""
        try:
            async with asyncio.timeout(_TIMEOUT):
                yield
        except Exception:
            self._failures += 1
            self._watch.note_failure()
            await self.close()
            await asyncio.sleep(_FAILURES.delay(self._failures))
            raise

    async def close(self) -> None:
        """Drops the connection."""
        await self._broker.close()


def _rounds(messages: Sequence[BrokerMessage]) -> Iterator[list[BrokerMessage]]:
    """Splits the messages into rounds with at most one of each key, so that a key's messages are sent one after the other."""
    rounds: list[list[BrokerMessage]] = []
    counts: dict[str, int] = {}
    for message in messages:
        turn = counts.get(message.key, 0)
        counts[message.key] = turn + 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(message)
    yield from rounds
