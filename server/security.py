"""Who gets in, by the settings: builds the gate, and refuses to serve other machines unprotected."""

import ipaddress

import grpc

from server.config import ConfigError, Settings
from server.domain.caller import SCOPES, Role
from server.identity.authenticator import Authenticator
from server.identity.claims import ClaimRules
from server.identity.jwt import TokenVerifier
from server.identity.key_sources import KeyFile, KeySource, KeyUrl
from server.rpc.admission import InFlight
from server.rpc.buckets import Limit
from server.rpc.gate import Gate
from server.rpc.limits import RateLimiter
from server.rpc.tls import TlsError, server_credentials
from server.storage.api_keys import ApiKeyRepository
from server.storage.database import Database
from server.storage.rate_limits import RateLimitRepository


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def needs_credentials(settings: Settings, api_keys: ApiKeyRepository) -> bool:
    """Whether callers must be known: if the settings say so, or anything is there to know them by."""
    if settings.authentication is not None:
        return settings.authentication == "required"
    if settings.jwt_jwks_url or settings.jwt_key_file or settings.jwt_issuer or settings.tls_client_ca:
        return True
    return bool(await api_keys.page(after="", limit=1))


def check_exposure(settings: Settings, *, closed: bool) -> None:
    """Refuses to serve other machines without authentication or TLS, unless told to. Raises ConfigError."""
    if is_loopback(settings.host) or settings.insecure:
        return
    missing = []
    if not closed:
        missing.append("authentication: make a key with `orders keys create`, or set ORDERS_AUTHENTICATION=required")
    if settings.tls_certificate is None:
        missing.append("TLS: set ORDERS_TLS_CERTIFICATE and ORDERS_TLS_KEY")
    if missing:
        raise ConfigError(
            f"{settings.host} is reached from other machines, and there is no {'; and no '.join(missing)}. "
            "On a private network --insecure serves all the same"
        )


def credentials(settings: Settings) -> grpc.ServerCredentials | None:
    """What TLS is served with; None without. Raises ConfigError."""
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate is None and key is None and settings.tls_client_ca is None:
        return None
    if certificate is None or key is None:
        raise ConfigError("TLS needs both ORDERS_TLS_CERTIFICATE and ORDERS_TLS_KEY")
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
    """What callers are known by. Raises ConfigError."""
    return Authenticator(store=api_keys, tokens=_tokens(settings), cache_seconds=settings.key_cache_seconds)


def _tokens(settings: Settings) -> TokenVerifier | None:
    try:
        source = _key_source(settings)
        return None if source is None else _verifier(settings, source)
    except (ValueError, OSError) as error:
        raise ConfigError(f"the settings ORDERS_JWT_… cannot be used: {error}") from error


def _key_source(settings: Settings) -> KeySource | None:
    if settings.jwt_jwks_url and settings.jwt_key_file:
        raise ValueError("set either ORDERS_JWT_JWKS_URL or ORDERS_JWT_KEY_FILE")
    if settings.jwt_key_file:
        return KeyFile(settings.jwt_key_file)
    if settings.jwt_jwks_url:
        return KeyUrl(settings.jwt_jwks_url)
    if settings.jwt_issuer or settings.jwt_audience:
        raise ValueError("tokens need ORDERS_JWT_JWKS_URL or ORDERS_JWT_KEY_FILE")
    return None


def _verifier(settings: Settings, source: KeySource) -> TokenVerifier:
    rules = ClaimRules(
        valid_scopes=SCOPES,
        customer_id=settings.jwt_customer_claim,
        roles=settings.jwt_roles_claim,
        scopes=settings.jwt_scopes_claim,
        default_roles=frozenset(map(Role, settings.jwt_default_roles.split())),
        default_scopes=frozenset(map(_known_scope, settings.jwt_default_scopes.split())),
    )
    return TokenVerifier(
        source,
        issuer=settings.jwt_issuer,
        audiences=frozenset(settings.jwt_audience.split()),
        algorithms=frozenset(settings.jwt_algorithms.split()),
        leeway=settings.jwt_leeway,
        rules=rules,
    )


def _known_scope(name: str) -> str:
    if name not in SCOPES:
        raise ValueError(f"there is no scope {name}; choose from {', '.join(sorted(SCOPES))}")
    return name


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
