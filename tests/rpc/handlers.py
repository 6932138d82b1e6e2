"""Handlers of a service for tests of what surrounds them."""

from typing import Any

from server.rpc.endpoint import Handler


def handlers(servicer: Any, service: Any) -> dict[str, Handler]:
    """The servicer's method for each method of the service."""
    return {method.name: getattr(servicer, method.name) for method in service.methods}
