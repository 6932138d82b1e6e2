"""The settings as text that `orders`, a shell or another program reads back."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from orders.v1.server_service_pb2 import ServerInfo, SettingOrigin

from server.config import PREFIX, Settings


def as_variables(values: Mapping[str, Any]) -> str:
    """A line for each variable, quoted for a shell. Unset ones are empty, which reads back as unset."""
    return "\n".join(f"{PREFIX}{name.upper()}={_quoted(value)}" for name, value in values.items())


def as_toml(values: Mapping[str, Any]) -> str:
    """The file for --config, without unset keys."""
    return "\n".join(f"{name} = {_literal(value)}" for name, value in values.items() if value is not None)


def as_json(values: Mapping[str, Any]) -> str:
    """An object with the names of the file. Unset ones are null."""
    return json.dumps(values, indent=2, ensure_ascii=False)


def as_running(server: ServerInfo, *, as_json: bool) -> str:
    """The settings of a running server, each with its origin."""
    origins = {
        setting.name: SettingOrigin.Name(setting.origin)[len("SETTING_ORIGIN_") :] for setting in server.settings
    }
    values = {setting.name: setting.value for setting in server.settings}
    if as_json:
        pairs = {name: {"value": value, "origin": origins[name].lower()} for name, value in values.items()}
        return json.dumps(pairs, indent=2, ensure_ascii=False)
    return "\n".join(f"{name}={_quoted(value)}  # {origins[name].lower()}" for name, value in values.items())


def schema() -> str:
    """The JSON Schema of the file."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | Settings.model_json_schema(), indent=2)


def _quoted(value: Any) -> str:
    return "" if value in (None, "") else shlex.quote(str(value))


def _literal(value: Any) -> str:
    """TOML writes these values as JSON does, except for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
