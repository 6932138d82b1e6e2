"""Converts the claims of a token to a caller."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from server.domain.base.caller import Caller, IgnoredRole, Role
from server.domain.base.errors import unauthenticated

_MAX_SUBJECT = 200
# The maximum number of ignored roles to report: tokens can have many roles for other services.
_MAX_IGNORED = 20

# As in the protos.
_CUSTOMER_ID = re.compile(r"[!-~]{1,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRules:
    """The names of the claims, which may be paths such as `realm_access.roles`, and what they may grant."""

    valid_scopes: frozenset[str]
    customer_id: str = "customer_id"
    roles: str = "roles"
    scopes: str = "scope"
    # For tokens without the claim. An empty claim grants nothing.
    default_roles: frozenset[Role] = frozenset()
    default_scopes: frozenset[str] = frozenset()


class _Claim(NamedTuple):
    """The value of a claim, which may be null."""

    value: Any


def caller_of(claims: Mapping[str, Any], rules: ClaimRules) -> Caller:
    """The caller of a token with verified claims. Raises UNAUTHENTICATED without a valid subject."""
    words, scopes = _words(claims, rules.roles), _words(claims, rules.scopes)
    roles = rules.default_roles if words is None else frozenset(role for role in Role if role.value in words)
    customer_id = _customer_id(claims, rules.customer_id)
    # The role customer needs a customer id.
    unusable = roles & {Role.CUSTOMER} if not customer_id else frozenset[Role]()
    return Caller(
        subject="user:" + _subject(claims),
        roles=roles - unusable,
        scopes=rules.default_scopes if scopes is None else rules.valid_scopes & scopes,
        customer_id=customer_id,
        ignored_roles=_ignored(words or frozenset(), unusable, rules),
    )


def _ignored(words: frozenset[str], unusable: frozenset[Role], rules: ClaimRules) -> tuple[IgnoredRole, ...]:
    text = f"the token has no claim {rules.customer_id}, which the role customer needs"
    without_customer = [IgnoredRole(role.value, "customer_id_missing", text) for role in unusable]
    unknown = sorted(words - {role.value for role in Role})[:_MAX_IGNORED]
    return (*without_customer, *(IgnoredRole(word, "unknown", "this service has no such role") for word in unknown))


def _subject(claims: Mapping[str, Any]) -> str:
    subject = claims.get("sub")
    # The audit log shows it, so it must not be able to imitate another name.
    if not isinstance(subject, str) or not 0 < len(subject) <= _MAX_SUBJECT or not subject.isprintable():
        text = (
            f"the token's sub claim must be 1 to {_MAX_SUBJECT} printable characters; get a token for another subject"
        )
        raise unauthenticated("subject", text)
    return subject


def _customer_id(claims: Mapping[str, Any], name: str) -> str:
    claim = _find(claims, name)
    if claim is None or claim.value is None:
        return ""
    if not isinstance(claim.value, str) or not _CUSTOMER_ID.fullmatch(claim.value):
        text = (
            f"the token's {name} claim must be 1 to 128 visible ASCII characters; have the identity provider set it so"
        )
        raise unauthenticated("customer_id", text)
    return claim.value


def _words(claims: Mapping[str, Any], name: str) -> frozenset[str] | None:
    """The words of a claim that is a text or a list; none for other types; None without the claim."""
    claim = _find(claims, name)
    if claim is None:
        return None
    words = claim.value.split() if isinstance(claim.value, str) else claim.value
    return frozenset(word for word in words if isinstance(word, str)) if isinstance(words, list) else frozenset()


def _find(claims: Mapping[str, Any], name: str) -> _Claim | None:
    """The claim with a name or, failing that, at its path through objects."""
    if name in claims:
        return _Claim(claims[name])
    value: Any = claims
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return _Claim(value)
