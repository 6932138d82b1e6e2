import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, error_details_pb2, status_pb2
from hypothesis import given
from hypothesis import strategies as st
from orders.v1.order_service_pb2 import (
    BatchUpsertOrdersRequest,
    BatchUpsertOrdersResponse,
    UpsertOrder,
    UpsertOutcome,
    UpsertResult,
)
from orders.v1.order_service_pb2_grpc import OrderServiceServicer, add_OrderServiceServicer_to_server

from server.transfer.batches import Batch, Batcher, Entry
from server.transfer.calls import Retry
from server.transfer.importer import import_orders
from server.transfer.interrupts import stop_on_signals
from server.transfer.report import ImportFailed

QUICK = Retry(attempts=4, base=0.001, longest=0.002)


def packed(detail: Any) -> AnyMessage:
    holder = AnyMessage()
    holder.Pack(detail)
    return holder


class Orders(OrderServiceServicer):
    """Keeps orders by key, and fails, waits or refuses as a test has it."""

    def __init__(self) -> None:
        self.stored: dict[str, UpsertOrder] = {}
        self.requests: list[BatchUpsertOrdersRequest] = []
        self.failures: list[grpc.StatusCode] = []
        self.before: Callable[[BatchUpsertOrdersRequest], Any] | None = None
        self.running = self.most_running = 0
        self.answers: dict[str, BatchUpsertOrdersResponse] = {}

    async def BatchUpsertOrders(
        self, request: BatchUpsertOrdersRequest, context: grpc.aio.ServicerContext
    ) -> BatchUpsertOrdersResponse:
        self.requests.append(request)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            if self.before:
                await self.before(request)
            answer = self.answers.get(request.request_id) or self.upsert(request)
            if self.failures:
                # Done all the same: the answer is what gets lost.
                await context.abort(self.failures.pop(0), "not now")
            return answer
        finally:
            self.running -= 1

    def upsert(self, request: BatchUpsertOrdersRequest) -> BatchUpsertOrdersResponse:
        answer = BatchUpsertOrdersResponse()
        for index, order in enumerate(request.orders):
            answer.results.append(self.decide(index, order))
            if answer.results[-1].outcome != UpsertOutcome.UPSERT_OUTCOME_INVALID and not request.validate_only:
                self.stored[order.external_order_id] = order
        outcomes = [result.outcome for result in answer.results]
        answer.inserted = outcomes.count(UpsertOutcome.UPSERT_OUTCOME_INSERTED)
        answer.updated = outcomes.count(UpsertOutcome.UPSERT_OUTCOME_UPDATED)
        answer.unchanged = outcomes.count(UpsertOutcome.UPSERT_OUTCOME_UNCHANGED)
        answer.invalid = outcomes.count(UpsertOutcome.UPSERT_OUTCOME_INVALID)
        self.answers[request.request_id] = answer
        return answer

    def decide(self, index: int, order: UpsertOrder) -> UpsertResult:
        result = UpsertResult(index=index, external_order_id=order.external_order_id)
        before = self.stored.get(order.external_order_id)
        if not order.items:
            violation = error_details_pb2.BadRequest.FieldViolation(field="items", description="at least one is needed")
            detail = packed(error_details_pb2.BadRequest(field_violations=[violation]))
            result.outcome = UpsertOutcome.UPSERT_OUTCOME_INVALID
            result.status.CopyFrom(status_pb2.Status(code=code_pb2.INVALID_ARGUMENT, message="bad", details=[detail]))
        elif before is None:
            result.outcome = UpsertOutcome.UPSERT_OUTCOME_INSERTED
            result.warnings.extend(["the amounts do not add up"] if order.HasField("total") else [])
        elif before == order:
            result.outcome = UpsertOutcome.UPSERT_OUTCOME_UNCHANGED
        else:
            result.outcome = UpsertOutcome.UPSERT_OUTCOME_UPDATED
        return result


@pytest.fixture
async def orders() -> Orders:
    return Orders()


