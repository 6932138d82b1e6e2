"""The main job on real input: imports orders from a file, streams them back, compares, and takes one through its whole life.

    python -m benchmarks.main_job [ORDERS]     # 100,000 unless said

Writes benchmarks/results/main_job.json, with the server's memory at each step.
"""

import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
from orders.v1.order_pb2 import (
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PROCESSING,
    TRACKING_STATUS_DELIVERED,
    TRACKING_STATUS_IN_TRANSIT,
    TRACKING_STATUS_SHIPPED,
    TrackingEvent,
)
from orders.v1.order_service_pb2 import (
    GetOrderRequest,
    ListOrderEventsRequest,
    ListOrdersRequest,
    RecordTrackingEventRequest,
    TrackOrderRequest,
    TransitionOrderRequest,
)
from orders.v1.order_service_pb2_grpc import OrderServiceStub

from benchmarks.access import CLIENT_FLAGS, METADATA
from benchmarks.servers import ORDERS, RESULTS, orders_server, verify

_TOWNS = ("New York", "Cairo", "Giza", "Oslo", "Łódź", "東京")


def generate(count: int) -> Iterator[dict[str, Any]]:
    """Orders as another system would send them, the same each time."""
    chance = random.Random(1)
    for number in range(count):
        lines = [
            {
                "product_sku_id": f"sku-{chance.randrange(5000)}",
                "amount": amount(chance.randrange(100, 99999)),
                "qty": str(quantity),
            }
            for quantity in (chance.randrange(1, 5), 1, chance.randrange(1, 9))
        ]
        yield {
            "order_id": f"ID-{number:07d}",
            "user_id": str(chance.randrange(20_000)),
            "name": f"Customer {number % 977}",
            "email": f"customer{number % 977}@example.com",
            "phone": f"+1555{number % 10_000_000:07d}",
            "address": f"{number} Main St, {chance.choice(_TOWNS)}",
            "products": lines,
            "discount": "0.00",
            "total_amount": amount(sum(text_cents(line["amount"]) * int(line["qty"]) for line in lines)),
            "total_qty": str(sum(int(line["qty"]) for line in lines)),
            "refferral_code": f"EV{number % 100:02d}",
        }


def amount(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


class Memory:
    """The resident memory of a process and its highest point while a step runs, in MB."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._highest = 0.0

    def now(self) -> float:
        line = next(line for line in self._status.read_text().splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def during(self, step: Callable[[], Any]) -> dict[str, float]:
        """Runs the step; its seconds, and the memory before, at most and after."""
        done = threading.Event()
        before = self._highest = self.now()

        def watch() -> None:
            while not done.wait(0.05):
                self._highest = max(self._highest, self.now())

        watcher = threading.Thread(target=watch)
        watcher.start()
        started = time.perf_counter()
        step()
        seconds = time.perf_counter() - started
        done.set()
        watcher.join()
        return {
            "seconds": round(seconds, 1),
            "before": round(before),
            "highest": round(self._highest),
            "after": round(self.now()),
        }


def same(imported: dict[str, Any], exported: dict[str, Any]) -> bool:
    """Whether an exported order says what the imported one did."""
    return (
        exported["external_order_id"] == imported["order_id"]
        and exported["customer"]
        == {
            "customer_id": imported["user_id"],
            "name": imported["name"],
            "email": imported["email"],
            "phone": imported["phone"],
        }
        and exported["shipping_address"] == {"street": imported["address"]}
        and exported["referral_code"] == imported["refferral_code"]
        and exported["total_quantity"] == imported["total_qty"]
        and cents(exported["pricing"]["discount"]) == text_cents(imported["discount"])
        and cents(exported["pricing"]["total"]) == text_cents(imported["total_amount"])
        and [(item["sku"], cents(item["unit_price"]), str(item["quantity"])) for item in exported["items"]]
        == [(line["product_sku_id"], text_cents(line["amount"]), line["qty"]) for line in imported["products"]]
    )


def cents(money: dict[str, Any]) -> int:
    return int(money.get("units", 0)) * 100 + int(money.get("nanos", 0)) // 10_000_000


def text_cents(text: str) -> int:
    whole, fraction = text.split(".")
    return int(whole) * 100 + int(fraction)


def stream_slowly(address: str) -> None:
    """Reads everything a small page at a time, as a consumer does that works on each."""
    with grpc.insecure_channel(address) as channel:
        count = sum(
            len(message.orders)
            for message in OrderServiceStub(channel).ListOrders(ListOrdersRequest(page_size=100), metadata=METADATA)
        )
    print(f"streamed {count:,} orders")


def whole_life(address: str, order_id: str) -> None:
    """From PENDING to DELIVERED."""
    with grpc.insecure_channel(address) as channel:
        orders = OrderServiceStub(channel)
        for status in (ORDER_STATUS_CONFIRMED, ORDER_STATUS_PROCESSING):
            orders.TransitionOrder(
                TransitionOrderRequest(order_id=order_id, status=status, override_reason="paid at the source"),
                metadata=METADATA,
            )
        for status in (TRACKING_STATUS_SHIPPED, TRACKING_STATUS_IN_TRANSIT, TRACKING_STATUS_DELIVERED):
            event = TrackingEvent(status=status, city="Cairo", country="Egypt")
            orders.RecordTrackingEvent(
                RecordTrackingEventRequest(order_id=order_id, event=event, carrier="UPS", tracking_number="1Z999"),
                metadata=METADATA,
            )
        assert orders.GetOrder(GetOrderRequest(order_id=order_id), metadata=METADATA).status == ORDER_STATUS_DELIVERED
        assert len(orders.ListOrderEvents(ListOrderEventsRequest(order_id=order_id), metadata=METADATA).events) == 6
        print(orders.TrackOrder(TrackOrderRequest(order_id=order_id), metadata=METADATA))


def main(count: int) -> None:
    with tempfile.TemporaryDirectory(prefix="orders-main-job-") as folder:
        Path(folder).chmod(0o755)  # where this is root, PostgreSQL runs as another user
        source, exported, data = (Path(folder) / name for name in ("orders.jsonl", "export.jsonl", "data"))
        with source.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(order) + "\n" for order in generate(count))
        with orders_server(data) as server:
            address, memory = server.address, Memory(server.pid)
            imports = [ORDERS, "import", source, "--source", "shop", "--target", address, *CLIENT_FLAGS]
            exports = [ORDERS, "export", "--output", exported, "--target", address, *CLIENT_FLAGS]
            figures: dict[str, Any] = {"orders": count}
            figures["import"] = memory.during(lambda: subprocess.run(imports, check=True))
            figures["import again"] = memory.during(lambda: subprocess.run(imports, check=True))
            figures["export"] = memory.during(lambda: subprocess.run(exports, check=True))
            figures["stream"] = memory.during(lambda: stream_slowly(address))
            with exported.open(encoding="utf-8") as file:
                found = {order["external_order_id"]: order for order in map(json.loads, file)}
            assert len(found) == count
            assert all(same(order, found[order["order_id"]]) for order in generate(count)), "an order came back changed"
            whole_life(address, found["ID-0000000"]["order_id"])
        verify(data)
        figures["bytes an order, on disk"] = sum(f.stat().st_size for f in (data / "base").rglob("*")) // count
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "main_job.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
