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

    subject: str
    roles: frozenset[Role]


ANONYMOUS = Caller(subject="anonymous", roles=frozenset(Role))
