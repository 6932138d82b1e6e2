"""Callers: their roles, their scopes, and the orders that they may see."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from orders.v1 import access_pb2
from orders.v1.access_pb2 import Scope


class Role(StrEnum):
    """A caller's relation to an order."""

    CUSTOMER = "customer"
    FULFILMENT = "fulfilment"
    PAYMENT = "payment"
    ADMIN = "admin"


def role_of(role: int) -> Role:
    """The role for a value of the proto's enum."""
    return Role(str(access_pb2.Role.Name(role)).removeprefix("ROLE_").lower())


def scope_name(scope: int) -> str:
    """The name of a scope in credentials, for example `orders.read`."""
    return str(Scope.Name(scope)).removeprefix("SCOPE_").lower().replace("_", ".")


SCOPES = frozenset(scope_name(scope) for scope in Scope.values() if scope)

_CUSTOMER_ONLY = frozenset({Role.CUSTOMER})


class IgnoredRole(NamedTuple):
    """A role of a credential that does not count, as named by the credential, and the cause."""

    role: str
    cause: str
    description: str


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal: its name in the audit log, and its permissions."""

    subject: str
    roles: frozenset[Role]
    scopes: frozenset[str] = frozenset()
    # The caller's customer id, with Role.CUSTOMER.
    customer_id: str = ""
    # The owner of its API key.
    owner: str = ""
    ignored_roles: tuple[IgnoredRole, ...] = ()

    def __post_init__(self) -> None:
        # Without an id, a customer would have access to all orders.
        if self.roles == _CUSTOMER_ONLY and not self.customer_id:
            raise ValueError("a customer has a customer id")

    @property
    def confined_to(self) -> str:
        """The one customer whose orders the caller sees; empty for a caller who sees all."""
        return self.customer_id if self.roles == _CUSTOMER_ONLY else ""

    def acts_for(self, customer_id: str) -> bool:
        """Whether the caller is known and is not the customer: staff, for example."""
        return customer_id != self.customer_id and self.subject != ANONYMOUS.subject

    def roles_towards(self, customer_id: str) -> frozenset[Role]:
        """The caller's roles towards the data of a customer."""
        return self.roles if customer_id == self.customer_id else self.roles - _CUSTOMER_ONLY


NOBODY = Caller(subject="", roles=frozenset())
ANONYMOUS = Caller(subject="anonymous", roles=frozenset(Role), scopes=SCOPES)
