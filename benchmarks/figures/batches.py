"""BatchUpsertOrders, 1,000 a call, beside its own SQL with parameters made beforehand, and beside the straightforward service."""

from collections.abc import Sequence

from orders.v1.order_service_pb2 import BatchUpsertOrdersResponse

from benchmarks import bodies, streams
from benchmarks.baselines import upsert_sql
from benchmarks.bench import Bench, Row
from benchmarks.servers import Server
from benchmarks.turns import Measured, Turns, costed

_CALLERS = 4
# What a batch is beside what is stored, and the quantity in its lines that makes it so.
_KINDS = (("inserted", 1), ("updated", 2), ("unchanged", 2))
_NAMES = {"inserted": "all new", "updated": "all changed", "unchanged": "all unchanged"}


def measure(bench: Bench, turns: Turns) -> Sequence[Row]:
    theirs = bench.straightforward
    ours, fewer = bench.rounds(8), 1
    for number in range(bench.rounds(2)):
        for kind, quantity in _KINDS:
            name = f"round-{number}"
            batches = bodies.batches(f"{name}-api", ours, quantity=quantity)
            recorded = upsert_sql.record(bench.url, bodies.batches(f"{name}-sql", ours, quantity=quantity))
            few = bodies.batches(name, fewer, quantity=quantity)
            measures = {
                f"BatchUpsert, {kind}": lambda batches=batches, kind=kind: _upsert(bench.server, batches, kind),
                f"BatchUpsert, {kind}, SQL": lambda recorded=recorded: _replay(bench.url, recorded),
                f"BatchUpsert, {kind}, straightforward": lambda few=few, kind=kind: _upsert(theirs, few, kind),
            }
            turns.run(measures, rounds=1)
    rows = [
        Row(
            f"BatchUpsert ÷ its own SQL, {_NAMES[kind]}",
            turns.ratio(f"BatchUpsert, {kind}", f"BatchUpsert, {kind}, SQL"),
            at_least=0.6,
        )
        for kind, _ in _KINDS
    ]
    return [
        *rows,
        *(
            Row(
                f"BatchUpsert ÷ straightforward, {_NAMES[kind]}",
                turns.ratio(f"BatchUpsert, {kind}", f"BatchUpsert, {kind}, straightforward"),
                at_least=40,
            )
            for kind, _ in _KINDS
        ),
    ]


def _upsert(server: Server, batches: Sequence[bytes], kind: str) -> Measured:
    """Sends the batches and makes sure of what became of them."""
    taken: list[bytes] = []

    def run() -> tuple[int, float]:
        answers, seconds = streams.answers(server.address, bodies.UPSERT, batches, callers=_CALLERS)
        taken.extend(answers)
        return len(answers) * bodies.BATCH, seconds

    value = costed(server, run)
    for answer in map(BatchUpsertOrdersResponse.FromString, taken):
        assert getattr(answer, kind) == bodies.BATCH, answer.message
    return value


def _replay(url: str, transactions: Sequence[upsert_sql.Transaction]) -> Measured:
    return Measured(len(transactions) * bodies.BATCH, upsert_sql.replay(url, transactions))
