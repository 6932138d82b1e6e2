"""An operation: a write of the API, or of the service itself, declared once next to its rule."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeAlias

from google.protobuf.message import Message

from server.domain.base.edits import Audit
from server.domain.base.methods import MethodClass, method_class_of
from server.domain.base.needs import Needs
from server.domain.base.state import State

# A response, or its serialized form if it holds no secrets.
Response: TypeAlias = Message | bytes
# A rule changes the state, or refuses and leaves it unchanged. A long one yields regularly, so that other work can run.
Rule: TypeAlias = Callable[[Any, State, Audit], Response | Generator[None, None, Response]]


@dataclass(frozen=True, slots=True)
class Operation:
    """A request type, the rows that its rule reads, and the rule. The proto's method class says whether it writes."""

    request: type
    needs: Callable[[Any], Needs]
    rule: Rule
    method_class: MethodClass

    @property
    def method(self) -> str:
        """The name of the method, for example `CreateOrder`."""
        return self.request.__name__.removesuffix("Request")


def operation(request: type, *, needs: Callable[[Any], Needs]) -> Callable[[Rule], Operation]:
    """Declares a rule as the operation that answers `request`."""
    return lambda rule: Operation(request, needs, rule, method_class_of(request))
