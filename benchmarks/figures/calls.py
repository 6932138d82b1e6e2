"""What each of the calls costs the server, beside GetOrder."""

from collections.abc import Sequence
from functools import partial

from benchmarks.bench import Bench, Row
from benchmarks.callers import CallFailed, call
from benchmarks.requests import is_read, new_subjects, requests_of
from benchmarks.servers import Server, orders_server, verify
from benchmarks.turns import Measured, Turns
from tests.methods import METHODS, OF_PROVIDER, method_of, path_of
from tests.shop import stocking

# The subjects of a method's requests. A read repeats its requests; a change of a zone compares it with all others.
_READ, _CHANGED, _ZONES = 64, 700, 200


def measure(bench: Bench, turns: Turns) -> Sequence[Row]:
    for number in range(bench.rounds(2)):
        folder = bench.folder.with_name(f"called-{number}")
        with orders_server(folder) as server:
            for request in stocking():
                call(server.address, path_of(method_of(request)), [request.SerializeToString()], callers=1)
            # The zones last: every order is looked up in all of them.
            methods = sorted(METHODS.keys() - OF_PROVIDER, key=lambda method: ("Zone" in method, method))
            for method in methods:
                try:
                    turns.run({method: partial(_calls, bench, server, method)}, rounds=1)
                except CallFailed:
                    # It depends on what other callers do at the same time, as the end of a claim does.
                    print(f"  {method}: left out, because it is refused here", flush=True)
        verify(folder)
    return [
        Row(f"{name}'s CPU ÷ GetOrder's", turns.ratio(name, "GetOrder", of=lambda value: value.microseconds))
        for name in turns.measured
        if name != "GetOrder"
    ]


def _calls(bench: Bench, server: Server, method: str) -> Measured:
    count = _READ if is_read(METHODS[method]) else bench.count(_ZONES if "Zone" in method else _CHANGED)
    requests = requests_of(method, new_subjects(server.address, method, count), name="called")
    if requests.read:
        # The first calls of a server find no statement prepared.
        call(server.address, path_of(METHODS[method]), requests.serialized)
    seconds = bench.seconds(0.3) if requests.read else None
    return bench.calls(path_of(METHODS[method]), requests.to_send(), server=server, seconds=seconds)
