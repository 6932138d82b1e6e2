"""Makes one attempt of a delivery."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from orders.v1.order_pb2 import Order, OrderEvent
from orders.v1.webhook_service_pb2 import (
    WEBHOOK_DELIVERY_STATE_FAILED,
    WEBHOOK_DELIVERY_STATE_PENDING,
    WEBHOOK_DELIVERY_STATE_SUCCEEDED,
    WebhookAttempt,
    WebhookEndpoint,
)

from server.domain.webhooks import payloads, retries, signatures
from server.domain.webhooks.endpoints import uses_v1, uses_v1a
from server.domain.webhooks.event_types import TEST
from server.http_client import HttpError, Poster
from server.storage.webhook_queue import Claimed, Outcome
from server.telemetry.spans import current_traceparent

_USER_AGENT = {"User-Agent": "orders-webhooks"}
# Seconds for which an overloaded endpoint is paused: its requested delay up to the maximum, or the default.
_LONGEST_PAUSE, _DEFAULT_PAUSE = 3600, 5


class Attempted(NamedTuple):
    """An attempt, and its outcome."""

    outcome: Outcome
    # The status of the response; 0 if there was none.
    status: int
    seconds: float


async def attempt(delivery: Claimed, endpoint: WebhookEndpoint, poster: Poster) -> Attempted:
    """Sends a delivery."""
    began, now = time.monotonic(), datetime.now(UTC)
    recorded, retry_after = WebhookAttempt(), ""
    recorded.attempt_time.FromDatetime(now)
    body = _body(delivery.event_type, delivery.event, delivery.order, delivery.create_time)
    try:
        reply = await poster.post(endpoint.url, body, _headers(delivery, endpoint, body, now=now))
        recorded.status_code, recorded.response, retry_after = reply
    except HttpError as error:
        recorded.error = str(error)
    seconds = time.monotonic() - began
    recorded.latency.FromNanoseconds(int(seconds * 1e9))
    wait = retries.retry_after_of(retry_after, now=now)
    return Attempted(_outcome(delivery, recorded, time=now, retry_after=wait), recorded.status_code, seconds)


@lru_cache(maxsize=256)
def _body(event_type: str, event: bytes | None, order: bytes | None, create_time: datetime) -> bytes:
    """The body. It is the same for all endpoints and attempts unless it contains the order, which may have changed."""
    if event is None:
        return payloads.test_body(create_time)
    full = None if order is None else Order.FromString(order)
    return payloads.change_body(event_type, OrderEvent.FromString(event), full)


def _headers(delivery: Claimed, endpoint: WebhookEndpoint, body: bytes, *, now: datetime) -> dict[str, str]:
    """The endpoint's own headers, and those by which the receiver verifies the request."""
    own = {header.name: header.value for header in endpoint.headers}
    if traceparent := current_traceparent(delivery.traceparent):
        own["traceparent"] = traceparent
    webhook_id = payloads.webhook_id_of(delivery.order_id, delivery.version, delivery.delivery_id)
    return (
        _USER_AGENT | own | signatures.headers_of(webhook_id, int(now.timestamp()), body, _keys_of(endpoint, now=now))
    )


def _keys_of(endpoint: WebhookEndpoint, *, now: datetime) -> Iterator[str]:
    """The currently valid secrets and private keys for signing."""
    for secret in endpoint.secrets:
        if not secret.HasField("expire_time") or secret.expire_time.ToDatetime(UTC) > now:
            if uses_v1(endpoint) and secret.secret:
                yield secret.secret
            if uses_v1a(endpoint) and secret.private_key:
                yield secret.private_key


def _outcome(delivery: Claimed, recorded: WebhookAttempt, *, time: datetime, retry_after: int | None) -> Outcome:
    status, delay, pause = recorded.status_code, None, 0
    is_success = retries.is_success(status)
    if not is_success and delivery.event_type != TEST:
        delay = retries.delay_after(delivery.attempts + 1, status=status, retry_after=retry_after)
    if retries.is_throttled(status):
        pause = min(_LONGEST_PAUSE, _DEFAULT_PAUSE if retry_after is None else retry_after)
    return Outcome(
        delivery_id=delivery.delivery_id,
        lease_id=delivery.lease_id,
        endpoint_id=delivery.endpoint_id,
        state=_state(is_success=is_success, is_last=delay is None),
        delay=delay,
        attempt_time=time,
        attempt=recorded.SerializeToString(),
        is_success=is_success,
        pause=float(pause),
    )


def _state(*, is_success: bool, is_last: bool) -> int:
    if is_success:
        return WEBHOOK_DELIVERY_STATE_SUCCEEDED
    return WEBHOOK_DELIVERY_STATE_FAILED if is_last else WEBHOOK_DELIVERY_STATE_PENDING
