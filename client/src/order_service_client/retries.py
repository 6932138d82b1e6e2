"""Retries: of reads, gRPC takes care by the service config; of writes, which have a request id, and of streams, the client does."""

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
    # Without a reason: a server that stops has not begun the call. The caller's own cancellation is another exception.
    grpc.StatusCode.CANCELLED,
}


def with_request_ids(request: Request) -> Request:
    """The request with an id, or with one in each of its items, where it takes them and has none; a copy, if any is missing."""
    if not any(_lacks_id(part) for part in _parts(request)):
        return request
    identified = type(request)()
    identified.CopyFrom(request)
    for part in _parts(identified):
        if _lacks_id(part):
            part.request_id = str(uuid.uuid4())
    return identified


def is_repeatable(request: Message) -> bool:
    """Whether a request has an id, so that repeating it does nothing more."""
    parts = _parts(request)
    return bool(parts) and all(getattr(part, "request_id", "") for part in parts)


def delay(error: OrderServiceError, attempt: int) -> float | None:
    """The seconds until the next attempt; None if a retry does not help, or `attempt` was the last."""
    if attempt >= MOST_ATTEMPTS or not _is_transient(error):
        return None
    backoff: float = min(_LONGEST, _FIRST * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0)
    return backoff if error.retry_after is None else error.retry_after + backoff / 4


def _is_transient(error: OrderServiceError) -> bool:
    if error.code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return bool(error.reason)
    return error.code in _TRANSIENT or error.reason == "IDEMPOTENCY_IN_PROGRESS"


def _parts(request: Any) -> list[Any]:
    """The request, or the requests of a batch, if they take an id."""
    fields = request.DESCRIPTOR.fields_by_name
    if "request_id" in fields and not _is_read(request):
        return [request]
    return list(request.requests) if "requests" in fields else []


def _is_read(request: Message) -> bool:
    """GetRequest asks about an id."""
    return str(request.DESCRIPTOR.name).startswith("Get")


def _lacks_id(part: Any) -> bool:
    return not part.request_id
