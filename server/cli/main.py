"""The `orders` command."""

import functools
import sys
from collections.abc import Callable
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server import config
from server.cli.client import call, client_of, run, with_client
from server.cli.files import export, import_
from server.cli.gateway import gateway
from server.cli.keys import keys
from server.cli.options import DATABASE, Failure, database, with_settings
from server.cli.packing_slip import packing_slip
from server.cli.protos import protos
from server.cli.report import report
from server.cli.views import show, top, watch
from server.cli.webhooks import webhooks
from server.runtime import interrupts

if TYPE_CHECKING:
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
app.command("import")(import_)
app.command()(export)
app.command()(report)
app.command()(show)
app.command("packing-slip")(packing_slip)
app.command()(watch)
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
    """Runs the command. User errors print one line and exit with 1; an interruption exits with 130."""
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
        typer.Option(
            "--grant-to", help="Database role of the servers, which gets only the rights that serving requires."
        ),
    ] = None,
    settings: config.Settings,
) -> None:
    """Migrate the database's schema. Safe to run from several replicas at once."""
    from server.runtime.preflight import migrate as run

    with database(settings) as url:
        before, after = run(url, grant_to=grant_to)
        print(f"the schema is at {after}" + ("" if before == after else f", it was {before or 'empty'}"))


@app.command()
@with_settings(*DATABASE)
def verify(*, settings: config.Settings) -> None:
    """Check that orders, stock, coupon uses, points, payments, invoices and credit notes are consistent.

    Prints each mismatch. Reads one consistent view of the database while servers run, and changes nothing.
    """
    from server.storage.verification import verify as run

    problems = _on_all_orders(settings, "verifying", run)
    for problem in problems[:1000]:
        print(f"{problem.subject}: {problem.text}")
    if problems:
        raise Failure(f"{len(problems)} mismatches; `orders rebuild` fixes columns, items, terms and the work queue")
    print("everything is consistent")


@app.command()
@with_settings(*DATABASE)
def rebuild(*, settings: config.Settings) -> None:
    """Rewrite columns, items, terms and rows of the work queue that differ from the snapshots."""
    from server.storage.verification import rebuild as run

    print(f"{_on_all_orders(settings, 'rebuilding', run)} orders rebuilt")


def _on_all_orders(settings: config.Settings, title: str, work: Callable[..., Any]) -> Any:
    """Runs work on all orders, with a progress bar on a terminal."""
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
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    async def ask() -> int:
        async with client.channel() as channel:
            request = health_pb2.HealthCheckRequest(service=service)
            response = await health_pb2_grpc.HealthStub(channel).Check(request, timeout=timeout)
            return int(response.status)

    answer = run(client, ask())
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
    server: Annotated[
        bool,
        typer.Option(
            "--server",
            help="Ask the running server that ORDERS_TARGET names, with the key in ORDERS_KEY, and print where each value comes from.",
        ),
    ] = False,
) -> None:
    """Print the settings of a server started from this shell, as shell variables. Passwords are masked."""
    from server.cli import config_output

    if server:
        asked = call(client_of(settings, config.client_flags_in_environment()), "GetServerInfo")
        print(config_output.as_running(asked, as_json=as_json))
        return
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
