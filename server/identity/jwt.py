"""Bearer tokens of an OpenID provider: JSON Web Tokens, checked by the provider's public keys."""

from collections.abc import Mapping
from typing import Any

import jwt

from server.domain.base.errors import unauthenticated
from server.identity.claims import ClaimRules, caller_of
from server.identity.credential_cache import Verified
from server.identity.key_sources import KeySource
from server.identity.signing_keys import ALGORITHMS, SigningKey
from server.identity.token_refusals import refusal_of

_MAX_TOKEN = 8 << 10

# The latest time that a float can hold; later ones mean never.
_LAST_TIME = 1 << 53


class TokenVerifier:
    """Checks tokens."""

    def __init__(
        self,
        keys: KeySource,
        *,
        issuer: str,
        audiences: frozenset[str],
        algorithms: frozenset[str],
        rules: ClaimRules,
        leeway: float = 30.0,
    ) -> None:
        """`leeway` is the tolerated difference of clocks, in seconds. Raises ValueError if the settings would accept any token."""
        _check_settings(issuer, audiences, algorithms)
        self._keys = keys
        self._issuer = issuer
        self._audiences = audiences
        self._accepted = {"iss": issuer, "aud": ", ".join(sorted(audiences))}
        self._algorithms = algorithms
        self._rules = rules
        self._leeway = leeway

    async def verify(self, token: str) -> Verified:
        """The caller of a token. Raises UNAUTHENTICATED for an invalid one, DEPENDENCY_UNAVAILABLE if there are no keys."""
        if len(token) > _MAX_TOKEN:
            raise unauthenticated(
                "too_long", f"the token has more than {_MAX_TOKEN:,} characters; get one with fewer claims"
            )
        key_id, algorithm = self._read_header(token)
        keys = await self._keys.find(key_id=key_id, algorithm=algorithm)
        if not keys:
            text = "the token is signed with a key that is not one of the identity provider's; get a new one"
            raise unauthenticated("unknown_key", text)
        claims = self._claims(token, keys, algorithm)
        return Verified(caller_of(claims, self._rules), float(min(int(claims["exp"]), _LAST_TIME)))

    def _read_header(self, token: str) -> tuple[str, str]:
        """The key id and the algorithm. The header is not trusted: nothing else in it is used."""
        first, *_ = token.split(".", 1)
        try:
            # Decodes only the header; the library decodes the rest later.
            header = jwt.get_unverified_header(f"{first}..")
        except (jwt.PyJWTError, ValueError) as error:
            raise unauthenticated(
                "malformed", "this is not a JSON Web Token; send the token as it was issued"
            ) from error
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in self._algorithms:
            allowed = ", ".join(sorted(self._algorithms))
            raise unauthenticated("algorithm", f"the token must be signed with {allowed}; get one that is")
        return header.get("kid", ""), algorithm

    def _claims(self, token: str, keys: list[SigningKey], algorithm: str) -> Mapping[str, Any]:
        """The claims, verified with one of the keys."""
        for key in keys:
            try:
                return self._decode(token, key, algorithm)
            except jwt.InvalidSignatureError:
                continue
            except jwt.PyJWTError as error:
                # The signature is right, so the claims may be shown.
                raise refusal_of(error, _claims_of(token), accepted=self._accepted) from error
        raise unauthenticated("signature", "the token's signature is wrong; send the token as it was issued")

    def _decode(self, token: str, key: SigningKey, algorithm: str) -> Mapping[str, Any]:
        return jwt.decode(
            token,
            key.public,
            algorithms=[algorithm],
            issuer=self._issuer,
            audience=self._audiences,
            leeway=self._leeway,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )


def _check_settings(issuer: str, audiences: frozenset[str], algorithms: frozenset[str]) -> None:
    if not issuer or not audiences or "" in audiences:
        raise ValueError("tokens need an issuer and an audience to be checked for")
    if not algorithms or algorithms - ALGORITHMS:
        named = ", ".join(sorted(algorithms - ALGORITHMS)) or "nothing"
        raise ValueError(f"tokens may be signed with {', '.join(sorted(ALGORITHMS))}, not with {named}")


def _claims_of(token: str) -> Mapping[str, Any]:
    """The claims of a token, which are not checked; none if they cannot be read."""
    try:
        return jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        return {}
