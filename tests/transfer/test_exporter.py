import asyncio
import csv
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import grpc
import pytest
from google.protobuf import json_format
from google.type.money_pb2 import Money
from orders.v1.order_pb2 import Customer, Order, OrderItem, Pricing
from orders.v1.order_service_pb2 import ListOrdersRequest, ListOrdersResponse, OrderBy, OrderFilter, SortOrder
from orders.v1.order_service_pb2_grpc import OrderServiceServicer, add_OrderServiceServicer_to_server

from server.transfer.calls import Retry, TransferError
from server.transfer.export_lines import COLUMNS
from server.transfer.exporter import ExportFailed, export_orders
from server.transfer.records import read_records

QUICK = Retry(attempts=4, base=0.001, longest=0.002)
PRICE = Money(currency_code="USD", units=12, nanos=500_000_000)
MANY = [
    Order(
        order_id=f"id-{number:03}",
        order_number=f"ORD-{number:03}",
        customer=Customer(customer_id="c", name="Zoë, “the\nbuyer”"),
        items=[OrderItem(sku=f"s{line}", quantity=line, unit_price=PRICE) for line in (1, 2)],
        pricing=Pricing(total=PRICE),
    )
    for number in range(25)
]


class Orders(OrderServiceServicer):
    """Lists many orders in pages; a token is the number of those before it."""

    def __init__(self) -> None:
        self.requests: list[ListOrdersRequest] = []
        self.pages = 0
        self.break_after: dict[int, grpc.StatusCode] = {}  # pages in all -> how the stream ends after them
        self.truncate_every = 0
        self.tokens = True
        self.after_page: Callable[[], None] | None = None

    async def ListOrders(self, request: ListOrdersRequest, context: grpc.aio.ServicerContext) -> None:
        self.requests.append(request)
        size, end = request.page_size or 100, request.limit or len(MANY)
        for index, first in enumerate(range(int(request.resume_token or 0), min(end, len(MANY)), size)):
            if self.pages in self.break_after:
                await context.abort(self.break_after.pop(self.pages), "broken off")
            after = min(first + size, end)
            truncated = bool(self.truncate_every and index + 1 == self.truncate_every)
            token = str(after) if self.tokens else ""
            self.pages += 1
            await context.write(ListOrdersResponse(orders=MANY[first:after], resume_token=token, truncated=truncated))
            if self.after_page:
                self.after_page()
            if truncated:
                return


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


