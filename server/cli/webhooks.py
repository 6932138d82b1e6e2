"""`orders webhooks`: manages webhook endpoints and their deliveries through a running server."""

import time
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli.client import call, run, with_client
from server.cli.options import Failure

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from server.transfer.client import Client

webhooks = typer.Typer(
    name="webhooks",
    help="Create, list, test and change webhook endpoints, and show, resend and recover their deliveries.",
    no_args_is_help=True,
)

EndpointId = Annotated[str, typer.Argument(metavar="ENDPOINT_ID", help="Endpoint id, as printed by `list`.")]
DeliveryId = Annotated[str, typer.Argument(metavar="DELIVERY_ID", help="Delivery id, as printed by `deliveries`.")]
EventTypes = Annotated[
    list[str] | None,
    typer.Option("--event-type", help="Type to send, such as order.shipped or order.*. Repeatable. [default: all]"),
]
Headers = Annotated[list[str] | None, typer.Option("--header", help="Header to add, as `Name: value`. Repeatable.")]
Customer = Annotated[str, typer.Option("--customer", help="Only orders of this customer.")]
Description = Annotated[str | None, typer.Option("--description", help="Purpose or owner of the endpoint.")]
MaxRate = Annotated[int | None, typer.Option("--max-rate", min=0, help="Maximum requests per second; 0 for no limit.")]
MaxConcurrency = Annotated[
    int | None, typer.Option("--max-concurrency", min=1, max=100, help="Maximum concurrent requests.")
]

# Seconds until a test should have an outcome: longer than a request may take.
_TEST_SECONDS = 90.0


class Payload(StrEnum):
    """The content of a request."""

    thin = "thin"
    full = "full"


PayloadOption = Annotated[
    Payload | None, typer.Option("--payload", help="thin sends ids, status and time; full also the order.")
]


class Signature(StrEnum):
    """The signatures of a request."""

    v1 = "v1"
    v1a = "v1a"
    both = "both"


SignatureOption = Annotated[
    Signature | None,
    typer.Option("--signature", help="v1 (default) signs with a shared secret, v1a with a private key."),
]


class State(StrEnum):
    """The state of a delivery."""

    pending = "pending"
    succeeded = "succeeded"
    failed = "failed"


@webhooks.command()
@with_client
def create(
    url: Annotated[str, typer.Argument(help="URL that requests are sent to.")],
    *,
    client: "Client",
    event_type: EventTypes = None,
    customer: Customer = "",
    payload: PayloadOption = None,
    signature: SignatureOption = None,
    header: Headers = None,
    description: Description = None,
    max_rate: MaxRate = None,
    max_concurrency: MaxConcurrency = None,
) -> None:
    """Create an endpoint and print its id and, once, its secret, or its public key."""
    fields = _fields(
        url=url,
        event_types=event_type,
        payload=payload,
        signature=signature,
        headers=header,
        description=description,
        max_rate=max_rate,
        max_concurrency=max_concurrency,
    )
    if customer:
        fields["filter"] = {"customer_id": customer}
    made = call(client, "CreateWebhookEndpoint", endpoint=fields)
    print(made.endpoint.endpoint_id, *_keys(made), sep="\n")


@webhooks.command("list")
@with_client
def list_(*, client: "Client") -> None:
    """List all endpoints."""
    from rich.console import Console
    from rich.table import Table

    table = Table("endpoint id", "url", "types", "state", "failing since", "description", box=None)
    for endpoint in _all(client, "ListWebhookEndpoints", "endpoints"):
        table.add_row(*_columns(endpoint))
    Console(width=None if Console().is_terminal else 250).print(table)


@webhooks.command()
@with_client
def get(endpoint_id: EndpointId, *, client: "Client") -> None:
    """Print an endpoint as JSON."""
    _print(call(client, "GetWebhookEndpoint", endpoint_id=endpoint_id))


