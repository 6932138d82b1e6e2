"""The write path: read with locks, decide, write, commit. Callers get their answers after the commit.

`Writer` has a lane for single changes, which combines the changes that arrive while the last batch is in flight into one
transaction. Another lane is for batch upserts, where each call is a separate transaction. It works in slices and yields between them,
so a single change never waits for an import. Both have a counterpart for dry runs, which take no locks and write nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Generator, Sequence
from functools import partial

import psycopg
from orders.v1.error_reason_pb2 import ERROR_REASON_IDEMPOTENCY_IN_PROGRESS
from psycopg import AsyncConnection

from server.domain.base.errors import Refusal
from server.domain.base.methods import MethodClass
from server.domain.base.state import State, Validate
from server.domain.base.values import Terms
from server.domain.operations import Answer, Command, decide
from server.retry import RetryPolicy
from server.storage.batcher import Batcher
from server.storage.database import Database, Row, bounded, retry_if_stale
from server.storage.errors import RETRYABLE, is_rolled_back, unconfirmed
from server.storage.fairness import Pause, Yielder, run_in_turns, yield_once
from server.storage.write.changes import send_changes
from server.storage.write.locked_reads import read_state
from server.tasks import contain
from server.telemetry.log import fields
from server.telemetry.spans import child_span
from server.telemetry.timings import timed

log = logging.getLogger(__name__)

Outcome = Answer | Exception
# Called after each batch with its lane, size and seconds.
Watch = Callable[[str, int, float], None]

# For batches that met others: what they wait for takes a few milliseconds.
_CONFLICTS = RetryPolicy(first=0.01, longest=0.1, attempts=10)
# Bulk requests are up to some megabytes each.
_MAX_BULK_QUEUE = 128
# Seconds.
_ROLLBACK = 0.3
# Seconds that deciding on single commands may hold the event loop: most batches take less, and are not interrupted.
_SINGLE_TURN = 0.01
# Seconds for a bulk command: a single one takes about ten turns of this length.
_BULK_TURN = 0.001
# The part of the database timeout that a large batch yields to others.
_COURTESY = 10


class Writer:
    """Executes commands. Every answer is committed."""

    def __init__(
        self,
        database: Database,
        *,
        validate: Validate,
        terms: Terms | None = None,
        max_batch: int = 64,
        max_queue: int = 10_000,
        watch: Watch = lambda lane, size, seconds: None,
    ) -> None:
        self._database, self._validate, self._terms = database, validate, terms or Terms()
        single = partial(Batcher[Command, Answer], self._run_single, max_batch=max_batch, max_queue=max_queue)
        bulk = partial(Batcher[Command, Answer], self._run_bulk, max_batch=1, max_queue=_MAX_BULK_QUEUE)
        self._lanes = {
            "single": single(watch=partial(watch, "single"), name="batch of writes"),
            "dry": single(watch=partial(watch, "dry"), name="batch of dry runs", workers=2),
            # One by one: each changes a separate state.
            "dry_single": single(watch=partial(watch, "dry_single"), max_batch=1, name="dry write", workers=2),
            "bulk": bulk(watch=partial(watch, "bulk"), name="bulk write"),
            "dry_bulk": bulk(watch=partial(watch, "dry_bulk"), name="bulk dry run"),
        }

    async def execute(self, command: Command) -> Answer:
        """The command's answer, once it is committed. Raises the command's Refusal, or DEPENDENCY_UNAVAILABLE."""
        return await self._lanes[_lane_of(command)].submit(command)

    @property
    def is_alive(self) -> bool:
        """False once a lane has died."""
        return all(lane.is_alive for lane in self._lanes.values())

    def waiting(self) -> dict[str, int]:
        """The number of commands that wait for their batch, by lane."""
        return {name: lane.waiting for name, lane in self._lanes.items()}

    async def drain(self) -> None:
        """Waits until every command has its answer."""
        for lane in self._lanes.values():
            await lane.drain()

    async def _run_single(self, commands: Sequence[Command]) -> list[Outcome]:
        return await self._run(commands, yield_once)

    async def _run_bulk(self, commands: Sequence[Command]) -> list[Outcome]:
        return await self._run(commands, Yielder(self._database.timeout / _COURTESY).pause)

    async def _run(self, commands: Sequence[Command], pause: Pause) -> list[Outcome]:
        """Runs a batch; retries it after a conflict with another one, and command by command after a failure."""
        attempt = partial(retry_if_stale, partial(self._transact, commands, pause))
        try:
            return await _CONFLICTS.run(attempt, is_retryable=_is_conflict)
        except RETRYABLE:
            if len(commands) == 1:
                return [_in_progress(commands[0])]
        except Refusal:
            raise
        except BaseException as error:
            contain(error)
            if len(commands) == 1:
                raise
            log.exception("a batch failed; running each command alone", extra=fields(batch=len(commands)))
        return [await self._run_alone(command, pause) for command in commands]

    async def _run_alone(self, command: Command, pause: Pause) -> Outcome:
        try:
            return (await self._run([command], pause))[0]
        except BaseException as error:
            return contain(error)

    async def _transact(self, commands: Sequence[Command], pause: Pause) -> list[Outcome]:
        # The commands of a lane are all dry, or none is.
        if commands[0].dry:
            return await self._look(commands, pause)
        async with self._database.connection(passing=RETRYABLE) as connection:
            try:
                state = await self._read(connection, commands, lock=True)
                outcomes = await _decide(commands, state, pause)
            except BaseException:
                await _roll_back(connection)
                raise
            await _write_and_commit(connection, state, pause)
            return outcomes

    async def _look(self, commands: Sequence[Command], pause: Pause) -> list[Outcome]:
        """Decides on the current rows, and writes nothing."""
        async with self._database.reading() as connection:
            try:
                state = await self._read(connection, commands, lock=False)
            except BaseException:
                await _roll_back(connection)
                raise
        return await _decide(commands, state, pause)

    async def _read(self, connection: AsyncConnection[Row], commands: Sequence[Command], *, lock: bool) -> State:
        with child_span("read and lock" if lock else "read"), timed("read"):
            return await read_state(connection, commands, terms=self._terms, validate=self._validate, lock=lock)


def _is_conflict(error: Exception) -> bool:
    return isinstance(error, RETRYABLE)


def _lane_of(command: Command) -> str:
    if command.operation.method_class is MethodClass.BULK:
        return "dry_bulk" if command.dry else "bulk"
    if command.validates:
        return "dry_single"
    return "dry" if command.dry else "single"


async def _decide(commands: Sequence[Command], state: State, pause: Pause) -> list[Outcome]:
    """The commands' outcomes, in their order. Yields regularly to other work."""
    is_bulk = commands[0].operation.method_class is MethodClass.BULK
    with child_span("decide"), timed("decide"):
        return await run_in_turns(_outcomes(commands, state), pause, seconds=_BULK_TURN if is_bulk else _SINGLE_TURN)


