"""The choices that HTTP leaves open: one table of statuses. docs/http.md is generated from it."""

from collections.abc import Mapping
from types import MappingProxyType

from google.rpc import code_pb2

# By gRPC code: what `google/rpc/code.proto` maps to.
BY_CODE: Mapping[int, int] = MappingProxyType(
    {
        code_pb2.OK: 200,
        code_pb2.CANCELLED: 499,
        code_pb2.UNKNOWN: 500,
        code_pb2.INVALID_ARGUMENT: 400,
        code_pb2.DEADLINE_EXCEEDED: 504,
        code_pb2.NOT_FOUND: 404,
        code_pb2.ALREADY_EXISTS: 409,
        code_pb2.PERMISSION_DENIED: 403,
        code_pb2.RESOURCE_EXHAUSTED: 429,
        code_pb2.FAILED_PRECONDITION: 400,
        code_pb2.ABORTED: 409,
        code_pb2.OUT_OF_RANGE: 400,
        code_pb2.UNIMPLEMENTED: 501,
        code_pb2.INTERNAL: 500,
        code_pb2.UNAVAILABLE: 503,
        code_pb2.DATA_LOSS: 500,
        code_pb2.UNAUTHENTICATED: 401,
    }
)

# By reason, where HTTP has a better status than the code's: 409 for a request that the state of its resource forbids,
# 422 for one that the shop cannot fulfil.
BY_REASON: Mapping[str, int] = MappingProxyType(
    {
        "ORDER_ALREADY_CANCELLED": 409,
        "ORDER_NOT_CANCELLABLE": 409,
        "INVALID_TRANSITION": 409,
        "ORDER_ON_HOLD": 409,
        "SHIPMENT_NOT_CHANGEABLE": 409,
        "RETURN_NOT_CHANGEABLE": 409,
        "FULFILMENT_CLAIM_LOST": 409,
        "CUSTOMER_HAS_OPEN_ORDERS": 409,
        "WEBHOOK_ENDPOINT_DISABLED": 409,
        "PRICE_CHANGED": 409,
        "API_KEY_REVOKED": 409,
        "CERTIFICATE_NAME_TAKEN": 409,
        "DELIVERY_NOT_AVAILABLE": 422,
    }
)

# The gateway's own refusals: status, code, and a description.
OWN: Mapping[str, tuple[int, int, str]] = MappingProxyType(
    {
        "NO_SUCH_PATH": (404, code_pb2.UNIMPLEMENTED, "an unknown path"),
        "NO_SUCH_VERB": (405, code_pb2.UNIMPLEMENTED, "an HTTP method that the path does not have; see `Allow`"),
        "BODY_TIMEOUT": (408, code_pb2.DEADLINE_EXCEEDED, "a body that does not arrive within 30 s"),
        "BODY_TOO_LARGE": (413, code_pb2.INVALID_ARGUMENT, "a body larger than 16 MiB"),
        "BODY_ENCODED": (415, code_pb2.INVALID_ARGUMENT, "a compressed body"),
        "ORIGIN_REFUSED": (403, code_pb2.PERMISSION_DENIED, "a page of an origin that is not allowed"),
    }
)

CREATED = 201
NOT_MODIFIED = 304


def status_of(code: int, reason: str = "") -> int:
    """The HTTP status of an error."""
    return BY_REASON.get(reason) or BY_CODE.get(code, 500)
