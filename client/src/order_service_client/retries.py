"""Retries of writes, which have a request id, and of streams. gRPC retries reads by the service config."""

import random
import uuid
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message
from order_service_client.errors import OrderServiceError

Request = TypeVar("Request", bound=Message)

MOST_ATTEMPTS = 8
_FIRST, _LONGEST = 0.1, 10.0
_TRANSIENT = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    # Without a reason: a stopping server has not started the call. The caller's own cancellation is another exception.
    grpc.StatusCode.CANCELLED,
}


def with_request_ids(request: Request) -> Request:
    """The request, or a copy with the missing request ids of the request and its items."""
    if not any(_lacks_id(part) for part in _parts(request)):
        return request
    identified = type(request)()
    identified.CopyFrom(request)
    for part in _parts(identified):
        if _lacks_id(part):
            part.request_id = str(uuid.uuid4())
    return identified


def is_repeatable(request: Message) -> bool:
    """Whether a request has an id, so that it is safe to repeat."""
    parts = _parts(request)
    return bool(parts) and all(getattr(part, "request_id", "") for part in parts)


def delay(error: OrderServiceError, attempt: int) -> float | None:
    """The seconds until the next attempt; None if the error is not retryable, or `attempt` was the last."""
    if attempt >= MOST_ATTEMPTS or not _is_transient(error):
        return None
    backoff: float = min(_LONGEST, _FIRST * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0)
    return backoff if error.retry_after is None else error.retry_after + backoff / 4


def _is_transient(error: OrderServiceError) -> bool:
    if error.code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return bool(error.reason)
    return error.code in _TRANSIENT or error.reason == "IDEMPOTENCY_IN_PROGRESS"


def _parts(request: Any) -> list[Any]:
    """The request, or the requests of a batch, if they have a request id field."""
    fields = request.DESCRIPTOR.fields_by_name
    if "request_id" in fields and not _is_read(request):
        return [request]
    return list(request.requests) if "requests" in fields else []


def _is_read(request: Message) -> bool:
    """Whether the request is GetRequest, whose id is not its own."""
    return str(request.DESCRIPTOR.name).startswith("Get")


def _lacks_id(part: Any) -> bool:
    return not part.request_id
