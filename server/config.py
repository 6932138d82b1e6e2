"""Settings: flags over ORDERS_* variables over a file. The only reader of the environment."""

import difflib
import os
import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, PrivateAttr, SecretStr, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from server.currency_rates import rates_by_currency
from server.fulfilment_settings import FulfilmentSettings
from server.outbound_settings import OutboundSettings
from server.setting_origins import Origins

# gRPC's fork support logs to stderr, and this program does not fork.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
# gRPC's core writes to stderr in its own format, bypassing the log.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

PREFIX = "ORDERS_"
CONFIG_VARIABLE = PREFIX + "CONFIG"
# The variables of commands that call a server. They are not settings of the server.
CLIENT_VARIABLES = {
    "target": "ORDERS_TARGET",
    "key": "ORDERS_KEY",
    "tls": "ORDERS_TARGET_TLS",
    "tls_ca": "ORDERS_TARGET_CA",
    "tls_certificate": "ORDERS_TARGET_CERTIFICATE",
    "tls_key": "ORDERS_TARGET_CERTIFICATE_KEY",
    "tls_name": "ORDERS_TARGET_NAME",
}

_URL = re.compile(r"postgres(ql)?://(([^@/?%\s]|%[0-9a-fA-F]{2})*@)?([^@%\s]|%[0-9a-fA-F]{2})*")
_MASK = "**********"
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,255}")
_PASSWORD = re.compile(r"(?<=://)([^:@/?]*:)[^@/?]+(?=@)")
_SECRET_PARAMETER = re.compile(r"(?<=[?&])((?![a-z_]+=)[^=&]*|[a-z_]*(?:pass|secret|key)[a-z_]*)=[^&]*")

# Kubernetes sets variables of these names in every container if a Service is named "orders" or "orders-…".
_SERVICE_LINK = re.compile(r"\w+_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)")
_SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://")


def keep_metrics_in(folder: str | None) -> None:
    """Sets the folder in which processes started from now on keep their metrics; with None, they use memory.

    The library reads these variables when it is imported, and they may be set for another program.
    """
    variable = "PROMETHEUS_MULTIPROC_DIR"
    os.environ.pop(variable, None)
    os.environ.pop(variable.lower(), None)
    if folder is not None:
        os.environ[variable] = folder


class ConfigError(Exception):
    """A setting is invalid; the message names it and the valid values."""