def written(path: Path) -> list[Order]:
    """The orders of the file; none if it is not there."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    return [json_format.Parse(line, Order()) for line in lines]


def left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_every_order_is_a_line_of_json(orders: Orders, channel: grpc.aio.Channel, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    report = await export_orders(path, channel=channel)
    assert written(path) == MANY
    assert (report.orders, report.interrupted) == (25, False)
    assert not (tmp_path / "out.jsonl.resume").exists()
    asked = orders.requests[0]
    assert (asked.order_by, asked.sort_order) == (OrderBy.ORDER_BY_CREATE_TIME, SortOrder.SORT_ORDER_ASC)
    assert asked.page_size == 1000


async def test_every_line_item_is_a_row_of_csv_that_the_import_reads(channel: grpc.aio.Channel, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    await export_orders(path, channel=channel, format="csv", page_size=10)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert (len(rows), list(rows[0])) == (50, COLUMNS)
    assert (rows[1]["order_id"], rows[1]["unit_price"], rows[1]["quantity"]) == ("id-000", "12.50", "2")
    found = [record.order for record in read_records(path) if record.order]
    assert [order.external_order_id for order in found] == [order.order_number for order in MANY]


async def test_filter_and_limit_reach_the_service(orders: Orders, channel: grpc.aio.Channel, tmp_path: Path) -> None:
    wanted = OrderFilter(customer_id="c")
    report = await export_orders(tmp_path / "out", channel=channel, filter=wanted, limit=7, page_size=5)
    assert (report.orders, orders.requests[0].filter) == (7, wanted)


@pytest.mark.parametrize("code", ["UNAVAILABLE", "ABORTED", "DEADLINE_EXCEEDED"])
@pytest.mark.parametrize("pages", [0, 1, 3])
async def test_a_broken_stream_goes_on_from_its_last_page(
    orders: Orders, channel: grpc.aio.Channel, tmp_path: Path, code: str, pages: int
) -> None:
    orders.break_after = {pages: grpc.StatusCode[code]}
    path = tmp_path / "out.jsonl"
    report = await export_orders(path, channel=channel, page_size=5, retry=QUICK)
    assert written(path) == MANY
    assert (report.orders, len(orders.requests)) == (25, 2)


async def test_a_stream_that_is_cut_goes_on_with_the_next_server(orders: Orders, tmp_path: Path) -> None:
    path, servers = tmp_path / "out.jsonl", [grpc.aio.server(), grpc.aio.server()]
    for server in servers:
        add_OrderServiceServicer_to_server(orders, server)
    address = f"127.0.0.1:{servers[0].add_insecure_port('127.0.0.1:0')}"
    replaced: list[asyncio.Task[None]] = []

    async def replace() -> None:
        await servers[0].stop(None)
        servers[1].add_insecure_port(address)
        await servers[1].start()

    def cut() -> None:
        if orders.pages == 2:
            replaced.append(asyncio.create_task(replace()))

    orders.after_page = cut
    await servers[0].start()
    options = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.min_reconnect_backoff_ms", 100)]
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        await export_orders(path, channel=channel, page_size=1, retry=Retry(attempts=50, base=0.02, longest=0.1))
    await servers[1].stop(None)
    assert written(path) == MANY
    assert len(orders.requests) > 1


async def test_a_stream_that_ends_before_its_deadline_is_followed_by_the_next(
    orders: Orders, channel: grpc.aio.Channel, tmp_path: Path
) -> None:
    orders.truncate_every = 1
    path = tmp_path / "out.jsonl"
    await export_orders(path, channel=channel, page_size=2)
    assert written(path) == MANY
    assert len(orders.requests) == 14


async def test_failures_count_anew_after_every_page(orders: Orders, channel: grpc.aio.Channel, tmp_path: Path) -> None:
    orders.break_after = dict.fromkeys(range(25), grpc.StatusCode.UNAVAILABLE)
    path = tmp_path / "out.jsonl"
    await export_orders(path, channel=channel, page_size=1, retry=QUICK)
    assert written(path) == MANY


async def test_after_a_failure_that_lasts_a_second_run_carries_on(
    orders: Orders, channel: grpc.aio.Channel, tmp_path: Path
) -> None:
    orders.break_after = {2: grpc.StatusCode.PERMISSION_DENIED}
    path = tmp_path / "out.jsonl"
    with pytest.raises(ExportFailed, match="PERMISSION_DENIED") as caught:
        await export_orders(path, channel=channel, page_size=5)
    assert (caught.value.report.orders, caught.value.report.interrupted) == (10, False)
    with path.open("ab") as file:
        file.write(b'{"order_id": "' + b"half a page" * 10_000)  # a crash in the middle of a page

    report = await export_orders(path, channel=channel, page_size=4)
    assert written(path) == MANY
    assert (report.orders, report.resumed_at) == (25, 10)
    assert orders.requests[1].resume_token == "10"
    assert not (tmp_path / "out.jsonl.resume").exists()


async def test_what_is_refused_at_once_leaves_nothing_behind(
    orders: Orders, channel: grpc.aio.Channel, tmp_path: Path
) -> None:
    orders.break_after = {0: grpc.StatusCode.UNAUTHENTICATED}
    with pytest.raises(ExportFailed, match="ORDERS_KEY"):
        await export_orders(tmp_path / "out.csv", channel=channel, format="csv")
    assert left_in(tmp_path) == []


async def test_csv_is_carried_on_with_below_its_one_header(
    orders: Orders, channel: grpc.aio.Channel, tmp_path: Path
) -> None:
    whole, path = tmp_path / "whole.csv", tmp_path / "out.csv"
    await export_orders(whole, channel=channel, format="csv")
    for pages in (1, 3):
        orders.break_after = {pages: grpc.StatusCode.INTERNAL}
        with pytest.raises(ExportFailed):
            await export_orders(path, channel=channel, format="csv", page_size=5)
    await export_orders(path, channel=channel, format="csv")
    assert path.read_bytes() == whole.read_bytes()


async def test_when_it_is_to_stop_it_ends_after_a_whole_page(
    orders: Orders, channel: grpc.aio.Channel, tmp_path: Path
) -> None:
    stop = asyncio.Event()
    orders.after_page = stop.set
    path = tmp_path / "out.jsonl"
    report = await export_orders(path, channel=channel, page_size=5, stop=stop)
    assert report.interrupted
    assert written(path) == MANY[: report.orders]
    orders.after_page = None
    await export_orders(path, channel=channel, page_size=5)
    assert written(path) == MANY


async def test_cancelled_it_can_be_carried_on_with(orders: Orders, channel: grpc.aio.Channel, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    running = asyncio.create_task(export_orders(path, channel=channel, page_size=5))
    orders.after_page = running.cancel
    with pytest.raises(asyncio.CancelledError):
        await running
    orders.after_page = None
    await export_orders(path, channel=channel)
    assert written(path) == MANY


async def test_a_file_that_is_there_is_only_overwritten_when_asked_to(
    channel: grpc.aio.Channel, tmp_path: Path
) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("precious\n")
    with pytest.raises(TransferError, match="exists already"):
        await export_orders(path, channel=channel)
    assert path.read_text() == "precious\n"
    await export_orders(path, channel=channel, overwrite=True)
    assert written(path) == MANY


@pytest.mark.parametrize("harm", ["arguments", "cut", "sidecar"])
async def test_half_an_export_is_not_mixed_with_another(
    orders: Orders, channel: grpc.aio.Channel, tmp_path: Path, harm: str
) -> None:
    path, sidecar = tmp_path / "out.jsonl", tmp_path / "out.jsonl.resume"
    orders.break_after = {1: grpc.StatusCode.INTERNAL}
    with pytest.raises(ExportFailed):
        await export_orders(path, channel=channel, page_size=5)
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif harm == "sidecar":
        sidecar.write_text("{")
    kept = path.read_bytes()
    limit = 3 if harm == "arguments" else 0
    with pytest.raises(TransferError):
        await export_orders(path, channel=channel, limit=limit)
    assert path.read_bytes() == kept


async def test_orders_that_came_without_a_token_are_not_asked_for_again(
    orders: Orders, channel: grpc.aio.Channel, tmp_path: Path
) -> None:
    orders.tokens, orders.break_after = False, {1: grpc.StatusCode.UNAVAILABLE}
    path = tmp_path / "out.jsonl"
    with pytest.raises(ExportFailed):
        await export_orders(path, channel=channel, page_size=5, retry=QUICK)
    assert len(orders.requests) == 1


async def test_standard_output_gets_the_same_lines(
    channel: grpc.aio.Channel, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    await export_orders("-", channel=channel, limit=2)
    assert [json.loads(line)["order_id"] for line in capsysbinary.readouterr().out.splitlines()] == ["id-000", "id-001"]


async def test_orders_shown_without_their_items_are_counted(
    orders: Orders, channel: grpc.aio.Channel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = Order(order_id="large", omitted_fields=["items"])
    monkeypatch.setattr(f"{__name__}.MANY", [*MANY[:3], large, *MANY[3:]])
    report = await export_orders(tmp_path / "all.jsonl", channel=channel)
    assert report.without_items == 1
    assert "1 too large to read, written without their items" in report.summary()
    assert written(tmp_path / "all.jsonl")[3] == large
