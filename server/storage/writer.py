"""The one write path: read with locks, decide, write, commit; only then each caller gets its answer.

`Writer` has a lane for single changes, which gathers what arrives while the last batch is in flight into one transaction, and a
lane for BatchUpsertOrders and BatchUpsertProducts, whose calls are transactions of their own. The bulk lane works in slices and lets the event loop go
between them, so that a single change never waits behind an import.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence

import psycopg
from orders.v1.catalog_service_pb2 import BatchUpsertProductsRequest
from orders.v1.order_service_pb2 import BatchUpsertOrdersRequest
from psycopg import AsyncConnection

from server.domain.commands import Answer, Command, Validate, decide, decide_upsert
from server.domain.errors import OrderError
from server.domain.state import State
from server.storage.batcher import Batcher
from server.storage.changes import send_changes
from server.storage.database import Database, Row
from server.storage.errors import RETRYABLE, ConnectionLost, unavailable
from server.storage.reading import read_state

log = logging.getLogger(__name__)

Outcome = Answer | Exception
Decide = Callable[[Sequence[Command], State], Awaitable[list[Outcome]]]

_ATTEMPTS = 10
# Seconds, times the attempt: batches that met go on at different times.
_LONGEST_PAUSE = 0.01
# Bulk requests are up to some megabytes each.
_MAX_BULK_QUEUE = 128
# Seconds that deciding on a large batch may hold the event loop.
_TURN = 0.005


class Writer:
    """Carries out commands. Every answer it gives is committed."""

    def __init__(self, database: Database, *, validate: Validate, max_batch: int = 64, max_queue: int = 10_000) -> None:
        self._database, self._validate = database, validate
        self._single = Batcher[Command, Answer](self._run_single, max_batch=max_batch, max_queue=max_queue)
        self._bulk = Batcher[Command, Answer](self._run_bulk, max_batch=1, max_queue=_MAX_BULK_QUEUE, workers=2)

    async def execute(self, command: Command) -> Answer:
        """The command's answer, once it is committed. Raises the command's OrderError, or DEPENDENCY_UNAVAILABLE."""
        bulk = isinstance(command.request, BatchUpsertOrdersRequest | BatchUpsertProductsRequest)
        return await (self._bulk if bulk else self._single).submit(command)

    async def drain(self) -> None:
        """Waits until every command has its answer."""
        await self._single.drain()
        await self._bulk.drain()

    async def _run_single(self, commands: Sequence[Command]) -> list[Outcome]:
        return await self._run(commands, _decide_each)

    async def _run_bulk(self, commands: Sequence[Command]) -> list[Outcome]:
        upsert = isinstance(commands[0].request, BatchUpsertOrdersRequest)
        return await self._run(commands, self._decide_upsert if upsert else _decide_each)

    async def _decide_upsert(self, commands: Sequence[Command], state: State) -> list[Outcome]:
        steps = decide_upsert(commands[0], state, self._validate)
        began = time.perf_counter()
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                return [stop.value]
            except OrderError as error:
                return [error]
            if time.perf_counter() - began > _TURN:
                await asyncio.sleep(0)
                began = time.perf_counter()

    async def _run(self, commands: Sequence[Command], decide_all: Decide) -> list[Outcome]:
        """Runs a batch, again where it met another one on the way, and command by command where one of them breaks it."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self._transact(commands, decide_all)
            except RETRYABLE as error:
                log.info("batch of %d met another one (%s), attempt %d", len(commands), type(error).__name__, attempt)
                await asyncio.sleep(random.uniform(0, _LONGEST_PAUSE * attempt))
            except ConnectionLost:
                if attempt == _ATTEMPTS:
                    raise
                await self._database.check_connections()
            except OrderError:
                raise
            except Exception:
                if len(commands) == 1:
                    raise
                log.exception("batch of %d failed, each command goes alone", len(commands))
                return [await self._run_alone(command, decide_all) for command in commands]
        return [_in_progress(command) for command in commands]

    async def _run_alone(self, command: Command, decide_all: Decide) -> Outcome:
        try:
            return (await self._run([command], decide_all))[0]
        except Exception as error:
            return error

    async def _transact(self, commands: Sequence[Command], decide_all: Decide) -> list[Outcome]:
        async with self._database.connection(passing=RETRYABLE) as connection:
            try:
                state = await read_state(connection, commands)
                outcomes = await decide_all(commands, state)
            except BaseException:
                await _roll_back(connection)
                raise
            await _write_and_commit(connection, state)
            return outcomes


def _in_progress(command: Command) -> OrderError:
    text = "the same rows are being written elsewhere; send the request again"
    metadata = {"request_id": command.request.request_id}
    return OrderError("IDEMPOTENCY_IN_PROGRESS", text, metadata=metadata, retry_after=0.1)


async def _decide_each(commands: Sequence[Command], state: State) -> list[Outcome]:
    return [_outcome(command, state) for command in commands]


def _outcome(command: Command, state: State) -> Outcome:
    try:
        return decide(command, state)
    except OrderError as error:
        return error
    except Exception as error:  # a bug in one rule must not fail its neighbours
        log.exception("%s failed", command.method)
        return error


async def _roll_back(connection: AsyncConnection[Row]) -> None:
    try:
        async with asyncio.timeout(1):
            await connection.rollback()
    except (psycopg.Error, TimeoutError):
        await connection.close()


async def _write_and_commit(connection: AsyncConnection[Row], state: State) -> None:
    """Writes and commits in one flight. If the connection breaks on it nobody knows what became of it, and the callers are told."""
    try:
        async with connection.pipeline():
            await send_changes(connection, state)
            await connection.execute("COMMIT")
    except RETRYABLE:
        await _roll_back(connection)
        raise
    except (psycopg.OperationalError, psycopg.InterfaceError, asyncio.CancelledError) as error:
        log.warning("commit: %s", error)
        await _roll_back(connection)
        detail = (
            "the database went away before it confirmed the commit; send the request again with the same request_id"
        )
        raise unavailable(detail) from error
    except BaseException:
        await _roll_back(connection)
        raise
