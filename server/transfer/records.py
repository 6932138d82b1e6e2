"""Orders from a file of any supported format, one at a time."""

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Literal

from server.transfer.csv_records import csv_records
from server.transfer.json_records import json_records
from server.transfer.lines import Line, Record, numbered, opened

Format = Literal["auto", "jsonl", "csv"]

_CURRENCY = re.compile(r"([A-Z]{3})?", re.ASCII)
_READERS = {"jsonl": json_records, "csv": csv_records}
_SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl"}


def read_records(path: str | Path, *, format: Format = "auto", currency: str = "") -> Iterator[Record]:
    """The orders of a file (`-`: standard input), lazily; `currency` applies to amounts without one.

    Raises ValueError for a currency that is no ISO 4217 code, and OSError once the file cannot be read.
    """
    if not _CURRENCY.fullmatch(currency):
        raise ValueError(f"not an ISO 4217 currency code: {currency!r}")
    return _records(path, format, currency)


def _records(path: str | Path, format: Format, currency: str) -> Iterator[Record]:
    with opened(path) as file:
        lines = numbered(file)
        first = next((line for line in lines if line.data.strip()), None)
        if first is not None:
            found = _format(path, first) if format == "auto" else format
            yield from _READERS[found](chain((first,), lines), currency=currency)


def _format(path: str | Path, first: Line) -> str:
    """The format, by the file's name or else by its first character."""
    by_content = "jsonl" if first.data.lstrip()[:1] in (b"{", b"[") else "csv"
    return _SUFFIXES.get(Path(path).suffix.lower(), by_content)
