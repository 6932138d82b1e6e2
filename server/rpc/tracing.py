"""Traces of calls: the caller's `traceparent`, and the span of a sampled call."""

import re
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Protocol

import grpc
from google.protobuf.descriptor import MethodDescriptor

from server.domain.base.trace_context import TRACEPARENT
from server.telemetry.spans import CURRENT, Span, Tracer, entered

# Version 00 of W3C Trace Context, to which later versions fall back.
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

Serve = Callable[[bytes, grpc.aio.ServicerContext], Awaitable[bytes]]


class Tracing(Tracer, Protocol):
    """The part of `telemetry/traces.py` that calls need."""

    def call(self, method: str, traceparent: str) -> AbstractContextManager[Span]: ...


def traced(serve: Serve, method: MethodDescriptor, tracing: Tracing) -> Serve:
    """Wraps a handler: a sampled call gets a span, and its commands get its context, or the caller's if it is not sampled."""
    name = f"{method.containing_service.full_name}/{method.name}"

    async def serve_traced(data: bytes, context: grpc.aio.ServicerContext) -> bytes:
        traceparent = _traceparent_of(context)
        if not tracing.is_sampled(traceparent):
            # Each call is a task with a separate context.
            if traceparent:
                TRACEPARENT.set(traceparent)
            return await serve(data, context)
        with entered(tracing.call(name, traceparent)):
            span = CURRENT.get()
            assert span is not None
            TRACEPARENT.set(span.traceparent)
            return await serve(data, context)

    return serve_traced


def _traceparent_of(context: grpc.aio.ServicerContext) -> str:
    """The caller's `traceparent`; '' if there is none, or it is invalid or sent more than once."""
    sent = [str(value) for name, value in context.invocation_metadata() or () if name == "traceparent"]
    return sent[0] if len(sent) == 1 and _TRACEPARENT.fullmatch(sent[0]) else ""
