"""The steps around every handler: admit, decode, check, run, encode. Every failure becomes a refusal with details.

This wrapper is built once per method, and is not a chain of `grpc.aio` interceptors: it sees the raw bytes, so it also refuses
requests that cannot be decoded, it serves unary and streaming methods, and it adds no cost per call.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import code_pb2
from orders.v1.error_reason_pb2 import (
    ERROR_REASON_DEADLINE_EXCEEDED,
    ERROR_REASON_METHOD_NOT_FOUND,
)
from orders.v1.write_effects_pb2 import WriteEffects

from server.domain.base.caller import NOBODY, Caller, Role
from server.domain.base.error_codes import code_of
from server.domain.base.errors import Refusal, invalid_field
from server.domain.base.sizes import MAX_ANSWER, readable
from server.rpc.access import MethodAccess
from server.rpc.call_log import log_call
from server.rpc.call_metadata import EXPLAIN, REQUEST_ID, CallMetadata, metadata_of, request_id_trailer
from server.rpc.effects_text import effects_text
from server.rpc.errors import Refuser, failure
from server.rpc.gate import Gate
from server.rpc.refused_calls import RefusedCall
from server.rpc.request_reader import RequestReader
from server.rpc.slow_calls import SlowCalls
from server.rpc.tracing import Tracing, traced
from server.storage.references import Reference
from server.tasks import contain
from server.telemetry.log import CALL, CallFields
from server.telemetry.metrics import MethodMetrics, Metrics
from server.telemetry.spans import CURRENT
from server.telemetry.timings import TIMINGS, Timing

# Trailers have a limited size, and a batch of writes may take part in many batches.
_MOST_TIMINGS = 10

Context: TypeAlias = grpc.aio.ServicerContext


class Call(Protocol):
    """A handler's view of its call."""

    caller: Caller
    # Collects the effects of a dry write; None unless its caller requests them.
    effects: WriteEffects | None

    def reference(self, order_id: str) -> Reference: ...
    def time_remaining(self) -> float: ...
    async def check_caller(self) -> None: ...
    async def write(self, message: bytes) -> None: ...
    async def mark_replayed(self, details: Mapping[str, str]) -> None: ...


class _CallerGone(asyncio.CancelledError):
    """The caller has disconnected. The library reports this before it cancels the handler."""


