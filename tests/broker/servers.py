"""Real brokers for tests: each can be killed and started again with what it has stored."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Protocol

import aio_pika
import nats
import pytest
from aiokafka import AIOKafkaConsumer

from tests.e2e.processes import free_port
from tests.e2e.tools import TOOLS


class Delivered(NamedTuple):
    """A message as a consumer gets it."""

    id: str
    type: str
    content_type: str
    body: bytes

    @property
    def key(self) -> tuple[str, int]:
        """The order and version that the message is about."""
        _, order_id, version = self.id.split("_")
        return order_id, int(version)


class BrokerServer(Protocol):
    """A broker in a process of its own."""

    url: str

    async def start(self) -> None:
        """Starts it, or starts it again; returns once it answers."""

    def kill(self) -> None:
        """Kills it."""

    def close(self) -> None:
        """Kills it and whatever was started with it."""

    async def subscribe(self) -> None:
        """Makes sure that messages from now on are kept for `messages`."""

    def messages(self) -> AsyncGenerator[Delivered, None]:
        """All messages since `subscribe`, then those that follow."""


class NatsServer:
    """A NATS server with JetStream."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self.url = f"nats://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        command = Path(sys.executable).with_name("nats-server")
        arguments = ["-a", "127.0.0.1", "-p", str(self._port), "-js", "-sd", str(self._folder)]
        self._process = launch([command, *arguments])
        await until_listening(self._port)

    def kill(self) -> None:
        kill(self._process)

    def close(self) -> None:
        kill(self._process)

    async def subscribe(self) -> None:
        """The stream keeps everything."""

    async def messages(self) -> AsyncGenerator[Delivered, None]:
        client = await nats.connect(self.url)
        try:
            stream = client.jetstream()
            found = await until_found(stream)
            subscription = await stream.subscribe("orders.>", stream=found, ordered_consumer=True)
            async for message in subscription.messages:
                headers = message.headers or {}
                yield Delivered(
                    headers["Nats-Msg-Id"],
                    message.subject.removeprefix("orders."),
                    headers["Content-Type"],
                    message.data,
                )
        finally:
            await client.close()


class RabbitServer:
    """A RabbitMQ server, with a queue of all events."""

    def __init__(self, folder: Path, command: Path, epmd: str) -> None:
        self._folder, self._command, self._epmd = folder, command, epmd
        self._port = free_port()
        self.url = f"amqp://127.0.0.1:{self._port}"
        self._names: subprocess.Popen[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._consumed: list[Delivered] = []
        self._variables = {
            "HOME": str(folder),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(free_port()),
            "RABBITMQ_NODENAME": "orders@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(folder / "none"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}",
        }

    async def start(self) -> None:
        if self._names is None:
            self._names = launch([self._epmd], **self._variables)
            await until_listening(int(self._variables["ERL_EPMD_PORT"]))
        self._process = launch([self._command], **self._variables)
        # It listens before it takes connections.
        async with asyncio.timeout(120):
            while True:
                try:
                    async with await aio_pika.connect(self.url):
                        return
                except (OSError, aio_pika.exceptions.AMQPError):
                    await asyncio.sleep(0.1)

    def kill(self) -> None:
        kill(self._process)

    def close(self) -> None:
        kill(self._process)
        kill(self._names)

    async def subscribe(self) -> None:
        async with await aio_pika.connect(self.url) as connection:
            await self._queue(await connection.channel())

    async def _queue(self, channel: aio_pika.abc.AbstractChannel) -> aio_pika.abc.AbstractQueue:
        exchange = await channel.declare_exchange("orders", aio_pika.ExchangeType.TOPIC, durable=True)
        queue = await channel.declare_queue("test", durable=True)
        await queue.bind(exchange, "#")
        return queue

    async def messages(self) -> AsyncGenerator[Delivered, None]:
        for message in list(self._consumed):
            yield message
        async with await aio_pika.connect(self.url) as connection:
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=1)
            async with (await self._queue(channel)).iterator() as found:
                async for message in found:
                    assert message.routing_key == message.type
                    self._consumed.append(
                        Delivered(message.message_id or "", message.type, message.content_type or "", message.body)
                    )
                    await message.ack()
                    yield self._consumed[-1]


class KafkaServer:
    """A Kafka broker that is its own controller."""

    def __init__(self, folder: Path, java: str, jars: str) -> None:
        self._folder, self._java = folder, [java, "-Xmx256m", "-cp", jars]
        self._port, controller = free_port(), free_port()
        self.url = f"kafka://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._properties = folder / "server.properties"
        self._properties.write_text(
            f"""process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{self._port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{self._port}
log.dirs={folder}/data
num.partitions=3
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
"""
        )

    async def start(self) -> None:
        if not (self._folder / "data").exists():
            arguments = ["format", "-t", "4L6g3nShT-eMCtK--X86sw", "-c", str(self._properties)]
            await asyncio.to_thread(launch([*self._java, "kafka.tools.StorageTool", *arguments]).wait)
        self._process = launch([*self._java, "kafka.Kafka", str(self._properties)])
        await until_listening(self._port)

    def kill(self) -> None:
        kill(self._process)

    def close(self) -> None:
        kill(self._process)

    async def subscribe(self) -> None:
        """The topic keeps everything."""

    async def messages(self) -> AsyncGenerator[Delivered, None]:
        consumer = AIOKafkaConsumer("orders", bootstrap_servers=f"127.0.0.1:{self._port}", auto_offset_reset="earliest")
        await consumer.start()
        try:
            async for message in consumer:
                headers = {name: value.decode() for name, value in message.headers}
                assert headers["id"].split("_")[1] == message.key.decode()
                yield Delivered(headers["id"], headers["type"], headers["content-type"], message.value)
        finally:
            await consumer.stop()


async def until_found(stream: nats.js.JetStreamContext) -> str:
    async with asyncio.timeout(60):
        while True:
            try:
                return await stream.find_stream_name_by_subject("orders.>")
            except nats.js.errors.NotFoundError:
                await asyncio.sleep(0.05)


def launch(command: Sequence[str | Path], **environment: str) -> subprocess.Popen[bytes]:
    """Starts a process without any output."""
    silence = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, env=os.environ | environment, start_new_session=True, **silence)


def kill(process: subprocess.Popen[bytes] | None) -> None:
    if process is not None:
        # With the processes that it has started.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


async def until_listening(port: int) -> None:
    async with asyncio.timeout(120):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="orders-broker-") as name:
        yield Path(name)


def _nats(folder: Path) -> BrokerServer:
    if not Path(sys.executable).with_name("nats-server").exists():
        pytest.skip("there is no nats-server")
    return NatsServer(folder)


def _rabbitmq(folder: Path) -> BrokerServer:
    found = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    epmd = shutil.which("epmd")
    if not found or epmd is None:
        pytest.skip("there is no RabbitMQ")
    return RabbitServer(folder, found[-1], epmd)


def _kafka(folder: Path) -> BrokerServer:
    java, jars = shutil.which("java"), TOOLS / "kafka"
    if java is None or not jars.is_dir():
        pytest.skip("there is no Kafka")
    return KafkaServer(folder, java, f"{jars}/*")


BROKERS = {"nats": _nats, "rabbitmq": _rabbitmq, "kafka": _kafka}


@asynccontextmanager
async def running(name: str) -> AsyncIterator[BrokerServer]:
    """A broker; skips the test if it is not installed."""
    with folder() as path:
        server = BROKERS[name](path)
        try:
            await server.start()
            await server.subscribe()
            yield server
        finally:
            server.close()
            shutil.rmtree(path, ignore_errors=True)
