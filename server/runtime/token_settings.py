"""The verifier of tokens, from the settings."""

from server.config import Settings
from server.domain.base.caller import SCOPES, Role
from server.identity.claims import ClaimRules
from server.identity.jwt import TokenVerifier
from server.identity.key_sources import KeyFile, KeySource, KeyUrl


def token_verifier(settings: Settings) -> TokenVerifier:
    """The verifier. Raises ValueError and OSError."""
    return TokenVerifier(
        _key_source(settings),
        issuer=settings.jwt_issuer,
        audiences=frozenset(settings.jwt_audience.split()),
        algorithms=frozenset(settings.jwt_algorithms.split()),
        leeway=settings.jwt_leeway,
        rules=ClaimRules(
            valid_scopes=SCOPES,
            customer_id=settings.jwt_customer_claim,
            roles=settings.jwt_roles_claim,
            scopes=settings.jwt_scopes_claim,
            default_roles=frozenset(map(Role, settings.jwt_default_roles.split())),
            default_scopes=frozenset(map(_known_scope, settings.jwt_default_scopes.split())),
        ),
    )


def _key_source(settings: Settings) -> KeySource:
    if settings.jwt_jwks_url and settings.jwt_key_file:
        raise ValueError("set either ORDERS_JWT_JWKS_URL or ORDERS_JWT_KEY_FILE")
    if settings.jwt_key_file:
        return KeyFile(settings.jwt_key_file)
    if settings.jwt_jwks_url:
        return KeyUrl(settings.jwt_jwks_url)
    raise ValueError("tokens need ORDERS_JWT_JWKS_URL or ORDERS_JWT_KEY_FILE")


def _known_scope(name: str) -> str:
    if name not in SCOPES:
        raise ValueError(f"there is no scope {name}; choose from {', '.join(sorted(SCOPES))}")
    return name
