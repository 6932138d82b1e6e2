"""Metrics of webhooks."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30)


class WebhookMetrics:
    """The attempts of this process, and the state of the shared queue."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._attempts = Counter(
            "orders_webhook_attempts",
            "Attempts of webhook deliveries, by status class, such as 2xx, or none without a response.",
            ("status",),
            registry=registry,
        )
        self._seconds = Histogram(
            "orders_webhook_attempt_seconds", "Duration of an attempt, in seconds.", buckets=_SECONDS, registry=registry
        )
        self._disabled_by_server = Counter(
            "orders_webhook_endpoints_disabled",
            "Endpoints that the server disabled, by cause.",
            ("cause",),
            registry=registry,
        )
        self._endpoints = Gauge(
            "orders_webhook_endpoints",
            "Endpoints that are failing or disabled.",
            ("state",),
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._overdue = Gauge(
            "orders_webhook_overdue_seconds",
            "Delay of the most overdue delivery to a working endpoint, in seconds.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        for cause in ("gone", "failing"):
            self._disabled_by_server.labels(cause)

    def note_attempt(self, *, status: int, seconds: float) -> None:
        """Counts an attempt; its status is 0 if there was no response."""
        self._attempts.labels(f"{status // 100}xx" if status else "none").inc()
        self._seconds.observe(seconds)

    def note_disabled(self, cause: str) -> None:
        """Counts an endpoint that the server disabled."""
        self._disabled_by_server.labels(cause).inc()

    def set_queue(self, *, failing: int, disabled: int, overdue_seconds: float) -> None:
        """Sets the gauges."""
        self._endpoints.labels("failing").set(failing)
        self._endpoints.labels("disabled").set(disabled)
        self._overdue.set(overdue_seconds)
