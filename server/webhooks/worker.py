"""Sends due deliveries. Several processes can do so concurrently: each delivery is attempted under its own lease."""

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, Protocol

from orders.v1.webhook_service_pb2 import (
    WEBHOOK_DISABLE_CAUSE_FAILING,
    WEBHOOK_DISABLE_CAUSE_GONE,
    WEBHOOK_ENDPOINT_STATE_ENABLED,
    WEBHOOK_PAYLOAD_FULL,
    WebhookDisableCause,
    WebhookEndpoint,
)

from server.domain.base.caller import Caller, Role
from server.domain.base.errors import Refusal
from server.domain.operations import Answer, Command
from server.domain.webhooks.endpoints import StopWebhookEndpoint
from server.domain.webhooks.retries import GONE
from server.http_client import Poster
from server.retry import RetryPolicy
from server.storage.batcher import Batcher
from server.storage.webhook_queue import Claimed, FailingEndpoint, Outcome, QueuedEndpoint, Share, WebhookQueue
from server.tasks import Tasks, contain
from server.telemetry.log import fields
from server.telemetry.spans import Attributes, Tracer, continued_span, note
from server.webhooks.sender import Attempted, attempt

log = logging.getLogger(__name__)

# Of only failures, after which an endpoint is disabled.
_FAILING = timedelta(hours=120)
# The maximum concurrent requests of a process, and by default of an endpoint over all processes.
_MOST_AT_ONCE, _DEFAULT_CONCURRENCY = 256, 10
# Seconds that a lease lasts longer than a request may, to take the delivery and to record the attempt.
_MARGIN = 15.0
# Seconds between two looks for due deliveries, those without any endpoint, and the least between two looks.
_POLL, _IDLE_POLL, _SHORTEST = 0.25, 1.0, 0.01
# Seconds until the work is due for another success, as metrics report it.
_RUN = 10.0
_RECORDING = RetryPolicy(first=0.2, longest=2.0, attempts=5)

_CALLER = Caller(subject="webhooks", roles=frozenset({Role.ADMIN}))


class Watch(Protocol):
    """Records events for metrics."""

    def note_attempt(self, *, status: int, seconds: float) -> None: ...

    def note_disabled(self, cause: str) -> None: ...


class Writer(Protocol):
    """Carries out the commands that disable endpoints."""

    async def execute(self, command: Command) -> Answer: ...


class _Due(NamedTuple):
    """A delivery to attempt, and its endpoint."""

    delivery: Claimed
    endpoint: WebhookEndpoint


@lru_cache(maxsize=2048)
def _endpoint(snapshot: bytes) -> WebhookEndpoint:
    return WebhookEndpoint.FromString(snapshot)


class WebhookWorker:
    """Takes due deliveries, attempts them concurrently, and records their outcomes."""

    def __init__(
        self,
        queue: WebhookQueue,
        poster: Poster,
        writer: Writer,
        watch: Watch,
        tracer: Tracer | None = None,
        *,
        timeout: float,
    ) -> None:
        """`timeout` is that of a request, in seconds."""
        self._queue, self._poster, self._writer, self._watch, self._timeout = queue, poster, writer, watch, timeout
        self._tracer = tracer
        self._tasks = Tasks()
        self._attempts: set[asyncio.Task[None]] = set()
        self._finished = asyncio.Event()
        self._pause = _POLL
        self._outcomes = Batcher[Outcome, FailingEndpoint | None](
            self._record, max_batch=_MOST_AT_ONCE, max_queue=10 * _MOST_AT_ONCE, name="batch of webhook attempts"
        )

    async def run(self) -> None:
        """Works for some seconds. Attempts in progress then continue."""
        until = time.monotonic() + _RUN
        while (began := time.monotonic()) < until:
            taken = await self._take()
            for due in taken:
                attempting = self._tasks.spawn(self._deliver(due, began))
                self._attempts.add(attempting)
                attempting.add_done_callback(self._attempts.discard)
            if not taken:
                await self._wait()
            await asyncio.sleep(began + _SHORTEST - time.monotonic())

    async def _wait(self) -> None:
        """Waits until an attempt ends, which may allow another one, or until the next poll."""
        self._finished.clear()
        try:
            async with asyncio.timeout(self._pause):
                await self._finished.wait()
        except TimeoutError:
            return

    async def _take(self) -> list[_Due]:
        free = _MOST_AT_ONCE - len(self._attempts)
        if free <= 0:
            return []
        async with self._queue.claiming() as claim:
            self._pause = _POLL if claim.endpoints else _IDLE_POLL
            enabled = [each for each in claim.endpoints if _is_enabled(each)]
            fair = max(1, free // max(1, len(enabled)))
            shares = {
                each.endpoint_id: share
                for each in enabled
                if (share := _share(each, in_flight=claim.in_flight.get(each.endpoint_id, 0), at_most=fair)).slots > 0
            }
            if not shares:
                return []
            taken = await claim.take(shares, seconds=self._timeout + _MARGIN)
        endpoints = {each.endpoint_id: _endpoint(each.snapshot) for each in enabled}
        return [_Due(delivery, endpoints[delivery.endpoint_id]) for delivery in taken]

    async def _deliver(self, due: _Due, began: float) -> None:
        try:
            # The rest of the lease must suffice. If the database took too long to grant it, another process may attempt soon.
            if time.monotonic() < began + _MARGIN / 2:
                await self._attempt(due)
        except BaseException as error:
            log.warning("a webhook was not delivered and will be retried", extra=fields(contain(error)))
        finally:
            self._finished.set()

    async def _attempt(self, due: _Due) -> None:
        attributes: Attributes = {
            "orders.webhook.endpoint": due.endpoint.endpoint_id,
            "orders.event.type": due.delivery.event_type,
        }
        with continued_span(self._tracer, "webhook", due.delivery.traceparent, attributes):
            attempted = await attempt(due.delivery, due.endpoint, self._poster)
            note("response", **{"http.response.status_code": attempted.status})
        self._watch.note_attempt(status=attempted.status, seconds=attempted.seconds)
        failing = await _RECORDING.run(lambda: self._outcomes.submit(attempted.outcome), is_retryable=_is_passing)
        if cause := _cause_to_stop(due.endpoint, attempted, failing):
            await self._stop(due.endpoint.endpoint_id, cause)

    async def _record(self, outcomes: Sequence[Outcome]) -> list[FailingEndpoint | Exception | None]:
        failing = {each.endpoint_id: each for each in await self._queue.finish(outcomes)}
        return [failing.get(outcome.endpoint_id) for outcome in outcomes]

    async def _stop(self, endpoint_id: str, cause: WebhookDisableCause) -> None:
        began = datetime.now(UTC)
        answer = await self._writer.execute(Command(StopWebhookEndpoint(endpoint_id, cause), _CALLER))
        if WebhookEndpoint.FromString(answer.body).disable_time.ToDatetime(UTC) < began:
            # Another attempt of the same endpoint came first.
            return
        name = WebhookDisableCause.Name(cause).removeprefix("WEBHOOK_DISABLE_CAUSE_").lower()
        self._watch.note_disabled(name)
        log.warning("a webhook endpoint was disabled", extra=fields(endpoint_id=endpoint_id, cause=name))

    async def drain(self) -> None:
        """Waits for the attempts in progress. If it is cancelled, they are too, and are repeated when their leases expire."""
        try:
            await self._tasks.drain()
        finally:
            for attempt_ in self._attempts:
                attempt_.cancel()
            await self._poster.close()


def _is_enabled(queued: QueuedEndpoint) -> bool:
    return _endpoint(queued.snapshot).state == WEBHOOK_ENDPOINT_STATE_ENABLED


def _share(queued: QueuedEndpoint, *, in_flight: int, at_most: int) -> Share:
    """The number of requests that an endpoint gets now. A failing endpoint gets one at a time, so it delays few others."""
    endpoint = _endpoint(queued.snapshot)
    concurrency = 1 if queued.failing_since else endpoint.max_concurrency or _DEFAULT_CONCURRENCY
    slots = min(concurrency - in_flight, at_most)
    paced_for = max(0.0, queued.paced_for or 0.0)
    if endpoint.max_rate:
        # All requests of a second may be sent together.
        slots = min(slots, int((1 - paced_for) * endpoint.max_rate))
    elif paced_for:
        slots = 0
    return Share(slots, endpoint.payload == WEBHOOK_PAYLOAD_FULL, endpoint.max_rate)


def _cause_to_stop(
    endpoint: WebhookEndpoint, attempted: Attempted, failing: FailingEndpoint | None
) -> WebhookDisableCause | None:
    """The cause for disabling an endpoint; None if it stays enabled."""
    if attempted.status == GONE:
        return WEBHOOK_DISABLE_CAUSE_GONE
    if failing is None or attempted.outcome.is_success:
        return None
    since = failing.failing_since
    if endpoint.HasField("enable_time"):
        since = max(since, endpoint.enable_time.ToDatetime(UTC))
    return WEBHOOK_DISABLE_CAUSE_FAILING if datetime.now(UTC) - since >= _FAILING else None


def _is_passing(error: Exception) -> bool:
    return isinstance(error, Refusal | TimeoutError)
