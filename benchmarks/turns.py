"""Measuring in turns: what is compared runs A B B A A B …, so that what else happens on the machine happens to both."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.servers import Server


@dataclass(frozen=True, slots=True)
class Measured:
    """How much was done in how many seconds, the CPU of the server it took, in seconds, and latencies, in milliseconds."""

    done: int
    seconds: float
    cpu: float = 0.0
    p50: float = 0.0
    p99: float = 0.0

    @property
    def rate(self) -> float:
        return self.done / self.seconds

    @property
    def microseconds(self) -> float:
        """Of the server's CPU, for each."""
        return 1_000_000 * self.cpu / self.done


Measure = Callable[[], Measured]


class Turns:
    """What was measured, by name, a value a round."""

    def __init__(self) -> None:
        self.measured: dict[str, list[Measured]] = {}

    def run(self, measures: Mapping[str, Measure], *, rounds: int) -> None:
        order = list(measures.items())
        for _ in range(rounds):
            for name, measure in order:
                value = measure()
                self.measured.setdefault(name, []).append(value)
                print(f"  {name}: {value.rate:,.0f}/s", flush=True)
            order.reverse()

    def ratio(self, name: str, to: str, *, of: Callable[[Measured], float] = lambda value: value.rate) -> float:
        """The median, over the rounds, of what one measured by what the other did in the same round."""
        pairs = zip(self.measured[name], self.measured[to], strict=True)
        return statistics.median(of(value) / of(base) for value, base in pairs)

    def median(self, name: str, of: Callable[[Measured], float] = lambda value: value.rate) -> float:
        return statistics.median(map(of, self.measured[name]))

    def as_json(self) -> dict[str, list[dict[str, Any]]]:
        return {name: [asdict(value) for value in values] for name, values in self.measured.items()}


def costed(server: Server, run: Callable[[], tuple[int, float]]) -> Measured:
    """What a run does, with the CPU of the server that it takes."""
    before = server.cpu()
    done, seconds = run()
    return Measured(done, seconds, server.cpu() - before)
