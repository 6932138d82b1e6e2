"""The schema's version: bringing a database to it, and telling whether it is there."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files

import psycopg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from server.storage import rights

# Any number will do, as long as nobody else takes it.
_LOCK = 5_073_100_914_002_881

# Seconds that looking at the schema may take.
_LOOK = 10

_IN_FUTURE = "xid >= pg_snapshot_xmax(pg_current_snapshot())"
_RESTORED = f"SELECT EXISTS (SELECT FROM order_events WHERE {_IN_FUTURE})"


def migrate(url: str, *, grant_to: str | None = None) -> tuple[str | None, str]:
    """Brings the database to the newest version; returns the version before and after. Two at once run one after the other.

    `grant_to` is the role that serves, if it is not the one that migrates. Raises RightsError.
    """
    with _connection(url) as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        connection.commit()
        try:
            before = _current(connection)
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            _adopt_restored_rows(connection)
            if grant_to is not None:
                rights.grant(connection, grant_to)
            connection.commit()
            return before, newest_version()
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
            connection.commit()


def current_version(url: str) -> str | None:
    """The database's version; None if it has no schema."""
    with _connection(url, seconds=_LOOK) as connection:
        return _current(connection)


def holds_restored_rows(url: str) -> bool:
    """Whether rows were written by transactions that this PostgreSQL has not reached: those of another, whose dump was restored."""
    with _connection(url, seconds=_LOOK) as connection:
        return bool(connection.execute(text(_RESTORED)).scalar())


def _adopt_restored_rows(connection: Connection) -> None:
    """Dates restored rows to now. With transactions of the future, lists would take them for not yet written."""
    if connection.execute(text(_RESTORED)).scalar():
        for table in ("orders", "order_events"):
            connection.execute(text(f"UPDATE {table} SET xid = pg_current_xact_id() WHERE {_IN_FUTURE}"))


def newest_version() -> str:
    """The version this program works with."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


@contextmanager
def _connection(url: str, *, seconds: int = 0) -> Iterator[Connection]:
    """A connection whose statements take no longer than so many seconds; migrations take what they take."""
    # psycopg reads the URL, as it does for the pool: one reading of it for all.
    engine = create_engine(
        "postgresql+psycopg://", poolclass=NullPool, creator=lambda: psycopg.connect(url, connect_timeout=10)
    )
    with engine.connect() as connection:
        connection.execute(text(f"SET statement_timeout = {1000 * seconds}"))
        connection.commit()
        yield connection


def _current(connection: Connection) -> str | None:
    version = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    return version


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("server.storage").joinpath("migrations")))
    config.set_main_option("version_locations", str(files("server.storage").joinpath("migrations/versions")))
    config.set_main_option("path_separator", "os")
    return config
