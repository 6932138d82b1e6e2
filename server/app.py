"""The composition root: builds everything, starts it in the right order, and stops it in the other."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import grpc
import psycopg
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from server.config import Settings
from server.demo import has_demo_shop, load_demo_shop
from server.domain.errors import OrderError
from server.domain.pricing import Terms
from server.logs import fields
from server.payments.checkout import Checkout
from server.payments.expiry import cancel_unpaid
from server.payments.test_provider import TestProvider
from server.rpc.cart_service import CartServicer
from server.rpc.catalog_service import CatalogServicer
from server.rpc.customer_service import CustomerServicer
from server.rpc.health import Health
from server.rpc.order_service import OrderServicer
from server.rpc.server import SERVICES, build_server
from server.rpc.validation import violations_of
from server.storage import embedded, rights, schema
from server.storage.catalog import CatalogRepository
from server.storage.customers import CustomerRepository
from server.storage.database import Database
from server.storage.housekeeping import forget_old_carts, forget_old_requests
from server.storage.invoices import InvoiceRepository
from server.storage.orders import OrderRepository
from server.storage.writer import Writer

log = logging.getLogger(__name__)

_HOUSEKEEPING_INTERVAL = 3600.0


class StartError(Exception):
    """The server cannot start; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers."""

    host: str
    port: int
    health: Health
    database: Database
    # What the next order will be called, for commands to paste; '' where there is no demo shop to paste them to.
    next_order_number: str


@contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """The database to use: the configured one, or the embedded one, started for as long as it is needed. Blocks."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    try:
        postgres = embedded.start(settings.data_dir, version=settings.postgres_version)
    except embedded.EmbeddedError as error:
        raise StartError(str(error)) from error
    try:
        yield postgres.url
    finally:
        postgres.stop()


def migrate(url: str, *, grant_to: str | None = None) -> tuple[str | None, str]:
    """Brings the schema to this program's version; returns the version before and after. `grant_to` may serve from then on."""
    with _schema_errors():
        return schema.migrate(url, grant_to=grant_to)


def check_schema(url: str) -> None:
    """Refuses a database whose schema is not this program's."""
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
            # What is wrong with the URL itself is told with the URL, and its password.
            raise StartError(
                "ORDERS_DATABASE_URL cannot be read; write postgresql://user:password@host:port/name"
            ) from error
        text = str(cause).strip().splitlines()[0]
        raise StartError(f"the database does not answer: {text}; check ORDERS_DATABASE_URL") from error
    except rights.RightsError as error:
        raise StartError(str(error)) from error
    except CommandError as error:
        text = str(error).replace("\n", " ")
        raise StartError(
            f"the database's schema is none that this program knows: {text}; run a newer program"
        ) from error


