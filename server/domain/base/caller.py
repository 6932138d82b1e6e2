"""Who calls, and what they may see."""

from dataclasses import dataclass
from enum import StrEnum

from orders.v1 import access_pb2
from orders.v1.access_pb2 import Scope


class Role(StrEnum):
    """What a caller is to an order."""

    CUSTOMER = "customer"
    FULFILMENT = "fulfilment"
    PAYMENT = "payment"
    ADMIN = "admin"


def role_of(role: int) -> Role:
    """The role that the API means."""
    return Role(str(access_pb2.Role.Name(role)).removeprefix("ROLE_").lower())


def scope_name(scope: int) -> str:
    """The scope as credentials have it: `orders.read`."""
    return str(Scope.Name(scope)).removeprefix("SCOPE_").lower().replace("_", ".")


SCOPES = frozenset(scope_name(scope) for scope in Scope.values() if scope)

_CUSTOMER_ONLY = frozenset({Role.CUSTOMER})


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal: the name that the audit log keeps, and what it may do."""

    subject: str
    roles: frozenset[Role]
    scopes: frozenset[str] = frozenset()
    # The customer that the caller is, with Role.CUSTOMER.
    customer_id: str = ""

    def __post_init__(self) -> None:
        # Without it, a customer would be taken for somebody who sees everything.
        if self.roles == _CUSTOMER_ONLY and not self.customer_id:
            raise ValueError("a customer has a customer id")

    @property
    def confined_to(self) -> str:
        """The one customer whose orders the caller sees; empty for one who sees all."""
        return self.customer_id if self.roles == _CUSTOMER_ONLY else ""

    def roles_towards(self, customer_id: str) -> frozenset[Role]:
        """What the caller is to what belongs to a customer."""
        return self.roles if customer_id == self.customer_id else self.roles - _CUSTOMER_ONLY


NOBODY = Caller(subject="", roles=frozenset())
ANONYMOUS = Caller(subject="anonymous", roles=frozenset(Role), scopes=SCOPES)
