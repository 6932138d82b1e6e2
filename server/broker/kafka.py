"""Apache Kafka."""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer

from server.broker import urls
from server.broker.messages import BrokerMessage
from server.tasks import Tasks

# Milliseconds until an unacknowledged message fails; seconds that closing waits for such messages.
_REQUEST_TIMEOUT, _CLOSING = 10_000, 1.0


class KafkaBroker:
    """Publishes to one topic with the order as the key, so all changes of an order are in one partition."""

    def __init__(self, url: str, *, topic: str) -> None:
        self._options, self._topic = _options(url), topic
        self._producer: AIOKafkaProducer | None = None
        self._tasks = Tasks()

    async def connect(self) -> None:
        if self._producer is None:
            self._producer = AIOKafkaProducer(
                acks="all", enable_idempotence=True, request_timeout_ms=_REQUEST_TIMEOUT, **self._options
            )
            await self._producer.start()
            # The broker creates the topic if it is configured to.
            await self._producer.partitions_for(self._topic)

    async def publish(self, messages: Sequence[BrokerMessage]) -> None:
        await asyncio.gather(*[await self._send(message) for message in messages])

    async def _send(self, message: BrokerMessage) -> Any:
        """Returns the future of the acknowledgement."""
        assert self._producer is not None
        headers = [
            ("content-type", message.content_type.encode()),
            ("id", message.id.encode()),
            ("type", message.type.encode()),
        ]
        return await self._producer.send(self._topic, message.body, key=message.key.encode(), headers=headers)

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await asyncio.wait({self._tasks.spawn(producer.stop())}, timeout=_CLOSING)


def _options(url: str) -> dict[str, Any]:
    """The options of the client: `kafka+ssl` for TLS, and with a user SASL/PLAIN unless `sasl_mechanism` names another one."""
    parts = urls.parse(url)
    has_tls = parts.scheme == "kafka+ssl"
    if parts.user is None:
        security = "SSL" if has_tls else "PLAINTEXT"
        login = {}
    else:
        security = "SASL_SSL" if has_tls else "SASL_PLAINTEXT"
        login = {
            "sasl_mechanism": parts.options.get("sasl_mechanism", "PLAIN"),
            "sasl_plain_username": parts.user,
            "sasl_plain_password": parts.password,
        }
    tls = {"ssl_context": ssl.create_default_context()} if has_tls else {}
    return {"bootstrap_servers": parts.hosts, "security_protocol": security, **login, **tls}
