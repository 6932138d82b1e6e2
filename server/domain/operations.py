"""All operations, and their execution on the state. No I/O."""

import pkgutil
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import Any, NamedTuple

from orders.v1.write_effects_pb2 import WriteEffects

from server import domain
from server.domain.base.caller import Caller
from server.domain.base.edits import Audit
from server.domain.base.errors import Refusal
from server.domain.base.idempotency import Key, Replay, first_answer, scope_of
from server.domain.base.methods import MethodClass
from server.domain.base.needs import Needs
from server.domain.base.operation import Operation, Response
from server.domain.base.redaction import without_secrets
from server.domain.base.state import State
from server.domain.base.trace_context import TRACEPARENT
from server.domain.orders.explained_effects import explain_effects
from server.domain.orders.stale_etags import etag_of, name_changed_fields


def _declared() -> Iterator[Operation]:
    """The operations of all modules of the domain."""
    for module in pkgutil.walk_packages(domain.__path__, f"{domain.__name__}."):
        if module.name != __name__:
            yield from (value for value in vars(import_module(module.name)).values() if isinstance(value, Operation))


OPERATIONS = MappingProxyType({operation.request: operation for operation in _declared()})


@dataclass(frozen=True, slots=True)
class Command:
    """A request for an operation, and its caller."""

    request: Any
    caller: Caller
    # The trace context of the call that issues the command; '' if there is none.
    traceparent: str = field(default_factory=TRACEPARENT.get)
    # Whether the caller requests the effects of a dry write.
    explain: bool = False

    @property
    def operation(self) -> Operation:
        return OPERATIONS[type(self.request)]

    @property
    def validates(self) -> bool:
        """Whether it is a dry write: its rule changes a state that is dropped."""
        return getattr(self.request, "validate_only", False)

    @property
    def dry(self) -> bool:
        """Whether it locks and writes nothing."""
        return self.validates or self.operation.method_class is MethodClass.READ

    @property
    def key(self) -> Key | None:
        """The key under which the answer is remembered, if the caller sent a request id."""
        request_id = getattr(self.request, "request_id", "")
        return Key(scope_of(self.caller), self.operation.method, request_id) if request_id else None

    def needs(self) -> Needs:
        """The rows that the operation reads for this request and caller."""
        needs = self.operation.needs(self.request)
        needs.owner = self.caller.confined_to
        needs.etag = etag_of(self.request)
        return needs


class Answer(NamedTuple):
    """A serialized response, and the first one if the request was answered before."""

    body: bytes
    replayed: Replay | None = None
    # The effects of a dry write, if its caller requests them.
    effects: WriteEffects | None = None


def decide(command: Command, state: State) -> Generator[None, None, Answer]:
    """Executes a command on the state, or refuses it and leaves the state unchanged.

    Yields between the parts of a long command, so that other work can run.
    """
    key = command.key
    if key is not None and (remembered := state.remembered.get(key)):
        body = first_answer(key, command.request, remembered)
        return Answer(body, replayed=Replay(remembered.answer_time, body))
    audit = _audit(command, state)
    state.resource_changes.clear()
    try:
        response = command.operation.rule(command.request, state, audit)
        if isinstance(response, Generator):
            response = yield from response
    except Refusal as error:
        name_changed_fields(error, etag_of(command.request), state)
        raise
    if command.validates:
        return Answer(_without_secrets(response), effects=explain_effects(state) if command.explain else None)
    if state.resource_changes:
        state.add_audit_events(audit)
    body = _serialized(response)
    if key is not None and not command.dry:
        request = without_secrets(command.request)
        shown = response if isinstance(response, bytes) else without_secrets(response)
        state.remember(key, request=_serialized(request), response=body if shown is response else _serialized(shown))
    return Answer(body)


def _audit(command: Command, state: State) -> Audit:
    request_id = getattr(command.request, "request_id", "")
    return Audit(
        command.caller,
        method=command.operation.method,
        request_id=request_id,
        time=state.time,
        traceparent=command.traceparent,
    )


def _without_secrets(response: Response) -> bytes:
    """The response of a dry write, without the secrets that its rule has generated."""
    return response if isinstance(response, bytes) else _serialized(without_secrets(response))


def _serialized(response: Response) -> bytes:
    return response if isinstance(response, bytes) else response.SerializeToString(deterministic=True)
