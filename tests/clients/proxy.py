"""A TCP proxy that breaks connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def breaking(address: str, *, after: int, times: int) -> AsyncIterator[str]:
    """An address that leads to another one. Its first connections break once this many bytes have come back through them."""
    host, port = address.split(":")
    left = [times]

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None) -> None:
        passed = 0
        with suppress(ConnectionError):
            while data := await reader.read(1 << 12):
                passed += len(data)
                if limit is not None and passed > limit:
                    break
                writer.write(data)
                await writer.drain()
        writer.transport.abort()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        limit = after if left[0] > 0 else None
        left[0] -= 1
        behind_reader, behind_writer = await asyncio.open_connection(host, port)
        await asyncio.gather(forward(reader, behind_writer, None), forward(behind_reader, writer, limit))

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
