"""Orders that are imported by the command stream back, also over a resumed stream."""

from pathlib import Path

import pytest
from orders.v1.order_service_pb2 import (
    ListOrdersRequest,
    OrderFilter,
    SortOrder,
)

from tests.e2e.processes import Server, orders
from tests.e2e.test_commands import seed_order, write_lines

COUNT = 2000


@pytest.fixture(scope="module", autouse=True)
def imported(server: Server, folder: Path) -> None:
    """2,000 orders of another system."""
    file = write_lines(folder / "seed.jsonl", map(seed_order, range(COUNT)))
    assert orders("import", file, "--source", "shop", "--target", server.address).code == 0


def test_a_resumed_stream_has_every_order_once(server: Server) -> None:
    request = ListOrdersRequest(filter=OrderFilter(source="shop"), sort_order=SortOrder.SORT_ORDER_ASC, page_size=300)
    with server.stubs() as (stub, _):
        whole = [order.external_order_id for page in stub.ListOrders(request) for order in page.orders]
        parts: list[str] = []
        for page in stub.ListOrders(request):
            parts += [order.external_order_id for order in page.orders]
            if len(parts) >= COUNT / 2:
                request.resume_token = page.resume_token
                break
        for page in stub.ListOrders(request):
            parts += [order.external_order_id for order in page.orders]
    assert sorted(whole) == sorted(f"ID-{number}" for number in range(COUNT))
    assert parts == whole


def test_every_table_agrees(server: Server) -> None:
    assert orders("verify", env={"ORDERS_DATABASE_URL": server.url}).out == "everything is consistent\n"
