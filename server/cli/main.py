"""The `orders` command."""

import asyncio
import functools
import re
import sys
from collections.abc import Callable
from enum import StrEnum
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from server import config
from server.cli.client import with_client
from server.cli.gateway import gateway
from server.cli.keys import keys
from server.cli.options import DATABASE, Failure, database, with_settings
from server.cli.protos import protos
from server.cli.views import show, top
from server.cli.webhooks import webhooks
from server.runtime import interrupts

if TYPE_CHECKING:
    import grpc

    from server.runtime.app import Started
    from server.transfer.client import Client

app = typer.Typer(
    name="orders",
    help="The order service: owns orders from checkout to delivery, over gRPC, on PostgreSQL.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(keys)
app.add_typer(webhooks)
app.command()(protos)
app.command()(gateway)
app.command()(show)
app.command()(top)


def _print_version(wanted: bool) -> None:
    if not wanted:
        return
    from server.storage.schema.schema import newest_version

    print(f"orders {installed_version('order-service')}, schema {newest_version()}")
    raise typer.Exit


@app.callback()
def orders(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Print the versions, as `version` does."
        ),
    ] = False,
) -> None:
    """Runs before each command."""


def main() -> None:
    """Runs the command. Errors that a person can fix print one line and exit with 1; an interruption exits with 130."""
    try:
        app()
    except (Failure, config.ConfigError) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _fail(text: str) -> None:
    print(f"orders: {text}", file=sys.stderr)
    sys.exit(1)


@app.command()
@with_settings()
def serve(*, settings: config.Settings) -> None:
    """Serve until stopped. Without ORDERS_DATABASE_URL, start the embedded PostgreSQL and migrate it."""
    config.keep_metrics_in(None)
    from server.runtime.preflight import StartError
    from server.runtime.serve import serve as run

    try:
        run(settings, announce=functools.partial(_announce, settings))
    except StartError as error:
        raise Failure(str(error)) from error


@app.command()
@with_settings()
def work(*, settings: config.Settings) -> None:
    """Run background jobs until stopped, and serve no calls. ORDERS_JOBS selects the jobs."""
    config.keep_metrics_in(None)
    from server.runtime.preflight import StartError
    from server.runtime.work import work as run

    try:
        run(settings, announce=lambda metrics: print(f"working; metrics: {metrics or 'none'}", flush=True))
    except StartError as error:
        raise Failure(str(error)) from error


def _announce(settings: config.Settings, started: "Started") -> None:
    from server.cli.welcome import welcome

    text = welcome(started, embedded=settings.database_url is None)
    print(text, flush=True)


@app.command()
@with_settings(*DATABASE)
def migrate(
    *,
    grant_to: Annotated[
        str | None,
        typer.Option("--grant-to", help="Role of the servers: gets the rights that serving needs, and no others."),
    ] = None,
    settings: config.Settings,
) -> None:
    """Migrate the database's schema. Safe to run from several replicas at once."""
    from server.runtime.preflight import migrate as run

    with database(settings) as url:
        before, after = run(url, grant_to=grant_to)
        print(f"the schema is at {after}" + ("" if before == after else f", it was {before or 'empty'}"))


class Format(StrEnum):
    """The format of a file of orders."""

    auto = "auto"
    jsonl = "jsonl"
    csv = "csv"


@app.command("import")
@with_client
def import_(
    file: Annotated[Path, typer.Argument(help="File of orders; - for standard input.")],
    *,
    source: Annotated[
        str, typer.Option("--source", help="System that the orders come from; source and id identify an order.")
    ],
    client: "Client",
    format: Annotated[Format, typer.Option("--format", help="Format of the file.")] = Format.auto,
    currency: Annotated[str, typer.Option("--currency", help="ISO 4217 code for amounts without a currency.")] = "USD",
    rejects: Annotated[
        Path | None,
        typer.Option("--rejects", help="File for rejected lines and warnings. [default: FILE.rejects.jsonl]"),
    ] = None,
    validate_only: Annotated[bool, typer.Option("--validate-only", help="Validate without storing.")] = False,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, max=1000, help="Orders a call.")] = 500,
    concurrency: Annotated[int, typer.Option("--concurrency", min=1, max=64, help="Calls in flight.")] = 4,
) -> None:
    """Import orders from JSON Lines or CSV through the API.

    Reads the shapes of BatchUpsertOrders, of `orders export`, and flat records with name, products, order_id and total_amount.
    Rejected lines go to a file with their reasons. You can stop it and run it again: orders that exist are left unchanged.
    """
    if not re.fullmatch("[!-~]{1,64}", source):
        raise Failure(f"--source {source!r}: use up to 64 printable characters without spaces")
    from server.transfer.importer import import_orders
    from server.transfer.interrupts import stop_on_signals
    from server.transfer.progress import presenter

    async def run() -> int:
        async with client.channel() as channel:
            with stop_on_signals() as stop:
                report = await import_orders(
                    "-" if str(file) == "-" else file,
                    channel=channel,
                    metadata=client.metadata,
                    source=source,
                    format=format.value,
                    currency=currency,
                    rejects_path=rejects or Path(f"{'orders' if str(file) == '-' else file}.rejects.jsonl"),
                    validate_only=validate_only,
                    batch_size=batch_size,
                    concurrency=concurrency,
                    progress=presenter(),
                    stop=stop,
                    connect=lambda: _find(client, channel),
                )
        if report.interrupted:
            return 130
        return 3 if report.invalid or report.rejected else 0

    raise typer.Exit(_transfer(run))


class OrderBy(StrEnum):
    """The sort key of an export."""

    create_time = "create_time"
    update_time = "update_time"
    total = "total"


@app.command()
@with_client
def export(
    *,
    client: "Client",
    output: Annotated[Path, typer.Option("--output", "-o", help="Output file; - for standard output.")] = Path("-"),
    format: Annotated[
        Format, typer.Option("--format", help="jsonl or csv; auto goes by the file's name.")
    ] = Format.auto,
    source: Annotated[str, typer.Option("--source", help="Only orders imported from this system.")] = "",
    customer: Annotated[str, typer.Option("--customer", help="Only orders of this customer.")] = "",
    order_by: Annotated[OrderBy, typer.Option("--order-by", help="Oldest or smallest first.")] = OrderBy.create_time,
    limit: Annotated[int, typer.Option("--limit", min=0, help="Maximum number of orders; 0 for all.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Export orders as JSON Lines or CSV. You can stop it; the same command resumes where it stopped."""
    from orders.v1.order_service_pb2 import OrderBy as OrderByEnum
    from orders.v1.order_service_pb2 import OrderFilter

    from server.transfer.exporter import export_orders
    from server.transfer.interrupts import stop_on_signals
    from server.transfer.progress import presenter

    as_csv = format == Format.csv or (format == Format.auto and output.suffix == ".csv")

    async def run() -> int:
        async with client.channel() as channel:
            with stop_on_signals() as stop:
                report = await export_orders(
                    "-" if str(output) == "-" else output,
                    channel=channel,
                    metadata=client.metadata,
                    format="csv" if as_csv else "jsonl",
                    filter=OrderFilter(source=source, customer_id=customer),
                    order_by=cast(OrderByEnum, OrderByEnum.Value(f"ORDER_BY_{order_by.upper()}")),
                    limit=limit,
                    overwrite=overwrite,
                    progress=presenter(),
                    stop=stop,
                    connect=lambda: _find(client, channel),
                )
        return 130 if report.interrupted else 0

    raise typer.Exit(_transfer(run))


async def _find(client: "Client", channel: "grpc.aio.Channel") -> None:
    """Refuses an unreachable server. One that becomes unreachable later is retried."""
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    try:
        await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
    except grpc.aio.AioRpcError as error:
        if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
            text = f"{client.target}: {error.code().name}: {error.details()}; name another server with --target"
            raise Failure(text) from error


def _transfer(run: Callable[[], Any]) -> int:
    from server.transfer.calls import TransferError

    try:
        return int(asyncio.run(run()))
    except asyncio.CancelledError:  # By a second signal.
        return 130
    except OSError as error:
        raise Failure(_plain(error)) from error
    except (TransferError, ValueError) as error:
        raise Failure(str(error)) from error


def _plain(error: OSError) -> str:
    """The error without its errno."""
    return f"{error.strerror}: '{error.filename}'" if error.strerror and error.filename else str(error)


@app.command()
@with_settings(*DATABASE)
def verify(*, settings: config.Settings) -> None:
    """Prove that orders, stock, coupon uses, points, payments, invoices and credit notes agree; print disagreements.

    Reads everything as of one moment, while servers run, and changes nothing.
    """
    from server.storage.verification import verify as run

    problems = _on_all_orders(settings, "verifying", run)
    for problem in problems[:1000]:
        print(f"{problem.subject}: {problem.text}")
    if problems:
        raise Failure(f"{len(problems)} disagreements; `orders rebuild` fixes columns and items")
    print("everything agrees")


@app.command()
@with_settings(*DATABASE)
def rebuild(*, settings: config.Settings) -> None:
    """Rewrite columns and items that differ from the snapshots."""
    from server.storage.verification import rebuild as run

    print(f"{_on_all_orders(settings, 'rebuilding', run)} orders rebuilt")


def _on_all_orders(settings: config.Settings, title: str, work: Callable[..., Any]) -> Any:
    """Runs work that goes over all orders, with a progress bar on a terminal."""
    folder = settings.data_dir.expanduser().resolve()
    if settings.database_url is None and not (folder / "PG_VERSION").exists():
        raise Failure(f"there is no database in {folder}; name one with ORDERS_DATABASE_URL or --data-dir")
    from rich.console import Console

    from server.runtime.preflight import check_schema
    from server.storage.database import Database
    from server.transfer.progress import bars

    async def run(url: str) -> Any:
        database = Database(url, timeout=max(60.0, settings.database_timeout), pool_size=4)
        await database.open()
        console = Console(stderr=True)
        try:
            with bars(console, transient=True, disable=not console.is_terminal) as bar:
                task = bar.add_task(title, total=None)
                return await work(database, lambda done, total: bar.update(task, completed=done, total=total))
        finally:
            await database.close()

    with database(settings) as url:
        check_schema(url)
        return interrupts.run(run(url))


@app.command()
@with_client
def healthcheck(
    *,
    client: "Client",
    service: Annotated[str, typer.Option("--service", help="Service to check; the whole server if empty.")] = "",
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds to wait for the answer.")] = 3.0,
) -> None:
    """Check a server's health. Exits with 0 if it serves."""
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    from server.transfer.calls import explain

    async def ask() -> int:
        async with client.channel() as channel:
            request = health_pb2.HealthCheckRequest(service=service)
            response = await health_pb2_grpc.HealthStub(channel).Check(request, timeout=timeout)
            return int(response.status)

    try:
        answer = asyncio.run(ask())
    except grpc.aio.AioRpcError as error:
        raise Failure(f"{client.target}: {explain(error)}") from error
    except OSError as error:
        raise Failure(_plain(error)) from error
    status = health_pb2.HealthCheckResponse.ServingStatus.Name(answer)
    print(status)
    if status != "SERVING":
        raise typer.Exit(1)


@app.command("config")
@with_settings()
def config_(
    *,
    settings: config.Settings,
    toml: Annotated[bool, typer.Option("--toml", help="Print a file for --config.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of the file, for editors.")] = False,
    show_secrets: Annotated[bool, typer.Option("--show-secrets", help="Print passwords too.")] = False,
) -> None:
    """Print the effective settings, as variables that a shell can read. Passwords are masked."""
    from server.cli import config_output

    values = settings.values(secrets=show_secrets)
    if schema:
        print(config_output.schema())
    elif as_json:
        print(config_output.as_json(values))
    elif toml:
        print(config_output.as_toml(values))
    else:
        print(config_output.as_variables(values))


@app.command()
def version() -> None:
    """Print the version of the program and of the schema it needs."""
    _print_version(True)
