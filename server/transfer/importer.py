"""Imports orders from a file."""

import asyncio
import errno
import os
import stat
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import grpc
from orders.v1.order_service_pb2 import BatchUpsertOrdersRequest
from orders.v1.order_service_pb2_grpc import OrderServiceStub

from server.transfer.batches import Batch, Batcher, Entry
from server.transfer.calls import Metadata, Retry, explain
from server.transfer.lines import STDIN, Record
from server.transfer.progress import Progress, Silent
from server.transfer.records import Reading, read
from server.transfer.report import ImportFailed, ImportReport, Rejects
from server.transfer.sender import Sender
from server.transfer.threads import in_daemon_thread

PREVIEWED = 5  # Orders that a dry run shows.
MAX_BATCH_BYTES = 3_670_016  # 3.5 MiB: by default, a server accepts messages of 4 MiB.


async def import_orders(
    path: str | Path,
    *,
    channel: grpc.aio.Channel,
    source: str,
    reading: Reading | None = None,
    rejects_path: Path | None = None,
    validate_only: bool = False,
    batch_size: int = 500,
    max_batch_bytes: int = MAX_BATCH_BYTES,
    concurrency: int = 4,
    retry: Retry = Retry.DEFAULT,
    call_timeout: float = 60.0,
    metadata: Metadata = (),
    progress: Progress | None = None,
    stop: asyncio.Event | None = None,
    connect: Callable[[], Awaitable[None]] | None = None,
) -> ImportReport:
    """Upserts the orders of a file (`-`: standard input) by (source, external_order_id), so that a second run duplicates nothing.

    Once `stop` is set or it is cancelled, it stops reading and waits for the calls in flight; cancelled again, it drops
    them. `call_timeout` is in seconds. `connect` is awaited before the first call. Raises ImportFailed if the service
    refuses a call, ValueError for invalid arguments, and OSError if a file cannot be read or written.
    """
    _check_files(path, rejects_path)
    if not 1 <= batch_size <= 1000 or concurrency < 1:
        raise ValueError("a batch has 1 to 1,000 orders, and concurrency is at least 1")
    records, total = read(path, reading or Reading()), _size(path)
    if connect:
        await connect()
    sender = Sender(
        OrderServiceStub(channel),  # type: ignore[no-untyped-call]
        BatchUpsertOrdersRequest(
            source=source, validate_only=validate_only, preview_orders=PREVIEWED if validate_only else 0
        ),
        Rejects(rejects_path),
        concurrency=concurrency,
        timeout=call_timeout,
        retry=retry,
        metadata=metadata,
    )
    work = _Import(records, sender, progress or Silent(), stop or asyncio.Event())
    return await work.run(Batcher(orders=batch_size, size=max_batch_bytes), total=total, chunk=batch_size)


@dataclass
class _Import:
    records: Iterator[Record]
    sender: Sender
    progress: Progress
    stop: asyncio.Event
    position: int = 0  # Bytes of the file read so far.

    async def run(self, batcher: Batcher, *, total: int | None, chunk: int) -> ImportReport:
        began, report = time.monotonic(), self.sender.report
        self.progress.start("import", total=total, unit="bytes")
        report.interrupted = True
        try:
            report.interrupted = not await self._feed(batcher, chunk)
            await self.sender.drain()
        except (Exception, asyncio.CancelledError):
            if not self.stop.is_set():  # Otherwise it has been awaited already.
                await self.sender.drain()
            raise
        finally:
            await self.sender.close()
            report.seconds = time.monotonic() - began
            self._tell()
            self.progress.finish(report.summary())
        if self.sender.failure:
            raise ImportFailed(_failed(self.sender.failure), report) from self.sender.failure
        return report

    async def _feed(self, batcher: Batcher, chunk: int) -> bool:
        """Reads and sends the orders; returns whether it reached the end of the file."""
        while not self._halted:
            records = await self._next(chunk)
            if self._halted:
                return False
            for batch in self._batches(records, batcher):
                await self.sender.ready()
                if self._halted:
                    return False
                self.sender.send(batch)
            if not records:
                return True
            self.position = records[-1].end
            self._tell()
        return False

    @property
    def _halted(self) -> bool:
        return self.stop.is_set() or self.sender.failure is not None

    async def _next(self, chunk: int) -> list[Record]:
        """Up to `count` records; none at the end or after a stop, even while a pipe is silent."""
        reading = asyncio.ensure_future(in_daemon_thread(lambda: list(islice(self.records, chunk))))
        stopping = asyncio.ensure_future(self.stop.wait())
        try:
            await asyncio.wait((reading, stopping), return_when=asyncio.FIRST_COMPLETED)
            return reading.result() if reading.done() else []
        finally:
            reading.cancel()
            stopping.cancel()

    def _batches(self, records: list[Record], batcher: Batcher) -> Iterator[Batch]:
        """The batches that these records fill; the remaining ones if there are no more records."""
        for record in records:
            entry = self._entry(record, largest=batcher.size)
            if entry:
                yield from batcher.add(entry)
        if not records:
            yield from batcher.flush()

    def _entry(self, record: Record, *, largest: int) -> Entry | None:
        if record.order is None:
            self._reject(record, record.external_order_id, record.reason)
            return None
        entry = Entry(record.order, record.line, record.raw)
        if entry.size > largest:
            self._reject(record, entry.key, f"larger than the maximum request: {entry.size:,} of {largest:,} bytes")
            return None
        return entry

    def _reject(self, record: Record, external_order_id: str, reason: str) -> None:
        self.sender.reject(line=record.line, external_order_id=external_order_id, reason=reason, raw=record.raw)

    def _tell(self) -> None:
        report = self.sender.report
        self.progress.update(done=self.position, orders=report.answered, counts=report.counts)


def _check_files(path: str | Path, rejects_path: Path | None) -> None:
    """Refuses files that cannot be read or written. Raises OSError or ValueError."""
    _check_readable(path)
    if rejects_path is None:
        return
    if rejects_path.resolve() == Path(path).resolve():
        raise ValueError("the rejects would overwrite the file to be imported")
    if not rejects_path.parent.is_dir():
        raise ValueError(f"there is no folder {rejects_path.parent} for the rejects; create it, or set --rejects")


def _check_readable(path: str | Path) -> None:
    if str(path) == STDIN:
        return
    if Path(path).is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if stat.S_ISREG(Path(path).stat().st_mode):  # A pipe can be read only once.
        Path(path).open("rb").close()


def _size(path: str | Path) -> int | None:
    return None if str(path) == STDIN else Path(path).stat().st_size


def _failed(failure: Exception) -> str:
    why = explain(failure) if isinstance(failure, grpc.aio.AioRpcError) else str(failure)
    return f"{why}; run the same command again to continue; stored orders do not change"