@dataclass(slots=True)
class _Call:
    context: Context
    metadata: CallMetadata
    gate: Gate
    access: MethodAccess
    metrics: MethodMetrics
    refuser: Refuser
    # The start of the call and its latest end, by `time.monotonic`.
    began: float
    until: float
    slow_calls: SlowCalls
    # NOBODY until the gate has identified the caller.
    caller: Caller = NOBODY
    # Whether the request can be repeated safely, regardless of its outcome.
    repeatable: bool = True
    effects: WriteEffects | None = None
    # Trailers about the first answer or the effects of a dry write.
    told: tuple[tuple[str, str], ...] = ()
    # The batches and statements that carried the call, and whether its caller sees them.
    timings: list[Timing] = field(default_factory=list)
    shows_timings: bool = False
    request: Any = None

    def reference(self, order_id: str) -> Reference:
        """A reference to an order by id or number, confined to the caller's access."""
        return Reference(order_id, self.caller.confined_to)

    def time_remaining(self) -> float:
        """Seconds until the deadline: the caller's, or the server's if that is sooner."""
        remaining = self.until - time.monotonic()
        given = self.context.time_remaining()
        return remaining if given is None else min(remaining, float(given))

    async def write(self, message: bytes) -> None:
        """Sends a message of the stream. Waits while the caller reads slowly; raises _CallerGone if it has disconnected."""
        try:
            await self.context.write(message)
        except grpc.aio.InternalError as error:
            raise _CallerGone from error

    async def admit(self) -> None:
        """Identifies the caller. The gate refuses callers without access."""
        self.caller = await self.gate.admit(self.context, self.access)
        self.shows_timings = self.metadata.debug and Role.ADMIN in self.caller.roles
        CALL.set(CallFields(self.access.method, self.caller.subject, self.metadata.request_id))

    async def check_caller(self) -> None:
        """Refuses a caller whose access has ended since the call began, for example because their key was revoked."""
        self.access.admit(await self.gate.identify(self.context))

    async def refuse(self, error: Refusal) -> bytes:
        """Ends the call with an error; returns the handler's return value."""
        self.end(code_pb2.Code.Name(code_of(error)), error)
        retriable = self.repeatable or code_of(error) != code_pb2.UNAVAILABLE
        return await self.refuser.refuse(self.context, error, retriable=retriable, trailers=self._trailers())

    def succeed(self) -> None:
        """Ends the call without an error."""
        self.end()
        self.context.set_trailing_metadata(self._trailers())

    def _trailers(self) -> tuple[tuple[str, str], ...]:
        timings = [("server-timing", each.text) for each in self.timings[:_MOST_TIMINGS]] if self.shows_timings else []
        return ((REQUEST_ID, self.metadata.request_id), *self.told, *timings)

    def end_without_caller(self) -> None:
        """Counts a call whose caller has disconnected, at its deadline or before."""
        left = self.context.time_remaining()
        # Callers disconnect at their deadline by their own clocks, shortly before the server's deadline.
        late = left is not None and left < 0.01 + 0.02 * (left + time.monotonic() - self.began)
        self.end("DEADLINE_EXCEEDED" if late else "CANCELLED")

    def end(self, code: str = "OK", error: Refusal | None = None) -> None:
        """Counts and logs the end of the call."""
        seconds, reason = time.monotonic() - self.began, "" if error is None else error.reason
        self.metrics.count(code=code, seconds=seconds, reason=reason)
        if (span := CURRENT.get()) is not None:
            span.set_outcome(code, reason)
        log_call(
            method=self.access.method,
            caller=self.caller.subject,
            code=code,
            seconds=seconds,
            request_id=self.metadata.request_id,
            error=error,
        )
        if error is not None:
            call = RefusedCall(self.access.method, self.caller, self.context.peer(), self.metadata.request_id, error)
            self.refuser.refusals.note(call)
        if seconds >= self.slow_calls.seconds:
            self.slow_calls.note(
                seconds,
                self.timings,
                self.request,
                streams=self.access.streams,
                method=self.access.method,
                caller=self.caller.subject,
                request_id=self.metadata.request_id,
            )

    async def mark_replayed(self, details: Mapping[str, str]) -> None:
        """Marks the answer as that of an earlier request."""
        await self._tell(("idempotency-replayed", "true"), *details.items())

    async def explain(self, handler: "Handler", request: Any) -> Message | bytes | None:
        """The answer to a dry write, with its effects."""
        self.effects = WriteEffects()
        message = await handler(request, self)
        await self._tell((EXPLAIN, effects_text(self.effects)))
        return message

    async def _tell(self, *told: tuple[str, str]) -> None:
        """Adds trailers. Sends them as headers too: HTTP callers see no trailers."""
        self.told = told
        try:
            await self.context.send_initial_metadata(told)
        except grpc.aio.InternalError as error:
            raise _CallerGone from error


