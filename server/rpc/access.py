"""Authorization: the roles and scope that a method's proto requires, and the customer that a call is confined to."""

from dataclasses import replace
from typing import Any

from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import Message
from orders.v1 import access_pb2
from orders.v1.access_pb2 import Access, MethodClass
from orders.v1.error_reason_pb2 import (
    ERROR_REASON_CUSTOMER_ACCESS_DENIED,
    ERROR_REASON_ORDER_ACCESS_DENIED,
    ERROR_REASON_ROLE_MISSING,
    ERROR_REASON_SCOPE_MISSING,
)

from server.domain.base.caller import Caller, Role, role_of, scope_name
from server.domain.base.errors import Refusal


class MethodAccess:
    """The access rule of one method. A method without a rule in its proto refuses every caller."""

    def __init__(self, method: MethodDescriptor) -> None:
        access: Access = method.GetOptions().Extensions[access_pb2.access]  # type: ignore[index]
        self.method = str(method.full_name)
        self._name = str(method.name)
        self.streams = bool(method.client_streaming or method.server_streaming)
        self.scope = scope_name(access.scope)
        self.roles: frozenset[Role] = frozenset(map(role_of, access.roles))
        self.method_class = MethodClass.Name(access.method_class).removeprefix("METHOD_CLASS_").lower()
        self.writes = "request_id" in method.input_type.fields_by_name and self.method_class != "read"
        self._any_caller = access.any_caller
        self._customer = access.customer.split(".") if access.customer else []
        # Filling in a field must not create a message that the caller has to send.
        self._required = {name for name in self._customer[:-1] if _is_required(method.input_type, name)}
        self._is_about_order = _names_order(method.input_type)

    def admit(self, caller: Caller) -> Caller:
        """The caller with only the roles that the method allows. Refuses a caller without the scope or without such a role."""
        if self._any_caller:
            return caller
        if self.scope not in caller.scopes:
            text = f"{self._name} needs a credential with the scope {self.scope}"
            raise Refusal(ERROR_REASON_SCOPE_MISSING, text, metadata={"scope": self.scope})
        if caller.roles <= self.roles and caller.roles:
            return caller
        roles = caller.roles & self.roles
        if not roles:
            raise self._role_missing(caller)
        return replace(caller, roles=roles)

    def confine(self, request: Message, caller: Caller) -> None:
        """Confines the request to the caller's customer, if the caller has access to only one."""
        owner = caller.confined_to
        if not owner or not self._customer:
            return
        *parents, name = self._customer
        target: Any = request
        for parent in parents:
            if parent in self._required and not target.HasField(parent):
                return
            target = getattr(target, parent)
        given = getattr(target, name)
        if not given:
            setattr(target, name, owner)
        elif given != owner:
            raise _another_customer(".".join(self._customer), owner)

    def _role_missing(self, caller: Caller) -> Refusal:
        roles = sorted(self.roles)
        text = f"{self._name} is allowed for {' or '.join(roles) or 'no role'}; the caller has no such role"
        metadata = {"method": self._name, "roles": ", ".join(roles)}
        for ignored in caller.ignored_roles:
            if ignored.role in self.roles:
                text += f": {ignored.description}"
                metadata |= {"cause": ignored.cause, "ignored_role": ignored.role}
        reason = ERROR_REASON_ORDER_ACCESS_DENIED if self._is_about_order else ERROR_REASON_ROLE_MISSING
        return Refusal(reason, text, metadata=metadata)


def _is_required(request: Descriptor, field: str) -> bool:
    options = request.fields_by_name[field].GetOptions()
    return bool(options.Extensions[validate_pb2.field].required)  # type: ignore[index]


def _names_order(request: Descriptor) -> bool:
    order = request.fields_by_name.get("order")
    within = order.message_type if order is not None else None
    return any(part is not None and "order_id" in part.fields_by_name for part in (request, within))


def _another_customer(field: str, owner: str) -> Refusal:
    text = f"{field} names another customer; the caller acts only for {owner!r}: leave it empty"
    return Refusal(ERROR_REASON_CUSTOMER_ACCESS_DENIED, text, metadata={"field": field, "customer_id": owner})
