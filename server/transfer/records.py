"""Orders from a file of any supported format, one at a time."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from io import BufferedReader
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Literal

from server.transfer.csv_records import csv_records
from server.transfer.dialect import Dialect, decoded_lines
from server.transfer.json_records import json_records
from server.transfer.layout_table import LayoutOptions
from server.transfer.layouts import Layout, named_layout
from server.transfer.lines import Line, Record, opened

Format = Literal["auto", "jsonl", "csv", "ours", "shopify", "woocommerce", "amazon", "etsy", "magento", "square"]

_CURRENCY = re.compile(r"([A-Z]{3})?", re.ASCII | re.IGNORECASE)
_SUFFIXES = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a file is read; `layout` is that of another system."""

    format: Format = "auto"
    currency: str = ""
    dialect: Dialect = field(default_factory=Dialect)
    layout: Layout | None = None
    options: LayoutOptions = field(default_factory=LayoutOptions)


def read_records(path: str | Path, *, format: Format = "auto", currency: str = "") -> Iterator[Record]:
    """As `read`, of a file in one of the service's own formats."""
    return read(path, Reading(format=format, currency=currency))


def read(path: str | Path, reading: Reading) -> Iterator[Record]:
    """The orders of a file (`-`: standard input), lazily; the currency applies to amounts without one.

    Raises ValueError for a currency that is no ISO 4217 code, and OSError once the file cannot be read.
    """
    if not _CURRENCY.fullmatch(reading.currency):
        raise ValueError(f"not an ISO 4217 currency code: {reading.currency!r}")
    return _records(path, replace(reading, currency=reading.currency.upper()))


def _records(path: str | Path, reading: Reading) -> Iterator[Record]:
    with opened(path) as opened_file, _seekable(opened_file, reading) as file:
        start = file.tell() if file.seekable() else 0
        dialect, lines = decoded_lines(file, reading.dialect)
        first = next((line for line in lines if line.data.strip()), None)
        if first is None:
            return
        if _is_json(path, reading, first):
            yield from json_records(chain((first,), lines), currency=reading.currency)
            return
        lines.close()  # type: ignore[attr-defined]
        layout = reading.layout or named_layout(reading.format)
        again = _again(file, start, reading.dialect)
        yield from csv_records(again, dialect, currency=reading.currency, layout=layout, options=reading.options)


def _again(file: IO[bytes], start: int, dialect: Dialect) -> Callable[[], Iterator[Line]]:
    def lines() -> Iterator[Line]:
        file.seek(start)
        return decoded_lines(file, dialect)[1]

    return lines


@contextmanager
def _seekable(file: IO[bytes], reading: Reading) -> Iterator[IO[bytes]]:
    """The file, or a copy of a pipe that may be CSV, which is read twice."""
    head = file.peek(1).lstrip() if isinstance(file, BufferedReader) else b""
    if file.seekable() or reading.format == "jsonl" or (reading.format == "auto" and head[:1] in (b"{", b"[")):
        yield file
        return
    with TemporaryFile() as copy:
        shutil.copyfileobj(file, copy)
        copy.seek(0)
        yield copy


def _is_json(path: str | Path, reading: Reading, first: Line) -> bool:
    """Whether the file is JSON, by its format, its name or else by its first character."""
    if reading.layout or reading.format not in ("auto", "ours"):
        return reading.format == "jsonl"
    by_content = "jsonl" if first.data.lstrip()[:1] in (b"{", b"[") else "csv"
    return _SUFFIXES.get(Path(path).suffix.lower(), by_content) == "jsonl"
