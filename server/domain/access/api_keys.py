"""Operations on API keys and registered certificates, and the callers that they identify."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.access_pb2 import ROLE_CUSTOMER
from orders.v1.api_key_service_pb2 import ApiKey, CreateApiKeyRequest, RevokeApiKeyRequest, RotateApiKeyRequest
from orders.v1.error_reason_pb2 import (
    ERROR_REASON_API_KEY_NOT_FOUND,
    ERROR_REASON_API_KEY_REVOKED,
    ERROR_REASON_CERTIFICATE_NAME_TAKEN,
)

from server.domain.access import key_texts
from server.domain.base.caller import Caller, role_of, scope_name
from server.domain.base.edits import Audit
from server.domain.base.errors import Refusal, invalid_field, unauthenticated
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.state import State
from server.domain.base.values import StoredKey

DEFAULT_OVERLAP = timedelta(days=1)


class Use(NamedTuple):
    """A key that was used, and by which text; a certificate has none."""

    key_id: str
    # The text itself, because it may no longer be the newest when the use is recorded.
    digest: bytes = b""


def _names_certificate(request: CreateApiKeyRequest) -> Needs:
    return Needs(certificate_names=[request.api_key.certificate_name])


def _names_key(request: RotateApiKeyRequest | RevokeApiKeyRequest) -> Needs:
    return Needs(api_keys=[request.key_id])


@operation(CreateApiKeyRequest, needs=_names_certificate)
def create_api_key(request: CreateApiKeyRequest, state: State, audit: Audit) -> ApiKey:
    """Creates a key and returns its text; a key for a certificate has none."""
    _check(request.api_key, now=audit.time)
    made = key_texts.generate()
    api_key = _new_api_key(request.api_key, key_id=made.key_id, audit=audit)
    name = api_key.certificate_name
    if name and state.is_certificate_name_taken(name):
        raise certificate_name_taken(name)
    state.put_api_key(StoredKey(api_key, None if name else made.digest), new=True)
    return api_key if name else _with_text(api_key, made.text)


@operation(RotateApiKeyRequest, needs=_names_key)
def rotate_api_key(request: RotateApiKeyRequest, state: State, audit: Audit) -> ApiKey:
    """Gives a key a new text. The one in use (the newest one that was used) stays valid for the overlap."""
    stored = _stored(request.key_id, state)
    api_key = _copy_of(stored)
    if api_key.HasField("revoke_time"):
        text = f"API key {api_key.key_id} is revoked; create a new one"
        raise Refusal(ERROR_REASON_API_KEY_REVOKED, text, metadata={"key_id": api_key.key_id})
    if stored.digest is None:
        raise invalid_field("key_id", f"{api_key.key_id} belongs to a certificate and has no text to rotate")
    overlap = request.overlap.ToTimedelta() if request.HasField("overlap") else DEFAULT_OVERLAP
    api_key.rotate_time.CopyFrom(audit.time)
    api_key.previous_expire_time.FromDatetime(audit.time.ToDatetime(UTC) + overlap)
    made = key_texts.generate(api_key.key_id)
    in_use = stored.previous if stored.previous and not stored.used else stored.digest
    state.put_api_key(StoredKey(api_key, made.digest, in_use))
    return _with_text(api_key, made.text)


@operation(RevokeApiKeyRequest, needs=_names_key)
def revoke_api_key(request: RevokeApiKeyRequest, state: State, audit: Audit) -> ApiKey:
    """Revokes a key. Revoking it again changes nothing."""
    stored = _stored(request.key_id, state)
    if stored.api_key.HasField("revoke_time"):
        return stored.api_key
    api_key = _copy_of(stored)
    api_key.revoke_time.CopyFrom(audit.time)
    api_key.revoker = audit.caller.subject
    state.put_api_key(stored._replace(api_key=api_key))
    return api_key


def _check(wished: ApiKey, *, now: Timestamp) -> None:
    is_customer = ROLE_CUSTOMER in wished.roles
    if is_customer and not wished.customer_id:
        raise invalid_field("api_key.customer_id", "is required with the role customer")
    if wished.customer_id and not is_customer:
        raise invalid_field("api_key.customer_id", "is only for the role customer")
    if wished.HasField("expire_time") and wished.expire_time.ToDatetime(UTC) <= now.ToDatetime(UTC):
        raise invalid_field("api_key.expire_time", "has passed")


def _new_api_key(wished: ApiKey, *, key_id: str, audit: Audit) -> ApiKey:
    return ApiKey(
        key_id=key_id,
        owner=wished.owner,
        description=wished.description,
        roles=wished.roles,
        scopes=wished.scopes,
        customer_id=wished.customer_id,
        certificate_name=wished.certificate_name,
        expire_time=wished.expire_time if wished.HasField("expire_time") else None,
        create_time=audit.time,
        creator=audit.caller.subject,
    )


def _stored(key_id: str, state: State) -> StoredKey:
    stored: StoredKey | None = state.api_keys.get(key_id)
    if stored is None:
        raise api_key_not_found(key_id)
    return stored


def _copy_of(stored: StoredKey) -> ApiKey:
    copy = ApiKey()
    copy.CopyFrom(stored.api_key)
    return copy


def _with_text(api_key: ApiKey, text: str) -> ApiKey:
    """A copy of the key with its text, for the response. The text is never stored."""
    shown = ApiKey(key=text)
    shown.MergeFrom(api_key)
    return shown


def caller_of(api_key: ApiKey) -> Caller:
    """The caller that a key identifies."""
    named = f"certificate:{api_key.certificate_name}" if api_key.certificate_name else f"key:{api_key.key_id}"
    return Caller(
        subject=named,
        roles=frozenset(map(role_of, api_key.roles)),
        scopes=frozenset(map(scope_name, api_key.scopes)),
        customer_id=api_key.customer_id,
        owner=api_key.owner,
    )


def check_valid(api_key: ApiKey, *, newest: bool, now: datetime) -> None:
    """Refuses a key that is revoked or has expired, and the text before its `newest` one when the overlap is over."""
    if api_key.HasField("revoke_time"):
        time = api_key.revoke_time.ToDatetime(UTC)
        raise _ended("revoked", api_key, f"was revoked at {time:%Y-%m-%dT%H:%M:%SZ}; ask its creator for a new one")
    end = expire_time_of(api_key, newest=newest)
    if end is not None and end <= now:
        advice = "ask its creator for a new one" if newest else "it was rotated: use its new text"
        raise _ended("expired", api_key, f"expired at {end:%Y-%m-%dT%H:%M:%SZ}; {advice}")


def _ended(cause: str, api_key: ApiKey, text: str) -> Refusal:
    refusal = unauthenticated(cause, f"API key {api_key.key_id} {text}")
    refusal.metadata["key_id"] = api_key.key_id
    return refusal


def expire_time_of(api_key: ApiKey, *, newest: bool) -> datetime | None:
    """The expiry time of a key's text; None for never."""
    ends = [api_key.expire_time] if api_key.HasField("expire_time") else []
    if not newest:
        ends.append(api_key.previous_expire_time)
    return min((end.ToDatetime(UTC) for end in ends), default=None)


def api_key_not_found(key_id: str) -> Refusal:
    return Refusal(
        ERROR_REASON_API_KEY_NOT_FOUND,
        f"there is no API key {key_id!r}; ListApiKeys lists all",
        metadata={"key_id": key_id},
    )


def certificate_name_taken(name: str) -> Refusal:
    text = f"another key has the certificate name {name!r}; revoke it first"
    return Refusal(ERROR_REASON_CERTIFICATE_NAME_TAKEN, text, metadata={"certificate_name": name})
