"""The exception that every rule raises to refuse a request."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from orders.v1.error_reason_pb2 import (
    ERROR_REASON_INVALID_ORDER_DATA,
    ERROR_REASON_ORDER_NOT_FOUND,
    ERROR_REASON_UNAUTHENTICATED,
    ErrorReason,
)

# The most violations that an error reports: a status has no room for more.
MAX_VIOLATIONS = 30


class Violation(NamedTuple):
    """A broken rule on one field of a request."""

    field: str
    description: str


class Refusal(Exception):
    """A refusal: its reason, a sentence for people, and what programs need to react."""

    def __init__(
        self,
        reason: ErrorReason,
        message: str,
        *,
        metadata: Mapping[str, str] | None = None,
        violations: Iterable[Violation] = (),
        retry_after: float | None = None,
        requested: bool = False,
    ) -> None:
        """`retry_after` is in seconds.

        `requested` is set if the missing resource is the one that the call requests, not one that it refers to.
        """
        super().__init__(message)
        self.error_reason = reason
        self.message = message
        self.metadata = dict(metadata or {})
        self.violations = list(violations)
        self.retry_after = retry_after
        self.requested = requested
        # The API key that was presented, if it is none of the caller's: only the log shows it.
        self.key_id = ""

    @property
    def reason(self) -> str:
        """The reason's name as `ErrorInfo` has it: `ORDER_NOT_FOUND`."""
        return str(ErrorReason.Name(self.error_reason)).removeprefix("ERROR_REASON_")


def invalid(*violations: Violation) -> Refusal:
    """The request breaks a rule; each violation names its field."""
    text = "; ".join(": ".join(filter(None, violation)) for violation in violations[:3])
    if len(violations) > 3:
        least = "at least " if len(violations) > MAX_VIOLATIONS else ""
        text += f"; and {least}{len(violations) - 3} more"
    return Refusal(ERROR_REASON_INVALID_ORDER_DATA, text, violations=violations[:MAX_VIOLATIONS])


def invalid_field(field: str, description: str) -> Refusal:
    """The request breaks a rule on one field."""
    return invalid(Violation(field, description))


def within(error: Refusal, path: str) -> Refusal:
    """The same error, with the path of an item of a batch before its fields."""
    error.violations = [Violation(f"{path}.{field}", description) for field, description in error.violations]
    return error


def order_not_found(order_id: str) -> Refusal:
    return Refusal(ERROR_REASON_ORDER_NOT_FOUND, f"there is no order {order_id!r}", metadata={"order_id": order_id})


def unauthenticated(cause: str, text: str) -> Refusal:
    """A refusal of an unknown caller. `text` is sent to the caller, and must not repeat data of the request."""
    return Refusal(ERROR_REASON_UNAUTHENTICATED, text, metadata={"cause": cause})
