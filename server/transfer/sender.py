"""Sends batches to the service: several at a time, but those of one key in order."""

import asyncio
from itertools import count

import grpc
from orders.v1.order_service_pb2 import BatchUpsertOrdersRequest, BatchUpsertOrdersResponse, UpsertOutcome, UpsertResult
from orders.v1.order_service_pb2_grpc import OrderServiceStub

from server.transfer.batches import Batch, Entry
from server.transfer.calls import Metadata, Retry, explain_status
from server.transfer.report import ImportReport, Rejects
from server.transfer.runs import new_run


class Sender:
    """The calls in flight, and the report of those that are answered."""

    def __init__(
        self,
        stub: OrderServiceStub,
        request: BatchUpsertOrdersRequest,
        rejects: Rejects,
        *,
        concurrency: int,
        timeout: float,
        retry: Retry,
        metadata: Metadata,
    ) -> None:
        self._stub, self._request, self._rejects = stub, request, rejects
        self._concurrency, self._timeout, self._retry, self._metadata = concurrency, timeout, retry, metadata
        self._calls: dict[asyncio.Task[None], Batch] = {}
        self.report = ImportReport(run=new_run())
        self._numbers = count(1)
        self.failure: Exception | None = None  # The first failure; nothing is sent after it.

    async def ready(self) -> None:
        """Waits until another batch can be sent."""
        while len(self._calls) >= self._concurrency:
            await asyncio.wait(self._calls, return_when=asyncio.FIRST_COMPLETED)
            self._forget()

    def send(self, batch: Batch) -> None:
        """Sends a batch once earlier batches that share a key with it are answered."""
        keys = batch.entries.keys()
        before = [call for call, earlier in self._calls.items() if not keys.isdisjoint(earlier.entries)]
        self._calls[asyncio.create_task(self._deliver(batch, before))] = batch

    async def drain(self) -> None:
        """Waits for all calls in flight."""
        if self._calls:
            await asyncio.wait(self._calls)
            self._forget()

    async def close(self) -> None:
        """Cancels the calls in flight and closes the file of rejects."""
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        self.report.rejects_path = self._rejects.close(failed=self.failure is not None)

    def reject(self, *, line: int, external_order_id: str, reason: str, raw: str) -> None:
        """Counts and records a record that cannot be sent."""
        self.report.rejected += 1
        self._rejects.add(line=line, external_order_id=external_order_id, reason=reason, raw=raw)

    def _forget(self) -> None:
        self._calls = {call: batch for call, batch in self._calls.items() if not call.done()}

    async def _deliver(self, batch: Batch, before: list[asyncio.Task[None]]) -> None:
        if before:
            await asyncio.wait(before)
        if self.failure:
            return
        try:
            self._note(await self._call(batch), list(batch.entries.values()))
        except Exception as error:  # Raised where the orders are read.
            self.failure = self.failure or error

    async def _call(self, batch: Batch) -> BatchUpsertOrdersResponse:
        orders = (entry.order for entry in batch.entries.values())
        # With a request id, a retry gets the first attempt's answer and counts as that.
        request = BatchUpsertOrdersRequest(orders=orders, request_id=f"{self.report.run}/{next(self._numbers)}")
        request.MergeFrom(self._request)
        self._request.ClearField("preview_orders")  # Of the first call only.
        for attempt in count(1):
            try:
                answer = self._stub.BatchUpsertOrders(request, timeout=self._timeout, metadata=tuple(self._metadata))
                response: BatchUpsertOrdersResponse = await answer
                return response
            except grpc.aio.AioRpcError as error:
                if not self._retry.passes(error, attempt=attempt):
                    raise
                delay = self._retry.delay(error, attempt=attempt)
            await asyncio.sleep(delay)
        raise AssertionError("count() has no end")

    def _note(self, response: BatchUpsertOrdersResponse, entries: list[Entry]) -> None:
        self._rejects.settle()
        self.report.inserted += response.inserted
        self.report.updated += response.updated
        self.report.unchanged += response.unchanged
        self.report.invalid += response.invalid
        for result in response.results:
            entry = entries[result.index]
            self.report.warnings += len(result.warnings)
            if result.HasField("order"):
                self.report.preview.append((entry.line, result))
            if result.outcome == UpsertOutcome.UPSERT_OUTCOME_INVALID:
                self._note_invalid(result, entry)
            if result.warnings:
                texts = [_of_one_order(text, result.index) for text in result.warnings]
                self._rejects.warn(line=entry.line, external_order_id=entry.key, warnings=texts, raw=entry.raw)

    def _note_invalid(self, result: UpsertResult, entry: Entry) -> None:
        reason = _of_one_order(explain_status(result.status), result.index)
        self._rejects.add(line=entry.line, external_order_id=entry.key, reason=reason, raw=entry.raw)


def _of_one_order(text: str, index: int) -> str:
    """The error without the order's index in the request, which is meaningless for the file."""
    return text.replace(f"orders[{index}].", "")
