"""The exception that a refused call raises."""

from collections.abc import Mapping
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, Help, RetryInfo
from google.rpc.status_pb2 import Status

_Detail = TypeVar("_Detail", bound=Message)


class OrderServiceError(Exception):
    """A call that failed. `reason` is a name of `ErrorReason`; '' if the call did not reach the service."""

    def __init__(self, error: grpc.RpcError) -> None:
        self.code: grpc.StatusCode = error.code()
        self.message: str = error.details() or ""
        super().__init__(f"{self.code.name}: {self.message}")
        trailers: dict[str, Any] = {name: value for name, value in error.trailing_metadata() or ()}  # noqa: C416
        # The id of the call in the server's log.
        self.request_id: str = trailers.get("x-request-id", "")
        status = Status.FromString(trailers.get("grpc-status-details-bin", b""))
        info = _detail(status, ErrorInfo)
        self.reason: str = info.reason
        self.metadata: Mapping[str, str] = dict(info.metadata)
        # The descriptions of invalid fields, by their paths in the request.
        self.fields: Mapping[str, str] = {
            each.field: each.description for each in _detail(status, BadRequest).field_violations
        }
        # Links to the documentation, and the next command, if any.
        self.links = [(link.description, link.url) for link in _detail(status, Help).links]
        # The minimum delay before a retry in seconds, as requested by the server; None if it requests none.
        retry = _detail(status, RetryInfo)
        has_delay = retry.HasField("retry_delay")
        self.retry_after: float | None = retry.retry_delay.ToTimedelta().total_seconds() if has_delay else None


def _detail(status: Status, kind: type[_Detail]) -> _Detail:
    """The detail of a type; an empty one if there is none."""
    found = kind()
    for detail in status.details:
        if detail.Unpack(found):
            break
    return found
