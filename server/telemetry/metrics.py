"""Metrics of a server for Prometheus: its calls, its batches, and the use of its resources."""

import logging
from collections.abc import Mapping
from importlib.metadata import version
from typing import NamedTuple

import prometheus_client
from google.protobuf.descriptor import MethodDescriptor
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from server.telemetry.log import fields
from server.telemetry.spans import exemplar

log = logging.getLogger(__name__)

# Omits the creation time of counters, which would be one more line for each.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

# Upper bounds in seconds. Longer durations need no buckets: calls end after a minute, streams after an hour.
_CALL_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_ALARMING_CODES = ("DEADLINE_EXCEEDED", "INTERNAL", "UNAVAILABLE")
_ALARMING_REASONS = ("OVERLOADED", "RATE_LIMITED")
# The maximum number of callers with their own series.
_MOST_CALLERS = 100
_BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Lag(NamedTuple):
    """The unacknowledged changes of a consumer: their number, and the age of the first."""

    events: int
    seconds: float


class Metrics:
    """The server's metrics, in a separate registry. Names and labels of calls are those of other gRPC servers."""

    # Gauges are set periodically, not computed by a scrape: with several workers, another process is scraped.
    # There their values are added up, so none is of something that all workers share; of times the latest holds.

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        method = ("grpc_type", "grpc_service", "grpc_method")
        self._handled = Counter(
            "grpc_server_handled", "Completed calls, by code.", (*method, "grpc_code"), registry=registry
        )
        self._seconds = Histogram(
            "grpc_server_handling_seconds",
            "Seconds from a call's arrival to the last message of its response.",
            method,
            buckets=_CALL_SECONDS,
            registry=registry,
        )
        self._refusals = Counter(
            "orders_refusals", "Refused calls, by reason.", ("grpc_method", "reason"), registry=registry
        )
        self._caller_refusals = Counter(
            "orders_caller_refusals",
            "Refused calls, by caller and reason. Callers beyond the first 100 are `other`.",
            ("caller", "reason"),
            registry=registry,
        )
        self._callers: set[str] = set()
        self._batch_commands = Histogram(
            "orders_batch_commands", "Commands per batch.", ("lane",), buckets=_BATCH_SIZES, registry=registry
        )
        self._batch_seconds = Histogram(
            "orders_batch_seconds",
            "Duration of a batch, in seconds.",
            ("lane",),
            buckets=_CALL_SECONDS,
            registry=registry,
        )
        self._calls = self._gauge("orders_calls_in_flight", "Calls in progress.")
        self._commands = self._gauge("orders_commands_waiting", "Commands that are waiting for a batch.", "lane")
        self._connections = self._gauge("orders_database_connections", "Connections to the database.", "state")
        self._connections_waiting = self._gauge(
            "orders_database_waiting", "Operations that are waiting for a connection."
        )
        self._ready = self._gauge("orders_ready", "Workers that can read and write the database.")
        self._failing = self._gauge("orders_database_failing", "Workers with a failing database, by cause.", "cause")
        self._job_success = Gauge(
            "orders_job_last_success_timestamp_seconds",
            "Unix time of a background job's last success; 0 if it has not succeeded.",
            ("job",),
            registry=registry,
            multiprocess_mode="max",
        )
        self._watchers = self._gauge("orders_feed_watchers", "Streams and waits that follow the feed.")
        self._lag_events = self._lag_gauge("events", "Changes that a consumer has not acknowledged.")
        self._lag_seconds = self._lag_gauge("seconds", "Age of the first change that a consumer has not acknowledged.")
        self._gauge("orders_build_info", "Processes of this version.", "version").labels(version("order-service")).set(
            1
        )
        prometheus_client.ProcessCollector(registry=registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry, multiprocess_mode="livesum")

    def _lag_gauge(self, unit: str, text: str) -> Gauge:
        # All workers measure the same.
        name = f"orders_consumer_lag_{unit}"
        return Gauge(name, text, ("consumer",), registry=self.registry, multiprocess_mode="livemax")

    def of(self, method: MethodDescriptor) -> "MethodMetrics":
        """The metrics of one method."""
        kind = "server_stream" if method.server_streaming else "unary"
        labels = (kind, method.containing_service.full_name, method.name)
        return MethodMetrics(labels, handled=self._handled, seconds=self._seconds, refusals=self._refusals)

    def count_caller(self, caller: str, reason: str) -> None:
        """Counts a refused call for its caller."""
        try:
            if caller not in self._callers and len(self._callers) >= _MOST_CALLERS:
                caller = "other"
            self._callers.add(caller)
            self._caller_refusals.labels(caller, reason).inc()
        except Exception as error:
            _say_lost(error)

    def count_batch(self, lane: str, commands: int, seconds: float) -> None:
        try:
            self._batch_commands.labels(lane).observe(commands, exemplar())
            self._batch_seconds.labels(lane).observe(seconds, exemplar())
        except Exception as error:
            _say_lost(error)

    def expect_job(self, job: str) -> None:
        """Lists a background job before its first success."""
        self._job_success.labels(job)

    def note_success(self, job: str) -> None:
        """Records that a run of a background job has succeeded now."""
        try:
            self._job_success.labels(job).set_to_current_time()
        except Exception as error:
            _say_lost(error)

    def set_feed(self, *, watchers: int, lags: Mapping[str, "Lag"]) -> None:
        """Sets the gauges of the feed: its watchers, and the lag of each consumer."""
        self._watchers.set(watchers)
        for gauge in (self._lag_events, self._lag_seconds):
            gauge.clear()
        for consumer, lag in lags.items():
            self._lag_events.labels(consumer).set(lag.events)
            self._lag_seconds.labels(consumer).set(lag.seconds)

    def set_use(
        self,
        *,
        calls: int,
        commands: Mapping[str, int],
        used: int,
        idle: int,
        waiting: int,
        is_ready: bool,
        failing: Mapping[str, bool],
    ) -> None:
        """Sets the gauges: calls in flight, waiting commands by lane, and connections to the database."""
        self._calls.set(calls)
        for lane, count in commands.items():
            self._commands.labels(lane).set(count)
        self._connections.labels("used").set(used)
        self._connections.labels("idle").set(idle)
        self._connections_waiting.set(waiting)
        self._ready.set(is_ready)
        for cause, fails in failing.items():
            self._failing.labels(cause).set(fails)


class MethodMetrics:
    """Counts the calls of one method. Series for alerts exist from the start, at zero, because a rate needs two values."""

    def __init__(
        self, labels: tuple[str, str, str], *, handled: Counter, seconds: Histogram, refusals: Counter
    ) -> None:
        self._labels, self._handled, self._refusals = labels, handled, refusals
        self._ok, self._seconds = handled.labels(*labels, "OK"), seconds.labels(*labels)
        for code in _ALARMING_CODES:
            handled.labels(*labels, code)
        for reason in _ALARMING_REASONS:
            refusals.labels(labels[-1], reason)

    def count(self, *, code: str, seconds: float, reason: str = "") -> None:
        """Counts a call by its code and seconds, with the reason if the server refused it."""
        try:
            self._seconds.observe(seconds, exemplar())
            (self._ok if code == "OK" else self._handled.labels(*self._labels, code)).inc()
            if reason:
                self._refusals.labels(self._labels[-1], reason).inc()
        except Exception as error:
            _say_lost(error)


def _say_lost(error: Exception) -> None:
    # The call is done, and its caller gets the answer, even if it cannot be counted.
    log.warning("metrics are lost", extra=fields(error))
