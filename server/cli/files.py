"""The commands that import and export files of orders."""

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from server.cli.client import with_client
from server.cli.options import Failure, plain

if TYPE_CHECKING:
    import grpc

    from server.transfer.client import Client
    from server.transfer.records import Reading


class Format(StrEnum):
    """The format of an exported file."""

    auto = "auto"
    jsonl = "jsonl"
    csv = "csv"
    parquet = "parquet"


class ImportFormat(StrEnum):
    """The format of a file to import: the service's own, or that of another system."""

    auto = "auto"
    jsonl = "jsonl"
    csv = "csv"
    ours = "ours"
    shopify = "shopify"
    woocommerce = "woocommerce"
    amazon = "amazon"
    etsy = "etsy"
    magento = "magento"
    square = "square"


class Returns(StrEnum):
    """The treatment of lines with negative quantities."""

    refund = "refund"
    refuse = "refuse"


@with_client
def import_(
    file: Annotated[Path | None, typer.Argument(help="File of orders; - for standard input.")] = None,
    *,
    source: Annotated[
        str, typer.Option("--source", help="System that the orders come from; source and id identify an order.")
    ] = "",
    client: "Client",
    format: Annotated[
        ImportFormat, typer.Option("--format", help="Format of the file: this service's own, or another system's CSV.")
    ] = ImportFormat.auto,
    map_file: Annotated[
        Path | None, typer.Option("--map", help="YAML file that maps the columns of a CSV to fields.")
    ] = None,
    currency: Annotated[str, typer.Option("--currency", help="ISO 4217 code for amounts without a currency.")] = "USD",
    delimiter: Annotated[
        str,
        typer.Option(
            "--delimiter",
            help="Column separator: a character, tab, comma or semicolon. [default: detected from the header]",
        ),
    ] = "",
    decimal: Annotated[
        str, typer.Option("--decimal", help="Decimal separator, . or , [default: detected for each amount]")
    ] = "",
    encoding: Annotated[
        str, typer.Option("--encoding", help="Encoding, such as cp1252. [default: UTF-16 if detected, otherwise UTF-8]")
    ] = "",
    timezone: Annotated[
        str, typer.Option("--timezone", help="Time zone of times without an offset, for example Europe/Oslo.")
    ] = "UTC",
    returns: Annotated[
        Returns, typer.Option("--returns", help="Treatment of returned lines, whose quantity is negative.")
    ] = Returns.refund,
    tax_included: Annotated[bool, typer.Option("--tax-included", help="Prices in the file include the tax.")] = False,
    rejects: Annotated[
        Path | None,
        typer.Option("--rejects", help="File for rejected lines and warnings. [default: FILE.rejects.jsonl]"),
    ] = None,
    validate_only: Annotated[
        bool, typer.Option("--validate-only", help="Validate without storing, and show the first orders.")
    ] = False,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, max=1000, help="Orders per call.")] = 500,
    concurrency: Annotated[int, typer.Option("--concurrency", min=1, max=64, help="Calls in flight.")] = 4,
    runs: Annotated[
        bool, typer.Option("--runs", help="List the import runs, oldest first, instead of importing.")
    ] = False,
    days: Annotated[int, typer.Option("--days", min=1, help="Age of the oldest run to list.")] = 7,
) -> None:
    """Import orders from JSON Lines or CSV through the API.

    Reads the shapes of BatchUpsertOrders, of `orders export`, flat records with name, products, order_id and total_amount, and
    the CSV of other systems. Rejected lines and their reasons go to a file. You can stop the import and run it again: existing
    orders do not change.
    """
    if runs:
        raise typer.Exit(_transfer(lambda: _print_runs(client, days)))
    if file is None:
        raise Failure("name the file to import, or - for standard input")
    if not re.fullmatch("[!-~]{1,64}", source):
        raise Failure(f"--source {source!r}: use up to 64 printable characters without spaces")
    from server.transfer.importer import import_orders
    from server.transfer.interrupts import stop_on_signals
    from server.transfer.preview import preview_text
    from server.transfer.progress import presenter

    reading = _reading(
        format,
        map_file,
        currency=currency,
        dialect=(delimiter, decimal, encoding),
        timezone=timezone,
        returns=returns,
        tax_included=tax_included,
    )

    async def run() -> int:
        async with client.channel() as channel:
            with stop_on_signals() as stop:
                report = await import_orders(
                    "-" if str(file) == "-" else file,
                    channel=channel,
                    metadata=client.metadata,
                    source=source,
                    reading=reading,
                    rejects_path=rejects or Path(f"{'orders' if str(file) == '-' else file}.rejects.jsonl"),
                    validate_only=validate_only,
                    batch_size=batch_size,
                    concurrency=concurrency,
                    progress=presenter(),
                    stop=stop,
                    connect=lambda: _find(client, channel),
                )
        if report.preview:
            print(preview_text(report.preview))
        if report.interrupted:
            return 130
        return 3 if report.invalid or report.rejected else 0

    raise typer.Exit(_transfer(run))


def _reading(
    format: ImportFormat,
    map_file: Path | None,
    *,
    currency: str,
    dialect: tuple[str, str, str],
    timezone: str,
    returns: Returns,
    tax_included: bool,
) -> "Reading":
    """Builds the options for reading the file. Raises Failure for an invalid flag."""
    from server.transfer.dialect import Dialect, named_separator
    from server.transfer.layout_table import LayoutOptions
    from server.transfer.layouts import read_layout
    from server.transfer.records import Reading

    delimiter, decimal, encoding = dialect
    try:
        return Reading(
            format=format.value,
            currency=currency,
            dialect=Dialect(delimiter=named_separator(delimiter), decimal=named_separator(decimal), encoding=encoding),
            layout=read_layout(map_file) if map_file else None,
            options=LayoutOptions(zone=ZoneInfo(timezone), returns=returns.value, tax_included=tax_included),
        )
    except (ZoneInfoNotFoundError, IsADirectoryError):
        raise Failure(f"--timezone {timezone!r}: use a name such as Europe/Oslo or UTC") from None
    except OSError as error:
        raise Failure(plain(error)) from error
    except ValueError as error:
        raise Failure(str(error)) from error


async def _print_runs(client: "Client", days: int) -> int:
    import grpc

    from server.transfer.calls import TransferError, explain
    from server.transfer.runs import list_runs, runs_text

    async with client.channel() as channel:
        await _find(client, channel)
        try:
            since = datetime.now(UTC) - timedelta(days=days)
            found = await list_runs(channel, since=since, metadata=client.metadata)
        except grpc.aio.AioRpcError as error:
            raise TransferError(explain(error)) from error
    print(runs_text(found) or f"no import has changed an order in the last {days} days")
    return 0


class OrderBy(StrEnum):
    """The sort key of an export."""

    create_time = "create_time"
    update_time = "update_time"
    total = "total"


@with_client
def export(
    *,
    client: "Client",
    output: Annotated[Path, typer.Option("--output", "-o", help="Output file; - for standard output.")] = Path("-"),
    format: Annotated[
        Format, typer.Option("--format", help="Format of the file. auto uses the file's name.")
    ] = Format.auto,
    source: Annotated[str, typer.Option("--source", help="Only orders imported from this system.")] = "",
    customer: Annotated[str, typer.Option("--customer", help="Only orders of this customer.")] = "",
    order_by: Annotated[OrderBy, typer.Option("--order-by", help="Oldest or smallest first.")] = OrderBy.create_time,
    limit: Annotated[int, typer.Option("--limit", min=0, help="Maximum number of orders; 0 for all.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Export orders as JSON Lines, CSV or Parquet. If you stop it, the same command resumes."""
    from orders.v1.order_service_pb2 import OrderBy as OrderByEnum
    from orders.v1.order_service_pb2 import OrderFilter

    from server.transfer.exporter import export_orders
    from server.transfer.interrupts import stop_on_signals
    from server.transfer.parquet import check_parquet, write_parquet
    from server.transfer.progress import presenter

    as_csv = format == Format.csv or (format == Format.auto and output.suffix == ".csv")
    as_parquet = format == Format.parquet or (format == Format.auto and output.suffix == ".parquet")
    # A Parquet file cannot be resumed, so orders are first written as lines, which can.
    target = output.with_name(output.name + ".jsonl") if as_parquet else output

    async def run() -> int:
        if as_parquet:
            check_parquet(output, overwrite=overwrite)
        async with client.channel() as channel:
            with stop_on_signals() as stop:
                report = await export_orders(
                    "-" if str(target) == "-" else target,
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
        if as_parquet and not report.interrupted:
            write_parquet(target, output)
            target.unlink()
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
        raise Failure(plain(error)) from error
    except (TransferError, ValueError) as error:
        raise Failure(str(error)) from error
