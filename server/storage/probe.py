"""Checks the database's health on a separate connection, which load on the pool does not delay."""

import os
from contextlib import suppress

import psycopg
from psycopg import AsyncConnection

from server.storage.database import Database, Row
from server.storage.errors import LOST, NO_ANSWER, READ_ONLY, WRITE_CAUSES, cause_of
from server.storage.schema.tables import idempotency_keys

_IS_READ_ONLY = "SELECT current_setting('transaction_read_only') = 'on'"
# Enough for a table to grow by, so that a full disk shows. Random, or PostgreSQL would compress it.
_BYTES = 1 << 16
_WRITE = f"""
INSERT INTO {idempotency_keys.name} (caller, method, request_id, request, response, create_time)
VALUES ('health check', '', gen_random_uuid()::text, %s, '', now())"""
_UNDO = f"DELETE FROM {idempotency_keys.name} WHERE caller = 'health check'"


class Probe:
    """Finds the cause of a database's failure."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: AsyncConnection[Row] | None = None

    async def check(self) -> str | None:
        """The cause; None if the database is readable and writable. Takes at most half the database's timeout."""
        try:
            async with self._database.bounded(self._database.timeout / 2):
                cause = await self._check_again() if self._connection else await self._check()
        except (psycopg.Error, OSError, TimeoutError) as error:
            found = cause_of(error)
            cause = found if found in WRITE_CAUSES else NO_ANSWER
        if cause is not None:
            # A new connection may lead to another server, the current primary.
            await self.close()
        return cause

    async def _check_again(self) -> str | None:
        """Like `_check`, on a connection that may have been lost since the last check."""
        try:
            return await self._check()
        except psycopg.Error as error:
            if cause_of(error) != LOST:
                raise
        await self.close()
        return await self._check()

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                await connection.close()

    async def _check(self) -> str | None:
        if self._connection is None:
            self._connection = await self._database.connect()
        cursor = await self._connection.execute(_IS_READ_ONLY)
        if await cursor.fetchone() == (True,):
            return READ_ONLY
        if self._database.write_failure is not None:
            await self._write(self._connection)
            self._database.write_failure = None
        return None

    async def _write(self, connection: AsyncConnection[Row]) -> None:
        """Writes durably, and deletes the data."""
        async with connection.transaction():
            await connection.execute(_WRITE, (os.urandom(_BYTES),))
            await connection.execute(_UNDO)
