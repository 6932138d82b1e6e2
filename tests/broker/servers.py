"""Real brokers for tests: each can be killed and started again with what it has stored."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

import nats
import pytest

from tests.e2e.processes import free_port


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

    async def subscribe(self) -> None:
        """Makes sure that messages from now on are kept for `messages`."""

    def messages(self) -> AsyncIterator[Delivered]:
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

    async def subscribe(self) -> None:
        """The stream keeps everything."""

    async def messages(self) -> AsyncIterator[Delivered]:
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
    return subprocess.Popen(command, env=os.environ | environment, **silence)


def kill(process: subprocess.Popen[bytes] | None) -> None:
    if process is not None:
        process.kill()
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


BROKERS = {"nats": _nats}


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
            server.kill()
            shutil.rmtree(path, ignore_errors=True)
