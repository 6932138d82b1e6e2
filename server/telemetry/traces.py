"""OpenTelemetry traces, sent over OTLP. Needs the extra `otel`: only a server with traces imports this module.

Spans contain names, codes, numbers and constant SQL, but no data from callers and no texts of exceptions.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from uuid import uuid4

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from server.telemetry.spans import Attributes, Kind

_KINDS = {
    "internal": SpanKind.INTERNAL,
    "client": SpanKind.CLIENT,
    "server": SpanKind.SERVER,
    "producer": SpanKind.PRODUCER,
}
# Seconds for a batch of spans to reach the collector. A stopping server waits this long for the last one.
_EXPORT_TIMEOUT = 3.0
# Codes that are failures of the server; all others are regular answers.
_FAILURES = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})


class Traces:
    """Decides which calls are sampled, and sends their spans."""

    def __init__(self, endpoint: str, *, ratio: float) -> None:
        """`ratio` is the sampled fraction of the calls whose callers have not decided."""
        self._ratio = ratio
        self._provider = TracerProvider(sampler=ALWAYS_ON, resource=_resource(), shutdown_on_exit=False)
        is_plain = endpoint.startswith("http://")
        exporter = OTLPSpanExporter(endpoint=endpoint, insecure=is_plain, timeout=_EXPORT_TIMEOUT)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("orders")

    def is_sampled(self, traceparent: str) -> bool:
        """Whether a call is sampled: as its caller has decided, or at random if there is no `traceparent`."""
        return bool(int(traceparent[-2:], 16) & 1) if traceparent else random.random() < self._ratio

    @contextmanager
    def call(self, method: str, traceparent: str) -> Iterator["RecordedSpan"]:
        """The span of a sampled call; `traceparent` is that of the caller, or ''."""
        with _recorded(self._tracer, method, _parent_of(traceparent), "server", {"rpc.system.name": "grpc"}) as span:
            yield span

    @contextmanager
    def continued(self, name: str, traceparent: str, kind: Kind, attributes: Attributes) -> Iterator["RecordedSpan"]:
        """A span of work that follows from a sampled call."""
        with _recorded(self._tracer, name, _parent_of(traceparent), kind, attributes) as span:
            yield span

    def close(self) -> None:
        """Sends the remaining spans. Blocks for up to _EXPORT_TIMEOUT if the collector does not answer."""
        self._provider.shutdown()


@dataclass(frozen=True, slots=True)
class RecordedSpan:
    """A span of OpenTelemetry as `spans.Span`."""

    tracer: Tracer
    span: Span

    @property
    def trace_id(self) -> str:
        return f"{self.span.get_span_context().trace_id:032x}"

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span.get_span_context().span_id:016x}-01"

    @contextmanager
    def child(self, name: str, kind: Kind, attributes: Attributes) -> Iterator["RecordedSpan"]:
        with _recorded(self.tracer, name, set_span_in_context(self.span), kind, attributes) as span:
            yield span

    @contextmanager
    def batch(self, others: Sequence["RecordedSpan"], name: str, attributes: Attributes) -> Iterator["RecordedSpan"]:
        calls = [self.span, *(other.span for other in others)]
        links = [Link(call.get_span_context()) for call in calls]
        with _recorded(self.tracer, name, Context(), "internal", attributes, links=links) as batch:
            for call in calls:
                call.add_link(batch.span.get_span_context())
            yield batch

    def note(self, name: str, attributes: Attributes) -> None:
        self.span.add_event(name, attributes)

    def set_outcome(self, code: str, reason: str) -> None:
        self.span.set_attribute("rpc.response.status_code", code)
        if reason:
            self.span.set_attribute("error.type", reason)
        if code in _FAILURES:
            self.span.set_status(StatusCode.ERROR)


@contextmanager
def _recorded(
    tracer: Tracer, name: str, parent: Context, kind: Kind, attributes: Attributes, *, links: Sequence[Link] = ()
) -> Iterator[RecordedSpan]:
    span = tracer.start_span(name, parent, _KINDS[kind], attributes, links)
    try:
        yield RecordedSpan(tracer, span)
    except BaseException as error:
        span.set_attribute("error.type", type(error).__name__)
        span.set_status(StatusCode.ERROR)
        raise
    finally:
        span.end()


def _parent_of(traceparent: str) -> Context:
    """The context with the caller's span; an empty one if there is none."""
    if not traceparent:
        return Context()
    _, trace_id, span_id, flags = (int(part, 16) for part in traceparent.split("-"))
    return set_span_in_context(NonRecordingSpan(SpanContext(trace_id, span_id, True, TraceFlags(flags))), Context())


def _resource() -> Resource:
    return Resource.create(
        {
            "service.name": "orders",
            "service.version": version("order-service"),
            "service.instance.id": str(uuid4()),
        }
    )
