"""The W3C trace context of the running call: a `traceparent`, or '' if the caller sent none and the call is not sampled."""

from contextvars import ContextVar

# Set by the receiver of the call, and read by its commands.
TRACEPARENT: ContextVar[str] = ContextVar("traceparent", default="")