@webhooks.command()
@with_client
def update(
    endpoint_id: EndpointId,
    *,
    client: "Client",
    url: Annotated[str | None, typer.Option("--url", help="URL that requests are sent to.")] = None,
    event_type: EventTypes = None,
    payload: PayloadOption = None,
    signature: SignatureOption = None,
    header: Headers = None,
    description: Description = None,
    max_rate: MaxRate = None,
    max_concurrency: MaxConcurrency = None,
) -> None:
    """Change an endpoint, and print it as JSON. Flags that are not given change nothing."""
    fields = _fields(
        url=url,
        event_types=event_type,
        payload=payload,
        signature=signature,
        headers=header,
        description=description,
        max_rate=max_rate,
        max_concurrency=max_concurrency,
    )
    if not fields:
        raise Failure("nothing to change; `orders webhooks update --help` lists the flags")
    mask = {"paths": list(fields)}
    _print(call(client, "UpdateWebhookEndpoint", endpoint={"endpoint_id": endpoint_id, **fields}, update_mask=mask))


@webhooks.command()
@with_client
def delete(endpoint_id: EndpointId, *, client: "Client") -> None:
    """Delete an endpoint with its deliveries."""
    call(client, "DeleteWebhookEndpoint", endpoint_id=endpoint_id)
    print(f"{endpoint_id} is deleted")


@webhooks.command()
@with_client
def enable(endpoint_id: EndpointId, *, client: "Client") -> None:
    """Resume an endpoint's deliveries."""
    call(client, "EnableWebhookEndpoint", endpoint_id=endpoint_id)
    print(f"{endpoint_id} is enabled")


@webhooks.command()
@with_client
def disable(endpoint_id: EndpointId, *, client: "Client") -> None:
    """Stop an endpoint's deliveries; they are queued until it is enabled."""
    call(client, "DisableWebhookEndpoint", endpoint_id=endpoint_id)
    print(f"{endpoint_id} is disabled")


@webhooks.command()
@with_client
def rotate(endpoint_id: EndpointId, *, client: "Client") -> None:
    """Give an endpoint a new secret or public key and print it. The old one stays valid for 24 hours."""
    print(*_keys(call(client, "RotateWebhookSecret", endpoint_id=endpoint_id)), sep="\n")


@webhooks.command()
@with_client
def test(endpoint_id: EndpointId, *, client: "Client") -> None:
    """Send a test and print its outcome. Exits with 1 if it fails."""
    queued = call(client, "TestWebhookEndpoint", endpoint_id=endpoint_id)
    until = time.monotonic() + _TEST_SECONDS
    delivery = queued
    while not delivery.attempts and time.monotonic() < until:
        time.sleep(0.2)
        ids = {"endpoint_id": endpoint_id, "delivery_id": queued.delivery_id}
        delivery = call(client, "GetWebhookDelivery", **ids)
    if not delivery.attempts:
        raise Failure(
            f"the test {queued.delivery_id} is still queued; check that a process runs the job deliver_webhooks"
        )
    (attempt,) = delivery.attempts
    print(_outcome(attempt))
    if not 200 <= attempt.status_code < 300:
        raise typer.Exit(1)


@webhooks.command()
@with_client
def deliveries(
    endpoint_id: EndpointId,
    *,
    client: "Client",
    state: Annotated[State | None, typer.Option("--state", help="Only deliveries in this state.")] = None,
    order_id: Annotated[str, typer.Option("--order-id", help="Only deliveries about this order.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Maximum number of deliveries.")] = 50,
) -> None:
    """List an endpoint's deliveries, newest first."""
    from orders.v1.webhook_service_pb2 import WebhookDeliveryState
    from rich.console import Console
    from rich.table import Table

    states = [f"WEBHOOK_DELIVERY_STATE_{state.upper()}"] if state else []
    wanted = {
        "endpoint_id": endpoint_id,
        "states": states,
        "order_ids": [order_id] if order_id else [],
        "page_size": limit,
    }
    table = Table("delivery id", "type", "order", "version", "state", "attempts", "next attempt", box=None)
    for each in call(client, "ListWebhookDeliveries", **wanted).deliveries:
        name = WebhookDeliveryState.Name(each.state).removeprefix("WEBHOOK_DELIVERY_STATE_").lower()
        due = _time(each, "next_attempt_time")
        cells = (each.delivery_id, each.event_type, each.order_id, each.version or "", name, each.attempt_count, due)
        table.add_row(*map(str, cells))
    Console(width=None if Console().is_terminal else 250).print(table)


@webhooks.command()
@with_client
def delivery(endpoint_id: EndpointId, delivery_id: DeliveryId, *, client: "Client") -> None:
    """Print a delivery with its attempts."""
    found = call(client, "GetWebhookDelivery", endpoint_id=endpoint_id, delivery_id=delivery_id)
    attempts = list(found.attempts)
    found.ClearField("attempts")
    _print(found)
    for attempt in attempts:
        print(f"{_time(attempt, 'attempt_time')}  {_outcome(attempt)}")


@webhooks.command()
@with_client
def resend(endpoint_id: EndpointId, delivery_id: DeliveryId, *, client: "Client") -> None:
    """Queue a delivery again."""
    call(client, "ResendWebhookDelivery", endpoint_id=endpoint_id, delivery_id=delivery_id)
    print(f"{delivery_id} is queued")


@webhooks.command()
@with_client
def recover(
    endpoint_id: EndpointId,
    *,
    client: "Client",
    since: Annotated[
        datetime | None, typer.Option("--since", help="Time (UTC) of the first failure to recover. [default: all]")
    ] = None,
) -> None:
    """Queue all deliveries that failed since a time again."""
    fields: dict[str, Any] = {"start_time": since.replace(tzinfo=UTC)} if since else {}
    count = call(client, "RecoverWebhookEndpoint", endpoint_id=endpoint_id, **fields).delivery_count
    print(f"{count} deliveries are queued")


@webhooks.command()
@with_client
def listen(
    *,
    client: "Client",
    forward_to: Annotated[
        str, typer.Option("--forward-to", help="URL to forward events to, such as http://localhost:3000/hooks.")
    ] = "",
    event_type: EventTypes = None,
    payload: PayloadOption = None,
    secret: Annotated[
        str, typer.Option("--secret", help="Secret to sign with. [default: a new one, which is printed]")
    ] = "",
) -> None:
    """Print a running server's events, and forward them, signed, to this machine. Creates no endpoint."""
    from server.cli.webhook_listener import Listener

    listener = Listener(
        client,
        forward_to=forward_to,
        types=event_type or [],
        full=payload == Payload.full,
        secret=secret,
    )
    run(client, listener.run())


def _fields(**given: Any) -> dict[str, Any]:
    """The fields of an endpoint that are given."""
    fields = {name: value for name, value in given.items() if value is not None}
    if "payload" in fields:
        fields["payload"] = f"WEBHOOK_PAYLOAD_{fields['payload'].upper()}"
    if "signature" in fields:
        fields["signature"] = f"WEBHOOK_SIGNATURE_{fields['signature'].upper()}"
    if "headers" in fields:
        pairs = [header.partition(":") for header in fields["headers"]]
        fields["headers"] = [{"name": name.strip(), "value": value.strip()} for name, _, value in pairs]
    return fields


def _keys(shown: Any) -> list[str]:
    """The secret and the public key of an endpoint, or the one that it has."""
    return [key for key in (shown.secret, shown.endpoint.secrets[0].public_key) if key]


def _all(client: "Client", method: str, field: str) -> list[Any]:
    found: list[Any] = []
    token = ""
    while True:
        page = call(client, method, page_size=1000, page_token=token)
        found += getattr(page, field)
        token = page.next_page_token
        if not token:
            return found


def _print(message: "Message") -> None:
    from google.protobuf.json_format import MessageToJson

    print(MessageToJson(message, preserving_proto_field_name=True))


def _columns(endpoint: Any) -> list[str]:
    from orders.v1.webhook_service_pb2 import WebhookDisableCause, WebhookEndpointState

    state = WebhookEndpointState.Name(endpoint.state).removeprefix("WEBHOOK_ENDPOINT_STATE_").lower()
    if endpoint.disable_cause:
        cause = WebhookDisableCause.Name(endpoint.disable_cause).removeprefix("WEBHOOK_DISABLE_CAUSE_").lower()
        state += f" ({cause})"
    types = ", ".join(endpoint.event_types) or "all"
    since = _time(endpoint, "failing_since")
    return [endpoint.endpoint_id, endpoint.url, types, state, since, endpoint.description]


def _time(message: Any, field: str) -> str:
    return f"{getattr(message, field).ToDatetime():%Y-%m-%d %H:%M:%S}" if message.HasField(field) else ""


def _outcome(attempt: Any) -> str:
    milliseconds = round(1000 * attempt.latency.ToTimedelta().total_seconds())
    response = attempt.response[:200].decode(errors="replace").replace("\n", " ")
    return f"{attempt.status_code or attempt.error} ({milliseconds} ms) {response}".rstrip()
