"""Measures the work queue: `python -m benchmarks.work_queue`. Prints one line per figure, with its target.

Two servers in this process share a database; workers claim orders in batches until none is left.
"""

import asyncio
import os
import tempfile
import time
from collections import Counter
from pathlib import Path

import uvloop
from orders.v1 import fulfilment_queue_pb2 as queue
from orders.v1 import order_pb2 as pb
from orders.v1.fulfilment_service_pb2_grpc import FulfilmentServiceStub
from orders.v1.order_service_pb2 import TransitionOrderRequest

from server.storage import embedded
from server.storage.schema import schema
from tests.conftest import SERVING_ROLE, Service, create_serving_role, new_order, serving, stock_shop

ORDERS = int(os.environ.get("QUEUE_ORDERS", "10000"))
WORKERS = int(os.environ.get("QUEUE_WORKERS", "200"))
BATCH = int(os.environ.get("QUEUE_BATCH", "20"))
SETTINGS = {"rate_limit_write": 0.0, "rate_limit_read": 0.0}


async def fill(service: Service) -> None:
    """Confirms the orders."""
    slots = asyncio.Semaphore(200)

    async def confirm() -> None:
        async with slots:
            order = await service.orders.CreateOrder(new_order())
            move = {"status": pb.ORDER_STATUS_CONFIRMED, "override_reason": "pays at the door"}
            await service.orders.TransitionOrder(TransitionOrderRequest(order_id=order.order_id, **move))

    await asyncio.gather(*(confirm() for _ in range(ORDERS)))


async def claim_all(services: list[Service]) -> tuple[float, Counter[str]]:
    """The seconds until every order was claimed, and the number of claims of each."""
    claims: Counter[str] = Counter()

    async def work(number: int) -> None:
        stub = FulfilmentServiceStub(services[number % len(services)].channel)
        request = queue.ClaimFulfilmentsRequest(worker=f"w{number}", count=BATCH, lease={"seconds": 3600})
        while sum(claims.values()) < ORDERS:
            claimed = (await stub.ClaimFulfilments(request)).fulfilments
            claims.update(each.order_id for each in claimed)

    start = time.perf_counter()
    await asyncio.gather(*map(work, range(WORKERS)))
    return time.perf_counter() - start, claims


async def measure(url: str) -> None:
    async with serving(url, **SETTINGS) as first, serving(url, **SETTINGS) as second:
        await stock_shop(first)
        await fill(first)
        seconds, claims = await claim_all([first, second])
    twice = sum(count > 1 for count in claims.values())
    print(f"{ORDERS / seconds:10.0f} orders/s claimed by {WORKERS} workers in batches of {BATCH} (target: 2000)")
    print(f"{twice:10} orders claimed twice, {ORDERS - len(claims)} not at all (target: 0)")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="orders-queue-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = embedded.start(folder / "data")
        try:
            create_serving_role(server.url)
            schema.migrate(server.url, grant_to=SERVING_ROLE)
            uvloop.run(measure(server.url))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
