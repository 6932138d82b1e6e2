"""Who calls."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a caller is to an order."""

    CUSTOMER = "customer"
    FULFILMENT = "fulfilment"
    PAYMENT = "payment"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal: the name that the audit log keeps, and what it may do."""

    # The actor that the audit log keeps: "key:…", "user:…", "certificate:…".
    subject: str
    roles: frozenset[Role]
    # What it may call, such as "orders.read".
    scopes: frozenset[str] = frozenset()
    customer_id: str = ""


ANONYMOUS = Caller(subject="anonymous", roles=frozenset(Role))
