"""The lines of a file, and the records on them."""

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO, NamedTuple

from orders.v1.order_service_pb2 import UpsertOrder

STDIN = "-"
_BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """A line of a file, its number from 1, and the offset of its end."""

    number: int
    end: int
    data: bytes


class Record(NamedTuple):
    """An order of a file, or its text and the reason why it is refused."""

    line: int
    end: int  # bytes of the file read so far
    raw: str
    order: UpsertOrder | None
    reason: str = ""
    external_order_id: str = ""  # The id of a refused record, if known.


@contextmanager
def opened(path: str | Path) -> Iterator[IO[bytes]]:
    """The file, or standard input, which stays open."""
    with _stdin() if str(path) == STDIN else Path(path).open("rb") as file:
        yield file


def _stdin() -> AbstractContextManager[IO[bytes]]:
    """A separate reader of standard input: the interpreter cannot exit while a thread waits in `sys.stdin`."""
    try:
        return os.fdopen(os.dup(sys.stdin.buffer.fileno()), "rb")
    except OSError:  # It is not a real file, for example under a test runner.
        return nullcontext(sys.stdin.buffer)


def numbered(file: IO[bytes]) -> Iterator[Line]:
    """The lines of a file, without a byte order mark."""
    end = 0
    for number, data in enumerate(file, start=1):
        end += len(data)
        yield Line(number, end, data.removeprefix(_BOM) if number == 1 else data)
