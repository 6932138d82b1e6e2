"""Groups the rows of a CSV file by order, even if they are not adjacent, in bounded memory.

A first pass finds the orders whose rows are not adjacent. The second pass buffers their rows until the last one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from server.transfer.csv_rows import Row

# The maximum number of buffered rows of orders with non-adjacent rows; about 100 MB.
MAX_HELD = 100_000
# 16 MiB: of 5 million orders, about 1 in 800 is looked up without need.
_FILTER_BITS = 1 << 27

_TOO_MANY = (
    f"its rows are not adjacent, and {MAX_HELD:,} rows of such orders are buffered already; sort the file by order id"
)

# The line of the last row of each order whose rows are apart.
LastLines = Mapping[str, int]


@dataclass(slots=True)
class Group:
    """The rows of one order, and the reason if they are not a valid order."""

    key: str
    rows: list[Row] = field(default_factory=list)
    problem: str = ""


class _SeenKeys:
    """A Bloom filter, which has a few false positives."""

    def __init__(self) -> None:
        self._bits = bytearray(_FILTER_BITS // 8)

    def add(self, key: str) -> bool:
        """Adds a key; returns whether it was there."""
        was_there = True
        for part in range(3):
            place = hash((key, part)) % _FILTER_BITS
            if not self._bits[place >> 3] & 1 << (place & 7):
                was_there = False
                self._bits[place >> 3] |= 1 << (place & 7)
        return was_there


def rows_apart(rows: Iterable[Row], key_of: Callable[[Row], str]) -> dict[str, int]:
    """The last line of each order whose rows may not be adjacent; '' is no order's key."""
    seen, last, before = _SeenKeys(), dict[str, int](), ""
    for row in rows:
        key = key_of(row)
        if (key and key != before and seen.add(key)) or key in last:
            last[key] = row.line
        before = key
    return last


def grouped(
    rows: Iterator[Row], last: LastLines, *, key_of: Callable[[Row], str], problem_of: Callable[[Row], str]
) -> Iterator[Group]:
    """Yields each order after its last row is read; an unreadable row is a separate group."""
    return _Grouping(last, key_of, problem_of).run(rows)


class _Grouping:
    def __init__(self, last: LastLines, key_of: Callable[[Row], str], problem_of: Callable[[Row], str]) -> None:
        self._last, self._key_of, self._problem_of = last, key_of, problem_of
        self._current = Group("")
        # Groups whose other rows are still to come.
        self._held: dict[str, Group] = {}
        self._count = 0
        # The orders that there was no room for: none of their rows is stored.
        self._given_up: set[str] = set()
        # The unreadable row just before.
        self._beside = 0

    def run(self, rows: Iterator[Row]) -> Iterator[Group]:
        for row in rows:
            problem = row.problem or self._problem_of(row)
            key = "" if problem else self._key_of(row)
            if self._current.rows and (not key or key != self._current.key):
                yield from self._leave(_may_belong(row.line) if problem else "")
            if problem:
                yield Group("", [row], problem)
                self._beside = row.line
            else:
                self._take(row, key)
        if self._current.rows:
            yield from self._leave("")
        yield from self._held.values()

    def _take(self, row: Row, key: str) -> None:
        if not self._current.rows:
            self._current = self._held.pop(key) if key in self._held else Group(key)
            self._count -= len(self._current.rows)
        if self._beside:
            self._current.problem = self._current.problem or _may_belong(self._beside)
            self._beside = 0
        self._current.rows.append(row)

    def _leave(self, problem: str) -> Iterator[Group]:
        group, self._current = self._current, Group("")
        group.problem = group.problem or problem
        if group.key in self._given_up:
            group.problem = group.problem or _TOO_MANY
        if group.problem == _TOO_MANY or self._last.get(group.key, 0) <= group.rows[-1].line:
            yield group
            return
        if self._count + len(group.rows) > MAX_HELD:
            self._given_up.add(group.key)
            group.problem = _TOO_MANY
            yield group
            return
        self._held[group.key] = group
        self._count += len(group.rows)


def _may_belong(line: int) -> str:
    return f"line {line} may be another row of this order, and cannot be read"
