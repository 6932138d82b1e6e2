"""Flags of the commands that call a server, which find it from its settings unless a flag or a variable names another."""

import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server import config
from server.cli.options import Failure, config_file_flag, flag, with_parameters
from server.identity.addresses import local_address

if TYPE_CHECKING:
    from server.transfer.client import Client

_HELP = {
    "target": "Address of the server. [default: this machine, at the port of the settings]",
    "key": "API key or token; the variable keeps it out of process lists.",
    "tls": "Use TLS, and trust the authorities of this machine.",
    "tls_ca": "Use TLS, and trust the authorities in this PEM file.",
    "tls_certificate": "Client certificate, as PEM.",
    "tls_key": "The client certificate's key, as PEM.",
    "tls_name": "Name in the server's certificate, if it differs from the target's.",
}
_FILES = ("tls_ca", "tls_certificate", "tls_key")


def with_client(function: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the flags by which a server is reached, and hands it the client that results."""

    @functools.wraps(function)
    def command(*, config_file: str | None = None, **given: Any) -> None:
        settings = config.load({}, file=config_file)
        flags = {name: given.pop(name) for name in _HELP}
        function(client=_client(settings, flags), **given)

    own = [p for p in inspect.signature(function).parameters.values() if p.name != "client"]
    return with_parameters(command, [*own, *map(_client_flag, _HELP), config_file_flag()])


def _client_flag(name: str) -> inspect.Parameter:
    kind = bool if name == "tls" else str
    metavar = "<path>" if name in _FILES else None
    option = typer.Option(
        "--" + name.replace("_", "-"),
        envvar=config.CLIENT_VARIABLES[name],
        help=_HELP[name],
        metavar=metavar,
        show_default=False,
    )
    return flag(name, Annotated[kind | None, option])


def _client(settings: config.Settings, flags: Mapping[str, Any]) -> "Client":
    from server.transfer.client import Client

    given = config.set_values(flags)
    given |= {name: Path(given[name]) for name in _FILES if name in given}
    return Client(**(given if "target" in given else _own_server(settings, given) | given))


def _own_server(settings: config.Settings, given: Mapping[str, Any]) -> dict[str, Any]:
    """How this machine reaches the server that has these settings."""
    if settings.port == 0:
        raise Failure("ORDERS_PORT is 0, which takes a free port; name the server with --target")
    if settings.tls_client_ca and "tls_certificate" not in given:
        raise Failure("the server requires client certificates; name one with --tls-certificate and --tls-key")
    found: dict[str, Any] = {"target": local_address(settings.host, settings.port)}
    if settings.tls_certificate and not given.keys() & {"tls", "tls_ca"}:
        found |= {"tls_ca": settings.tls_certificate, "tls_name": _name_in(settings.tls_certificate)}
    return found


def _name_in(certificate: Path) -> str:
    """A name or address that a server's certificate is valid for."""
    from cryptography import x509

    try:
        alternatives = (
            x509.load_pem_x509_certificate(certificate.read_bytes())
            .extensions.get_extension_for_class(x509.SubjectAlternativeName)
            .value
        )
        names = alternatives.get_values_for_type(x509.DNSName)
        return names[0] if names else str(alternatives.get_values_for_type(x509.IPAddress)[0])
    except (OSError, ValueError, x509.ExtensionNotFound, IndexError) as error:
        raise Failure(f"cannot read the name in {certificate}: {error}; say it with --tls-name") from error
