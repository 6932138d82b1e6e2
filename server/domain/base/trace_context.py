"""The W3C trace context of the running call: a `traceparent`, or '' if the caller sent none and the call is not sampled."""

from contextvars import ContextVar

# Set by what receives the call; the commands that it makes take theirs from here.
TRACEPARENT: ContextVar[str] = ContextVar("traceparent", default="")
