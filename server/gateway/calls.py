"""Calls of the gRPC server on behalf of an HTTP caller."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import grpc
from google.protobuf.message import Message

from server.gateway.bindings import Binding

# Headers that the server gets as metadata, in addition to those that begin with `x-`.
_PASSED = frozenset({"authorization", "token", "traceparent", "tracestate", "baggage"})
_NAME = re.compile(r"[a-z0-9_.-]+")
_VALUE = re.compile("[ -~]*")
_TIMEOUT = re.compile(r"(\d{1,8})([HMSmun])")
_SECONDS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
# Metadata of the transport, which are no headers, and the id, which every response of the gateway has already.
_HIDDEN = frozenset({"content-type", "user-agent", "date", "server", "x-request-id"})

Call = Any


class Calls:
    """The methods of the server, by their paths."""

    def __init__(self, channel: grpc.aio.Channel, bindings: Iterable[Binding]) -> None:
        self._methods: dict[str, Any] = {}
        for binding in bindings:
            self._methods[binding.grpc_path] = _kind(channel, binding)(
                binding.grpc_path,
                request_serializer=binding.request.SerializeToString,
                response_deserializer=binding.response.FromString,
            )

    def start(
        self,
        binding: Binding,
        requests: Sequence[Message],
        *,
        headers: Mapping[str, str],
        request_id: str,
        timeout: float | None,
    ) -> Call:
        """Starts the call with the caller's credentials and one request, or a stream of requests."""
        return self._methods[binding.grpc_path](
            iter(requests) if binding.takes_stream else requests[0],
            metadata=metadata(headers, request_id=request_id),
            timeout=timeout,
        )


def _kind(channel: grpc.aio.Channel, binding: Binding) -> Any:
    if binding.takes_stream:
        return channel.stream_stream if binding.streams else channel.stream_unary
    return channel.unary_stream if binding.streams else channel.unary_unary


def metadata(headers: Mapping[str, str], *, request_id: str) -> tuple[tuple[str, str], ...]:
    """The metadata of a call from the headers of a request, without those that gRPC does not accept."""
    passed = [
        (name, value)
        for name, value in headers.items()
        if (name in _PASSED or name.startswith("x-")) and name != "x-request-id" and is_metadata(name, value)
    ]
    return (*passed, ("x-request-id", request_id))


def is_metadata(name: str, value: str) -> bool:
    """Whether a header is valid gRPC metadata. A name that ends in `-bin` would be decoded as base64."""
    return bool(_NAME.fullmatch(name) and _VALUE.fullmatch(value)) and not name.endswith("-bin")


def timeout_of(header: str | None) -> float | None:
    """The seconds of a `grpc-timeout` header; None without one. Raises ValueError."""
    if header is None:
        return None
    found = _TIMEOUT.fullmatch(header)
    if found is None:
        raise ValueError("must be digits and a unit (H, M, S, m, u or n), such as 500m")
    return int(found[1]) * _SECONDS[found[2]]


def headers_of(*sources: Iterable[tuple[str, Any]] | None) -> list[tuple[str, str]]:
    """The response headers for a call's metadata, each value once."""
    found: dict[tuple[str, str], None] = {}
    for source in sources:
        for name, value in source or ():
            if isinstance(value, str) and not _is_hidden(name):
                found[name, value] = None
    return list(found)


def _is_hidden(name: str) -> bool:
    return name in _HIDDEN or name.startswith(("grpc-", ":")) or name.endswith("-bin")
