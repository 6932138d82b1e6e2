"""Metrics of mails."""

from collections.abc import Collection

from prometheus_client import CollectorRegistry, Counter, Gauge


class MailMetrics:
    """The attempts of this process, and the state of the shared queue."""

    def __init__(self, registry: CollectorRegistry, kinds: Collection[str]) -> None:
        self._mails = Counter(
            "orders_mails",
            "Attempts to send a mail, by mail and outcome: sent, retried, failed or skipped.",
            ("mail", "outcome"),
            registry=registry,
        )
        self._waiting = Gauge(
            "orders_mails_waiting",
            "Mails that are waiting, including retries.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._overdue = Gauge(
            "orders_mail_overdue_seconds",
            "Age of the oldest mail that is waiting for its first attempt.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        for kind in kinds:
            for outcome in ("sent", "failed"):
                self._mails.labels(kind, outcome)

    def note(self, kind: str, outcome: str) -> None:
        """Counts an attempt."""
        self._mails.labels(kind, outcome).inc()

    def set_backlog(self, *, waiting: int, overdue_seconds: float) -> None:
        """Sets the gauges."""
        self._waiting.set(waiting)
        self._overdue.set(overdue_seconds)
