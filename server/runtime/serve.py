"""`orders serve`: in this process, or in several workers that share the port."""

from collections.abc import Callable

from server.config import Settings
from server.runtime.app import Started, serve_here
from server.runtime.preflight import bring_up_to_date, check_ports, check_schema, database_url
from server.runtime.workers import serve_with_workers


def serve(settings: Settings, *, announce: Callable[[Started], None]) -> None:
    """Serves until SIGINT or SIGTERM. Raises StartError and ConfigError."""
    check_ports(settings)
    with database_url(settings) as url:
        if settings.database_url is None:
            bring_up_to_date(url)
        else:
            check_schema(url)
        if settings.workers > 1:
            serve_with_workers(settings, url, announce)
        else:
            serve_here(settings, url, announce)
