"""The result of an import."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from orders.v1.order_service_pb2 import UpsertResult

from server.transfer.calls import TransferError


@dataclass(slots=True)
class ImportReport:
    """The result of an import."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    invalid: int = 0  # Refused by the service.
    rejected: int = 0  # Not understood, and never sent.
    warnings: int = 0
    interrupted: bool = False
    seconds: float = 0.0
    run: str = ""  # Names the run; the request ids of its calls begin with it.
    # Of a dry run, the first orders as they would be stored, with their lines in the file.
    preview: list[tuple[int, UpsertResult]] = field(default_factory=list)
    rejects_path: Path | None = None  # The file with invalid and rejected lines and warnings, if there are any.

    @property
    def read(self) -> int:
        """Records with an outcome."""
        return self.answered + self.rejected

    @property
    def answered(self) -> int:
        """Orders that the service has answered."""
        return self.inserted + self.updated + self.unchanged + self.invalid

    @property
    def counts(self) -> dict[str, int]:
        """The outcomes by name."""
        names = ("inserted", "updated", "unchanged", "invalid", "rejected", "warnings")
        return {name: getattr(self, name) for name in names}

    def summary(self) -> str:
        """The report as text."""
        counts = ", ".join(f"{number:,} {name}" for name, number in self.counts.items())
        rate = self.answered / max(self.seconds, 1e-9)
        said = f"{self.read:,} read: {counts}; {self.seconds:.1f} s, {rate:,.0f} orders/s"
        if self.rejects_path:
            found = "refused records and their reasons" if self.invalid or self.rejected else "warnings"
            said += f"\n{found}: {self.rejects_path}"
        if self.interrupted:
            said += "\ninterrupted; run the same command again to continue; stored orders do not change"
        return said


class ImportFailed(TransferError):
    """An import failed; the report covers the work before."""

    def __init__(self, message: str, report: ImportReport) -> None:
        super().__init__(message)
        self.report = report


class Rejects:
    """The file of rejected lines and warnings. It exists only if there are any.

    Until the service has answered a call, an earlier run's file stays, and this run writes another file, so that a run that
    fails immediately loses nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        # Not for /dev/null or the target of /dev/stderr.
        self._replaces = path is not None and (not path.exists() or (path.is_file() and not path.is_symlink()))
        self._new = Path(f"{path}.new") if self._replaces else path
        self._file: IO[str] | None = None

    def add(self, *, line: int, external_order_id: str, reason: str, raw: str) -> None:
        """Writes a rejected line."""
        self._write({"line": line, "external_order_id": external_order_id, "reason": reason, "raw": raw})

    def warn(self, *, line: int, external_order_id: str, warnings: Sequence[str], raw: str) -> None:
        """Writes an accepted line with its warnings."""
        self._write({"line": line, "external_order_id": external_order_id, "warnings": list(warnings), "raw": raw})

    def _write(self, said: Mapping[str, object]) -> None:
        if self._new and not self._file:
            # Line by line, so that an interruption loses none.
            self._file = self._new.open("w", encoding="utf-8", errors="backslashreplace", buffering=1)
        if self._file:
            self._file.write(json.dumps(said, ensure_ascii=False) + "\n")

    def settle(self) -> None:
        """Replaces an earlier run's file with this run's."""
        if self._replaces and self._path and self._new:
            self._replaces = False
            if self._file:
                self._new.replace(self._path)
            else:
                self._path.unlink(missing_ok=True)
            self._new = self._path

    def close(self, *, failed: bool) -> Path | None:
        """The path, if anything was written; a run that failed before the first answer leaves nothing."""
        if not failed:
            self.settle()
        if not self._file:
            return None
        self._file.close()
        if self._replaces and self._new:
            self._new.unlink(missing_ok=True)
            return None
        return self._path
