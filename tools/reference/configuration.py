"""The page of settings, docs/configuration.md, from server/config.py."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from server.config import PREFIX, Settings
from tools.reference.markdown import table

HEAD = """\
# Configuration

<!-- Generated from server/config.py. Change the descriptions there, then run `make docs`. -->

Each setting is an environment variable, a flag of `orders serve` and a key of a TOML file:

| Variable | Flag | Key |
| --- | --- | --- |
| `ORDERS_METRICS_PORT=9464` | `--metrics-port 9464` | `metrics_port = 9464` |

`--config` or `ORDERS_CONFIG` names the file. Flags take precedence over variables, and variables over the file. A blank
value counts as unset. The server refuses to start with an unknown name or an invalid value.

`orders config` prints the settings in effect:

| Flag | Output |
| --- | --- |
| none | variables for a shell: `set -a; . ./file` |
| `--toml` | a file for `--config` |
| `--json` | JSON for other programs |
| `--schema` | the JSON Schema of the file, for editors |
| `--show-secrets` | passwords in plain text instead of masked |
"""


class Group(NamedTuple):
    """A section of the page, and the page that says more about its settings."""

    title: str
    more: str
    names: tuple[str, ...]


GROUPS = (
    Group(
        "Server",
        "operations.md",
        (
            "host",
            "port",
            "workers",
            "jobs",
            "reflection",
            "health_interval",
            "slow_call_seconds",
            "drain_delay",
            "shutdown_grace",
        ),
    ),
    Group("Traces", "operations.md", ("otlp_endpoint", "trace_ratio")),
    Group(
        "Database",
        "operations.md",
        (
            "database_url",
            "data_dir",
            "postgres_version",
            "demo",
            "database_timeout",
            "pool_size",
            "max_batch",
            "idempotency_days",
        ),
    ),
    Group(
        "Authentication and TLS",
        "security.md",
        ("authentication", "insecure", "key_cache_seconds", "tls_certificate", "tls_key", "tls_client_ca"),
    ),
    Group(
        "Tokens",
        "security.md",
        (
            "jwt_jwks_url",
            "jwt_key_file",
            "jwt_issuer",
            "jwt_audience",
            "jwt_algorithms",
            "jwt_leeway",
            "jwt_customer_claim",
            "jwt_roles_claim",
            "jwt_scopes_claim",
            "jwt_default_roles",
            "jwt_default_scopes",
        ),
    ),
    Group(
        "Limits",
        "security.md",
        (
            "rate_limit_read",
            "rate_limit_write",
            "rate_limit_bulk",
            "rate_limit_block_seconds",
            "max_in_flight",
            "max_queue",
            "max_waiting_reads",
            "max_call_seconds",
            "max_stream_seconds",
            "max_request_bytes",
            "max_connection_age",
            "max_connection_idle",
            "min_ping_interval",
            "max_concurrent_streams",
        ),
    ),
    Group(
        "HTTP",
        "http.md",
        ("http_host", "http_port", "http_cors_origins", "dialects", "dialect_currency"),
    ),
    Group("Errors", "errors.md", ("error_docs_url",)),
    Group(
        "Checkout",
        "checkout.md",
        ("payment_provider", "payment_timeout", "unpaid_hours", "point_value", "points_per_unit", "cart_days"),
    ),
    Group(
        "Fulfilment", "fulfilment.md", ("return_days", "support_email", "support_phone", "support_url", "support_hours")
    ),
    Group(
        "Stripe",
        "checkout.md",
        (
            "stripe_secret_key",
            "stripe_webhook_secret",
            "stripe_api_url",
            "payment_webhook_host",
            "payment_webhook_port",
        ),
    ),
    Group(
        "Webhooks",
        "webhooks.md",
        ("webhook_timeout", "webhook_allow_http", "webhook_allowed_networks", "webhook_days"),
    ),
    Group(
        "Mail",
        "mail.md",
        (
            "mails",
            "smtp_url",
            "mail_sender",
            "mail_operator",
            "mail_languages",
            "mail_templates",
            "mail_days",
        ),
    ),
    Group("Message broker", "events.md", ("broker_url", "broker_topic", "broker_format", "broker_payload")),
    Group("Log and metrics", "operations.md", ("log_level", "log_format", "metrics_host", "metrics_port")),
)


def render() -> str:
    """Returns the whole page. Raises ValueError for a setting that is not in exactly one group."""
    schemas = Settings.model_json_schema()["properties"]
    groups = Counter(name for group in GROUPS for name in group.names)
    if groups != Counter(schemas.keys()):
        wrong = [name for name in {**groups, **schemas} if groups[name] != (name in schemas)]
        raise ValueError(f"not in exactly one group: {', '.join(wrong)}")
    return HEAD + "".join(_section(group, schemas) for group in GROUPS)


def _section(group: Group, schemas: Mapping[str, Any]) -> str:
    rows = (_row(name, schemas[name]) for name in group.names)
    settings = table(["Variable", "Default", "Values", "Description"], rows)
    return f"\n## {group.title}\n\nSee also [{group.more}]({group.more}).\n\n{settings}\n"


def _row(name: str, schema: Mapping[str, Any]) -> list[str]:
    values = " or ".join(dict.fromkeys(filter(None, map(_values, schema.get("anyOf", [schema])))))
    return [f"`{PREFIX}{name.upper()}`", _default(schema["default"]), values, schema["description"]]


def _default(value: Any) -> str:
    if value in (None, ""):
        return "–"
    text = str(value).lower() if isinstance(value, bool) else str(value).removesuffix(".0")
    return f"`{text}`"


def _values(schema: Mapping[str, Any]) -> str:
    """The values that a setting takes, in words; empty for any text."""
    if found := re.fullmatch(r"\^\(([\w|]+)\)\$", schema.get("pattern", "")):
        return _choice(found[1].split("|"))
    if choices := schema.get("enum"):
        return _choice(choices)
    if schema.get("type") == "boolean":
        return _choice(["true", "false"])
    if schema.get("format") == "path":
        return "path"
    return ", ".join(_bounds(schema))


def _bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    if "minimum" in schema and "maximum" in schema:
        yield f"{schema['minimum']:,} to {schema['maximum']:,}"
        return
    if "exclusiveMinimum" in schema:
        yield f"more than {schema['exclusiveMinimum']:,}"
    if "minimum" in schema:
        yield f"at least {schema['minimum']:,}"
    if "maximum" in schema:
        yield f"at most {schema['maximum']:,}"


def _choice(values: list[Any]) -> str:
    return " or ".join(f"`{value}`" for value in values)
