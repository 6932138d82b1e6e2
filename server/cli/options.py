"""What the commands have in common: flags for settings and for reaching a server, and how they fail."""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer

from server import config
from server.telemetry import log as logs

# The settings of commands that work on the database.
DATABASE = ("database_url", "data_dir", "postgres_version", "database_timeout")

_DEFAULT_TARGET = "127.0.0.1:50051"

# The flags of commands that call a server, each with its variable.
_CLIENT_FLAGS: dict[str, tuple[str, Any, Any, str]] = {
    "target": ("ORDERS_TARGET", str, _DEFAULT_TARGET, "Address of the server."),
    "key": ("ORDERS_KEY", str, "", "API key or token; better in the variable, which no process list shows."),
    "tls": ("ORDERS_TARGET_TLS", bool, False, "Use TLS, and trust the authorities of this machine."),
    "tls_ca": ("ORDERS_TARGET_CA", Path, None, "Use TLS, and trust the authorities in this PEM file."),
    "tls_certificate": ("ORDERS_TARGET_CERTIFICATE", Path, None, "Client certificate, as PEM."),
    "tls_key": ("ORDERS_TARGET_CERTIFICATE_KEY", Path, None, "The client certificate's key, as PEM."),
    "tls_name": ("ORDERS_TARGET_NAME", str, "", "Name in the server's certificate, if it is not the target's."),
}


class Failure(Exception):
    """Ends the command with a line on stderr."""


def with_settings(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command a flag for each named setting (all, if none is named) and hands it the settings that result."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        fields = {name: config.Settings.model_fields[name] for name in names or config.Settings.model_fields}

        @functools.wraps(function)
        def command(*args: Any, config_file: Path | None = None, **given: Any) -> None:
            flags = {name: given.pop(name) for name in fields}
            settings = config.load(config_file, **flags)
            logs.set_up(settings.log_level, settings.log_format)
            function(*args, settings=settings, **given)

        own = [p for p in inspect.signature(function).parameters.values() if p.name != "settings"]
        flags = [_flag(name, field) for name, field in fields.items()]
        option = typer.Option("--config", envvar=config.CONFIG_VARIABLE, help="Settings as a TOML file.")
        file = _parameter("config_file", Annotated[Path | None, option])
        parameters = [*own, *flags, file]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return command

    return decorate


def with_client(function: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the flags by which a server is reached, and hands it the client that results."""

    @functools.wraps(function)
    def command(**given: Any) -> None:
        from server.transfer.client import Client

        function(client=Client(**{name: given.pop(name) for name in _CLIENT_FLAGS}), **given)

    own = [p for p in inspect.signature(function).parameters.values() if p.name != "client"]
    parameters = [*own, *(_client_flag(name) for name in _CLIENT_FLAGS)]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _client_flag(name: str) -> inspect.Parameter:
    variable, kind, default, help_ = _CLIENT_FLAGS[name]
    flag = "--" + name.replace("_", "-")
    option = typer.Option(flag, envvar=variable, help=help_, show_default=bool(default))
    optional = kind | None if default is None else kind
    annotation: Any = Annotated[optional, option]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _flag(name: str, field: Any) -> inspect.Parameter:
    flag = "--" + name.replace("_", "-")
    # What is not set is None here; what is set, and no plain type, the settings parse and check themselves.
    plain, choices = _type_of(field.annotation)
    kind = plain if plain in (str, int, float, bool, Path) else str
    names = f"{flag}/--no-{name.replace('_', '-')}" if kind is bool else flag
    default = "" if field.default is None else f" [default: {field.default}]"
    metavar = "|".join(choices) or ("<decimal>" if plain is Decimal else None)
    option = typer.Option(names, help=f"{field.description}{default}", show_default=False, metavar=metavar)
    return _parameter(name, Annotated[kind | None, option])


def _type_of(annotation: Any) -> tuple[Any, tuple[str, ...]]:
    """A setting's type apart from None, and the values to choose from if it has only some."""
    options = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    plain = next(option for option in options if option is not type(None))
    return (str, get_args(plain)) if get_origin(plain) is Literal else (plain, ())


def _parameter(name: str, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


@contextmanager
def database(settings: config.Settings) -> Iterator[str]:
    """The database's URL; failures to get at it end the command."""
    from server.domain.base.errors import OrderError
    from server.runtime.preflight import StartError, database_url

    try:
        with database_url(settings) as url:
            yield url
    except (StartError, OrderError) as error:
        raise Failure(str(error)) from error
