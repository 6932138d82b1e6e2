"""Exports orders into a file."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format
from orders.v1.order_pb2 import Order
from orders.v1.order_service_pb2 import ListOrdersRequest, ListOrdersResponse, OrderBy, OrderFilter, SortOrder
from orders.v1.order_service_pb2_grpc import OrderServiceStub

from server.transfer.calls import Metadata, Retry, TransferError, explain, stopped_within
from server.transfer.export_lines import ExportFormat, encoder, header
from server.transfer.outputs import STDOUT, Output, ResumableFile, Stdout
from server.transfer.progress import Progress, Silent


@dataclass(slots=True)
class ExportReport:
    """The result of an export."""

    orders: int = 0
    resumed_at: int = 0  # Orders that an earlier run wrote.
    without_items: int = 0  # Orders that the service returns without their items because they are too large.
    interrupted: bool = False
    seconds: float = 0.0

    def summary(self) -> str:
        """The report as text."""
        rate = (self.orders - self.resumed_at) / max(self.seconds, 1e-9)
        said = f"{self.orders:,} orders; {self.seconds:.1f} s, {rate:,.0f} orders/s"
        said += f", {self.resumed_at:,} of them from an earlier run" if self.resumed_at else ""
        said += f"\n{self.without_items:,} too large to read, written without their items" if self.without_items else ""
        return said + (
            "\ninterrupted; with a file as output, the same command resumes from here" if self.interrupted else ""
        )


class ExportFailed(TransferError):
    """An export failed; the report covers the work before."""

    def __init__(self, message: str, report: ExportReport) -> None:
        super().__init__(message)
        self.report = report


async def export_orders(
    output: str | Path,
    *,
    channel: grpc.aio.Channel,
    format: ExportFormat = "jsonl",
    filter: OrderFilter | None = None,
    order_by: OrderBy = OrderBy.ORDER_BY_CREATE_TIME,
    sort_order: SortOrder = SortOrder.SORT_ORDER_ASC,
    limit: int = 0,
    page_size: int = 1000,
    overwrite: bool = False,
    retry: Retry = Retry.DEFAULT,
    call_timeout: float = 600.0,
    metadata: Metadata = (),
    progress: Progress | None = None,
    stop: asyncio.Event | None = None,
    connect: Callable[[], Awaitable[None]] | None = None,
) -> ExportReport:
    """Writes the orders that match, at most `limit` unless it is 0, to a file (`-`: standard output).

    A broken stream resumes after its last page, as does a second run to the same file after an interruption.
    `call_timeout` bounds one stream, in seconds: the export continues in the next. `connect` is awaited before the first
    call. Raises ExportFailed if the service refuses a call, TransferError if the file exists and is not this export's, and
    OSError if it cannot be written.
    """
    request = ListOrdersRequest(
        filter=filter, order_by=order_by, sort_order=sort_order, limit=limit, page_size=page_size
    )
    target = _output(output, request, format=format, overwrite=overwrite)
    target.check()
    stub = OrderServiceStub(channel)  # type: ignore[no-untyped-call]
    streams = partial(stub.ListOrders, timeout=call_timeout, metadata=tuple(metadata))
    if connect:
        await connect()
    work = _Export(request, target, streams, encoder(format), retry, stop or asyncio.Event())
    return await work.run(header(format), progress or Silent())


@dataclass
class _Export:
    request: ListOrdersRequest  # Its token is that of the last page written.
    output: Output
    streams: Callable[[ListOrdersRequest], Any]
    encode: Callable[[Sequence[Order]], bytes]
    retry: Retry
    stop: asyncio.Event
    report: ExportReport = field(default_factory=ExportReport)

    async def run(self, header: bytes, progress: Progress) -> ExportReport:
        began, report = time.monotonic(), self.report
        start = self.output.open(header)
        self.request.resume_token, report.orders, report.resumed_at = start.token, start.orders, start.orders
        progress.start("export", total=self.request.limit or None, unit="orders")
        finished, report.interrupted = False, True
        try:
            finished = await self._all(progress)
            report.interrupted = not finished
        except BrokenPipeError:  # The reader has closed the pipe, which ends the export.
            finished, report.interrupted = True, False
        except ExportFailed:
            report.interrupted = False
            raise
        finally:
            self.output.close(finished=finished)
            report.seconds = time.monotonic() - began
            progress.finish(report.summary())
        return report

    async def _all(self, progress: Progress) -> bool:
        """Reads one stream after another; returns whether it reached the last order."""
        failures = 0
        while not self.stop.is_set():
            token, error = self.request.resume_token, None
            try:
                if await self._stream(progress):
                    return True
            except grpc.aio.AioRpcError as broken:
                error = broken
            failures = failures + 1 if self.request.resume_token == token else 0
            await self._pause(error, failures)
        return False

    async def _stream(self, progress: Progress) -> bool:
        """Writes the orders of one stream; returns whether it was the last."""
        stream, truncated = self.streams(self.request), False
        stopping = asyncio.create_task(self._cancel_when_told(stream))
        try:
            async for page in stream:
                truncated = page.truncated
                self._write(page)
                progress.update(done=self.report.orders, orders=self.report.orders - self.report.resumed_at, counts={})
                if self.stop.is_set():
                    return False
        except asyncio.CancelledError:
            if not self.stop.is_set():
                raise
            return False
        finally:
            stopping.cancel()
            stream.cancel()  # Has no effect on a finished call.
        return not truncated

    async def _cancel_when_told(self, stream: Any) -> None:
        """Cancels the call when the export stops, without waiting for the next page."""
        await self.stop.wait()
        stream.cancel()

    def _write(self, page: ListOrdersResponse) -> None:
        if page.orders:
            self.report.orders += len(page.orders)
            self.report.without_items += sum("items" in order.omitted_fields for order in page.orders)
            self.output.write(self.encode(page.orders), token=page.resume_token, orders=self.report.orders)
        if page.orders or page.resume_token:
            self.request.resume_token = page.resume_token

    async def _pause(self, error: grpc.aio.AioRpcError | None, failures: int) -> None:
        """Waits before the next stream, or raises an error; `failures` counts the failures since the last page."""
        if error and (not self.retry.passes(error, attempt=failures) or self._lost):
            raise ExportFailed(
                f"{explain(error)}; with a file as output, the same command resumes from here", self.report
            )
        if failures >= self.retry.attempts or self._lost:
            raise ExportFailed("the service ends each stream before the first page", self.report)
        if failures or error:
            await stopped_within(self.stop, self.retry.delay(error, attempt=max(failures, 1)))

    @property
    def _lost(self) -> bool:
        """Whether orders came without a token, so that a new stream would repeat them."""
        return bool(self.report.orders and not self.request.resume_token)


def _output(path: str | Path, request: ListOrdersRequest, *, format: ExportFormat, overwrite: bool) -> Output:
    if str(path) == STDOUT:
        return Stdout()
    arguments = json_format.MessageToDict(request, preserving_proto_field_name=True)
    arguments.pop("page_size", None)  # Another stream returns the same orders.
    return ResumableFile(Path(path), arguments={**arguments, "format": format}, overwrite=overwrite)