def _outcomes(commands: Sequence[Command], state: State) -> Generator[None, None, list[Outcome]]:
    outcomes = []
    for command in commands:
        outcomes.append((yield from _outcome(command, state)))
        yield
    return outcomes


def _outcome(command: Command, state: State) -> Generator[None, None, Outcome]:
    try:
        return (yield from decide(command, state))
    except Refusal as error:
        return error
    except GeneratorExit:  # The batch was cancelled.
        raise
    except BaseException as error:  # A bug in one rule must not fail the other commands.
        log.exception("a command failed", extra=fields(method=command.operation.method))
        return contain(error)


def _in_progress(command: Command) -> Refusal:
    text = "the same rows are being written elsewhere; retry the request"
    metadata = {"request_id": getattr(command.request, "request_id", "")}
    return Refusal(ERROR_REASON_IDEMPOTENCY_IN_PROGRESS, text, metadata=metadata, retry_after=0.1)


async def _roll_back(connection: AsyncConnection[Row]) -> None:
    try:
        async with bounded(_ROLLBACK):
            await connection.rollback()
    except (psycopg.Error, TimeoutError):
        await connection.close()


async def _write_and_commit(connection: AsyncConnection[Row], state: State, pause: Pause) -> None:
    """Writes and commits in one round trip. If the connection breaks, the outcome is unknown, and callers get that error."""
    try:
        with child_span("write and commit"), timed("commit"):
            async with connection.pipeline():
                await send_changes(connection, state, pause)
                await connection.execute("COMMIT")
    except (psycopg.OperationalError, psycopg.InterfaceError, asyncio.CancelledError) as error:
        await _roll_back(connection)
        if is_rolled_back(error):
            raise
        log.warning("a commit was not confirmed", extra=fields(error))
        raise unconfirmed(error, silent=connection.closed) from error
    except BaseException:
        await _roll_back(connection)
        raise
