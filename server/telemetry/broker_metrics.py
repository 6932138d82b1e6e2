"""Metrics of the message broker."""

from prometheus_client import CollectorRegistry, Counter, Histogram

_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class BrokerMetrics:
    """Metrics of this process's publishing. The lag is that of the consumer `orders.broker`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._published = Counter(
            "orders_broker_messages", "Messages that the broker has acknowledged.", registry=registry
        )
        self._failures = Counter(
            "orders_broker_failures", "Batches that the broker did not acknowledge.", registry=registry
        )
        self._seconds = Histogram(
            "orders_broker_publish_seconds",
            "Duration of publishing a batch, in seconds.",
            buckets=_SECONDS,
            registry=registry,
        )

    def note_published(self, count: int, *, seconds: float) -> None:
        """Counts an acknowledged batch."""
        self._published.inc(count)
        self._seconds.observe(seconds)

    def note_failure(self) -> None:
        """Counts a batch that was not acknowledged."""
        self._failures.inc()
