"""Webhook endpoints: the operations that change them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import urlsplit

from google.protobuf.empty_pb2 import Empty
from orders.v1.error_reason_pb2 import (
    ERROR_REASON_WEBHOOK_ENDPOINT_DISABLED,
    ERROR_REASON_WEBHOOK_ENDPOINT_NOT_FOUND,
)
from orders.v1.webhook_service_pb2 import (
    WEBHOOK_DELIVERY_STATE_PENDING,
    WEBHOOK_DISABLE_CAUSE_REQUESTED,
    WEBHOOK_ENDPOINT_STATE_DISABLED,
    WEBHOOK_ENDPOINT_STATE_ENABLED,
    WEBHOOK_SIGNATURE_BOTH,
    WEBHOOK_SIGNATURE_V1A,
    CreateWebhookEndpointRequest,
    CreateWebhookEndpointResponse,
    DeleteWebhookEndpointRequest,
    DisableWebhookEndpointRequest,
    EnableWebhookEndpointRequest,
    RotateWebhookSecretRequest,
    RotateWebhookSecretResponse,
    TestWebhookEndpointRequest,
    UpdateWebhookEndpointRequest,
    WebhookDelivery,
    WebhookDisableCause,
    WebhookEndpoint,
    WebhookSecret,
)

from server.domain.base.edits import Audit
from server.domain.base.errors import Refusal, invalid_field
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.order_filters import check_filter
from server.domain.base.redaction import without_secrets
from server.domain.base.state import State
from server.domain.webhooks.event_types import TEST, TYPES, is_known
from server.domain.webhooks.payloads import webhook_id_of
from server.domain.webhooks.signatures import new_private_key, new_secret, public_key_of

# Time for which requests are still signed with a secret that was rotated.
OVERLAP = timedelta(hours=24)
MUTABLE = (
    "url",
    "event_types",
    "filter",
    "payload",
    "description",
    "headers",
    "max_concurrency",
    "max_rate",
    "signature",
)
# Headers that the server or the connection sets.
_OWN_HEADERS = frozenset(
    {"connection", "content-length", "content-type", "expect", "host", "te", "trailer", "transfer-encoding", "upgrade"}
)
_OWN_PREFIXES = ("webhook-", "proxy-")


@dataclass(frozen=True, slots=True)
class StopWebhookEndpoint:
    """An internal command that disables an endpoint that is gone or keeps failing."""

    endpoint_id: str
    cause: WebhookDisableCause


_Named = (
    DeleteWebhookEndpointRequest
    | RotateWebhookSecretRequest
    | EnableWebhookEndpointRequest
    | DisableWebhookEndpointRequest
    | TestWebhookEndpointRequest
    | StopWebhookEndpoint
)


def _needs(request: _Named) -> Needs:
    return Needs(webhook_endpoints=[request.endpoint_id])


def _needs_nothing(_: CreateWebhookEndpointRequest) -> Needs:
    return Needs()


def _needs_updated(request: UpdateWebhookEndpointRequest) -> Needs:
    return Needs(webhook_endpoints=[request.endpoint.endpoint_id])


@operation(CreateWebhookEndpointRequest, needs=_needs_nothing)
def create_webhook_endpoint(
    request: CreateWebhookEndpointRequest, state: State, audit: Audit
) -> CreateWebhookEndpointResponse:
    """Creates an endpoint and returns its secret."""
    endpoint = WebhookEndpoint(
        endpoint_id=state.new_id(),
        state=WEBHOOK_ENDPOINT_STATE_ENABLED,
        create_time=audit.time,
        creator=audit.caller.subject,
    )
    for name in MUTABLE:
        _copy_field(request.endpoint, endpoint, name)
    _check(endpoint, state)
    secret = _add_secret(endpoint, audit)
    state.webhook_endpoints.stored.mark_read([endpoint.endpoint_id])
    return CreateWebhookEndpointResponse(endpoint=_put(endpoint, state), secret=secret)


@operation(UpdateWebhookEndpointRequest, needs=_needs_updated)
def update_webhook_endpoint(request: UpdateWebhookEndpointRequest, state: State, audit: Audit) -> WebhookEndpoint:
    """Changes the fields that the mask names, or those that are set."""
    endpoint = _stored(request.endpoint.endpoint_id, state)
    for name in _updated_fields(request):
        endpoint.ClearField(name)
        _copy_field(request.endpoint, endpoint, name)
    _check(endpoint, state)
    _complete(endpoint.secrets[0], endpoint)
    return _put(endpoint, state)


@operation(DeleteWebhookEndpointRequest, needs=_needs)
def delete_webhook_endpoint(request: DeleteWebhookEndpointRequest, state: State, audit: Audit) -> Empty:
    """Deletes an endpoint. Its deliveries are no longer sent, and are deleted later."""
    _stored(request.endpoint_id, state)
    state.webhook_endpoints.remove(request.endpoint_id)
    return Empty()


@operation(RotateWebhookSecretRequest, needs=_needs)
def rotate_webhook_secret(
    request: RotateWebhookSecretRequest, state: State, audit: Audit
) -> RotateWebhookSecretResponse:
    """Gives an endpoint a new secret or key pair. The previous one stays valid for a day."""
    endpoint = _stored(request.endpoint_id, state)
    del endpoint.secrets[1:]
    endpoint.secrets[0].expire_time.FromDatetime(audit.time.ToDatetime(UTC) + OVERLAP)
    secret = _add_secret(endpoint, audit)
    return RotateWebhookSecretResponse(endpoint=_put(endpoint, state), secret=secret)


@operation(EnableWebhookEndpointRequest, needs=_needs)
def enable_webhook_endpoint(request: EnableWebhookEndpointRequest, state: State, audit: Audit) -> WebhookEndpoint:
    """Resumes an endpoint's deliveries."""
    endpoint = _stored(request.endpoint_id, state)
    if endpoint.state == WEBHOOK_ENDPOINT_STATE_ENABLED:
        return without_secrets(endpoint)
    endpoint.state = WEBHOOK_ENDPOINT_STATE_ENABLED
    endpoint.enable_time.CopyFrom(audit.time)
    for name in ("disable_cause", "disable_time"):
        endpoint.ClearField(name)
    return _put(endpoint, state)


