"""Mails: the queue, and the records of sent mails. They contain no addresses, which are read from the order."""

from collections.abc import Sequence
from datetime import timedelta
from enum import IntEnum
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Text, Uuid
from sqlalchemy.types import TypeEngine

from server.storage.arrays import packer
from server.storage.consumer_positions import Connection
from server.storage.database import Database, fetch_named
from server.storage.schema.mail_tables import mails
from server.storage.sql import Query, Statement
from server.storage.write.changes import columns_of


class MailState(IntEnum):
    """The stored states."""

    PENDING = 1
    SENT = 2
    FAILED = 3
    # It has no recipient.
    SKIPPED = 4


class NewMail(NamedTuple):
    """A mail to queue. A mail with the same id is queued once."""

    mail_id: str
    kind: str
    order_id: str | None
    version: int
    endpoint_id: str | None = None


class DueMail(NamedTuple):
    """A mail that this process sends, and its order or endpoint."""

    mail_id: str
    kind: str
    order_id: str | None
    endpoint_id: str | None
    attempts: int
    order: bytes | None
    event: bytes | None


class MailOutcome(NamedTuple):
    """The outcome of an attempt."""

    state: MailState
    cause: str = ""
    # Seconds until the next attempt of a pending mail.
    delay: int | None = None

    @property
    def name(self) -> str:
        return "retried" if self.state == MailState.PENDING else self.state.name.lower()


class MailBacklog(NamedTuple):
    """The mails that wait for their first attempt or a retry, and the age of the oldest that waits for its first attempt."""

    waiting: int
    overdue: timedelta


_NOW = "clock_timestamp()"
_COLUMNS: dict[str, TypeEngine[Any]] = {
    "mail_id": Text(),
    "kind": Text(),
    "order_id": Uuid(),
    "version": BigInteger(),
    "endpoint_id": Text(),
}
_ADD = Statement(
    f"""
INSERT INTO {mails.name} (mail_id, kind, order_id, version, endpoint_id, state, attempts, next_time, cause, create_time)
SELECT mail_id, kind, order_id, version, endpoint_id, {MailState.PENDING:d}, 0, {_NOW}, '', {_NOW}
FROM unnest(%(mail_id)s::text[], %(kind)s::text[], %(order_id)s::uuid[], %(version)s::bigint[], %(endpoint_id)s::text[])
    AS mail (mail_id, kind, order_id, version, endpoint_id)
ON CONFLICT (mail_id) DO NOTHING""",
    {name: packer(type_) for name, type_ in _COLUMNS.items()},
)
# A mail is leased until its next due time. First attempts are made in the order of the changes.
_TAKE = Query(
    text=f"""
WITH due AS (
    SELECT mail_id FROM mails WHERE state = {MailState.PENDING:d} AND next_time <= {_NOW}
    ORDER BY next_time, version LIMIT 1 FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE mails SET next_time = {_NOW} + make_interval(secs => %(seconds)s) FROM due WHERE mails.mail_id = due.mail_id
    RETURNING mails.*
)
SELECT taken.mail_id, taken.kind, taken.order_id::text, taken.endpoint_id, taken.attempts, orders.snapshot, order_events.event
FROM taken LEFT JOIN orders USING (order_id)
LEFT JOIN order_events ON order_events.order_id = taken.order_id AND order_events.version = taken.version""",
    row=DueMail,
)
_GIVE_BACK = Statement("UPDATE mails SET next_time = create_time WHERE mail_id = %(mail_id)s")
_FINISH = Statement(
    f"""
UPDATE mails SET state = %(state)s, cause = %(cause)s, attempts = attempts + 1,
    next_time = {_NOW} + make_interval(secs => %(delay)s),
    end_time = CASE WHEN %(delay)s::float8 IS NULL THEN {_NOW} END
WHERE mail_id = %(mail_id)s AND state = {MailState.PENDING:d}"""
)
_BACKLOG = Query(
    text=f"""
SELECT count(*), coalesce({_NOW} - min(create_time) FILTER (WHERE attempts = 0), interval '0')
FROM mails WHERE state = {MailState.PENDING:d}""",
    row=MailBacklog,
)
DELETE_OLD_MAILS = Statement(
    """
DELETE FROM mails WHERE mail_id IN (
    SELECT mail_id FROM mails WHERE end_time < %(before)s LIMIT %(limit)s::bigint FOR UPDATE SKIP LOCKED
)"""
)


class MailRepository:
    """Mails by id. Methods raise DEPENDENCY_UNAVAILABLE and OVERLOADED."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def queue(self, connection: Connection, mails: Sequence[NewMail]) -> None:
        """Queues mails in a transaction, except for those that were queued before."""
        if mails:
            await connection.execute(_ADD.text, _ADD.bind(columns_of(list(_COLUMNS), list(mails))), prepare=True)

    async def add(self, mails: Sequence[NewMail]) -> None:
        """Queues mails, except for those that were queued before."""
        async with self._database.connection() as connection:
            await self.queue(connection, mails)

    async def take(self, *, seconds: float) -> DueMail | None:
        """The next due mail, leased to this process for a number of seconds."""
        async with self._database.connection() as connection:
            found = await fetch_named(connection, _TAKE, seconds=seconds)
        return found[0] if found else None

    async def give_back(self, mail_id: str) -> None:
        """Makes a mail that was not attempted due again, before the others."""
        async with self._database.connection() as connection:
            await connection.execute(_GIVE_BACK.text, {"mail_id": mail_id})

    async def finish(self, mail_id: str, outcome: MailOutcome) -> None:
        """Records an attempt."""
        parameters = {"mail_id": mail_id, "state": int(outcome.state), "cause": outcome.cause, "delay": outcome.delay}
        async with self._database.connection() as connection:
            await connection.execute(_FINISH.text, parameters)

    async def backlog(self) -> MailBacklog:
        """The mails that wait."""
        (backlog,) = await self._database.fetch_named(_BACKLOG)
        return backlog
