"""Turns a refusal into a `google.rpc.Status`: one table of codes, and the details that go with them."""

from google.protobuf.any_pb2 import Any
from google.rpc import code_pb2
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from server.domain.errors import OrderError

DOMAIN = "orders.v1"

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
}


def status_of(error: OrderError) -> Status:
    """The status: exactly one ErrorInfo, the fields if some are to blame, and when to come back if that helps."""
    code = code_pb2.NOT_FOUND if error.asked_for else CODES[error.reason]
    status = Status(code=code, message=error.message)
    _add(status, ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata))
    if error.violations:
        violations = [
            BadRequest.FieldViolation(field=violation.field, description=violation.description)
            for violation in error.violations
        ]
        _add(status, BadRequest(field_violations=violations))
    if error.retry_after is not None:
        retry = RetryInfo()
        retry.retry_delay.FromMilliseconds(int(error.retry_after * 1000))
        _add(status, retry)
    return status


def _add(status: Status, detail: ErrorInfo | BadRequest | RetryInfo) -> None:
    packed = Any()
    packed.Pack(detail)
    status.details.append(packed)
