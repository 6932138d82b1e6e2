"""NATS JetStream."""

import asyncio
from collections.abc import Sequence

import nats
from nats.aio.client import Client
from nats.js.api import Header, StorageType
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError

from server.broker import urls
from server.broker.messages import BrokerMessage

# Seconds that a stream created by the server keeps messages, and seconds to wait for an acknowledgement.
_MAX_AGE, _TIMEOUT = 7 * 86_400, 10.0


class NatsBroker:
    """Publishes to the subject `TOPIC.TYPE`. Creates the stream if none has the subjects."""

    def __init__(self, url: str, *, topic: str) -> None:
        parts = urls.parse(url)
        self._servers = [f"{parts.scheme}://{host}" for host in parts.hosts]
        self._user, self._password, self._topic = parts.user, parts.password, topic
        self._client: Client | None = None
        self._jetstream: JetStreamContext | None = None

    async def publish(self, messages: Sequence[BrokerMessage]) -> None:
        await asyncio.gather(*(self._publish(message) for message in messages))

    async def _publish(self, message: BrokerMessage) -> None:
        assert self._jetstream is not None
        headers = {Header.MSG_ID.value: message.id, "Content-Type": message.content_type}
        await self._jetstream.publish(f"{self._topic}.{message.type}", message.body, headers=headers)

    async def connect(self) -> None:
        if self._client is not None and self._client.is_connected:
            return
        self._client = await nats.connect(
            self._servers,
            user=self._user,
            password=self._password,
            name="orders",
            allow_reconnect=False,
            connect_timeout=10,
            error_cb=_ignore,
        )
        jetstream = self._client.jetstream(timeout=_TIMEOUT)
        try:
            await jetstream.find_stream_name_by_subject(f"{self._topic}.>")
        except NotFoundError:
            name = self._topic.replace(".", "_")
            subjects = [f"{self._topic}.>"]
            await jetstream.add_stream(name=name, subjects=subjects, storage=StorageType.FILE, max_age=_MAX_AGE)
        self._jetstream = jetstream

    async def close(self) -> None:
        client, self._client, self._jetstream = self._client, None, None
        if client is not None:
            await client.close()


async def _ignore(_: Exception) -> None:
    """Ignores the error: publishing fails too, and reports it."""
