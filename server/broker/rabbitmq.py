"""RabbitMQ, over AMQP 0-9-1."""

import asyncio
from collections.abc import Sequence

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractExchange, DeliveryMode, ExchangeType

from server.broker.messages import BrokerMessage

# Seconds to connect.
_TIMEOUT = 10.0


class RabbitBroker:
    """Publishes to a durable topic exchange, with the event's type as the routing key. Creates the exchange if there is none."""

    def __init__(self, url: str, *, topic: str) -> None:
        self._url, self._topic = url, topic
        self._connection: AbstractConnection | None = None
        self._exchange: AbstractExchange | None = None

    async def connect(self) -> None:
        if self._connection is not None and not self._connection.is_closed:
            return
        self._connection = await aio_pika.connect(self._url, timeout=_TIMEOUT)
        channel = await self._connection.channel(publisher_confirms=True)
        self._exchange = await channel.declare_exchange(self._topic, ExchangeType.TOPIC, durable=True)

    async def publish(self, messages: Sequence[BrokerMessage]) -> None:
        await asyncio.gather(*(self._publish(message) for message in messages))

    async def _publish(self, message: BrokerMessage) -> None:
        assert self._exchange is not None
        sent = aio_pika.Message(
            message.body,
            message_id=message.id,
            type=message.type,
            content_type=message.content_type,
            delivery_mode=DeliveryMode.PERSISTENT,
        )
        # Events without a bound queue have no consumer.
        await self._exchange.publish(sent, routing_key=message.type, mandatory=False)

    async def close(self) -> None:
        connection, self._connection, self._exchange = self._connection, None, None
        if connection is not None:
            await connection.close()
