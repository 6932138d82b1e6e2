"""What each of the calls costs the server, beside GetOrder."""

from collections.abc import Iterator, Sequence
from itertools import islice

from orders.v1 import (
    api_key_service_pb2,
    cart_service_pb2,
    catalog_service_pb2,
    customer_service_pb2,
    order_service_pb2,
)
from orders.v1.api_key_service_pb2 import ApiKey

from benchmarks import bodies, streams
from benchmarks.bench import Bench, Row
from benchmarks.callers import CALLERS, call
from benchmarks.requests import MANY, Requests, Stage, new_keys, requests_of
from benchmarks.turns import Measured, Turns

_SERVICES = (order_service_pb2, cart_service_pb2, customer_service_pb2, catalog_service_pb2, api_key_service_pb2)
# Calls that change something, of each kind and round.
_CHANGES = 700
_KEYS = 200


def measure(bench: Bench, turns: Turns) -> Sequence[Row]:
    for number in range(bench.rounds(2)):
        requests = requests_of(_staged(bench, f"called-{number}"))
        assert requests.keys() == set(methods()), f"not measured: {set(methods()) - requests.keys()}"
        measures = {
            method.rpartition("/")[2]: lambda method=method, sent=sent: _calls(bench, method, sent)
            for method, sent in requests.items()
        }
        turns.run(measures, rounds=1)
    return [
        Row(f"{name}'s CPU ÷ GetOrder's", turns.ratio(name, "GetOrder", of=lambda value: value.microseconds))
        for name in turns.measured
        if name != "GetOrder"
    ]


def methods() -> Iterator[str]:
    """Every method, `Service/Method`."""
    for module in _SERVICES:
        for service in module.DESCRIPTOR.services_by_name.values():
            yield from (f"{service.name}/{method.name}" for method in service.methods)


def _staged(bench: Bench, name: str) -> Stage:
    count = bench.count(_CHANGES)
    sent = new_keys(bench.count(_KEYS))
    buyers = 20
    requests = islice(bodies.creates(products=bodies.PRODUCTS, customers=buyers), buyers * MANY)
    call(bench.server.address, bodies.CREATE, requests)
    keys, _ = streams.answers(bench.server.address, "/orders.v1.ApiKeyService/CreateApiKey", sent, callers=CALLERS)
    return Stage(
        name,
        order_ids=bench.order_ids,
        buyers=list(map(bodies.customer_id, range(buyers))),
        to_confirm=bench.create_orders(count),
        to_pay=bench.create_orders(count),
        to_cancel=bench.create_orders(count),
        key_ids=[ApiKey.FromString(key).key_id for key in keys],
    )


def _calls(bench: Bench, method: str, requests: Requests) -> Measured:
    seconds = bench.seconds(0.3) if requests.read else None
    return bench.calls(f"/orders.v1.{method}", requests.to_send(), seconds=seconds)
