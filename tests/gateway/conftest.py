"""A real gateway in front of the real server, in this process."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import grpc
import pytest
from yarl import URL

from server.gateway.app import build
from server.gateway.listener import Listener, listen
from server.gateway.options import Options
from tests.conftest import Service


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status: int
    headers: Mapping[str, str]
    text: str
    json: Any = None

    def reason(self) -> str:
        infos = [detail for detail in self.json["details"] if detail["@type"].endswith("ErrorInfo")]
        return infos[0]["reason"] if infos else ""

    def fields(self) -> dict[str, str]:
        """The violations by field."""
        bad = [detail for detail in self.json["details"] if detail["@type"].endswith("BadRequest")]
        return {each["field"]: each["description"] for detail in bad for each in detail["field_violations"]}


@dataclass(frozen=True)
class Http:
    """A client of a gateway."""

    session: aiohttp.ClientSession
    url: str
    stopping: asyncio.Event
    listener: Listener = field(repr=False)

    async def call(self, verb: str, path: str, json: Any = None, **options: Any) -> Answer:
        async with self.session.request(verb, URL(self.url + path, encoded=True), json=json, **options) as response:
            text = await response.text()
            is_json = response.content_type.endswith("json") and text and "\n" not in text
            return Answer(
                response.status, response.headers, text, await response.json(content_type=None) if is_json else None
            )


@asynccontextmanager
async def gateway(service: Service, **options: Any) -> AsyncIterator[Http]:
    """A gateway with these options."""
    chosen = Options(port=0, drain_delay=0.0, shutdown_grace=5.0, **options)
    stopping, listening = asyncio.Event(), listen(chosen)
    async with grpc.aio.insecure_channel(service.address) as channel, aiohttp.ClientSession() as session:
        listener = Listener(build(channel, chosen, stopping=stopping), chosen, stopping=stopping)
        serving = asyncio.create_task(listener.run_on(listening))
        try:
            yield Http(session, f"http://127.0.0.1:{listening.getsockname()[1]}", stopping, listener)
        finally:
            listener.stop()
            await serving


@pytest.fixture(scope="module")
async def http(service: Service) -> AsyncIterator[Http]:
    async with gateway(service) as http:
        yield http
