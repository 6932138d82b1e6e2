"""Security settings: builds the gate, and refuses to serve other machines without protection."""

from typing import TYPE_CHECKING

import grpc

from server.config import ConfigError, Settings
from server.identity.authenticator import Authenticator
from server.identity.loopback import is_loopback
from server.rpc.admission import InFlight
from server.rpc.buckets import Limit
from server.rpc.gate import Gate
from server.rpc.limits import RateLimiter
from server.storage.database import Database
from server.storage.rate_limits import RateLimitRepository
from server.storage.read.api_keys import ApiKeyRepository

if TYPE_CHECKING:
    from server.identity.jwt import TokenVerifier


async def needs_credentials(settings: Settings, api_keys: ApiKeyRepository) -> bool:
    """Whether callers need credentials: by the setting, or because credentials are configured."""
    if settings.authentication is not None:
        return settings.authentication == "required"
    if settings.jwt_jwks_url or settings.jwt_key_file or settings.jwt_issuer or settings.tls_client_ca:
        return True
    return bool(await api_keys.page(after="", limit=1))


def check_exposure(settings: Settings, *, closed: bool) -> None:
    """Refuses to serve other machines without authentication or TLS, unless the settings allow it. Raises ConfigError."""
    if is_loopback(settings.host) or settings.insecure:
        return
    missing = []
    if not closed:
        missing.append("authentication: create a key with `orders keys create`, or set ORDERS_AUTHENTICATION=required")
    if settings.tls_certificate is None:
        missing.append("TLS: set ORDERS_TLS_CERTIFICATE and ORDERS_TLS_KEY")
    if missing:
        raise ConfigError(
            f"{settings.host} is reachable from other machines, and there is no {'; and no '.join(missing)}. "
            "On a private network, --insecure allows that"
        )


def credentials(settings: Settings) -> grpc.ServerCredentials | None:
    """The credentials for TLS; None without it. Raises ConfigError."""
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate is None and key is None and settings.tls_client_ca is None:
        return None
    if certificate is None or key is None:
        raise ConfigError("TLS needs both ORDERS_TLS_CERTIFICATE and ORDERS_TLS_KEY")
    from server.rpc.tls import TlsError, server_credentials

    try:
        return server_credentials(certificate=certificate, key=key, client_ca=settings.tls_client_ca)
    except TlsError as error:
        raise ConfigError(str(error)) from error


def build_gate(settings: Settings, *, authenticator: Authenticator | None, database: Database) -> Gate:
    """The gate; without an authenticator it is open."""
    limiter = None if authenticator is None else _limiter(settings, database)
    return Gate(
        authenticator=authenticator,
        limiter=limiter,
        in_flight=InFlight(settings.max_in_flight),
        takes_certificates=settings.tls_client_ca is not None,
    )


def build_authenticator(settings: Settings, api_keys: ApiKeyRepository) -> Authenticator:
    """The authenticator of callers. Raises ConfigError."""
    return Authenticator(store=api_keys, tokens=_tokens(settings), cache_seconds=settings.key_cache_seconds)


def _tokens(settings: Settings) -> "TokenVerifier | None":
    if not (settings.jwt_jwks_url or settings.jwt_key_file or settings.jwt_issuer or settings.jwt_audience):
        return None
    # Imports cryptography, which a server without tokens need not load.
    from server.runtime.token_settings import token_verifier

    try:
        return token_verifier(settings)
    except (ValueError, OSError) as error:
        raise ConfigError(f"the settings ORDERS_JWT_… cannot be used: {error}") from error


def _limiter(settings: Settings, database: Database) -> RateLimiter:
    limits = {
        name: Limit(rate, rate)
        for name, rate in (
            ("read", settings.rate_limit_read),
            ("write", settings.rate_limit_write),
            ("bulk", settings.rate_limit_bulk),
        )
        if rate
    }
    return RateLimiter(RateLimitRepository(database), limits=limits, block_seconds=settings.rate_limit_block_seconds)
