"""An HTTP server that receives webhooks, verifies them, and answers as it is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

LOOPBACK = {"webhook_allow_http": True, "webhook_allowed_networks": "127.0.0.0/8"}


@dataclass
class Received:
    """A request that was received."""

    webhook_id: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        return dict(json.loads(self.raw))

    @property
    def key(self) -> tuple[str, int]:
        """The order and version that the request is about."""
        data = self.body["data"]
        return data["order_id"], data.get("version", 0)

    def verify(self, secret: str) -> None:
        """Raises unless the request is signed with the secret."""
        Webhook(secret).verify(self.raw, self.headers)


Answer = Callable[[Received], web.Response]


def ok(_: Received) -> web.Response:
    return web.Response(text="thanks")


@dataclass
class Receiver:
    """Answers each path in its own way, by default with 200."""

    url: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    # Requests by path, in the order of their arrival.
    received: dict[str, list[Received]] = field(default_factory=dict)
    # Paths that do not answer until the event is set.
    blocked: dict[str, asyncio.Event] = field(default_factory=dict)
    open: dict[str, int] = field(default_factory=dict)
    most_open: dict[str, int] = field(default_factory=dict)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle(self, request: web.Request) -> web.Response:
        path = request.path
        received = Received(request.headers.get("webhook-id", ""), dict(request.headers), await request.read())
        self.received.setdefault(path, []).append(received)
        self.open[path] = self.open.get(path, 0) + 1
        self.most_open[path] = max(self.most_open.get(path, 0), self.open[path])
        try:
            async with self._news:
                self._news.notify_all()
            if path in self.blocked:
                await self.blocked[path].wait()
            return self.answers.get(path, ok)(received)
        finally:
            self.open[path] -= 1

    async def until(self, path: str, condition: Callable[[list[Received]], bool]) -> list[Received]:
        """What a path has received, once the condition holds."""
        async with asyncio.timeout(60), self._news:
            await self._news.wait_for(lambda: condition(self.received.get(path, [])))
        return self.received.get(path, [])


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a free port of this machine."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield receiver
    finally:
        await runner.cleanup()
