"""Composition of the message broker: the consumer that publishes, and the broker of the settings."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from server.broker.publisher import Broker, EventPublisher
from server.config import ConfigError, Settings
from server.feed.consumer import FeedConsumer
from server.storage.consumer_positions import PREFIX, ConsumerPositions
from server.storage.database import Database
from server.storage.read.feed import FeedRepository
from server.storage.read.order_versions import OrderVersions
from server.telemetry.broker_metrics import BrokerMetrics
from server.telemetry.metrics import Metrics
from server.telemetry.spans import Tracer

CONSUMER = f"{PREFIX}broker"

# The extra that each scheme needs, and the class that it is served by.
_BROKERS = {
    "nats": ("nats", "server.broker.nats", "NatsBroker"),
    "tls": ("nats", "server.broker.nats", "NatsBroker"),
    "amqp": ("rabbitmq", "server.broker.rabbitmq", "RabbitBroker"),
    "amqps": ("rabbitmq", "server.broker.rabbitmq", "RabbitBroker"),
    "kafka": ("kafka", "server.broker.kafka", "KafkaBroker"),
    "kafka+ssl": ("kafka", "server.broker.kafka", "KafkaBroker"),
}


@dataclass(frozen=True, slots=True)
class Publishing:
    """The parts that publish changes to a broker."""

    consumer: FeedConsumer
    publisher: EventPublisher


def build_publishing(
    settings: Settings,
    database: Database,
    *,
    feed: FeedRepository,
    orders: OrderVersions,
    metrics: Metrics,
    tracer: Tracer | None,
) -> Publishing | None:
    """The parts, which connect on the first change; None without a broker. Raises ConfigError."""
    if settings.broker_url is None:
        return None
    publisher = EventPublisher(
        _broker(settings.broker_url.get_secret_value(), topic=settings.broker_topic),
        orders,
        BrokerMetrics(metrics.registry),
        tracer,
        format=settings.broker_format,
        with_orders=settings.broker_payload == "full",
    )
    return Publishing(FeedConsumer(CONSUMER, publisher, feed=feed, positions=ConsumerPositions(database)), publisher)


def _broker(url: str, *, topic: str) -> Broker:
    extra, module, name = _BROKERS[url.partition("://")[0]]
    try:
        make: Callable[..., Broker] = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        text = f"ORDERS_BROKER_URL needs a client library; install it with: pip install 'order-service[{extra}]'"
        raise ConfigError(text) from error
    return make(url, topic=topic)
