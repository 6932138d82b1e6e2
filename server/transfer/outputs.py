"""Outputs of an export: standard output, or a file that an interrupted export can resume."""

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

STDOUT = STDIN  # Both are `-`.


@dataclass(frozen=True)
class Checkpoint:
    """The progress of an export: the token of the last page, and the bytes and orders up to its end."""

    token: str = ""
    offset: int = 0
    orders: int = 0


class Output(Protocol):
    """A sink for whole pages."""

    def check(self) -> None:
        """Refuses an output that cannot be written, before a server is called."""

    def open(self, header: bytes) -> Checkpoint:
        """Writes the header, or resumes where an earlier run stopped."""

    def write(self, page: bytes, *, token: str, orders: int) -> None:
        """Writes a page, with the token and the number of orders up to its end."""

    def close(self, *, finished: bool) -> None:
        """Ends the export: it is finished, or can be resumed."""


class Stdout:
    """Standard output, which cannot be resumed."""

    def check(self) -> None:
        """Refuses nothing."""

    def open(self, header: bytes) -> Checkpoint:
        """Writes the header."""
        _to_stdout(header)
        return Checkpoint()

    def write(self, page: bytes, *, token: str, orders: int) -> None:
        """Writes and flushes a page."""
        _to_stdout(page)

    def close(self, *, finished: bool) -> None:
        """Does nothing."""


class ResumableFile:
    """A file, and `<file>.resume` next to it, which holds the progress until the export is finished."""

    def __init__(self, path: Path, *, arguments: Mapping[str, object], overwrite: bool) -> None:
        self._path, self._arguments, self._overwrite = path, dict(arguments), overwrite
        self._sidecar = Path(f"{path}.resume")
        self._file: IO[bytes] | None = None
        self._orders = 0

    def check(self) -> None:
        """Refuses a file that exists and is not this export's, or that cannot be written. Raises TransferError or OSError."""
        if not self._path.parent.is_dir():
            raise TransferError(f"there is no folder {self._path.parent}; create it, or name another with --output")
        if self._path.is_dir():
            raise TransferError(f"{self._path} is a folder; name a file in it with --output")
        if not os.access(self._path.parent, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self._path))
        if not self._overwrite:
            self._found()

    def open(self, header: bytes) -> Checkpoint:
        """Starts a new file, or truncates the file after its last whole page and resumes. Raises TransferError if neither is safe."""
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
        """Appends a page. The data reaches the disk before the progress does."""
        assert self._file is not None
        self._file.write(page)
        _sync(self._file)
        self._orders = orders
        self._note(Checkpoint(token, self._file.tell(), orders))

    def close(self, *, finished: bool) -> None:
        """Removes the progress of a finished file, and both files if nothing was written."""
        if self._file is not None:
            self._file.close()
            if finished or not self._orders:
                self._sidecar.unlink(missing_ok=True)
            if not finished and not self._orders:
                self._path.unlink(missing_ok=True)

    def _found(self) -> Checkpoint | None:
        if not self._path.exists():
            return None
        again = "use --overwrite to replace it, or choose another file"
        if not self._sidecar.exists():
            raise TransferError(f"{self._path} exists already: {again}")
        arguments, checkpoint = self._read()
        if arguments != self._arguments:
            raise TransferError(
                f"{self._path} belongs to an unfinished export with other arguments: repeat those, {again}"
            )
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
        # Buffered data would be written again at exit, and fail with a message from the interpreter.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise
