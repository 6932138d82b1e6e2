"""`orders show`, `orders top` and `orders packing-slip`: views for terminals, pipes and printers."""

import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.client import run, with_client
from server.cli.options import Failure

if TYPE_CHECKING:
    from orders.v1.fulfilment_service_pb2 import PackingSlip

    from server.transfer.client import Client
    from server.views.order import OrderView
    from server.views.top import MethodRow, Reading

_JSON = typer.Option("--json", help="Print JSON.")
_SCRAPE_SECONDS = 5.0


@with_client
def show(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="Order id or number, such as ORD-2026-000001.")],
    *,
    client: "Client",
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Show an order: its status, lines, price, payment, delivery, next steps and history."""
    import orjson
    from rich.console import Console

    from server.views import order as view

    loaded = run(client, _load(client, order))
    console = Console()
    if as_json:
        print(orjson.dumps(view.as_json(loaded), option=orjson.OPT_INDENT_2).decode())
    elif console.is_terminal:
        console.print(view.rendered(loaded))
    else:
        print("\n".join(view.as_lines(loaded)))


async def _load(client: "Client", order: str) -> "OrderView":
    from server.views.order import load

    async with client.channel() as channel:
        return await load(channel, order, metadata=client.metadata)


@with_client
def packing_slip(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="Order id or number, such as ORD-2026-000001.")],
    shipment: Annotated[
        str, typer.Argument(metavar="[SHIPMENT]", help="Shipment id. [default: the order's only shipment]")
    ] = "",
    *,
    client: "Client",
    output: Annotated[Path | None, typer.Option("--output", help="File to write. [default: standard output]")] = None,
) -> None:
    """Write the packing slip of a shipment as an HTML page, which a browser prints or saves as PDF."""
    from server.views.packing_slip import as_html

    page = as_html(run(client, _slip(client, order, shipment)))
    if output is None:
        print(page, end="")
    else:
        output.write_text(page, encoding="utf-8")


async def _slip(client: "Client", order: str, shipment: str) -> "PackingSlip":
    from server.views.packing_slip import load

    async with client.channel() as channel:
        try:
            return await load(channel, order, shipment, metadata=client.metadata)
        except ValueError as error:
            raise Failure(str(error)) from error


def top(
    *,
    url: Annotated[
        str, typer.Option("--url", help="Metrics of the server, which `orders serve --metrics-port 9464` serves.")
    ] = "http://127.0.0.1:9464/metrics",
    interval: Annotated[float, typer.Option("--interval", min=0.1, help="Seconds between two readings.")] = 2.0,
    count: Annotated[int, typer.Option("--count", min=0, help="Number of screens; 0 until stopped.")] = 0,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Show a server's calls, errors and latencies by method, and its queues."""
    from rich.console import Console
    from rich.live import Live

    from server.views.top import rendered

    console = Console()
    live = Live(console=console, auto_refresh=False) if console.is_terminal and not as_json else None
    try:
        if live:
            live.start()
        for rows, reading in _readings(url, interval, count):
            if live:
                live.update(rendered(rows, reading), refresh=True)
            else:
                _print(rows, reading, as_json=as_json)
    finally:
        if live:
            live.stop()


def _readings(url: str, interval: float, count: int) -> "Iterator[tuple[list[MethodRow], Reading]]":
    """The methods' rows and the reading after each interval."""
    from server.views.top import methods, parse

    before, since, done = parse(_scrape(url)), time.monotonic(), 0
    while not count or done < count:
        time.sleep(interval)
        after, now = parse(_scrape(url)), time.monotonic()
        yield methods(before, after, seconds=now - since), after
        before, since, done = after, now, done + 1


def _print(rows: "list[MethodRow]", reading: "Reading", *, as_json: bool) -> None:
    import orjson

    from server.views.top import as_lines, gauges

    if as_json:
        found = {"methods": [row._asdict() for row in rows], "queues": dict(gauges(reading))}
        print(orjson.dumps(found).decode(), flush=True)
    else:
        print("\n".join(as_lines(rows, reading)), flush=True)


def _scrape(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise Failure(f"--url {url}: must begin with http:// or https://")
    try:
        with urllib.request.urlopen(url, timeout=_SCRAPE_SECONDS) as response:
            return str(response.read().decode())
    except OSError as error:
        text = f"{url}: {getattr(error, 'reason', error)}; start the server with --metrics-port, or name it with --url"
        raise Failure(text) from error
