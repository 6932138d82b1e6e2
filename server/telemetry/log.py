"""The log: constant messages, and fields of one list whose values have a known shape.

Requests contain data that must not be logged: names, addresses, cards, tokens. Variable data is therefore never logged as text. A
call is `log.warning("the database failed", extra=fields(error))`. Names that are not in `FIELDS` are omitted, and a value that does
not match its field's pattern is shown as `?`. An exception is shown by its classes and frames, without its text, which may contain
a row or a request. A library's record is shown by its template, without its arguments.
"""

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

log = logging.getLogger(__name__)


class CallFields(NamedTuple):
    """The call for which a line is logged."""

    method: str
    caller: str
    request_id: str


# The current call, which warnings and errors name. None outside calls, and for work that is shared by several.
CALL: ContextVar[CallFields | None] = ContextVar("call", default=None)

Value = str | int | float

_NUMBER = r"-?\d{1,9}(\.\d{1,6})?"
_CLASS = r"[A-Za-z_]{1,60}"
_UUID = r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}"

# The fields of log lines, and the patterns of their values. Ids that clients choose freely may be telephone numbers, so only UUIDs
# are shown.
FIELDS = {
    name: re.compile(shape, re.ASCII)
    for name, shape in {
        "address": r"[\w.:\[\]-]{1,100}:\d{1,5}",
        "attempt": _NUMBER,
        "batch": _NUMBER,
        "caller": rf"anonymous|unknown|housekeeping|key:\w{{1,16}}|(certificate|payment_provider):[\w.:/-]{{1,80}}|user:{_UUID}",
        "carts": _NUMBER,
        "cause": rf"{_CLASS}|smtp_\d{{3}}",
        "code": r"[A-Z_]{1,40}",
        "command": _CLASS,
        "commit_ms": _NUMBER,
        "constraint": r"[a-z_]\w{0,62}",
        "count": _NUMBER,
        "decide_ms": _NUMBER,
        "endpoint_id": _UUID,
        "error": _CLASS,
        "filter": r"[a-z_.,]{1,400}",
        "incident_id": _UUID,
        "job": r"[a-z_]{1,40}",
        "key_id": r"[0-9A-Za-z]{12}",
        "left_out": _NUMBER,
        "limits": _NUMBER,
        "log_level": r"[a-z]{1,10}",
        "mail": r"[a-z_]{1,40}",
        "method": r"([a-z]\w{0,15}\.){0,4}([A-Z][A-Za-z]{1,39}\.)?[A-Z][A-Za-z]{1,39}",
        "method_class": r"[a-z]{1,10}",
        "milliseconds": _NUMBER,
        "order_id": rf"{_UUID}|ORD-\d{{4}}-\d{{6,12}}",
        "peer": r"(ipv4|ipv6|unix):[0-9A-Fa-f.:%\[\]]{0,60}",
        "setting": r"[A-Z_]{1,60}",
        # Set by the operator, and without secrets.
        "settings": r"\{[ -~]{0,8000}\}",
        "provider": r"[a-z][a-z0-9_-]{0,31}",
        "read_ms": _NUMBER,
        "reason": r"[A-Z_]{1,60}",
        "request_id": _UUID,
        "requests": _NUMBER,
        "rows": _NUMBER,
        "schema": r"\d{4}",
        "seconds": _NUMBER,
        "sqlstate": r"[0-9A-Z]{5}",
        "status": r"\d{3}",
        "verb": r"[A-Z]{1,10}",
        "version": r"\d{1,4}\.\d{1,4}[0-9A-Za-z.+-]{0,30}",
        "wait_ms": _NUMBER,
    }.items()
}

# Library messages without arguments may contain arbitrary data, except for these.
_CONSTANT = frozenset(
    {
        "Exception in default exception handler",
        "Future exception was never retrieved",
        "Task exception was never retrieved",
        "Task was destroyed but it is pending!",
        "Unhandled exception in event loop",
        "socket.send() raised exception.",
        "unhandled exception during asyncio.run() shutdown",
        "query not terminated after cancellation: closing connection",
        "Exception calling callback!",
    }
)
_WITHHELD = "(the library's message is withheld)"

# Limits the frames of an endless recursion.
_FRAMES = 30
_CAUSES = 10


def fields(error: BaseException | None = None, /, **named: Value) -> dict[str, dict[str, Value]]:
    """The `extra` of a log call. Raises ValueError for a name that is not in FIELDS, unless `set_up` was called."""
    unknown = named.keys() - FIELDS.keys()
    if unknown and logging.raiseExceptions:
        raise ValueError(f"not a field of the log: {', '.join(sorted(unknown))}")
    return {"fields": named if error is None else named | _about(error)}


def milliseconds(seconds: float) -> float:
    """A duration as the log shows it."""
    return round(seconds * 1000, 3)


def set_up(level: str, form: Literal["text", "json"]) -> None:
    """Sends all records to stderr in this form, including unhandled exceptions."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler])
    quieten_libraries()
    # Else a record that cannot be written is printed with all that it holds.
    logging.raiseExceptions = False
    sys.excepthook = lambda kind, error, trace: log.critical("unhandled exception", exc_info=error)
    threading.excepthook = lambda args: log.critical("unhandled exception of a thread", exc_info=args.exc_value)
    sys.unraisablehook = lambda args: log.error("exception that could not be raised", exc_info=args.exc_value)


def quieten_libraries() -> None:
    """Omits debug records of libraries. A gRPC record about a freed server refers to it, and crashes its keeper."""
    for library in ("alembic", "grpc", "stripe"):
        logging.getLogger(library).setLevel(logging.WARNING)


def set_level(level: str) -> None:
    """Changes the level at run time."""
    logging.getLogger().setLevel(level.upper())


class TextFormatter(logging.Formatter):
    """One line per record, followed by the frames of its exception."""

    def format(self, record: logging.LogRecord) -> str:
        named = "".join(f" {name}={value}" for name, value in _fields_of(record).items())
        line = f"{_time(record)} {record.levelname} {record.name}: {_message(record)}{named}"
        return "\n".join([line, *(text for raised in _exceptions(record) for text in raised.lines())])


class JsonFormatter(logging.Formatter):
    """One JSON object per record, in one line."""

    def format(self, record: logging.LogRecord) -> str:
        found: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        found |= _fields_of(record)
        exceptions = [raised.about | {"frames": raised.frames} for raised in _exceptions(record)]
        return json.dumps(found | {"exceptions": exceptions} if exceptions else found)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message(record: logging.LogRecord) -> str:
    """The message template, in one line."""
    text = str(record.msg).partition("\n")[0]
    if not record.name.startswith("server.") and not record.args and text not in _CONSTANT:
        return _WITHHELD
    return re.sub(r"[^ -~]", "?", text)[:200]


def _fields_of(record: logging.LogRecord) -> dict[str, Value]:
    named: Mapping[str, Value] = getattr(record, "fields", {})
    if not named and isinstance(record.args, tuple):
        named = next((_about(value) for value in record.args if isinstance(value, BaseException)), {})
    if record.levelno >= logging.WARNING and (call := CALL.get()) is not None:
        named = call._asdict() | dict(named)
    return _shown(named)


def is_shown(name: str, value: str) -> bool:
    """Whether the log shows this value of a field."""
    return FIELDS[name].fullmatch(value) is not None


def _shown(named: Mapping[str, Value]) -> dict[str, Value]:
    return {
        name: value if FIELDS[name].fullmatch(str(value)) else "?"
        for name, value in named.items()
        if name in FIELDS and value != ""
    }


def _about(error: BaseException) -> dict[str, Value]:
    """The loggable part of an exception: its class, and its SQLSTATE and constraint or its reason."""
    found = {
        "error": type(error).__name__,
        "reason": getattr(error, "reason", None),
        "sqlstate": getattr(error, "sqlstate", None),
        "constraint": getattr(getattr(error, "diag", error), "constraint_name", None),
    }
    return {name: value for name, value in found.items() if isinstance(value, str)}


class _Raised(NamedTuple):
    """An exception of a chain: its loggable part and its frames, the one that raised it last."""

    how: str
    about: dict[str, Value]
    frames: list[str]

    def lines(self) -> Iterator[str]:
        named = " ".join(f"{name}={value}" for name, value in self.about.items())
        yield f"  {self.how} {named}"
        yield from (f"    at {frame}" for frame in self.frames)


def _exceptions(record: logging.LogRecord) -> list[_Raised]:
    """The record's exception, followed by its causes."""
    found: list[_Raised] = []
    left = [("raised", record.exc_info[1] if record.exc_info else None)]
    while left and len(found) < _CAUSES:
        how, error = left.pop(0)
        if error is not None:
            found.append(_Raised(how, _shown(_about(error)), _frames(error)))
            left += [("with", inner) for inner in getattr(error, "exceptions", ())]
            left.append(("caused by", error.__cause__) if error.__cause__ else ("while handling", _context(error)))
    return found


def _context(error: BaseException) -> BaseException | None:
    return None if error.__suppress_context__ else error.__context__


def _frames(error: BaseException) -> list[str]:
    frames = [
        f"{frame.f_code.co_filename}:{line} in {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    return frames[-_FRAMES:]
