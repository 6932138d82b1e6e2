"""The rows of a CSV file."""

import csv
from collections.abc import Iterator
from typing import NamedTuple

from server.transfer.lines import Line


class Row(NamedTuple):
    """A row with its lines, of which there are several if a cell has line breaks."""

    line: int
    end: int
    raw: str
    cells: list[str]
    problem: str = ""


def read_rows(lines: Iterator[Line], *, delimiter: str) -> Iterator[Row]:
    """The rows that have a value; spreadsheets add others that have only delimiters."""
    taken: list[Line] = []
    reader = csv.reader(_texts(lines, taken), strict=True, delimiter=delimiter)
    while True:
        cells, problem = _next(reader)
        if cells is None and not problem:
            return
        if problem or any(map(str.strip, cells or ())):
            raw = b"".join(line.data for line in taken).decode(errors="backslashreplace")
            yield Row(taken[0].number, taken[-1].end, raw, cells or [], problem)
        taken.clear()


def _texts(lines: Iterator[Line], taken: list[Line]) -> Iterator[str]:
    """The lines as text, recorded in `taken`. Bytes that are not UTF-8 become characters that fail in their field."""
    for line in lines:
        taken.append(line)
        yield line.data.decode(errors="surrogateescape")


def _next(reader: Iterator[list[str]]) -> tuple[list[str] | None, str]:
    try:
        return next(reader, None), ""
    except csv.Error as error:
        return None, f"not CSV: {error}"
