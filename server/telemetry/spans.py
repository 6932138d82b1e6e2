"""Spans of sampled calls. A call that is not sampled has none, nor has any call of a server without traces.

Code opens spans without access to a tracer: `with child_span("decide"): …`.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Literal, Protocol, Self, TypeGuard

Kind = Literal["internal", "client", "server", "producer"]
Attributes = dict[str, str | int]


class Span(Protocol):
    """A span that is being recorded. Used in `with`, it ends with the block, as failed if the block raises."""

    @property
    def trace_id(self) -> str: ...

    @property
    def traceparent(self) -> str: ...

    def child(self, name: str, kind: Kind, attributes: Attributes) -> AbstractContextManager[Self]: ...

    def batch(self, others: Sequence[Self], name: str, attributes: Attributes) -> AbstractContextManager[Self]:
        """The span of a batch, in a separate trace. It and the spans of its calls link to each other."""
        ...

    def note(self, name: str, attributes: Attributes) -> None:
        """Adds an event."""
        ...

    def set_outcome(self, code: str, reason: str) -> None:
        """Sets the status code of a call, and the reason of its refusal or ''."""
        ...


class Tracer(Protocol):
    """Continues the traces of calls in later work: `telemetry/traces.py`."""

    def is_sampled(self, traceparent: str) -> bool: ...
    def continued(
        self, name: str, traceparent: str, kind: Kind, attributes: Attributes
    ) -> AbstractContextManager[Span]: ...


# The current span; None if it is not sampled.
CURRENT: ContextVar[Span | None] = ContextVar("span", default=None)

_NOT_SAMPLED: AbstractContextManager[None] = nullcontext()


def child_span(name: str, *, kind: Kind = "internal", **attributes: str | int) -> AbstractContextManager[None]:
    """A span of a part of the current one; it is the current one within."""
    span = CURRENT.get()
    return _NOT_SAMPLED if span is None else entered(span.child(name, kind, attributes))


def continued_span(
    tracer: Tracer | None, name: str, traceparent: str, attributes: Attributes
) -> AbstractContextManager[None]:
    """A span of a later outbound request, in the trace of `traceparent`; the current span within."""
    if not _samples(tracer, traceparent):
        return _NOT_SAMPLED
    return entered(tracer.continued(name, traceparent, "client", attributes))


def producer_span(
    tracer: Tracer | None, name: str, traceparent: str, attributes: Attributes
) -> AbstractContextManager[Span | None]:
    """A span of one of several messages that are sent together. It does not become the current span."""
    if not _samples(tracer, traceparent):
        return _NOT_SAMPLED
    return tracer.continued(name, traceparent, "producer", attributes)


def _samples(tracer: Tracer | None, traceparent: str) -> TypeGuard[Tracer]:
    return tracer is not None and bool(traceparent) and tracer.is_sampled(traceparent)


def batch_span(spans: Sequence[Span], name: str, *, size: int) -> AbstractContextManager[None]:
    """The span of a batch that carries these sampled calls among others; the current one within."""
    if not spans:
        return _NOT_SAMPLED
    return entered(spans[0].batch(spans[1:], name, {"orders.batch.size": size}))


@contextmanager
def entered(span: AbstractContextManager[Span]) -> Iterator[None]:
    """Begins a span; it is the current one within."""
    with span as current:
        token = CURRENT.set(current)
        try:
            yield
        finally:
            CURRENT.reset(token)


def note(name: str, **attributes: str | int) -> None:
    """Adds an event to the current span."""
    if (span := CURRENT.get()) is not None:
        span.note(name, attributes)


def current_traceparent(default: str = "") -> str:
    """The traceparent of the current span, for a request."""
    span = CURRENT.get()
    return default if span is None else span.traceparent


def exemplar() -> dict[str, str] | None:
    """The exemplar labels for the current trace."""
    span = CURRENT.get()
    return None if span is None else {"trace_id": span.trace_id}
