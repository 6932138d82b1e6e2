"""How far the server's memory rises while it streams: a million orders to one reader, and to fifty who read slowly."""

from collections.abc import Sequence

from orders.v1.order_service_pb2 import ListOrdersRequest

from benchmarks import bodies, streams
from benchmarks.bench import Bench, Row
from benchmarks.grown import MANY
from benchmarks.servers import HighestMemory
from benchmarks.turns import Turns

_CLIENTS = 50


def measure(bench: Bench, turns: Turns) -> Sequence[Row]:
    grown = bench.grown(MANY)
    address = grown.server.address
    # Once around, so that what grows by itself with the first calls has grown.
    bench.calls(bodies.GET, bodies.gets(grown.order_ids), server=grown.server, seconds=bench.seconds(0.5))
    wanted = min(grown.orders, 1_000_000)
    request = ListOrdersRequest(limit=wanted, page_size=1000).SerializeToString()
    with HighestMemory(grown.server) as one:
        streamed = streams.read_through(address, bodies.LIST, request)
    assert streamed == wanted, f"{streamed} of {wanted} orders"
    print(f"  one reader: {one.growth:.1f} MB", flush=True)
    everything = ListOrdersRequest(page_size=1000).SerializeToString()
    with HighestMemory(grown.server) as slow:
        read = streams.read_slowly(address, bodies.LIST, everything, clients=_CLIENTS, seconds=max(5, bench.seconds(6)))
    assert read > _CLIENTS
    print(f"  {_CLIENTS} slow readers: {slow.growth:.1f} MB", flush=True)
    return [
        Row(f"Memory growth while one client streams {wanted:,} orders", one.growth, at_most=20, unit="MB"),
        Row(f"Memory growth while {_CLIENTS} slow clients read", slow.growth, at_most=50, unit="MB"),
    ]
