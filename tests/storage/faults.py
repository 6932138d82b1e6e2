"""Faults of the database: silence, read-only transactions."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.engine import make_url


class Proxy:
    """A TCP proxy in front of a PostgreSQL that can fall silent: it takes bytes and connections, and answers nothing."""

    def __init__(self, url: str) -> None:
        given = conninfo_to_dict(url)
        self._url, self._socket = url, f"{given['host']}/.s.PGSQL.{given.get('port', 5432)}"
        self._speaking = asyncio.Event()
        self._speaking.set()
        self._links: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def url(self) -> str:
        """The database behind the proxy."""
        return make_url(self._url).set(host="127.0.0.1", port=self.port, query={}).render_as_string(False)

    def fall_silent(self) -> None:
        self._speaking.clear()

    def speak(self) -> None:
        """Answers new connections again; those from before are closed."""
        for link in self._links:
            link.cancel()
        self._speaking.set()

    async def link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        with suppress(asyncio.CancelledError, OSError):
            await self._speaking.wait()
            upstream_reader, upstream_writer = await asyncio.open_unix_connection(self._socket)
            pumps = [
                asyncio.create_task(self._pump(reader, upstream_writer)),
                asyncio.create_task(self._pump(upstream_reader, writer)),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                upstream_writer.close()
        writer.close()
        self._links.discard(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                await self._speaking.wait()
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[Proxy]:
    """A proxy in front of the database of a URL."""
    proxy = Proxy(url)
    server = await asyncio.start_server(proxy.link, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        proxy.speak()
        server.close()


@contextmanager
def read_only(url: str) -> Iterator[None]:
    """Makes every new transaction in a database read-only, as on a demoted primary."""
    name = make_url(url).database
    _alter(url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    _end_sessions(url)
    try:
        yield
    finally:
        _alter(url, f"ALTER DATABASE {name} RESET default_transaction_read_only")


def _alter(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True, options="-c default_transaction_read_only=off") as connection:
        connection.execute(statement.encode())


def _end_sessions(url: str) -> None:
    _alter(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'orders'",
    )
