"""Turns a refusal into a `google.rpc.Status`: its code and details."""

from collections.abc import Iterator, Sequence

from google.protobuf.any_pb2 import Any
from google.protobuf.descriptor import EnumValueDescriptor
from google.rpc import code_pb2
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, Help, RetryInfo
from google.rpc.status_pb2 import Status
from orders.v1.error_reason_pb2 import ErrorReason, code

from server.domain.base.errors import Refusal, Violation
from server.domain.base.help_links import help_of

DOMAIN = "orders.v1"

# A status travels in the trailers, of which clients accept 8 KiB: the message twice, each byte as up to three, and everything
# again in base 64. Details that do not fit are counted, not listed. All sizes are in bytes of UTF-8.
_MAX_MESSAGE = 500
_MAX_TEXT = 300
_MAX_VIOLATIONS = 2500


def _code_of(reason: EnumValueDescriptor) -> int:
    return int(reason.GetOptions().Extensions[code])  # type: ignore[index]


# The gRPC code of each reason.
CODES = {reason.number: _code_of(reason) for reason in ErrorReason.DESCRIPTOR.values}


def code_of(error: Refusal) -> int:
    """The number of the error's gRPC code."""
    return int(code_pb2.NOT_FOUND if error.requested else CODES[error.error_reason])


def status_of(error: Refusal, *, docs: str, retry_milliseconds: int | None = None) -> Status:
    """The status of a refusal: one ErrorInfo, the fields that break a rule, the delay before a retry if one helps, and links.

    `docs` is the address of the page about errors; `retry_milliseconds` replaces the error's own delay.
    """
    status = Status(code=code_of(error), message=cut(error.message, _MAX_MESSAGE))
    metadata = {key: cut(value, _MAX_TEXT) for key, value in error.metadata.items()}
    _add(status, ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata))
    if error.violations:
        _add(status, BadRequest(field_violations=_fitting(error.violations)))
    if retry_milliseconds is None and error.retry_after is not None:
        retry_milliseconds = int(error.retry_after * 1000)
    if retry_milliseconds is not None:
        retry = RetryInfo()
        retry.retry_delay.FromMilliseconds(retry_milliseconds)
        _add(status, retry)
    _add(status, help_of(error, docs=docs))
    return status


def _fitting(violations: Sequence[Violation]) -> Iterator[BadRequest.FieldViolation]:
    room = _MAX_VIOLATIONS
    for index, (field, description) in enumerate(violations):
        shown = BadRequest.FieldViolation(field=cut(field, _MAX_TEXT), description=cut(description, _MAX_TEXT))
        room -= shown.ByteSize()
        if room < 0:
            yield BadRequest.FieldViolation(description=f"and {len(violations) - index} more")
            return
        yield shown


def cut(text: str, size: int) -> str:
    """The beginning of a text, in at most `size` bytes."""
    return text.encode()[:size].decode(errors="ignore")


def _add(status: Status, detail: ErrorInfo | BadRequest | RetryInfo | Help) -> None:
    packed = Any()
    packed.Pack(detail)
    status.details.append(packed)
