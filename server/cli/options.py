"""Shared parts of the commands: flags for settings, the database, and failures."""

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
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
_METAVARS: dict[Any, str] = {Decimal: "<decimal>", Path: "<path>"}


class Failure(Exception):
    """Ends the command with a line on stderr."""


def with_settings(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Adds a flag for each named setting (by default all) to a command, and passes the effective settings."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        fields = {name: config.Settings.model_fields[name] for name in names or config.Settings.model_fields}

        @functools.wraps(function)
        def command(*args: Any, config_file: str | None = None, **given: Any) -> None:
            settings = config.load({name: given.pop(name) for name in fields}, file=config_file)
            logs.set_up(settings.log_level, settings.log_format)
            function(*args, settings=settings, **given)

        own = [p for p in inspect.signature(function).parameters.values() if p.name != "settings"]
        return with_parameters(command, [*own, *setting_flags(fields), config_file_flag()])

    return decorate


def with_parameters(command: Callable[..., None], parameters: list[inspect.Parameter]) -> Callable[..., None]:
    """The command, with the arguments and flags that typer sees."""
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def config_file_flag() -> inspect.Parameter:
    """The flag --config."""
    option = typer.Option(
        "--config", envvar=config.CONFIG_VARIABLE, metavar="<path>", help="Settings as a TOML file.", show_default=False
    )
    return flag("config_file", Annotated[str | None, option])


def setting_flags(names: Iterable[str]) -> list[inspect.Parameter]:
    """A flag for each named setting."""
    return [_flag(name, config.Settings.model_fields[name]) for name in names]


def _flag(name: str, field: Any) -> inspect.Parameter:
    long = "--" + name.replace("_", "-")
    # Unset flags are None. The settings parse and validate values of complex types.
    plain, choices = _type_of(field.annotation)
    kind = plain if plain in (str, int, float, bool) else str
    names = f"{long}/--no-{name.replace('_', '-')}" if kind is bool else long
    default = "" if field.default is None else f" [default: {field.default}]"
    metavar = "|".join(choices) or _METAVARS.get(plain)
    option = typer.Option(names, help=f"{field.description}{default}", show_default=False, metavar=metavar)
    return flag(name, Annotated[kind | None, option])


def _type_of(annotation: Any) -> tuple[Any, tuple[str, ...]]:
    """A setting's type without None, and its choices, if it has any."""
    options = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    plain = next(option for option in options if option is not type(None))
    return (str, get_args(plain)) if get_origin(plain) is Literal else (plain, ())


def flag(name: str, annotation: Any) -> inspect.Parameter:
    """A parameter that is None unless the flag is given."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


@contextmanager
def database(settings: config.Settings) -> Iterator[str]:
    """Yields the database's URL. If the database is unavailable, the command fails."""
    from server.domain.base.errors import Refusal
    from server.runtime.preflight import StartError, database_url

    try:
        with database_url(settings) as url:
            yield url
    except (StartError, Refusal) as error:
        raise Failure(str(error)) from error


def plain(error: OSError) -> str:
    """The error without its errno."""
    return f"{error.strerror}: '{error.filename}'" if error.strerror and error.filename else str(error)
