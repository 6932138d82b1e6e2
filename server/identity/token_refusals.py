"""Refusals of tokens whose signature is right: each names the claim, its value, and what this service accepts."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import jwt
from jwt.exceptions import InvalidSubjectError

from server.domain.base.errors import Refusal, unauthenticated

# Characters of a claim's value that are shown.
_LONGEST = 200


class _Rule(NamedTuple):
    """The refusal for an error of the library: its cause, and its text without and with the claim's value."""

    cause: str
    text: str
    claim: str = ""
    named: str = ""


# The first that matches.
_RULES: tuple[tuple[type[jwt.PyJWTError], _Rule], ...] = (
    (
        jwt.ExpiredSignatureError,
        _Rule("expired", "the token has expired; get a new one", "exp", "the token expired at {value}; get a new one"),
    ),
    (
        jwt.ImmatureSignatureError,
        _Rule(
            "not_yet_valid",
            "the token is not valid yet; check the clocks, or wait",
            "nbf",
            "the token is not valid before {value}; check the clocks, or wait",
        ),
    ),
    (
        jwt.InvalidAudienceError,
        _Rule(
            "audience",
            "the token is for another audience; this service accepts tokens for {accepted}",
            "aud",
            "the token is for {value}; this service accepts tokens for {accepted}",
        ),
    ),
    (
        jwt.InvalidIssuerError,
        _Rule(
            "issuer",
            "another provider issued the token; this service accepts tokens issued by {accepted}",
            "iss",
            "the token was issued by {value}; this service accepts tokens issued by {accepted}",
        ),
    ),
    (
        InvalidSubjectError,
        _Rule("subject", "the token's sub claim must be text; get a token for another subject"),
    ),
    (jwt.PyJWTError, _Rule("malformed", "the token is damaged; send it as it was issued")),
)


def refusal_of(error: jwt.PyJWTError, claims: Mapping[str, Any], *, accepted: Mapping[str, str]) -> Refusal:
    """The refusal of a token with these claims. `accepted` has the values that this service accepts, by claim."""
    if isinstance(error, jwt.MissingRequiredClaimError):
        refusal = unauthenticated("claim_missing", f"the token has no claim {error.claim}; get one that has it")
        refusal.metadata["claim"] = error.claim
        return refusal
    rule = next(rule for kind, rule in _RULES if isinstance(error, kind))
    # Without a claim nbf, the token is issued in the future.
    claim = "iat" if rule.claim == "nbf" and "nbf" not in claims else rule.claim
    value = _time(claims.get(claim)) if claim in ("exp", "nbf", "iat") else _text(claims.get(claim))
    expected = accepted.get(claim, "")
    refusal = unauthenticated(rule.cause, (rule.named if value else rule.text).format(value=value, accepted=expected))
    found = {"claim": claim, "value": value, "accepted": expected}
    refusal.metadata.update({name: text for name, text in found.items() if text})
    return refusal


def _text(value: Any) -> str:
    """A text or a list of texts as it is shown; nothing else is."""
    words = value if isinstance(value, list) else [value]
    if not all(isinstance(word, str) and word.isprintable() for word in words):
        return ""
    return ", ".join(words)[:_LONGEST]


def _time(value: Any) -> str:
    try:
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (TypeError, ValueError, OverflowError, OSError):
        return ""
