"""Flags of the commands that call a server. By default, the commands find it from its settings."""

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from server import config
from server.cli.options import Failure, config_file_flag, flag, plain, setting_flags, with_parameters
from server.runtime.own_server import connection
from server.telemetry import log as logs

if TYPE_CHECKING:
    from server.transfer.client import Client

Answer = TypeVar("Answer")

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
    """Adds the connection flags to a command, and passes the resulting client to it."""

    @functools.wraps(function)
    def command(*, config_file: str | None = None, **given: Any) -> None:
        settings = config.load({}, file=config_file)
        flags = {name: given.pop(name) for name in _HELP}
        function(client=client_of(settings, flags), **given)

    own = [p for p in inspect.signature(function).parameters.values() if p.name != "client"]
    return with_parameters(command, [*own, *map(_client_flag, _HELP), config_file_flag()])


def with_client_and_settings(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Adds the connection flags and a flag for each named setting, and passes the client and the settings."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def command(*, config_file: str | None = None, **given: Any) -> None:
            settings = config.load({name: given.pop(name) for name in names}, file=config_file)
            logs.set_up(settings.log_level, settings.log_format)
            function(client=client_of(settings, given), settings=settings)

        flags = [*setting_flags(names), *map(_client_flag, _HELP), config_file_flag()]
        return with_parameters(command, flags)

    return decorate


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


def client_of(settings: config.Settings, flags: Mapping[str, Any]) -> "Client":
    """The client that the flags and settings describe. Raises ConfigError."""
    from server.transfer.client import Client

    given = config.set_values(flags)
    given |= {name: Path(given[name]) for name in _FILES if name in given}
    return Client(**(given if "target" in given else connection(settings, given=given) | given))


def call(client: "Client", method: str, **fields: Any) -> Any:
    """Calls a method with these fields and returns the response. A failed call ends the command with one line."""
    from server.domain.base.methods import path_of, request_type_of, response_type_of

    async def work() -> Any:
        async with client.channel() as channel:
            request = request_type_of(method)(**fields)
            send = channel.unary_unary(
                path_of(method), type(request).SerializeToString, response_type_of(method).FromString
            )
            return await send(request, metadata=client.metadata, timeout=30)

    return run(client, work())


def run(client: "Client", work: Coroutine[Any, Any, Answer]) -> Answer:
    """Runs work that calls the client's server. A failed call ends the command with one line."""
    import grpc

    from server.transfer.calls import explain

    try:
        return asyncio.run(work)
    except grpc.aio.AioRpcError as error:
        raise Failure(f"{client.target}: {explain(error)}") from error
    except BrokenPipeError:  # Typer ends the command without a word.
        raise
    except OSError as error:
        raise Failure(plain(error)) from error
