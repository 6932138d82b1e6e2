"""Composition of webhooks: the consumer that queues deliveries, and the worker that sends them."""

from dataclasses import dataclass

from server.config import Settings
from server.feed.consumer import FeedConsumer
from server.http_client import Poster
from server.storage.consumer_positions import PREFIX, ConsumerPositions
from server.storage.database import Database
from server.storage.read.feed import FeedRepository
from server.storage.webhook_queue import WebhookQueue
from server.storage.webhooks import WebhookRepository
from server.telemetry.metrics import Metrics
from server.telemetry.spans import Tracer
from server.telemetry.webhook_metrics import WebhookMetrics
from server.webhooks.addresses import AllowedAddresses
from server.webhooks.fan_out import FanOut
from server.webhooks.worker import WebhookWorker, Writer

# The first bytes of a response that an attempt keeps.
_MAX_RESPONSE = 20_000


@dataclass(frozen=True, slots=True)
class Webhooks:
    """The parts of webhooks in a process."""

    repository: WebhookRepository
    fan_out: FeedConsumer
    worker: WebhookWorker
    metrics: WebhookMetrics


def build_webhooks(
    settings: Settings,
    database: Database,
    *,
    feed: FeedRepository,
    writer: Writer,
    metrics: Metrics,
    tracer: Tracer | None,
) -> Webhooks:
    """The parts, not yet started."""
    repository, own_metrics = WebhookRepository(database), WebhookMetrics(metrics.registry)
    allowed = AllowedAddresses(settings.webhook_allowed_networks.split())
    poster = Poster(seconds=settings.webhook_timeout, max_bytes=_MAX_RESPONSE, allowed=allowed)
    return Webhooks(
        repository=repository,
        fan_out=FeedConsumer(
            f"{PREFIX}webhooks", FanOut(repository, feed), feed=feed, positions=ConsumerPositions(database)
        ),
        worker=WebhookWorker(
            WebhookQueue(database), poster, writer, own_metrics, tracer, timeout=settings.webhook_timeout
        ),
        metrics=own_metrics,
    )
