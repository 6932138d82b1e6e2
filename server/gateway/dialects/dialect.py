"""A published API: its routes over our methods, and the form of its errors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from server.gateway.dialects.tables import Json, Table
from server.gateway.errors import HttpError

# Returns the body of a response, from ours and our request.
Shape = Callable[[Json, Any], Any]
# Adds fields to our request that depend on several query parameters. Raises ValueError.
Paging = Callable[[dict[str, str]], Json]


@dataclass(frozen=True, slots=True)
class Route:
    """One of their endpoints: a verb and a path, and the method behind it."""

    verb: str
    path: str
    method: str
    shape: Shape
    status: int = 200
    # The tables of the names in the body and the query; None without a body.
    body: Table | None = None
    query: Table = field(default_factory=dict)
    # The place of the body and the query in our request.
    within: str = ""
    # The place of the path variables in our request.
    variables: Mapping[str, str] = field(default_factory=dict)
    paging: Paging | None = None
    # Fixed values of our request that theirs does not have.
    fixed: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dialect:
    """The routes of a document, below its number and, unless the API has the same path, at the root."""

    name: str
    routes: tuple[Route, ...]
    # The status and the body of an error.
    fault: Callable[[HttpError, str], tuple[int, Any]]
    at_root: bool
    # Returns the envelope of a successful body, given the id of the request.
    envelope: Callable[[Any, str], Any] = lambda body, _: body