def check_port(settings: Settings) -> None:
    """Refuses a port that is taken, before anything else is started."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with contextlib.closing(socket.socket(family)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise StartError(
                f"cannot listen on {settings.host}:{settings.port}: {reason}; "
                "stop what does, or choose another address with --host and --port"
            ) from error


@asynccontextmanager
async def running(settings: Settings, url: str) -> AsyncIterator[Running]:
    """A server on a database that has the right schema. On leaving, finishes what it has begun."""
    database = Database(url, timeout=settings.database_timeout, pool_size=settings.pool_size)
    await database.open()
    writer = Writer(
        database,
        validate=violations_of,
        terms=_terms(settings),
        max_batch=settings.max_batch,
        max_queue=settings.max_queue,
    )
    health = Health(SERVICES)
    orders, catalog, customers = OrderRepository(database), CatalogRepository(database), CustomerRepository(database)
    checkout = Checkout(
        writer=writer,
        orders=orders,
        customers=customers,
        provider=_payment_provider(settings),
        timeout=settings.payment_timeout,
    )
    server = build_server(
        orders=OrderServicer(
            writer=writer, checkout=checkout, orders=orders, invoices=InvoiceRepository(database), database=database
        ),
        catalog=CatalogServicer(writer=writer, catalog=catalog),
        carts=CartServicer(writer=writer),
        customers=CustomerServicer(writer=writer, customers=customers),
        health=health,
        max_bytes=settings.max_request_bytes,
        reflect=settings.reflection,
    )
    async with contextlib.AsyncExitStack() as stack:
        # In the other order: what is under way is finished before what it needs is closed.
        for stop in (database.close, writer.drain, checkout.drain):
            stack.push_async_callback(stop)
        port = _listen(server, settings)
        if settings.demo and settings.database_url is None:
            await load_demo_shop(catalog, writer)
        await server.start()
        stack.push_async_callback(_stop, server, health, settings)
        health.set_ready(await database.ping())
        # Read in any case: a role that may not do its work is told so now.
        number = await orders.next_order_number()
        if settings.database_url is not None or not await has_demo_shop(customers):
            number = ""
        for task in (_watch_database(database, health, settings), _keep_house(database, checkout, orders, settings)):
            stack.push_async_callback(_cancel, asyncio.create_task(task))
        yield Running(settings.host, port, health, database, number)


def _terms(settings: Settings) -> Terms:
    return Terms(point_value=Fraction(settings.point_value), points_per_unit=Fraction(settings.points_per_unit))


def _payment_provider(settings: Settings) -> TestProvider | None:
    """The provider of the settings; None if a payment service outside reports by RecordPayment."""
    chosen = settings.payment_provider or ("test" if settings.database_url is None else "external")
    return TestProvider() if chosen == "test" else None


def _listen(server: grpc.aio.Server, settings: Settings) -> int:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    try:
        return int(server.add_insecure_port(f"{host}:{settings.port}"))
    except RuntimeError as error:
        raise StartError(
            f"cannot listen on {host}:{settings.port}; choose another address with --host and --port"
        ) from error


async def _stop(server: grpc.aio.Server, health: Health, settings: Settings) -> None:
    """Says so first, then takes no new calls, then lets the running ones finish."""
    health.stop()
    await asyncio.sleep(settings.drain_delay)
    await server.stop(settings.shutdown_grace)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _watch_database(database: Database, health: Health, settings: Settings) -> None:
    while True:
        await asyncio.sleep(settings.health_interval)
        ready = await database.ping()
        if ready != health.ready:
            log.warning("the database answers again" if ready else "the database does not answer")
            health.set_ready(ready)


async def _keep_house(database: Database, checkout: Checkout, orders: OrderRepository, settings: Settings) -> None:
    while True:
        try:
            now = datetime.now(UTC)
            requests = await forget_old_requests(database, before=now - timedelta(days=settings.idempotency_days))
            carts = await forget_old_carts(database, before=now - timedelta(days=settings.cart_days))
            log.debug("forgot request ids and carts", extra=fields(requests=requests, carts=carts))
            if settings.unpaid_hours:
                unpaid = await cancel_unpaid(checkout, orders, before=now - timedelta(hours=settings.unpaid_hours))
                log.info("cancelled orders that were not paid in time", extra=fields(count=unpaid))
        except Exception as error:
            log.warning("housekeeping failed, it will be tried again", extra=fields(error))
        await asyncio.sleep(_HOUSEKEEPING_INTERVAL)


def serve(settings: Settings, *, announce: Callable[[Running], None]) -> None:
    """Serves until SIGINT or SIGTERM. Raises StartError."""
    import uvloop

    check_port(settings)
    with database_url(settings) as url:
        if settings.database_url is None:
            migrate(url)
        else:
            check_schema(url)
        try:
            uvloop.run(_serve_until_told(settings, url, announce))
        except (OrderError, psycopg.Error) as error:
            raise StartError(f"cannot work with the database: {str(error).splitlines()[0]}") from error


async def _serve_until_told(settings: Settings, url: str, announce: Callable[[Running], None]) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    async with running(settings, url) as server:
        announce(server)
        await told.wait()
        log.info("stopping")
