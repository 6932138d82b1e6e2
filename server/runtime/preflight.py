"""Checks before serving: the database, its schema, the port."""

import contextlib
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from server.config import Settings
from server.runtime import interrupts
from server.storage import embedded
from server.storage.schema import rights, schema


class StartError(Exception):
    """The server cannot start; the message has the cause and the fix."""


@contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """The database to use: the configured one, or the embedded one, which runs within the context. Blocks."""
    with interrupts.unwinding(), ExitStack() as stack:
        if settings.database_url is not None:
            yield settings.database_url.get_secret_value()
            return
        with interrupts.deferred():
            postgres = _start_embedded(settings)
            stack.callback(_stop, postgres)
        yield postgres.url


def _start_embedded(settings: Settings) -> embedded.Embedded:
    try:
        return embedded.start(settings.data_dir, version=settings.postgres_version)
    except embedded.EmbeddedError as error:
        raise StartError(str(error)) from error


def _stop(postgres: embedded.Embedded) -> None:
    with interrupts.ignored():
        postgres.stop()


def migrate(url: str, *, grant_to: str | None = None) -> tuple[str | None, str]:
    """Migrates the schema; returns the versions before and after. `grant_to` gets the rights to serve."""
    with _schema_errors():
        return schema.migrate(url, grant_to=grant_to)


def bring_up_to_date(url: str) -> None:
    """Migrates the embedded database if needed."""
    with _schema_errors():
        if schema.current_version(url) != schema.newest_version() or schema.holds_restored_rows(url):
            schema.migrate(url)


def check_schema(url: str) -> None:
    """Refuses a database with another schema version."""
    with _schema_errors():
        current, newest = schema.current_version(url), schema.newest_version()
        restored = current == newest and schema.holds_restored_rows(url)
    if current is None:
        raise StartError("the database has no schema yet; run `orders migrate`")
    if current < newest:
        raise StartError(f"the database's schema is {current}, this program needs {newest}; run `orders migrate`")
    if restored:
        raise StartError("the database was restored from a dump of another one; run `orders migrate` to adopt its rows")
    if current > newest:
        raise StartError(f"the database's schema is {current}, this program knows {newest}; run a newer program")


@contextmanager
def _schema_errors() -> Iterator[None]:
    try:
        yield
    except (psycopg.Error, SQLAlchemyError) as error:
        cause = getattr(error, "orig", error)
        if isinstance(cause, psycopg.ProgrammingError) and cause.sqlstate is None:
            # Errors about the URL quote the URL with its password.
            raise StartError(
                "ORDERS_DATABASE_URL cannot be read; write postgresql://user:password@host:port/name"
            ) from error
        text = str(cause).strip().splitlines()[0]
        if isinstance(cause, psycopg.errors.InsufficientPrivilege):
            raise StartError(
                f"the database lacks a permission: {text}; run `orders migrate --grant-to` this role as the owner"
            ) from error
        raise StartError(f"the database does not answer: {text}; check ORDERS_DATABASE_URL") from error
    except rights.RightsError as error:
        raise StartError(str(error)) from error
    except schema.UnknownSchema as error:
        raise StartError(f"the database has an unknown schema: {error}; run a newer program") from error


def check_ports(settings: Settings) -> None:
    """Refuses a port in use, before anything else starts."""
    _check_port(settings.host, settings.port, "--host and --port")
    if settings.http_port is not None:
        _check_port(settings.http_host, settings.http_port, "--http-host and --http-port")
    if settings.payment_webhook_port is not None:
        flags = "--payment-webhook-host and --payment-webhook-port"
        _check_port(settings.payment_webhook_host, settings.payment_webhook_port, flags)


def _check_port(host: str, port: int, flags: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.closing(socket.socket(family)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise StartError(
                f"cannot listen on {host}:{port}: {reason}; stop the other process, or choose another address with {flags}"
            ) from error
