"""What callers send, and what the database holds, never gets into the log: marks are searched for in all that is logged."""

import asyncio
import gc
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from server.domain.base.methods import SERVICES
from server.payments.sandbox import SandboxProvider
from server.rpc.server import SERVICE_NAMES as SERVED
from server.storage.database import Database
from server.storage.probe import Probe
from server.storage.read.orders import OrderRepository
from server.storage.write import writer
from server.telemetry.log import JsonFormatter
from tests.conftest import Service, new_order, serving, stock_shop
from tests.methods import METHODS, WRITES
from tests.rpc.breaks import texts
from tests.rpc.calls import new_subject, outcome
from tests.samples import Subject, request_for
from tests.storage.helpers import session, until

WORD = "Quixmark"
PERSON = "Quixmark, 7 Quix Street, quix@example.com, +1 212 555 0199"
CARD = "4111 1111 1111 1111"
# In small letters.
MARKS = ("quix", "555 0199", "5550199", CARD, CARD.replace(" ", ""))
METADATA = (
    ("authorization", f"Bearer {WORD}.token"),
    ("x-api-key", f"ord_{WORD}"),
    ("cookie", f"session={WORD}"),
    ("token", WORD),
    ("user-agent-of", PERSON),
)


def marks_in(text: str) -> list[str]:
    return [mark for mark in MARKS if mark in text.lower()]


def check_log(caplog: pytest.LogCaptureFixture, *says: str, reached: bool = False) -> None:
    """The log says all of this and has no mark, in neither form; if marks have `reached` it, another formatter would show them."""
    text = caplog.text
    for said in says:
        assert said in text
    assert not marks_in(text)
    json = JsonFormatter()
    assert not marks_in("\n".join(map(json.format, caplog.records)))
    if reached:
        plain = logging.Formatter()
        assert marks_in("\n".join(map(plain.format, caplog.records)))


def test_every_service_is_among_the_cases() -> None:
    assert {service.full_name for service in SERVICES} == set(SERVED)


def marked(method: str, request: Message, text: str) -> Message:
    """The request with the text in every field at once that takes any text of its length."""
    for put in texts(method, text):
        request = put.applied_to(request)
    return request