class Settings(FulfilmentSettings, OutboundSettings):
    """All settings. Each has a flag, a variable ORDERS_<NAME> and a key in the TOML file."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    _origins: Origins = PrivateAttr(default_factory=Origins)

    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address to listen on. Beyond localhost the server requires authentication and TLS, unless ORDERS_INSECURE is set.",
    )
    workers: Annotated[int, Field(ge=1, le=64)] = Field(
        1, description="Server processes that share the port; one uses one core."
    )
    port: Annotated[int, Field(ge=0, le=65535)] = Field(50051, description="Port to listen on; 0 picks a free one.")
    database_url: SecretStr | None = Field(
        None,
        description="PostgreSQL to use, as postgresql://user:password@host:port/name. Default: the embedded PostgreSQL.",
    )
    data_dir: Path = Field(Path(".data/postgres"), description="Data folder of the embedded PostgreSQL.")
    postgres_version: int = Field(
        18, description="Version of the embedded PostgreSQL.", json_schema_extra={"enum": [18, 16]}
    )
    database_timeout: Annotated[float, Field(gt=0, le=300)] = Field(
        10.0, description="Timeout of a database call, in seconds."
    )
    pool_size: Annotated[int, Field(ge=4, le=1000)] = Field(
        10, description="Maximum database connections of each worker."
    )
    max_batch: Annotated[int, Field(ge=1, le=1000)] = Field(64, description="Maximum writes in one transaction.")
    max_queue: Annotated[int, Field(ge=1)] = Field(
        10_000, description="Writes that may wait in each worker; further ones are refused."
    )
    max_waiting_reads: Annotated[int, Field(ge=1)] = Field(
        3000, description="Reads that may wait for a database connection in each worker; further ones are refused."
    )
    authentication: Literal["required", "open"] | None = Field(
        None,
        description="required always enforces authentication; open disables it even when keys exist. Default: required as soon "
        "as there is an API key, a token provider or a client CA.",
    )
    insecure: bool = Field(
        False, description="Allow listening beyond localhost without TLS or authentication, for private networks."
    )
    tls_certificate: Path | None = Field(
        None, description="PEM file of the server's certificate and its chain; reloaded when it changes."
    )
    tls_key: Path | None = Field(
        None, description="PEM file of the certificate's private key; reloaded when it changes."
    )
    tls_client_ca: Path | None = Field(
        None,
        description="PEM file of certificate authorities. Every caller must present a client certificate signed by one of them.",
    )
    jwt_jwks_url: str | None = Field(None, description="URL of the token provider's keys (JWKS).")
    jwt_key_file: Path | None = Field(
        None, description="File of the token provider's keys instead of the URL: a JWKS or a public key in PEM."
    )
    jwt_issuer: str = Field("", description="Required iss of a token.")
    jwt_audience: str = Field(
        "", description="Required aud of a token. If there are several, separated by spaces, a token needs one of them."
    )
    jwt_algorithms: str = Field("RS256 ES256", description="Accepted signature algorithms, separated by spaces.")
    jwt_leeway: Annotated[float, Field(ge=0, le=300)] = Field(
        30.0, description="Tolerated difference to the provider's clock, in seconds."
    )
    jwt_customer_claim: str = Field("customer_id", description="Claim that holds the customer's id.")
    jwt_roles_claim: str = Field(
        "roles", description="Claim that holds the roles; may be a path such as realm_access.roles."
    )
    jwt_scopes_claim: str = Field("scope", description="Claim that holds the scopes; may be a path.")
    jwt_default_roles: str = Field("", description="Roles of tokens without the roles claim, for example customer.")
    jwt_default_scopes: str = Field("", description="Scopes of tokens without the scopes claim.")
    key_cache_seconds: Annotated[float, Field(ge=0, le=60)] = Field(
        5.0, description="Maximum seconds until every replica refuses a revoked key."
    )
    rate_limit_read: Annotated[float, Field(ge=0, le=1_000_000_000)] = Field(
        1000.0, description="Reads per second of one caller, across all replicas; 0 means no limit."
    )
    rate_limit_write: Annotated[float, Field(ge=0, le=1_000_000_000)] = Field(
        1000.0, description="Writes per second of one caller, across all replicas; 0 means no limit."
    )
    rate_limit_bulk: Annotated[float, Field(ge=0, le=1_000_000_000)] = Field(
        50.0, description="Streams and batches per second of one caller, across all replicas; 0 means no limit."
    )
    rate_limit_block_seconds: Annotated[float, Field(ge=0, le=86_400)] = Field(
        60.0, description="Seconds to block a caller that keeps exceeding a limit; 0 disables blocking."
    )
    max_in_flight: Annotated[int, Field(ge=1)] = Field(
        5000, description="Maximum concurrent calls of each worker; further ones are refused."
    )
    max_call_seconds: Annotated[float, Field(gt=0, le=3600)] = Field(
        60.0, description="Maximum duration of a call in seconds, regardless of its deadline."
    )
    max_stream_seconds: Annotated[float, Field(gt=0, le=86_400)] = Field(
        3600.0, description="Maximum duration of a stream in seconds; it then ends truncated, with a token to resume."
    )
    max_connection_age: Annotated[float, Field(gt=0, le=2_000_000)] = Field(
        3600.0, description="Seconds until a client is asked to reconnect, so that load spreads across replicas."
    )
    max_connection_idle: Annotated[float, Field(gt=0, le=2_000_000)] = Field(
        900.0, description="Seconds until an idle connection is closed."
    )
    min_ping_interval: Annotated[float, Field(gt=0, le=2_000_000)] = Field(
        10.0,
        description="Minimum seconds between a client's keepalive pings; the server disconnects clients that ping more often.",
    )
    max_concurrent_streams: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        10_000, description="Maximum concurrent calls on one connection; further ones wait in the client."
    )
    max_request_bytes: Annotated[int, Field(ge=1024, le=64 << 20)] = Field(
        4 << 20, description="Maximum request size, in bytes."
    )
    health_interval: Annotated[float, Field(gt=0)] = Field(
        2.0, description="Seconds between checks of the database's health."
    )
    otlp_endpoint: str | None = Field(
        None,
        pattern="^https?://[^/@ ]+$",
        description="OpenTelemetry collector to send traces to over OTLP/gRPC, for example http://localhost:4317; needs "
        "order-service[otel]. Default: no traces.",
    )
    trace_ratio: Annotated[float, Field(ge=0, le=1)] = Field(
        0.01, description="Fraction of calls to trace. The flag in a caller's traceparent takes precedence."
    )
    drain_delay: Annotated[float, Field(ge=0)] = Field(
        1.0, description="Seconds between NOT_SERVING and the shutdown, for clients and load balancers to react."
    )
    shutdown_grace: Annotated[float, Field(ge=0)] = Field(
        10.0, description="Maximum seconds for calls to finish at shutdown."
    )
    idempotency_days: Annotated[float, Field(gt=0)] = Field(7.0, description="Days that request ids are kept.")
    payment_provider: Literal["test", "external", "stripe"] | None = Field(
        None,
        description="test: a built-in provider that moves no money; external: a payment service that calls RecordPayment; "
        "stripe: Stripe, needs order-service[stripe]. Default: test with the embedded PostgreSQL, external otherwise.",
    )
    payment_timeout: Annotated[float, Field(gt=0, le=300)] = Field(
        10.0, description="Timeout of a call to the payment provider, in seconds."
    )
    stripe_secret_key: SecretStr | None = Field(
        None, description="Secret or restricted API key of the Stripe account, for example sk_live_…"
    )
    stripe_webhook_secret: SecretStr | None = Field(
        None, description="Signing secret of the webhook endpoint at Stripe, for example whsec_…"
    )
    stripe_api_url: str = Field(
        "https://api.stripe.com",
        pattern=r"^(https://[^/@ ]+|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?)$",
        description="URL of Stripe's API; another one is useful for tests. Without TLS it must be on localhost.",
    )
    payment_webhook_host: str = Field(
        "127.0.0.1", min_length=1, description="Address to receive webhooks of the payment provider on."
    )
    payment_webhook_port: Annotated[int, Field(ge=0, le=65535)] | None = Field(
        None,
        description="Port to receive webhooks of the payment provider on, over HTTP at /stripe; 0 picks a free one. Default: none are received.",
    )
    unpaid_hours: Annotated[float, Field(ge=0, le=8760)] = Field(
        0.0, description="Hours after which an unpaid pending order is cancelled; 0 keeps it."
    )
    point_value: str = Field(
        "EUR=0.01 GBP=0.01 USD=0.01",
        description="Value of a loyalty point in units of each currency, separated by spaces. Orders in other "
        "currencies neither accept nor earn points. A number alone is the value in EUR, GBP and USD.",
    )
    points_per_unit: str = Field(
        "EUR=0.05 GBP=0.05 USD=0.05",
        description="Loyalty points earned per unit of an order's total, by currency: 0.05 is a point per 20 USD. "
        "A number alone is the rate in EUR, GBP and USD.",
    )
    cart_days: Annotated[float, Field(gt=0, le=36_500)] = Field(
        90.0, description="Days after its last change until a cart is deleted."
    )
    demo: bool = Field(True, description="Load a small demo shop into an empty embedded database.")
    metrics_host: str = Field("127.0.0.1", min_length=1, description="Address to serve metrics on.")
    metrics_port: Annotated[int, Field(ge=0, le=65535)] | None = Field(
        None, description="Port to serve Prometheus metrics on, over HTTP; 0 picks a free one. Default: no metrics."
    )
    http_host: str = Field("127.0.0.1", min_length=1, description="Address to serve HTTP/JSON on.")
    http_port: Annotated[int, Field(ge=0, le=65535)] | None = Field(
        None,
        description="Port to serve HTTP/JSON on; 0 picks a free one. Default: no HTTP from `orders serve`, 8080 for `orders gateway`.",
    )
    http_cors_origins: str = Field(
        "",
        description="Origins whose pages may call over HTTP, separated by spaces, such as https://shop.example.com; * allows all.",
    )
    dialects: str = Field(
        "",
        description="Published order APIs to serve in addition over HTTP, with their own paths, names and statuses, separated by spaces: 000, 001, 002, 003.",
    )
    dialect_currency: str = Field(
        "USD", pattern="^[A-Z]{3}$", description="Currency of amounts in dialects without currencies (ISO 4217)."
    )
    reflection: bool = Field(True, description="Serve gRPC reflection, for grpcurl, ghz and buf curl.")
    log_level: str = Field("info", description="Minimum level of log messages.", pattern="^(debug|info|warning|error)$")
    log_format: Literal["text", "json"] = Field(
        "text", description="Format of the log on stderr; json writes one object per line."
    )

    @field_validator("rate_limit_read", "rate_limit_write", "rate_limit_bulk")
    @classmethod
    def _is_limit(cls, rate: float) -> float:
        if 0 < rate < 1:
            raise PydanticCustomError("rate_limit", "Input should be 0, for no limit, or at least 1")
        return rate

    @field_validator("point_value", "points_per_unit", mode="before")
    @classmethod
    def _by_currency(cls, rates: object) -> str:
        text = str(rates)
        rates_by_currency(text)
        return text

    @field_validator("postgres_version")
    @classmethod
    def _is_embedded(cls, version: int) -> int:
        if version not in (16, 18):
            raise PydanticCustomError("postgres_version", "Input should be 18 or 16")
        return version

    @field_validator("dialects")
    @classmethod
    def _are_dialects(cls, dialects: str) -> str:
        if not set(dialects.split()) <= {"000", "001", "002", "003"}:
            raise PydanticCustomError("dialects", "Input should be 000, 001, 002 or 003, separated by spaces")
        return dialects

    @field_validator("database_url")
    @classmethod
    def _is_url(cls, url: SecretStr | None) -> SecretStr | None:
        """Refuses a URL that would be parsed incorrectly, which could show a part of the password as a host."""
        if url is not None and not _URL.fullmatch(url.get_secret_value()):
            text = "Input should be postgresql://user:password@host:port/name, with %40, %2F, %25 for @, / and %"
            raise PydanticCustomError("database_url", text)
        if url is not None and _MASK in url.get_secret_value():
            raise PydanticCustomError("database_url", f"Input should have the password in place of {_MASK}")
        return url

    @field_validator("stripe_secret_key", "stripe_webhook_secret")
    @classmethod
    def _is_secret(cls, secret: SecretStr | None) -> SecretStr | None:
        """Refuses the mask, and text that cannot be sent in a header."""
        if secret is not None and not _SECRET.fullmatch(secret.get_secret_value()):
            raise PydanticCustomError("secret", "Input should be the secret as Stripe's dashboard shows it")
        return secret

    @field_validator("log_level", mode="before")
    @classmethod
    def _small(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    def origin_of(self, name: str) -> str:
        """Where the value of a setting comes from: `flag`, `environment`, `file` or `default`."""
        return self._origins.by_name.get(name, "default")

    def values(self, *, secrets: bool = False) -> dict[str, Any]:
        """The settings as the values that JSON has, with passwords masked unless `secrets`."""
        found = self.model_dump(mode="json")
        if secrets:
            found |= {name: value.get_secret_value() for name, value in self if isinstance(value, SecretStr)}
        else:
            for name in ("database_url", "broker_url", "smtp_url"):
                url: SecretStr | None = getattr(self, name)
                found[name] = url and _masked(url.get_secret_value())
        return found


def load(flags: Mapping[str, Any], *, file: str | None = None) -> Settings:
    """The settings: flags over variables over the file. None and blank text count as unset. Raises ConfigError."""
    sources = {"file": _in_file(file), "environment": _in_environment(), "flag": set_values(flags)}
    given = {name: value for found in sources.values() for name, value in found.items()}
    try:
        settings = Settings(**given)
        settings._origins.by_name.update({name: origin for origin, found in sources.items() for name in found})
        return settings
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise ConfigError(f"{PREFIX}{name.upper()} (--{name.replace('_', '-')}): {first['msg']}") from error


def _in_file(name: str | None) -> dict[str, Any]:
    if name is None or not name.strip():
        return {}
    path = Path(name.strip())
    if not path.is_file():
        raise ConfigError(f"there is no settings file {path}")
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise ConfigError(f"cannot read the settings file {path}: {error}") from error
    if unknown := sorted(found.keys() - Settings.model_fields.keys()):
        raise ConfigError(f"{path}: {_no_setting(unknown[0], Settings.model_fields)}")
    return set_values(found)


def _in_environment() -> dict[str, Any]:
    found = set_values({name.upper(): value for name, value in os.environ.items() if not _is_service_link(name, value)})
    settings = {PREFIX + name.upper(): name for name in Settings.model_fields}
    known = {*settings, *CLIENT_VARIABLES.values(), CONFIG_VARIABLE}
    if unknown := sorted(name for name in found if name.startswith(PREFIX) and name not in known):
        raise ConfigError(_no_setting(unknown[0], known))
    return {settings[name]: value for name, value in found.items() if name in settings}


def client_flags_in_environment() -> dict[str, str | None]:
    return {flag: os.environ.get(variable) for flag, variable in CLIENT_VARIABLES.items()}


def _is_service_link(name: str, value: str) -> bool:
    """Whether Kubernetes set this variable, which is then not a setting."""
    return bool(_SERVICE_LINK.fullmatch(name) or _SERVICE_ADDRESS.match(value))


def set_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are set, without surrounding white space: files of secrets end with a line break."""
    stripped = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
    return {name: value for name, value in stripped.items() if value not in (None, "")}


def _no_setting(name: str, known: Collection[str]) -> str:
    by_rest = {each.removeprefix(PREFIX): each for each in known}  # ignore the common prefix
    nearest = difflib.get_close_matches(name.removeprefix(PREFIX), by_rest, n=1)
    advice = f"did you mean {by_rest[nearest[0]]}?" if nearest else "`orders config` lists them all"
    return f"there is no setting {name}; {advice}"


def _masked(url: str) -> str:
    """The URL without its password and without parameters that may contain one."""
    return _SECRET_PARAMETER.sub(rf"\1={_MASK}", _PASSWORD.sub(rf"\1{_MASK}", url))
