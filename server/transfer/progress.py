"""Progress of imports and exports, for terminals and logs."""

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, Protocol, TextIO

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    ProgressColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.text import Text

Unit = Literal["bytes", "orders"]
Counts = Mapping[str, int]


class Progress(Protocol):
    """A receiver of progress."""

    def start(self, label: str, *, total: int | None, unit: Unit) -> None:
        """Starts; `total` is the amount of work in the unit, if known."""

    def update(self, *, done: int, orders: int, counts: Counts) -> None:
        """Reports the units and orders done so far, and their outcomes."""

    def finish(self, summary: str) -> None:
        """Ends with a summary."""


class Silent:
    """Ignores progress."""

    def start(self, label: str, *, total: int | None, unit: Unit) -> None:
        """Ignores progress."""

    def update(self, *, done: int, orders: int, counts: Counts) -> None:
        """Ignores progress."""

    def finish(self, summary: str) -> None:
        """Ignores progress."""


class Lines:
    """A line every few seconds, for logs and pipes."""

    def __init__(self, stream: TextIO, *, every: float = 5.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._every, self._clock = stream, every, clock
        self._label, self._total, self._unit = "", 0, ""
        self._began = self._said = clock()

    def start(self, label: str, *, total: int | None, unit: Unit) -> None:
        """Starts the clock."""
        self._label, self._total, self._unit = label, total or 0, unit
        self._began = self._said = self._clock()

    def update(self, *, done: int, orders: int, counts: Counts) -> None:
        """Prints a line if enough time has passed since the last."""
        now = self._clock()
        if now - self._said >= self._every:
            self._said = now
            share = f" {done / self._total:.0%} of {self._total:,} {self._unit}," if self._total else ""
            rate = orders / max(now - self._began, 1e-9)
            self._say(f"{self._label}:{share} {orders:,} orders, {rate:,.0f} orders/s{_in_words(counts)}")

    def finish(self, summary: str) -> None:
        """Prints the summary."""
        self._say(summary)

    def _say(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


class Bar:
    """A progress bar, for terminals."""

    def __init__(
        self, stream: TextIO, *, clock: Callable[[], float] = time.monotonic, width: int | None = None
    ) -> None:
        self._console, self._clock = Console(file=stream, width=width), clock
        self._began = clock()
        self._bars: Bars | None = None
        self._task: TaskID | None = None

    def start(self, label: str, *, total: int | None, unit: Unit) -> None:
        """Draws the bar; without a total it pulses."""
        self._bars = bars(self._console, DownloadColumn() if unit == "bytes" else MofNCompleteColumn())
        self._task = self._bars.add_task(label, total=total, counts="")
        self._began = self._clock()
        self._bars.start()

    def update(self, *, done: int, orders: int, counts: Counts) -> None:
        """Redraws the bar."""
        if self._bars is not None and self._task is not None:
            rate = orders / max(self._clock() - self._began, 1e-9)
            self._bars.update(self._task, completed=done, counts=f"{rate:,.0f} orders/s{_in_words(counts)}")

    def finish(self, summary: str) -> None:
        """Keeps the bar and prints the summary below it."""
        if self._bars is not None:
            self._bars.stop()
        self._console.print(summary, markup=False, highlight=False, soft_wrap=True)


class _Bars(Bars):
    """Bars with each one's counts below it, wrapped to the width of the terminal."""

    def get_renderables(self) -> Iterable[RenderableType]:
        """The bars and the counts."""
        yield self.make_tasks_table(self.tasks)
        yield from (Text(counts) for task in self.tasks if (counts := task.fields.get("counts")))


def bars(console: Console, *amounts: ProgressColumn, transient: bool = False, disable: bool = False) -> Bars:
    """Bars as wide as the terminal. A task's field `counts`, if it has one, is shown below its bar."""
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=None), TaskProgressColumn(), *amounts)
    return _Bars(*columns, TimeRemainingColumn(), console=console, expand=True, transient=transient, disable=disable)


def presenter(stream: TextIO | None = None, *, quiet: bool = False) -> Progress:
    """The presenter for a stream, by default standard error: a bar on a terminal, otherwise lines."""
    if quiet:
        return Silent()
    stream = stream or sys.stderr
    return Bar(stream) if stream.isatty() else Lines(stream)


def _in_words(counts: Counts) -> str:
    return "".join(f", {number:,} {name}" for name, number in counts.items() if number)