@pytest.fixture
async def channel(orders: Orders) -> AsyncIterator[grpc.aio.Channel]:
    server = grpc.aio.server()
    add_OrderServiceServicer_to_server(orders, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as opened:
        yield opened
    await server.stop(None)


def line(key: str, *, name: str = "", quantity: int = 1, **more: object) -> str:
    record = {"external_order_id": key, "items": [{"sku": "a", "name": name, "quantity": quantity}], **more}
    return json.dumps(record) + "\n"


def written(path: Path, *lines: str) -> Path:
    path.write_text("".join(lines), encoding="utf-8")
    return path


async def test_each_outcome_is_counted_and_what_was_not_taken_is_written_with_its_reason(
    orders: Orders, channel: grpc.aio.Channel, tmp_path: Path
) -> None:
    orders.stored = {"old": UpsertOrder(external_order_id="old"), "same": UpsertOrder(external_order_id="same")}
    orders.stored["same"].items.add(sku="a", quantity=1)
    empty = json.dumps({"external_order_id": "empty"}) + "\n"
    total = {"total": {"currency_code": "USD", "units": "1"}}
    path = written(
        tmp_path / "in.jsonl", line("new", **total), line("old"), line("same"), empty, "{\n", line("x", colour=1)
    )
    rejects = tmp_path / "rejects.jsonl"

    report = await import_orders(path, channel=channel, source="shop", rejects_path=rejects, retry=QUICK)

    assert report.counts == {
        "inserted": 1, "updated": 1, "unchanged": 1, "invalid": 1, "rejected": 2, "warnings": 1,
    }  # fmt: skip
    assert (report.read, report.interrupted, report.rejects_path) == (6, False, rejects)
    found = sorted((json.loads(said) for said in rejects.read_text().splitlines()), key=lambda said: said["line"])
    warned, *found = found
    assert (warned["line"], warned["external_order_id"], len(warned["warnings"])) == (1, "new", 1)
    assert json.loads(warned["raw"])["external_order_id"] == "new"
    assert "reason" not in warned
    assert [(said["line"], said["external_order_id"]) for said in found] == [(4, "empty"), (5, ""), (6, "x")]
    assert found[0]["reason"] == "items: at least one is needed"
    assert found[2]["reason"] == "colour: unknown field"
    assert found[0]["raw"] == empty.strip()
    assert {request.source for request in orders.requests} == {"shop"}


async def test_without_anything_refused_there_is_no_file_of_rejects_not_even_an_old_one(
    channel: grpc.aio.Channel, tmp_path: Path
) -> None:
    rejects = written(tmp_path / "rejects.jsonl", "from an earlier run\n")
    path = written(tmp_path / "in.jsonl", line("1"))
    report = await import_orders(path, channel=channel, source="shop", rejects_path=rejects)
    assert (report.inserted, report.rejects_path, rejects.exists()) == (1, None, False)


async def test_a_run_that_fails_at_once_keeps_the_earlier_rejects(
    orders: Orders, channel: grpc.aio.Channel, tmp_path: Path
) -> None:
    rejects = written(tmp_path / "rejects.jsonl", "from an earlier run\n")
    path = written(tmp_path / "in.jsonl", line("1"), "{\n")
    orders.failures = [grpc.StatusCode.UNAUTHENTICATED]
    with pytest.raises(ImportFailed):
        await import_orders(path, channel=channel, source="shop", rejects_path=rejects, retry=QUICK)
    assert rejects.read_text() == "from an earlier run\n"
    assert sorted(os.listdir(tmp_path)) == ["in.jsonl", "rejects.jsonl"]  # noqa: PTH208


async def test_a_second_run_changes_nothing(orders: Orders, channel: grpc.aio.Channel, tmp_path: Path) -> None:
    path = written(tmp_path / "in.jsonl", *(line(str(number)) for number in range(50)))
    first = await import_orders(path, channel=channel, source="shop", batch_size=7)
    second = await import_orders(path, channel=channel, source="shop", batch_size=9)
    assert (first.inserted, second.unchanged, second.inserted) == (50, 50, 0)


async def test_a_dry_run_stores_nothing(orders: Orders, channel: grpc.aio.Channel, tmp_path: Path) -> None:
    path = written(tmp_path / "in.jsonl", line("1"))
    report = await import_orders(path, channel=channel, source="shop", validate_only=True)
    assert (report.inserted, orders.stored) == (1, {})


async def test_calls_overlap_but_no_more_than_allowed(
    orders: Orders, channel: grpc.aio.Channel, tmp_path: Path
) -> None:
    three = asyncio.Barrier(3)

    async def together(_: BatchUpsertOrdersRequest) -> None:
        await three.wait()

    orders.before = together
    path = written(tmp_path / "in.jsonl", *(line(str(number)) for number in range(9)))
    report = await import_orders(path, channel=channel, source="shop", batch_size=1, concurrency=3)
    assert (report.inserted, orders.most_running) == (9, 3)


@pytest.mark.parametrize("code", ["UNAVAILABLE", "ABORTED", "RESOURCE_EXHAUSTED"])
async def test_a_call_whose_answer_is_lost_is_repeated_and_counted_once(
    orders: Orders, channel: grpc.aio.Channel, tmp_path: Path, code: str
) -> None:
    orders.failures = [grpc.StatusCode[code]] * 3
    path = written(tmp_path / "in.jsonl", *(line(str(number)) for number in range(10)))
    report = await import_orders(path, channel=channel, source="shop", batch_size=5, retry=QUICK)
    assert (report.inserted, report.unchanged, len(orders.requests)) == (10, 0, 5)


async def test_a_call_is_not_repeated_for_ever(orders: Orders, channel: grpc.aio.Channel, tmp_path: Path) -> None:
    orders.failures = [grpc.StatusCode.UNAVAILABLE] * 100
    path = written(tmp_path / "in.jsonl", line("1"))
    with pytest.raises(ImportFailed, match="UNAVAILABLE: not now"):
        await import_orders(path, channel=channel, source="shop", retry=QUICK)
    assert len(orders.requests) == QUICK.attempts


async def test_a_refused_call_ends_the_import_with_what_was_done_before(
    orders: Orders, channel: grpc.aio.Channel, tmp_path: Path
) -> None:
    async def fail_later(request: BatchUpsertOrdersRequest) -> None:
        if request.orders[0].external_order_id == "2":
            orders.failures = [grpc.StatusCode.PERMISSION_DENIED]

    orders.before = fail_later
    path = written(tmp_path / "in.jsonl", *(line(str(number)) for number in range(1000)))
    with pytest.raises(ImportFailed, match="PERMISSION_DENIED") as caught:
        await import_orders(path, channel=channel, source="shop", batch_size=1, concurrency=1)
    assert caught.value.report.inserted == 2
    assert len(orders.requests) == 3


async def test_a_call_that_hangs_is_given_up_at_its_deadline(
    orders: Orders, channel: grpc.aio.Channel, tmp_path: Path
) -> None:
    hung: list[str] = []

    async def hang_once(request: BatchUpsertOrdersRequest) -> None:
        if not hung:
            hung.append(request.request_id)
            await asyncio.Event().wait()

    orders.before = hang_once
    path = written(tmp_path / "in.jsonl", line("1"))
    report = await import_orders(path, channel=channel, source="shop", retry=QUICK, call_timeout=1.0)
    assert report.inserted == 1
    assert {request.request_id for request in orders.requests} == set(hung)
    assert len(orders.requests) > 1


@pytest.mark.parametrize("concurrency", [1, 4])
async def test_of_one_key_the_later_order_wins(
    orders: Orders, channel: grpc.aio.Channel, tmp_path: Path, concurrency: int
) -> None:
    async def delay_even(request: BatchUpsertOrdersRequest) -> None:
        for _ in range(20 if len(orders.requests) % 2 else 0):
            await asyncio.sleep(0)  # lets those that came after it go first, if they may

    orders.before = delay_even
    lines = [line(str(number % 5), quantity=number + 1) for number in range(100)]
    path = written(tmp_path / "in.jsonl", *lines)
    report = await import_orders(path, channel=channel, source="shop", batch_size=3, concurrency=concurrency)
    assert (report.inserted, report.updated) == (5, 95)
    assert {key: order.items[0].quantity for key, order in orders.stored.items()} == {str(n): 96 + n for n in range(5)}


async def test_a_batch_keeps_within_its_bytes(orders: Orders, channel: grpc.aio.Channel, tmp_path: Path) -> None:
    path = written(
        tmp_path / "in.jsonl", *(line(str(n), name="x" * 300) for n in range(10)), line("large", name="x" * 2000)
    )
    rejects = tmp_path / "rejects.jsonl"
    report = await import_orders(path, channel=channel, source="shop", max_batch_bytes=1000, rejects_path=rejects)
    assert (report.inserted, report.rejected) == (10, 1)
    assert max(request.ByteSize() for request in orders.requests) < 1000 + 100
    assert "larger than the maximum request" in json.loads(rejects.read_text())["reason"]


async def test_when_it_is_to_stop_it_finishes_what_is_out_and_no_more(
    orders: Orders, channel: grpc.aio.Channel, tmp_path: Path
) -> None:
    stop = asyncio.Event()

    async def stop_now(_: BatchUpsertOrdersRequest) -> None:
        stop.set()

    orders.before = stop_now
    path = written(tmp_path / "in.jsonl", *(line(str(number)) for number in range(100)))
    report = await import_orders(path, channel=channel, source="shop", batch_size=2, concurrency=2, stop=stop)
    assert report.interrupted
    assert report.read == report.inserted == len(orders.stored) <= 4
    again = await import_orders(path, channel=channel, source="shop", batch_size=2)
    assert (again.inserted + again.unchanged, len(orders.stored)) == (100, 100)


async def test_a_pipe_that_gives_nothing_does_not_keep_it_from_stopping(
    channel: grpc.aio.Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    stop = asyncio.Event()
    with os.fdopen(reading, "rb") as pipe, os.fdopen(writing, "wb"):
        monkeypatch.setattr("sys.stdin", type("Stdin", (), {"buffer": pipe}))
        running = asyncio.create_task(import_orders("-", channel=channel, source="shop", stop=stop))
        await asyncio.sleep(0)
        stop.set()
        report = await running
    assert (report.interrupted, report.read) == (True, 0)


async def test_a_process_that_waits_for_a_pipe_ends_when_it_is_told_to() -> None:
    program = (
        "import asyncio\n"
        "from server.transfer.records import read_records\n"
        "from server.transfer.threads import in_daemon_thread\n"
        "async def main():\n"
        "    reading = asyncio.ensure_future(in_daemon_thread(lambda: list(read_records('-'))))\n"
        "    await asyncio.sleep(0)\n"
        "    reading.cancel()\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdin=asyncio.subprocess.PIPE)
    assert await process.wait() == 0


async def test_standard_input_is_read_to_its_end(
    orders: Orders, channel: grpc.aio.Channel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = written(tmp_path / "in", line("1"), line("2"))
    with path.open() as file:
        monkeypatch.setattr("sys.stdin", file)
        report = await import_orders("-", channel=channel, source="shop")
    assert (report.inserted, set(orders.stored)) == (2, {"1", "2"})


async def test_cancelled_it_waits_for_what_is_out_and_cancelled_again_it_does_not(
    orders: Orders, channel: grpc.aio.Channel, tmp_path: Path
) -> None:
    arrived, released = asyncio.Event(), asyncio.Event()

    async def hold(_: BatchUpsertOrdersRequest) -> None:
        arrived.set()
        await released.wait()

    orders.before = hold
    path = written(tmp_path / "in.jsonl", line("1"))
    patient = asyncio.create_task(import_orders(path, channel=channel, source="shop"))
    await arrived.wait()
    patient.cancel()
    released.set()
    with pytest.raises(asyncio.CancelledError):
        await patient
    assert set(orders.stored) == {"1"}

    arrived.clear()
    released.clear()
    hasty = asyncio.create_task(import_orders(path, channel=channel, source="shop"))
    await arrived.wait()
    hasty.cancel()
    await asyncio.sleep(0)
    hasty.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hasty


async def test_the_first_signal_asks_to_stop_and_the_second_cancels() -> None:
    async def work() -> bool:
        with stop_on_signals() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            await stop.wait()
            asked = stop.is_set()
            os.kill(os.getpid(), signal.SIGTERM)
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return asked
        return False

    assert await asyncio.create_task(work())


async def test_a_file_that_is_missing_is_an_error_of_its_own(channel: grpc.aio.Channel, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await import_orders(tmp_path / "none.jsonl", channel=channel, source="shop")


async def test_the_rejects_may_not_overwrite_the_file_itself(channel: grpc.aio.Channel, tmp_path: Path) -> None:
    path = written(tmp_path / "in.jsonl", line("1"))
    with pytest.raises(ValueError, match="overwrite"):
        await import_orders(path, channel=channel, source="shop", rejects_path=path)
    assert path.read_text() == line("1")


def failed(code: grpc.StatusCode, *details: Any) -> grpc.aio.AioRpcError:
    status = status_pb2.Status(code=code.value[0], details=[packed(detail) for detail in details])
    trailers = grpc.aio.Metadata(("grpc-status-details-bin", status.SerializeToString()))
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailers, "busy")


def test_a_wait_is_as_long_as_the_server_asks_and_grows_up_to_a_bound_otherwise() -> None:
    retry = Retry(base=0.1, longest=1.0)
    asked = failed(grpc.StatusCode.RESOURCE_EXHAUSTED, error_details_pb2.RetryInfo(retry_delay=Duration(seconds=3)))
    plain = failed(grpc.StatusCode.UNAVAILABLE)
    assert 3.0 <= retry.delay(asked, attempt=1) < 3.1
    assert 0.05 <= retry.delay(plain, attempt=1) <= 0.1
    assert 0.5 <= retry.delay(plain, attempt=1000) <= 1.0
    assert len({retry.delay(plain, attempt=3) for _ in range(10)}) > 1


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 30)), max_size=40), st.integers(1, 4))
def test_batches_lose_nothing_and_keep_the_order_of_each_key(given_orders: list[tuple[str, int]], size: int) -> None:
    entries = [
        Entry(UpsertOrder(external_order_id=key, address_text="x" * length), number, "")
        for number, (key, length) in enumerate(given_orders)
    ]
    batcher = Batcher(orders=size, size=100)
    batches: list[Batch] = [batch for entry in entries for batch in batcher.add(entry)]
    batches += batcher.flush()
    left = [entry for batch in batches for entry in batch.entries.values()]
    assert sorted(entry.line for entry in left) == list(range(len(entries)))
    for key in "abcde":
        lines = [entry.line for entry in left if entry.key == key]
        assert lines == sorted(lines)
    assert all(0 < len(batch.entries) <= size and batch.size <= 100 for batch in batches)
