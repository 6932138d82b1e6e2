"""A published API: its routes over our methods, and the form of its errors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from server.gateway.dialects.tables import Json, Table
from server.gateway.errors import HttpError

# Returns the body of a response, from ours and our request.
Shape = Callable[[Json, Any], Any]
# Adds to a request, in our names, what their query means together. Raises ValueError.
Paging = Callable[[dict[str, str]], Json]


@dataclass(frozen=True, slots=True)
class Route:
    """One of their endpoints: a verb and a path, and the method behind it."""

    verb: str
    path: str
    method: str
    shape: Shape
    status: int = 200
    # What the body's and the query's names are here; None takes no body.
    body: Table | None = None
    query: Table = field(default_factory=dict)
    # Where our request has what is in the body and the query.
    within: str = ""
    # Where it has the variables of the path.
    variables: Mapping[str, str] = field(default_factory=dict)
    paging: Paging | None = None
    # What our request has, and theirs leaves out.
    fixed: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dialect:
    """The routes of a document, below its number and, where no path of ours is in the way, at the root."""

    name: str
    routes: tuple[Route, ...]
    # The status and the body of an error.
    fault: Callable[[HttpError, str], tuple[int, Any]]
    at_root: bool
    # What is around the body of a success, given the id of the request.
    envelope: Callable[[Any, str], Any] = lambda body, _: body