Handler = Callable[[Any, Call], Awaitable[Message | bytes | None]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of a call: request size in bytes, and durations of unary calls and streams in seconds."""

    request_bytes: int
    seconds: float
    stream_seconds: float
    slow_calls: SlowCalls = field(default_factory=SlowCalls)


def service_handler(
    service: ServiceDescriptor,
    handlers: Mapping[str, Handler],
    *,
    gate: Gate,
    bounds: Bounds,
    metrics: Metrics,
    refuser: Refuser,
    tracing: Tracing | None = None,
) -> grpc.GenericRpcHandler:
    """The gRPC handlers of a service; `handlers` has one for each of its methods, by name."""
    return grpc.method_handlers_generic_handler(
        service.full_name,
        {
            method.name: _method_handler(
                method,
                handlers[method.name],
                gate=gate,
                bounds=bounds,
                metrics=metrics.of(method),
                refuser=refuser,
                tracing=tracing,
            )
            for method in service.methods
        },
    )


def _method_handler(
    method: MethodDescriptor,
    handler: Handler,
    *,
    gate: Gate,
    bounds: Bounds,
    metrics: MethodMetrics,
    refuser: Refuser,
    tracing: Tracing | None,
) -> grpc.RpcMethodHandler:
    response_type = GetMessageClass(method.output_type)
    access = MethodAccess(method)
    reader = RequestReader(method, access=access, gate=gate, max_bytes=bounds.request_bytes)
    seconds = bounds.stream_seconds if method.server_streaming else bounds.seconds

    async def answer(data: Any, call: _Call) -> bytes:
        await call.admit()
        request = _decoded(data, reader, call) if method.client_streaming else await reader.read(data, call.caller)
        call.request = request
        is_dry = getattr(request, "validate_only", False)
        call.repeatable = is_dry or bool(getattr(request, "request_id", access.method_class != "write"))
        explains = is_dry and call.metadata.explain
        message = await (call.explain(handler, request) if explains else handler(request, call))
        # The messages of a stream have already been sent.
        return None if message is None else _encoded(response_type, message)  # type: ignore[return-value]

    async def serve(data: Any, context: Context) -> bytes:
        now = time.monotonic()
        call = _Call(
            context, metadata_of(context), gate, access, metrics, refuser, now, now + seconds, bounds.slow_calls
        )
        TIMINGS.set(call.timings)
        try:
            gate.in_flight.enter(until=call.until)
            body = await answer(data, call)
        except BaseException as error:
            if _has_no_caller(error, call):
                call.end_without_caller()
                raise
            # Not bound to a name: an error that holds this frame would form a cycle.
            return await call.refuse(_refusal_of(error, call, seconds))
        else:
            call.succeed()
            return body
        finally:
            gate.in_flight.leave()

    kind = _KINDS[method.client_streaming, method.server_streaming]
    return kind(serve if tracing is None else traced(serve, method, tracing))


# By whether the caller, and the server, sends a stream.
_KINDS: dict[tuple[bool, bool], Callable[..., grpc.RpcMethodHandler]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


async def _decoded(messages: AsyncIterator[bytes], reader: RequestReader, call: _Call) -> AsyncIterator[Message]:
    """The messages of a caller's stream."""
    async for data in messages:
        yield await reader.read(data, call.caller)


def _has_no_caller(error: BaseException, call: _Call) -> bool:
    """Whether a call failed because its caller has disconnected."""
    if isinstance(error, asyncio.CancelledError) and not call.gate.in_flight.has_ended():
        return isinstance(error, _CallerGone) or _is_cancelled()
    return False


def _refusal_of(error: BaseException, call: _Call, seconds: float) -> Refusal:
    """The refusal of a call that failed."""
    if isinstance(error, asyncio.CancelledError) and call.gate.in_flight.has_ended():
        return _out_of_time(seconds, access=call.access)
    # Any exception, because an escaping one would leave the caller without a status.
    error = contain(error)
    if isinstance(error, Refusal):
        return error
    return failure(error, method=call.access.method, request_id=call.metadata.request_id)


def _is_cancelled() -> bool:
    """Whether the running task was cancelled, because the caller disconnected or the grace period ended."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _encoded(kind: type[Message], message: Message | bytes) -> bytes:
    """The serialized answer. Refuses one that is too large for clients."""
    body = readable(kind, message if isinstance(message, bytes) else message.SerializeToString())
    if len(body) > MAX_ANSWER:
        text = f"the answer has {len(body):,} bytes, and the limit is {MAX_ANSWER:,}; request less data per call"
        raise invalid_field("", text)
    return body


def _out_of_time(seconds: float, *, access: MethodAccess) -> Refusal:
    text = f"the call took longer than the {seconds:g} seconds that the server allows; "
    if access.writes:
        text += "it may have been done: retry it with the same request_id, or call GetRequest"
    else:
        text += "request less data per call"
    return Refusal(ERROR_REASON_DEADLINE_EXCEEDED, text)


class UnknownMethods(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Refuses unknown methods with details. Must be the last handler."""

    def __init__(self, refuser: Refuser) -> None:
        self._refuser = refuser

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        method = details.method

        async def serve(_: bytes, context: Context) -> bytes:
            text = f"there is no method {method}"
            error = Refusal(ERROR_REASON_METHOD_NOT_FOUND, text, metadata={"method": method})
            request_id = metadata_of(context).request_id
            self._refuser.refusals.note(RefusedCall("", NOBODY, context.peer(), request_id, error))
            return await self._refuser.refuse(context, error, trailers=request_id_trailer(context))

        return grpc.unary_unary_rpc_method_handler(serve)
