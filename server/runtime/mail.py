"""Composition of mails: the consumer that queues them, and the worker that sends them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from email.headerregistry import Address
from email.utils import parseaddr
from typing import TYPE_CHECKING

from server.config import ConfigError, Settings
from server.feed.consumer import FeedConsumer
from server.mail.kinds import ENDPOINT_DISABLED, KINDS
from server.mail.queueing import MailQueueing
from server.runtime.webhooks import Webhooks
from server.storage.consumer_positions import PREFIX, ConsumerPositions
from server.storage.database import Database
from server.storage.mails import MailRepository
from server.storage.read.feed import FeedRepository
from server.storage.read.invoices import InvoiceRepository
from server.telemetry.mail_metrics import MailMetrics
from server.telemetry.metrics import Metrics
from server.telemetry.spans import Tracer

if TYPE_CHECKING:
    from server.mail.worker import MailWorker

CONSUMER = f"{PREFIX}mail"

_MISSING = "ORDERS_MAILS needs the libraries for mail; install them with: pip install 'order-service[mail]'"


@dataclass(frozen=True, slots=True)
class Mail:
    """The parts of mails in a process."""

    queueing: FeedConsumer
    worker: MailWorker
    repository: MailRepository
    metrics: MailMetrics


def build_mail(
    settings: Settings,
    database: Database,
    *,
    feed: FeedRepository,
    invoices: InvoiceRepository,
    webhooks: Webhooks,
    metrics: Metrics,
    tracer: Tracer | None,
) -> Mail | None:
    """The parts, not yet started; None if no mails are selected. Raises ConfigError."""
    if not (selected := selected_mails(settings)):
        return None
    try:
        from server.mail.composing import Composer, Sender
        from server.mail.rendering import Renderer, RenderingError
        from server.mail.smtp import SmtpServer
        from server.mail.worker import MailWorker
    except ModuleNotFoundError as error:
        raise ConfigError(_MISSING) from error
    url, sender = _required(settings, selected)
    languages, renderer = _languages(settings.mail_languages), Renderer(settings.mail_templates)
    try:
        renderer.check(selected, languages.values())
    except RenderingError as error:
        raise ConfigError(f"ORDERS_MAIL_TEMPLATES (--mail-templates): {error}") from error
    repository, own_metrics = MailRepository(database), MailMetrics(metrics.registry, selected)
    composer = Composer(renderer, Sender(sender, settings.mail_operator), languages)
    worker = MailWorker(
        repository,
        SmtpServer(url),
        composer,
        tracer,
        invoices=invoices,
        endpoints=webhooks.repository,
        selected=selected,
        watch=own_metrics,
    )
    queueing = MailQueueing(repository, selected)
    consumer = FeedConsumer(CONSUMER, queueing, feed=feed, positions=ConsumerPositions(database))
    return Mail(consumer, worker, repository, own_metrics)


def selected_mails(settings: Settings) -> frozenset[str]:
    """The mails that ORDERS_MAILS selects. Raises ConfigError."""
    names = list(KINDS) if settings.mails.strip() == "all" else settings.mails.split()
    if unknown := [name for name in names if name not in KINDS]:
        raise ConfigError(f"ORDERS_MAILS (--mails): there is no mail {unknown[0]!r}; use all or {', '.join(KINDS)}")
    return frozenset(names)


def _required(settings: Settings, selected: Collection[str]) -> tuple[str, Address]:
    """The URL of the SMTP server, and the sender."""
    if settings.smtp_url is None:
        raise ConfigError("ORDERS_MAILS needs ORDERS_SMTP_URL, for example smtp://user:password@mail.example.com:587")
    if ENDPOINT_DISABLED in selected and not settings.mail_operator:
        raise ConfigError(
            f"ORDERS_MAILS={ENDPOINT_DISABLED} needs ORDERS_MAIL_OPERATOR, the address that it is sent to"
        )
    name, address = parseaddr(settings.mail_sender)
    try:
        return settings.smtp_url.get_secret_value(), Address(name, addr_spec=address)
    except (ValueError, IndexError) as error:
        text = "ORDERS_MAILS needs ORDERS_MAIL_SENDER, for example: Example Shop <orders@example.com>"
        raise ConfigError(text) from error


def _languages(text: str) -> Mapping[str, str]:
    """The language of each country, and the default for ''."""
    default, *pairs = text.split()
    return {"": default} | dict(pair.split("=") for pair in pairs)
