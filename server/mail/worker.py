"""Sends due mails, one after the other. A mail that cannot be sent waits or fails, and does not delay others."""

import asyncio
import logging
import time
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Protocol

from orders.v1.error_reason_pb2 import ERROR_REASON_WEBHOOK_ENDPOINT_NOT_FOUND
from orders.v1.invoice_pb2 import Invoice
from orders.v1.order_pb2 import Order, OrderEvent
from orders.v1.webhook_service_pb2 import (
    WEBHOOK_DISABLE_CAUSE_FAILING,
    WEBHOOK_DISABLE_CAUSE_GONE,
    WebhookEndpoint,
)

from server.domain.base.errors import Refusal
from server.domain.webhooks import retries
from server.mail.composing import BadAddress, Composer, NoRecipient, Subject
from server.mail.kinds import CONFIRMED, ENDPOINT_DISABLED
from server.mail.rendering import RenderingError
from server.mail.smtp import MailRefused, ServerUnreachable, SmtpServer
from server.retry import RetryPolicy
from server.storage.mails import DueMail, MailOutcome, MailRepository, MailState, NewMail
from server.storage.references import Reference
from server.telemetry.log import fields
from server.telemetry.spans import Tracer, continued_span

log = logging.getLogger(__name__)

# Seconds for which a mail is leased: longer than all SMTP commands with their timeouts.
_LEASE = 300.0
# Seconds between two looks for due mails, and until the work is due for another success, as metrics report it.
_POLL, _RUN = 0.5, 10.0
_FAILURES = RetryPolicy(first=1.0, longest=30.0)
# The operator gets mails about endpoints that were disabled since.
_RECENT = timedelta(days=3)
_DISABLED_BY_SERVER = (WEBHOOK_DISABLE_CAUSE_GONE, WEBHOOK_DISABLE_CAUSE_FAILING)


class Invoices(Protocol):
    """Invoices by order: `storage/read/invoices.py`."""

    async def get(self, reference: Reference) -> Invoice: ...


class Endpoints(Protocol):
    """Webhook endpoints: `storage/webhooks.py`."""

    async def endpoint(self, endpoint_id: str) -> WebhookEndpoint: ...

    async def endpoints(self, *, after: str, limit: int) -> list[WebhookEndpoint]: ...


class Watch(Protocol):
    """Records events for metrics."""

    def note(self, kind: str, outcome: str) -> None: ...


class MailWorker:
    """Takes due mails, sends them, and records their outcomes."""

    def __init__(
        self,
        mails: MailRepository,
        smtp: SmtpServer,
        composer: Composer,
        tracer: Tracer | None = None,
        *,
        invoices: Invoices,
        endpoints: Endpoints,
        selected: Collection[str],
        watch: Watch,
    ) -> None:
        self._mails, self._smtp, self._composer, self._watch = mails, smtp, composer, watch
        self._invoices, self._endpoints, self._selected = invoices, endpoints, selected
        self._tracer = tracer
        self._failures = 0

    async def run(self) -> None:
        """Works for some seconds. If the process is killed while it sends a mail, the mail is sent again with the same id."""
        until = time.monotonic() + _RUN
        try:
            if ENDPOINT_DISABLED in self._selected:
                await self._queue_disabled_endpoints()
            while time.monotonic() < until:
                if (mail := await self._mails.take(seconds=_LEASE)) is None:
                    await asyncio.sleep(_POLL)
                else:
                    await self._deliver(mail)
        finally:
            await self._smtp.close()

    async def _deliver(self, mail: DueMail) -> None:
        try:
            outcome = await self._attempt(mail)
        except (Refusal, ServerUnreachable):
            self._failures += 1
            await self._mails.give_back(mail.mail_id)
            await asyncio.sleep(_FAILURES.delay(self._failures))
            raise
        self._failures = 0
        await self._mails.finish(mail.mail_id, outcome)
        self._watch.note(mail.kind, outcome.name)
        if outcome.cause and outcome.state != MailState.SKIPPED:
            self._report(mail, outcome)

    async def _attempt(self, mail: DueMail) -> MailOutcome:
        subject = await self._subject(mail)
        try:
            message = self._composer.compose(mail.mail_id, subject)
            with continued_span(self._tracer, "mail", subject.event.traceparent, {"orders.mail.kind": mail.kind}):
                await self._smtp.send(message)
        except ServerUnreachable:
            raise
        except NoRecipient:
            return MailOutcome(MailState.SKIPPED, "no_recipient")
        except BadAddress:
            return MailOutcome(MailState.FAILED, "address")
        except MailRefused as error:
            cause = f"smtp_{error.code:03d}"
            return MailOutcome(MailState.FAILED, cause) if error.is_lasting else _retry(mail, cause)
        except Exception as error:
            # A template error: the template can be fixed before the last attempt.
            return _retry(mail, str(error) if isinstance(error, RenderingError) else type(error).__name__)
        return MailOutcome(MailState.SENT)

    async def _subject(self, mail: DueMail) -> Subject:
        order, event = Order.FromString(mail.order or b""), OrderEvent.FromString(mail.event or b"")
        endpoint = await self._endpoint(mail.endpoint_id) if mail.endpoint_id else None
        with_invoice = mail.kind == CONFIRMED and order.invoice_number
        invoice = await self._invoices.get(Reference(order.order_id)) if with_invoice else None
        return Subject(mail.kind, order, event, invoice, endpoint)

    async def _endpoint(self, endpoint_id: str) -> WebhookEndpoint | None:
        """The endpoint; None if it has been deleted."""
        try:
            return await self._endpoints.endpoint(endpoint_id)
        except Refusal as error:
            if error.error_reason == ERROR_REASON_WEBHOOK_ENDPOINT_NOT_FOUND:
                return None
            raise

    @staticmethod
    def _report(mail: DueMail, outcome: MailOutcome) -> None:
        order_id = mail.order_id or ""
        if outcome.state == MailState.FAILED:
            log.warning("a mail was not sent", extra=fields(mail=mail.kind, cause=outcome.cause, order_id=order_id))
        else:
            log.warning(
                "a mail was not sent and will be retried",
                extra=fields(mail=mail.kind, cause=outcome.cause, order_id=order_id),
            )

    async def _queue_disabled_endpoints(self) -> None:
        since, after = datetime.now(UTC) - _RECENT, ""
        while page := await self._endpoints.endpoints(after=after, limit=100):
            await self._mails.add([_about(endpoint) for endpoint in page if _is_disabled(endpoint, since=since)])
            after = page[-1].endpoint_id


def _is_disabled(endpoint: WebhookEndpoint, *, since: datetime) -> bool:
    by_server = endpoint.disable_cause in _DISABLED_BY_SERVER
    return by_server and bool(endpoint.disable_time.ToDatetime(UTC) >= since)


def _about(endpoint: WebhookEndpoint) -> NewMail:
    mail_id = f"{ENDPOINT_DISABLED}.{endpoint.endpoint_id}.{endpoint.disable_time.ToMicroseconds()}"
    return NewMail(mail_id, ENDPOINT_DISABLED, order_id=None, version=0, endpoint_id=endpoint.endpoint_id)


def _retry(mail: DueMail, cause: str) -> MailOutcome:
    delay = retries.delay_after(mail.attempts + 1, status=500, retry_after=None)
    return MailOutcome(MailState.FAILED if delay is None else MailState.PENDING, cause, delay)