async def test_no_text_of_any_field_of_any_method_is_logged(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    codes: Counter[str] = Counter()
    for method in METHODS:
        request = request_for(method, await new_subject(service, method))
        for text in (WORD, PERSON, CARD):
            for variant in (
                *(put.applied_to(request) for put in texts(method, text)),
                marked(method, request, text),
                marked(method, request, text).SerializeToString()[:-1],
            ):
                refusal = await outcome(service, method, variant, METADATA)
                codes["OK" if refusal is None else refusal.code.name] += 1
    assert codes.keys() >= {"OK", "INVALID_ARGUMENT", "FAILED_PRECONDITION", "NOT_FOUND"}
    check_log(caplog, f"{method} caller=anonymous code=")


async def test_methods_that_do_not_exist_are_not_logged_by_their_names(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for path in (f"/orders.v1.OrderService/{WORD}", f"/{WORD}/Get", f"/{WORD}@example.com"):
        with pytest.raises(grpc.aio.AioRpcError):
            await service.channel.unary_unary(path)(b"", metadata=METADATA)
    logging.getLogger("server.tests").debug("done")
    check_log(caplog, "server.tests: done")


# What the database does with a row that is written, what the log says of it, and whether the row, which the database's text tells,
# came as far as the log's formatter.
FAILURES = {
    "a rule": (
        "RAISE 'row %', NEW USING ERRCODE = 'check_violation', CONSTRAINT = 'a_rule'",
        "constraint=a_rule",
        False,
    ),
    "a value": ("RAISE 'row %', NEW USING ERRCODE = 'invalid_text_representation'", "sqlstate=22P02", False),
    "no memory": ("RAISE 'row %', NEW USING ERRCODE = 'out_of_memory', DETAIL = NEW::text", "sqlstate=53200", False),
    "a bug": ("RAISE 'row %', NEW USING ERRCODE = 'undefined_column', HINT = NEW::text", "sqlstate=42703", True),
    "killed": ("RAISE WARNING 'row %', NEW; PERFORM pg_terminate_backend(pg_backend_pid())", "not confirmed", False),
}


@asynccontextmanager
async def failing(url: str, action: str) -> AsyncIterator[None]:
    """While this lasts, no row of any table can be written."""
    async with session(url) as outside:
        await outside.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql SET bytea_output = 'escape'"
            f" AS $$ BEGIN {action}; RETURN NEW; END $$".encode()
        )
        cursor = await outside.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in await cursor.fetchall():
            await outside.execute(
                f"CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION fail()".encode()
            )
        yield
        await outside.execute("DROP FUNCTION fail CASCADE")


@pytest.mark.parametrize(("action", "says", "reached"), FAILURES.values(), ids=FAILURES)
async def test_no_row_is_logged_that_the_database_fails_to_write(
    service: Service, caplog: pytest.LogCaptureFixture, action: str, says: str, reached: bool
) -> None:
    requests = {}
    for method in WRITES:
        requests[method] = request_for(method, await new_subject(service, method))
    caplog.set_level(logging.DEBUG)
    async with failing(service.url, action):
        for method, request in requests.items():
            for put in texts(method, WORD):
                await outcome(service, method, put.applied_to(request), METADATA)
    check_log(caplog, says, reached=reached)


async def test_no_text_of_a_bug_s_exceptions_is_logged(
    service: Service, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await service.orders.CreateOrder(new_order())
    caplog.set_level(logging.DEBUG)

    def bug(*_: Any, **__: Any) -> Any:
        try:
            raise ExceptionGroup(PERSON, [ValueError(CARD)])
        except ExceptionGroup as error:
            raise KeyError(PERSON) from error

    monkeypatch.setattr(OrderRepository, "get", bug)
    monkeypatch.setattr(writer, "decide", bug)
    for method in ("GetOrder", "CreateOrder", "UpsertCustomer"):
        refusal = await outcome(service, method, request_for(method, Subject(order.order_id)), METADATA)
        assert refusal is not None
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
        assert f"method=orders.v1.{METHODS[method].containing_service.name}.{method}" in caplog.text
        assert f"request_id={refusal.metadata['request_id']}" in caplog.text
    says = (
        "raised error=KeyError",
        "caused by error=ExceptionGroup",
        "with error=ValueError",
        "test_logs.py:",
        "in bug",
    )
    check_log(caplog, *says, reached=True)


async def test_nothing_that_a_payment_provider_raises_is_logged(
    new_database: Callable[[], str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any, token: str = "") -> Any:
        raise RuntimeError(f"{PERSON} {token}")

    async with serving(new_database(), payment_provider="test") as service:
        await stock_shop(service)
        caplog.set_level(logging.DEBUG)
        monkeypatch.setattr(SandboxProvider, "open_intent", fail)
        refusal = await outcome(service, "CreateOrder", new_order(payment_method_id="pm-1"), METADATA)
    assert refusal is not None
    assert refusal.metadata["dependency"] == "payment_provider"
    check_log(caplog, "the payment provider failed", "provider=test", "raised error=RuntimeError", reached=True)


async def test_what_libraries_log_of_failures_is_without_their_texts(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await _lose_a_task()
    asyncio.get_running_loop().call_exception_handler({"message": PERSON, "exception": ValueError(PERSON)})
    await _fail_in_a_handler_of_grpc()
    says = ("asyncio: Task exception was never retrieved", "raised error=KeyError", "grpc._cython.cygrpc")
    check_log(caplog, *says, "withheld", reached=True)


async def _lose_a_task() -> None:
    async def fail() -> None:
        raise KeyError(PERSON)

    task = asyncio.create_task(fail(), name=WORD)
    await asyncio.wait([task])
    del task
    gc.collect()


async def _fail_in_a_handler_of_grpc() -> None:
    async def fail(request: bytes, context: Any) -> bytes:
        raise ValueError(PERSON)

    server = grpc.aio.server()
    handlers = {"Fail": grpc.unary_unary_rpc_method_handler(fail)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("mine", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        with pytest.raises(grpc.aio.AioRpcError):
            await channel.unary_unary("/mine/Fail")(WORD.encode(), metadata=METADATA)
    await server.stop(None)


async def test_neither_the_database_s_password_nor_its_address_is_logged(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = service.url.replace("postgres@", f"{WORD}:{WORD}@")
    database = Database(url, timeout=0.5, pool_size=4)
    await database.open()

    async def told() -> bool:
        return "psycopg.pool: error connecting in" in caplog.text

    try:
        assert await Probe(database).check() == "no_answer"
        await until(told)
    finally:
        await database.close()
    check_log(caplog, "error=OperationalError", reached=True)
