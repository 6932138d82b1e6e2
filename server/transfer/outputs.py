"""Where an export goes: standard output, or a file that can be carried on with after an interruption."""

import errno
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Protocol

from server.transfer.calls import TransferError
from server.transfer.lines import STDIN

STDOUT = STDIN  # both are `-`


@dataclass(frozen=True)
class Checkpoint:
    """Where an export is: the token of the last page, the bytes of the file up to it, and the orders in them."""

    token: str = ""
    offset: int = 0
    orders: int = 0


class Output(Protocol):
    """What takes whole pages."""

    def check(self) -> None:
        """Refuses what cannot be written to, before a server is asked."""

    def open(self, header: bytes) -> Checkpoint:
        """Begins with the header, or goes on where an earlier run got to."""

    def write(self, page: bytes, *, token: str, orders: int) -> None:
        """Takes a page, and the token and the number of orders up to its end."""

    def close(self, *, finished: bool) -> None:
        """The export is over, or broken off and to be carried on with."""


class Stdout:
    """Standard output, which cannot be carried on with."""

    def check(self) -> None:
        """Nothing is to be refused."""

    def open(self, header: bytes) -> Checkpoint:
        """Begins with the header."""
        _to_stdout(header)
        return Checkpoint()

    def write(self, page: bytes, *, token: str, orders: int) -> None:
        """Writes a page through."""
        _to_stdout(page)

    def close(self, *, finished: bool) -> None:
        """Nothing is left to do."""


class ResumableFile:
    """A file, and next to it `<file>.resume`, which says up to where it is whole until it is finished."""

    def __init__(self, path: Path, *, arguments: Mapping[str, object], overwrite: bool) -> None:
        self._path, self._arguments, self._overwrite = path, dict(arguments), overwrite
        self._sidecar = Path(f"{path}.resume")
        self._file: IO[bytes] | None = None
        self._orders = 0

    def check(self) -> None:
        """Refuses a file that is there and not this export's, or cannot be written. Raises TransferError or OSError."""
        if not self._path.parent.is_dir():
            raise TransferError(f"there is no folder {self._path.parent}; create it, or name another with --output")
        if self._path.is_dir():
            raise TransferError(f"{self._path} is a folder; name a file in it with --output")
        if not os.access(self._path.parent, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self._path))
        if not self._overwrite:
            self._found()

    def open(self, header: bytes) -> Checkpoint:
        """Begins anew, or cuts the file off after its last whole page and goes on; raises TransferError if neither is safe."""
        found = None if self._overwrite else self._found()
        self._file = self._path.open("r+b" if found else "wb")
        if found:
            self._file.truncate(found.offset)
            self._file.seek(found.offset)
            self._orders = found.orders
            return found
        self.write(header, token="", orders=0)
        return Checkpoint()

    def write(self, page: bytes, *, token: str, orders: int) -> None:
        """Appends a page; first the data is on the disk, then the note that it is."""
        assert self._file is not None
        self._file.write(page)
        _sync(self._file)
        self._orders = orders
        self._note(Checkpoint(token, self._file.tell(), orders))

    def close(self, *, finished: bool) -> None:
        """Removes the note of a file that is finished, and of one that was never begun both."""
        if self._file is not None:
            self._file.close()
            if finished or not self._orders:
                self._sidecar.unlink(missing_ok=True)
            if not finished and not self._orders:
                self._path.unlink(missing_ok=True)

    def _found(self) -> Checkpoint | None:
        if not self._path.exists():
            return None
        again = "say --overwrite to replace it, or name another file"
        if not self._sidecar.exists():
            raise TransferError(f"{self._path} exists already: {again}")
        arguments, checkpoint = self._read()
        if arguments != self._arguments:
            raise TransferError(f"{self._path} is half of an export with other arguments: repeat those, {again}")
        if self._path.stat().st_size < checkpoint.offset:
            raise TransferError(f"{self._path} is shorter than it was when the export was interrupted: {again}")
        return checkpoint

    def _read(self) -> tuple[object, Checkpoint]:
        try:
            said = json.loads(self._sidecar.read_text(encoding="utf-8"))
            return said["arguments"], Checkpoint(**said["checkpoint"])
        except (ValueError, TypeError, KeyError):
            raise TransferError(f"{self._sidecar} is damaged: remove it, and overwrite {self._path}") from None

    def _note(self, checkpoint: Checkpoint) -> None:
        edit = self._sidecar.with_name(self._sidecar.name + ".new")
        with edit.open("wb") as file:
            file.write(json.dumps({"arguments": self._arguments, "checkpoint": asdict(checkpoint)}).encode())
            _sync(file)
        edit.replace(self._sidecar)


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _to_stdout(data: bytes) -> None:
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # What is still buffered would be tried again at exit, and fail with a message of the interpreter's.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise
