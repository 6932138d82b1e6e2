"""What a line of the log may hold."""

import ast
import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from server.domain.base.errors import order_not_found
from server.rpc.call_log import log_call
from server.telemetry.log import FIELDS, JsonFormatter, TextFormatter, fields

SERVER = Path(__file__).parents[2] / "server"
LEVELS = ("debug", "info", "warning", "error", "exception", "critical")

UUID = "0199f1a0-7c2e-7c31-9d54-0c8a3b7a1b11"


def record(message: object, *args: object, name: str = "server.x", **extra: Any) -> logging.LogRecord:
    exc_info = extra.pop("exc_info", None)
    return logging.getLogger(name).makeRecord(name, logging.WARNING, "x.py", 1, message, args, exc_info, extra=extra)


def text_of(message: object, *args: object, **extra: Any) -> str:
    """The line without its time."""
    return TextFormatter().format(record(message, *args, **extra)).partition(" ")[2]


def test_a_line_has_a_constant_message_and_its_fields() -> None:
    line = TextFormatter().format(
        record("a batch conflicted with another one", **fields(batch=3, order_id=UUID, sqlstate="23505"))
    )
    time, _, rest = line.partition(" ")
    assert time.endswith("Z")
    assert rest == f"WARNING server.x: a batch conflicted with another one batch=3 order_id={UUID} sqlstate=23505"


def test_a_json_line_has_the_same() -> None:
    line = JsonFormatter().format(record("failed", **fields(count=3, seconds=0.5), exc_info=caught()))
    assert "\n" not in line
    shown = json.loads(line)
    assert shown.pop("time").endswith("Z")
    frames = shown["exceptions"][0].pop("frames")
    assert frames[0].startswith(__file__)
    assert shown == {
        "level": "warning",
        "logger": "server.x",
        "message": "failed",
        "count": 3,
        "seconds": 0.5,
        "exceptions": [{"error": "KeyError"}, {"error": "ValueError", "frames": shown["exceptions"][1]["frames"]}],
    }


def test_a_name_that_is_not_listed_is_a_mistake_and_in_production_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="email"):
        fields(email="jane@example.com")
    monkeypatch.setattr(logging, "raiseExceptions", False)
    assert text_of("x", **fields(email="jane@example.com", count=1)) == "WARNING server.x: x count=1"


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize(
    "value",
    [
        "jane@example.com",
        "+1 212 555 0199",
        "2125550199",
        "12125550199",
        "4111111111111111",
        "4111 1111 1111 1111",
        "Jane Doe",
        "Bearer eyJhbGciOi.eyJzdWIi.c2ln",
        "ord_0123456789AB_" + "x" * 43 + "_012345",
        "postgresql://orders:secret@db.internal/orders",
        "key:ord_0123456789AB_" + "x" * 43 + "_012345",
        "user:jane@example.com",
        "certificate:jane@example.com",
        "a\nWARNING server.x: forged",
        "a\x1b[31m",
        "1 Main St",
        f"{UUID}\n",
        "x" * 10_000,
    ],
)
def test_no_field_shows_what_has_not_its_shape(name: str, value: str) -> None:
    assert text_of("x", fields={name: value}) == f"WARNING server.x: x {name}=?"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("request_id", UUID),
        ("request_id", UUID.replace("-", "")),
        ("order_id", "ORD-2026-000001"),
        ("caller", "anonymous"),
        ("caller", "key:0123456789AB"),
        ("caller", f"user:{UUID}"),
        ("caller", "certificate:shop.internal"),
        ("caller", "certificate:spiffe://internal/shop"),
        ("method", "orders.v1.OrderService.CreateOrder"),
        ("method", "CreateOrder"),
        ("code", "INVALID_ARGUMENT"),
        ("milliseconds", 0.123),
        ("count", 0),
    ],
)
def test_what_has_its_field_s_shape_is_shown(name: str, value: str | float) -> None:
    assert text_of("x", **fields(**{name: value})) == f"WARNING server.x: x {name}={value}"


def test_an_empty_value_is_left_out() -> None:
    assert text_of("x", **fields(reason="", count=0)) == "WARNING server.x: x count=0"


def caught() -> tuple[Any, ...]:
    try:
        try:
            raise ValueError("jane@example.com")
        except ValueError as error:
            raise KeyError("jane@example.com") from error
    except KeyError:
        return sys.exc_info()


def test_of_an_exception_and_its_causes_classes_and_frames_are_shown_and_no_texts() -> None:
    first, *rest = text_of("failed", exc_info=caught()).splitlines()
    assert first == "WARNING server.x: failed"
    assert [line.partition(":")[0] for line in rest] == [
        "  raised error=KeyError",
        f"    at {__file__}",
        "  caused by error=ValueError",
        f"    at {__file__}",
    ]
    assert rest[1].endswith(" in caught")


def test_an_endless_recursion_is_shown_by_its_end() -> None:
    def deeper() -> None:
        deeper()

    try:
        deeper()
    except RecursionError:
        lines = text_of("failed", exc_info=sys.exc_info()).splitlines()
    assert lines[1] == "  raised error=RecursionError"
    assert len(lines) < 50


def test_exceptions_that_cause_each_other_come_to_an_end() -> None:
    one, other = KeyError("jane"), ValueError("jane")
    one.__cause__, other.__cause__ = other, one
    shown = text_of("failed", exc_info=(KeyError, one, None))
    assert shown.count("KeyError") < 20
    assert "jane" not in shown


@pytest.mark.parametrize(
    ("message", "args", "shown"),
    [
        ("error connecting in %r: %s", ("pool", OSError("jane")), "error connecting in %r: %s error=OSError"),
        ("connection to %(host)s", ({"host": "jane"},), "connection to %(host)s"),
        ("Exception in callback jane", (), "(the library's message is withheld)"),
        ("Task exception was never retrieved\nfuture: <jane>", (), "Task exception was never retrieved"),
        (KeyError("jane"), (), "(the library's message is withheld)"),
        ("two\nlines\x1b %s", ("jane",), "two"),
        ("a\x1b[31m %s", ("jane",), "a?[31m %s"),
    ],
)
def test_of_libraries_templates_are_shown_without_what_goes_into_them(
    message: object, args: tuple[object, ...], shown: str
) -> None:
    assert text_of(message, *args, name="library") == f"WARNING library: {shown}"


def test_a_call_is_told_at_debug_level_without_what_callers_chose_freely(caplog: pytest.LogCaptureFixture) -> None:
    request_id = "0196f2a4-5b5e-7cc3-8f0a-3b1a52f3c111"
    call = {"method": "orders.v1.OrderService.GetOrder", "seconds": 0.0123456, "request_id": request_id}
    log_call(**call, code="OK", caller="anonymous")
    assert not caplog.records
    caplog.set_level(logging.DEBUG)
    log_call(**call, code="OK", caller="user:jane@example.com")
    shown = "call method=orders.v1.OrderService.GetOrder caller=? code=OK milliseconds=12.346"
    shown += f" request_id={request_id}"
    assert caplog.text.endswith(f"server.rpc.call_log: {shown}\n")
    log_call(**call, code="NOT_FOUND", caller="anonymous", error=order_not_found("+12125550199"))
    assert "code=NOT_FOUND" in caplog.text
    assert "reason=ORDER_NOT_FOUND" in caplog.text
    assert "2125550199" not in caplog.text


FREES_SERVERS = """
import asyncio, collections, grpc, logging
from server.telemetry import log

async def free() -> None:
    for _ in range(200):
        servers = [grpc.aio.server() for _ in range(10)]

log.set_up("debug", "json")
keeper = logging.Handler()
keeper.emit = collections.deque(maxlen=50).append
logging.getLogger().addHandler(keeper)
asyncio.run(free())
print("survived")
"""


def test_a_process_that_frees_servers_survives_its_own_debug_log() -> None:
    """Records are kept for a while, as test runners and some handlers do."""
    done = subprocess.run([sys.executable, "-c", FREES_SERVERS], capture_output=True, text=True, check=False)
    assert done.stdout == "survived\n", done.stderr


def test_set_up_logs_to_stderr_in_the_form_asked_for_and_what_nobody_handles_too() -> None:
    program = """
import logging, threading
from server.telemetry import log as logs
logs.set_up("info", "json")
log = logging.getLogger("server.x")
log.debug("not this")
log.info("this", extra={"fields": {"email": "jane@example.com", "count": 1}})
log.info("broken", extra={"fields": "jane"})
def fail(): raise KeyError("jane")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
class Dying:
    def __del__(self): fail()
Dying()
fail()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "jane" not in done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(line["message"], len(line.get("exceptions", []))) for line in lines] == [
        ("this", 0),
        ("unhandled exception of a thread", 1),
        ("exception that could not be raised", 1),
        ("unhandled exception", 1),
    ]


def is_constant(node: ast.expr) -> bool:
    """Whether an expression is a text without a place to put something in, or the choice between two."""
    if isinstance(node, ast.IfExp):
        return is_constant(node.body) and is_constant(node.orelse)
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and "%" not in node.value


def are_fields(node: ast.expr) -> bool:
    """Whether an expression is a call of `fields`, with names of the list."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "fields"
        and len(node.args) <= 1
        and all(keyword.arg in FIELDS for keyword in node.keywords)
    )


def fault_of(node: ast.AST) -> str:
    """What is wrong with a call, if it is one of a logger; '' if nothing is."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return ""
    owner, name = ast.unparse(node.func.value), node.func.attr
    if owner == "logging":
        return "" if name == "getLogger" else "sets logging up"
    if owner != "log":
        # A logger gets a message. A task has `exception()`, too.
        return "a logger that is not called log" if name in LEVELS and node.args else ""
    if name == "isEnabledFor":
        return ""
    if name not in LEVELS or len(node.args) != 1 or not is_constant(node.args[0]):
        return "the message is not a constant"
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    by_fields = "extra" not in keywords or are_fields(keywords["extra"])
    return "" if by_fields and keywords.keys() <= {"extra", "exc_info"} else "not by fields()"


def faults_of(tree: ast.AST) -> list[str]:
    """What a module does with a logger that it may not do."""
    return [f"{fault}: {ast.unparse(node)}" for node in ast.walk(tree) if (fault := fault_of(node))]


def test_every_log_call_has_a_constant_message_and_listed_fields() -> None:
    found = {
        f"{path.relative_to(SERVER)}:{fault}"
        for path in SERVER.rglob("*.py")
        if path.name != "log.py"
        for fault in faults_of(ast.parse(path.read_text()))
    }
    assert not found
    calls = [path for path in SERVER.rglob("*.py") if "extra=fields(" in path.read_text()]
    assert len(calls) > 5


@pytest.mark.parametrize(
    "text",
    [
        'log.info(f"order {order}")',
        'log.info("order %s", order)',
        'log.info("100 %")',
        'log.info("order " + order)',
        'log.info("order", extra={"order": order})',
        'log.info("order", extra=fields(email=email))',
        'log.info("order", extra=fields(**data))',
        'log.info("order", stack_info=True)',
        'log.log(10, "order")',
        'logging.info("order")',
        "logging.basicConfig()",
        'logger.warning("order")',
        'logging.getLogger("x").warning("order")',
    ],
)
def test_a_log_call_with_data_would_be_found(text: str) -> None:
    assert faults_of(ast.parse(text))
