"""Errors over HTTP: `google.rpc.Status` as JSON, or `application/problem+json` for callers that ask for it."""

import math
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import grpc
import orjson
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2
from google.rpc.status_pb2 import Status

from server.gateway.json_writer import to_json
from server.gateway.statuses import OWN, status_of

DOMAIN = "orders.v1"
PROBLEM = "application/problem+json"
JSON = "application/json"

Headers = list[tuple[str, str]]


class HttpError(Exception):
    """Ends a request with a status and an error."""

    def __init__(self, http_status: int, status: Status, headers: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(status.message)
        self.http_status = http_status
        self.status = status
        self.headers = [*headers, *_retry_after(status)]


def refused_by_gateway(kind: str, message: str, *, headers: Sequence[tuple[str, str]] = ()) -> HttpError:
    """A refusal of the gateway itself, by its name in the table."""
    http_status, code, _ = OWN[kind]
    return HttpError(http_status, Status(code=code, message=message), headers)


def invalid(problems: Sequence[tuple[str, str]], message: str = "") -> HttpError:
    """A refusal like the server's own for invalid fields."""
    status = Status(code=code_pb2.INVALID_ARGUMENT, message=message or _in_words(problems))
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="INVALID_ORDER_DATA", domain=DOMAIN))
    if problems:
        bad = error_details_pb2.BadRequest()
        for field, description in problems:
            bad.field_violations.add(field=field, description=description)
        status.details.add().Pack(bad)
    return HttpError(400, status)


def of_call(error: grpc.aio.AioRpcError) -> HttpError:
    """The error of a call, with the trailers that a client may need."""
    trailers = list(error.trailing_metadata() or ())
    packed: Any = next((value for name, value in trailers if name == "grpc-status-details-bin"), None)
    code = error.code().value[0]
    status = Status.FromString(packed) if packed else Status(code=code, message=error.details() or error.code().name)
    return HttpError(status_of(code, reason_of(status)), status)


def reason_of(status: Status) -> str:
    info = detail(status, error_details_pb2.ErrorInfo)
    return info.reason if info else ""


def detail(status: Status, kind: type[Message]) -> Any:
    """The first detail of a type; None if there is none."""
    found = kind()
    return next((found for each in status.details if each.Unpack(found)), None)


def body_of(error: HttpError, *, as_problem: bool) -> tuple[bytes, str]:
    """The body of an error response and its media type."""
    if as_problem:
        return orjson.dumps(problem(error)), PROBLEM
    return orjson.dumps(to_json(error.status)), JSON


def problem(error: HttpError) -> dict[str, Any]:
    """The error as RFC 9457 has it."""
    status, reason = error.status, reason_of(error.status)
    info = detail(status, error_details_pb2.ErrorInfo)
    bad = detail(status, error_details_pb2.BadRequest)
    found: dict[str, Any] = {
        "type": f"urn:{DOMAIN}:{reason}" if reason else "about:blank",
        "title": reason.replace("_", " ").capitalize() if reason else HTTPStatus(error.http_status).phrase,
        "status": error.http_status,
        "detail": status.message,
        "code": code_pb2.Code.Name(status.code),
    }
    if info:
        found |= {"reason": reason, "metadata": dict(info.metadata)}
    if bad:
        found["errors"] = [{"field": each.field, "detail": each.description} for each in bad.field_violations]
    return found


def _retry_after(status: Status) -> Headers:
    info = detail(status, error_details_pb2.RetryInfo)
    if info is None:
        return []
    return [("retry-after", str(math.ceil(info.retry_delay.ToTimedelta().total_seconds())))]


def _in_words(problems: Sequence[tuple[str, str]]) -> str:
    shown = "; ".join(f"{field}: {description}" for field, description in problems[:5])
    return shown + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