@operation(DisableWebhookEndpointRequest, needs=_needs)
def disable_webhook_endpoint(request: DisableWebhookEndpointRequest, state: State, audit: Audit) -> WebhookEndpoint:
    """Stops an endpoint's deliveries."""
    return _disable(request.endpoint_id, WEBHOOK_DISABLE_CAUSE_REQUESTED, state, audit)


@operation(StopWebhookEndpoint, needs=_needs)
def stop_webhook_endpoint(request: StopWebhookEndpoint, state: State, audit: Audit) -> WebhookEndpoint:
    """Stops the deliveries of an endpoint that is gone or keeps failing."""
    return _disable(request.endpoint_id, request.cause, state, audit)


@operation(TestWebhookEndpointRequest, needs=_needs)
def test_webhook_endpoint(request: TestWebhookEndpointRequest, state: State, audit: Audit) -> WebhookDelivery:
    """Queues a test."""
    endpoint = _stored(request.endpoint_id, state)
    if endpoint.state != WEBHOOK_ENDPOINT_STATE_ENABLED:
        text = f"webhook endpoint {request.endpoint_id} is disabled; call EnableWebhookEndpoint first"
        metadata = {"endpoint_id": request.endpoint_id}
        raise Refusal(ERROR_REASON_WEBHOOK_ENDPOINT_DISABLED, text, metadata=metadata)
    delivery_id = state.new_id()
    delivery = WebhookDelivery(
        delivery_id=delivery_id,
        endpoint_id=request.endpoint_id,
        webhook_id=webhook_id_of(None, 0, delivery_id),
        event_type=TEST,
        state=WEBHOOK_DELIVERY_STATE_PENDING,
        create_time=audit.time,
        next_attempt_time=audit.time,
    )
    state.changes.webhook_deliveries.append(delivery)
    return delivery


def _disable(endpoint_id: str, cause: WebhookDisableCause, state: State, audit: Audit) -> WebhookEndpoint:
    endpoint = _stored(endpoint_id, state)
    if endpoint.state == WEBHOOK_ENDPOINT_STATE_DISABLED:
        return without_secrets(endpoint)
    endpoint.state, endpoint.disable_cause = WEBHOOK_ENDPOINT_STATE_DISABLED, cause
    endpoint.disable_time.CopyFrom(audit.time)
    return _put(endpoint, state)


def _updated_fields(request: UpdateWebhookEndpointRequest) -> Iterable[str]:
    paths = list(request.update_mask.paths)
    if not paths:
        return [field.name for field, _ in request.endpoint.ListFields() if field.name in MUTABLE]
    if paths == ["*"]:
        return MUTABLE
    for index, path in enumerate(paths):
        if path not in MUTABLE:
            raise invalid_field(f"update_mask.paths[{index}]", f"{path!r} cannot change; use {', '.join(MUTABLE)}")
    return paths


def _copy_field(source: Any, target: Any, name: str) -> None:
    """Copies a field, if it is set."""
    selected = type(source)()
    selected.CopyFrom(source)
    for field, _ in source.ListFields():
        if field.name != name:
            selected.ClearField(field.name)
    target.MergeFrom(selected)


def _check(endpoint: WebhookEndpoint, state: State) -> None:
    _check_url(endpoint.url, allows_http=state.terms.plain_webhooks)
    check_filter(endpoint.filter, field="endpoint.filter")
    for index, selected in enumerate(endpoint.event_types):
        if not is_known(selected):
            known = ", ".join(("*", "order.*", "return.*", "shipment.*", "hold.*", *TYPES))
            raise invalid_field(f"endpoint.event_types[{index}]", f"{selected!r} is not a type; use {known}")
    for index, header in enumerate(endpoint.headers):
        name = header.name.lower()
        if name in _OWN_HEADERS or name.startswith(_OWN_PREFIXES):
            raise invalid_field(
                f"endpoint.headers[{index}].name", f"{header.name!r} is set by the server; leave it out"
            )


def _check_url(url: str, *, allows_http: bool) -> None:
    try:
        parts = urlsplit(url)
        is_usable = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_usable = False
    if not is_usable:
        raise invalid_field("endpoint.url", "is required, as https://host/path")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise invalid_field("endpoint.url", "must have no user, password or fragment; send credentials in headers")
    if parts.scheme != "https" and not allows_http:
        raise invalid_field("endpoint.url", "must begin with https://; ORDERS_WEBHOOK_ALLOW_HTTP allows http://")


def _add_secret(endpoint: WebhookEndpoint, audit: Audit) -> str:
    """Adds a new secret before the others; returns the receiver's part."""
    secret = WebhookSecret(create_time=audit.time)
    _complete(secret, endpoint)
    newest_first = [secret, *endpoint.secrets]
    del endpoint.secrets[:]
    endpoint.secrets.extend(newest_first)
    return secret.secret


def _complete(secret: WebhookSecret, endpoint: WebhookEndpoint) -> None:
    """Adds the missing keys for the endpoint's signatures to the secret."""
    if uses_v1(endpoint) and not secret.secret:
        secret.secret = new_secret()
    if uses_v1a(endpoint) and not secret.private_key:
        secret.private_key = new_private_key()
        secret.public_key = public_key_of(secret.private_key)


def uses_v1(endpoint: WebhookEndpoint) -> bool:
    return endpoint.signature != WEBHOOK_SIGNATURE_V1A


def uses_v1a(endpoint: WebhookEndpoint) -> bool:
    return endpoint.signature in (WEBHOOK_SIGNATURE_V1A, WEBHOOK_SIGNATURE_BOTH)


def _put(endpoint: WebhookEndpoint, state: State) -> WebhookEndpoint:
    """Stores an endpoint; returns it as callers see it."""
    state.webhook_endpoints.put(endpoint.endpoint_id, endpoint.SerializeToString(deterministic=True))
    return without_secrets(endpoint)


def _stored(endpoint_id: str, state: State) -> WebhookEndpoint:
    """A copy of the stored endpoint."""
    snapshot = state.webhook_endpoints.stored.get(endpoint_id)
    if snapshot is None:
        raise webhook_endpoint_not_found(endpoint_id)
    return WebhookEndpoint.FromString(snapshot)


def webhook_endpoint_not_found(endpoint_id: str) -> Refusal:
    text = f"there is no webhook endpoint {endpoint_id!r}; ListWebhookEndpoints lists all"
    return Refusal(ERROR_REASON_WEBHOOK_ENDPOINT_NOT_FOUND, text, metadata={"endpoint_id": endpoint_id})
