"""The schema's version: migration and detection."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from server.storage.queue_repair import queue_missing_in
from server.storage.schema import rights, sequencing

if TYPE_CHECKING:
    from alembic.config import Config

# An arbitrary number that no other program uses.
_LOCK = 5_073_100_914_002_881

# Seconds between checks whether another migration has ended.
_PAUSE = 0.1

# The timeout of a schema check, in seconds.
_LOOK = 10

_IN_FUTURE = "xid >= pg_snapshot_xmax(pg_current_snapshot())"
_KNOWN = text("SELECT to_regclass('alembic_version') IS NOT NULL")
_VERSION = text("SELECT version_num FROM alembic_version")
_RESTORED = f"SELECT EXISTS (SELECT FROM order_events WHERE {_IN_FUTURE})"


class UnknownSchema(Exception):
    """The database's schema is unknown to this program."""


def migrate(url: str, *, grant_to: str | None = None) -> tuple[str | None, str]:
    """Migrates to the newest version; returns the versions before and after. Concurrent runs queue up.

    `grant_to` is the role that serves, if it is not the one that migrates. Raises RightsError.
    """
    # Loading it takes a third of a second, which a server with a current schema can skip.
    from alembic import command
    from alembic.util import CommandError

    with _connection(url) as connection:
        _take_turn(connection)
        try:
            before = _current(connection)
            config = _config()
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise UnknownSchema(str(error).replace("\n", " ")) from error
            restored = _adopt_restored_rows(connection)
            _assign_positions(connection, restored=restored)
            connection.commit()
            queue_missing_in(_driver(connection))
            if grant_to is not None:
                rights.grant(connection, grant_to)
            connection.commit()
            return before, newest_version()
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
            connection.commit()


def _take_turn(connection: Connection) -> None:
    """Waits for other migrations to end, without a waiting statement, which would block a concurrent index build."""
    while not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK}).scalar():
        connection.commit()
        time.sleep(_PAUSE)
    connection.commit()


def current_version(url: str) -> str | None:
    """The database's version; None if it has no schema."""
    with _connection(url, seconds=_LOOK) as connection:
        return _current(connection)


def holds_restored_rows(url: str) -> bool:
    """Whether rows have transaction ids that this PostgreSQL has not reached, as after restoring another server's dump."""
    with _connection(url, seconds=_LOOK) as connection:
        return any(connection.execute(text(query)).scalar() for query in (_RESTORED, sequencing.IS_FOREIGN))


def _adopt_restored_rows(connection: Connection) -> bool:
    """Gives restored rows a current transaction id. With future ids, lists would treat them as not yet written.

    Returns whether there were any.
    """
    restored = bool(connection.execute(text(_RESTORED)).scalar())
    if restored:
        for table in ("orders", "order_events"):
            connection.execute(text(f"UPDATE {table} SET xid = pg_current_xact_id() WHERE {_IN_FUTURE}"))
        # No list of this PostgreSQL began before these changes.
        connection.execute(text("DELETE FROM past_positions"))
    return restored


def _assign_positions(connection: Connection, *, restored: bool) -> None:
    """Assigns feed positions to existing events without one, and to those of a restored dump.

    Neither readers nor writers wait for it. It runs in a separate transaction, which sees the adopted rows as committed.
    """
    connection.commit()
    connection.execute(text(sequencing.ADOPT), {"restored": restored})
    connection.execute(text(sequencing.LOCK))
    connection.execute(text(sequencing.ASSIGN))


def _driver(connection: Connection) -> "psycopg.Connection[Any]":
    """psycopg's connection."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def newest_version() -> str:
    """The version this program works with."""
    return max(file.name[:4] for file in _migrations().joinpath("versions").iterdir() if file.name[:4].isdigit())


@contextmanager
def _connection(url: str, *, seconds: int = 0) -> Iterator[Connection]:
    """A connection with a statement timeout in seconds; migrations have none."""
    # psycopg parses the URL, as for the pool, so that both agree.
    engine = create_engine(
        "postgresql+psycopg://", poolclass=NullPool, creator=lambda: psycopg.connect(url, connect_timeout=10)
    )
    with engine.connect() as connection:
        connection.execute(text(f"SET statement_timeout = {1000 * seconds}"))
        connection.commit()
        yield connection


def _current(connection: Connection) -> str | None:
    known = connection.execute(_KNOWN).scalar()
    versions = connection.execute(_VERSION).scalars().all() if known else []
    connection.rollback()
    if len(versions) > 1:
        raise UnknownSchema(f"it has {len(versions)} versions")
    return versions[0] if versions else None


def _migrations() -> Traversable:
    return files("server.storage.schema").joinpath("migrations")


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_migrations()))
    config.set_main_option("version_locations", str(_migrations().joinpath("versions")))
    config.set_main_option("path_separator", "os")
    return config
