"""`orders show`, `orders watch` and `orders top`: views for terminals; pipes get plain lines or JSON."""

import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum, auto
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.client import run, with_client
from server.cli.options import Failure

if TYPE_CHECKING:
    from orders.v1.order_service_pb2 import WatchOrdersRequest

    from server.transfer.client import Client
    from server.views.order import OrderView
    from server.views.top import MethodRow, Reading

_JSON = typer.Option("--json", help="Print JSON.")
_SCRAPE_SECONDS = 5.0


class Status(StrEnum):
    """The status of an order."""

    PENDING = auto()
    CONFIRMED = auto()
    PROCESSING = auto()
    SHIPPED = auto()
    DELIVERED = auto()
    CANCELLED = auto()


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


@with_client
def watch(
    *,
    client: "Client",
    customer: Annotated[str, typer.Option("--customer", help="Only orders of this customer.")] = "",
    product: Annotated[str, typer.Option("--product", help="Only orders of this product.")] = "",
    status: Annotated[
        list[Status] | None,
        typer.Option("--status", help="Only changes that leave the order in this status. Repeatable."),
    ] = None,
    event_type: Annotated[
        list[str] | None,
        typer.Option("--event-type", help="Only these events, such as created or payment. Repeatable."),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--since", help="Start with the changes since this time (UTC). [default: now]", show_default=False
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="End when there are no more changes.")] = False,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Show the changes of orders as they happen, with the values before and after."""
    from orders.v1.order_service_pb2 import OrderFilter, WatchOrdersRequest

    request = WatchOrdersRequest(
        filter=OrderFilter(
            customer_id=customer, product_id=product, statuses=[f"ORDER_STATUS_{each.name}" for each in status or ()]
        ),
        event_types=map(_event_type, event_type or ()),
        include_order=True,
        read_mask={"paths": ["order_number"]},
        end_when_caught_up=once,
    )
    if since is not None:
        request.start_time.FromDatetime(since)
    run(client, _watch(client, request, as_json=as_json))


def _event_type(name: str) -> str:
    from orders.v1.order_pb2 import OrderEventType

    known = [value.removeprefix("ORDER_EVENT_TYPE_").lower() for value in OrderEventType.keys()[1:]]
    if name.lower() not in known:
        raise Failure(f"--event-type {name}: choose from {', '.join(known)}")
    return f"ORDER_EVENT_TYPE_{name.upper()}"


async def _watch(client: "Client", request: "WatchOrdersRequest", *, as_json: bool) -> None:
    import orjson
    from rich.console import Console

    from server.transfer.following import follow
    from server.views import watch as view

    console = Console()
    async for message in follow(client, request, interrupted=_warn):
        for change in message.changes:
            if as_json:
                print(orjson.dumps(view.as_json(change)).decode(), flush=True)
            elif console.is_terminal:
                console.print(view.rendered(change), soft_wrap=True)
            else:
                print(view.as_line(change), flush=True)


def _warn(text: str) -> None:
    print(f"orders: {text}", file=sys.stderr, flush=True)


async def _load(client: "Client", order: str) -> "OrderView":
    from server.views.order import load

    async with client.channel() as channel:
        return await load(channel, order, metadata=client.metadata)


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
