"""`orders gateway`: HTTP/JSON for a server."""

from typing import TYPE_CHECKING

from server import config
from server.cli.client import with_client_and_settings
from server.cli.options import Failure

if TYPE_CHECKING:
    from server.transfer.client import Client


@with_client_and_settings(
    "http_host",
    "http_port",
    "http_cors_origins",
    "dialects",
    "dialect_currency",
    "insecure",
    "drain_delay",
    "shutdown_grace",
    "log_level",
    "log_format",
)
def gateway(*, client: "Client", settings: config.Settings) -> None:
    """Serve HTTP/JSON for a server until stopped, with the documentation at /docs.

    `orders serve --http-port` starts a gateway with the server. To run more of them on other machines, use --target.
    ORDERS_TLS_CERTIFICATE and ORDERS_TLS_KEY define TLS for callers; the TLS flags apply to the connection to the server.
    """
    from server.gateway.listener import GatewayError
    from server.gateway.serve import serve
    from server.runtime.http_gateway import options_of

    def announce(url: str) -> None:
        print(
            f"Serving HTTP/JSON on {url} for {client.target}; documentation on {url}/docs. Stop with Ctrl-C.",
            flush=True,
        )

    try:
        serve(client.channel, options_of(settings), announce=announce)
    except (GatewayError, OSError) as error:
        raise Failure(str(error)) from error
