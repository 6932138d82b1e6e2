"""Turns a refusal into a `google.rpc.Status`: one table of codes, and the details that go with them."""

from collections.abc import Iterator, Sequence

from google.protobuf.any_pb2 import Any
from google.rpc import code_pb2
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from server.domain.base.errors import Refusal, Violation

DOMAIN = "orders.v1"

# A status travels in the trailers, of which clients accept 8 KiB: the message twice, each byte as up to three, and everything
# again in base 64. Details that do not fit are counted, not listed. All sizes are in bytes of UTF-8.
_MAX_MESSAGE = 500
_MAX_TEXT = 300
_MAX_VIOLATIONS = 2500

CODES = {
    "INVALID_ORDER_DATA": code_pb2.INVALID_ARGUMENT,
    "INSUFFICIENT_STOCK": code_pb2.FAILED_PRECONDITION,
    "INVALID_COUPON": code_pb2.FAILED_PRECONDITION,
    "PAYMENT_FAILED": code_pb2.FAILED_PRECONDITION,
    "PRODUCT_NOT_FOUND": code_pb2.FAILED_PRECONDITION,
    "INSUFFICIENT_POINTS": code_pb2.FAILED_PRECONDITION,
    "ORDER_NOT_CANCELLABLE": code_pb2.FAILED_PRECONDITION,
    "INVALID_TRANSITION": code_pb2.FAILED_PRECONDITION,
    "DELIVERY_NOT_AVAILABLE": code_pb2.FAILED_PRECONDITION,
    "ORDER_ALREADY_CANCELLED": code_pb2.FAILED_PRECONDITION,
    "ORDER_ACCESS_DENIED": code_pb2.PERMISSION_DENIED,
    "SCOPE_MISSING": code_pb2.PERMISSION_DENIED,
    "UNAUTHENTICATED": code_pb2.UNAUTHENTICATED,
    "ORDER_NOT_FOUND": code_pb2.NOT_FOUND,
    "CART_NOT_FOUND": code_pb2.NOT_FOUND,
    "ETAG_MISMATCH": code_pb2.ABORTED,
    "IDEMPOTENCY_IN_PROGRESS": code_pb2.ABORTED,
    "IDEMPOTENCY_KEY_REUSED": code_pb2.INVALID_ARGUMENT,
    "RESUME_TOKEN_INVALID": code_pb2.INVALID_ARGUMENT,
    "RATE_LIMITED": code_pb2.RESOURCE_EXHAUSTED,
    "OVERLOADED": code_pb2.RESOURCE_EXHAUSTED,
    "DEPENDENCY_UNAVAILABLE": code_pb2.UNAVAILABLE,
    "INTERNAL": code_pb2.INTERNAL,
    "DEADLINE_EXCEEDED": code_pb2.DEADLINE_EXCEEDED,
    "METHOD_NOT_FOUND": code_pb2.UNIMPLEMENTED,
    "PRICE_CHANGED": code_pb2.FAILED_PRECONDITION,
    "CART_ITEM_NOT_FOUND": code_pb2.NOT_FOUND,
    "CUSTOMER_NOT_FOUND": code_pb2.NOT_FOUND,
    "ADDRESS_NOT_FOUND": code_pb2.NOT_FOUND,
    "PAYMENT_METHOD_NOT_FOUND": code_pb2.NOT_FOUND,
    "COUPON_NOT_FOUND": code_pb2.NOT_FOUND,
    "DELIVERY_ZONE_NOT_FOUND": code_pb2.NOT_FOUND,
    "INVOICE_NOT_FOUND": code_pb2.NOT_FOUND,
    "REFUND_EXCEEDS_PAYMENT": code_pb2.FAILED_PRECONDITION,
    "ROLE_MISSING": code_pb2.PERMISSION_DENIED,
    "CUSTOMER_ACCESS_DENIED": code_pb2.PERMISSION_DENIED,
    "API_KEY_NOT_FOUND": code_pb2.NOT_FOUND,
    "API_KEY_REVOKED": code_pb2.FAILED_PRECONDITION,
    "CERTIFICATE_NAME_TAKEN": code_pb2.FAILED_PRECONDITION,
}


def code_of(error: Refusal) -> int:
    """The number of the error's gRPC code."""
    return int(code_pb2.NOT_FOUND if error.asked_for else CODES[error.reason])


def status_of(error: Refusal, *, retry_milliseconds: int | None = None) -> Status:
    """The status of a refusal: one ErrorInfo, the fields that break a rule, and the delay before a retry if one helps.

    `retry_milliseconds` replaces the error's own delay.
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


def _add(status: Status, detail: ErrorInfo | BadRequest | RetryInfo) -> None:
    packed = Any()
    packed.Pack(detail)
    status.details.append(packed)
