"""API keys and registered certificates: their callers, their lifetime and their changes."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from orders.v1.access_pb2 import ROLE_CUSTOMER
from orders.v1.api_key_service_pb2 import ApiKey
from orders.v1.error_reason_pb2 import (
    ERROR_REASON_API_KEY_NOT_FOUND,
    ERROR_REASON_API_KEY_REVOKED,
    ERROR_REASON_CERTIFICATE_NAME_TAKEN,
)

from server.domain.base.caller import Caller, role_of, scope_name
from server.domain.base.errors import Refusal, invalid_field, unauthenticated

DEFAULT_OVERLAP = timedelta(days=1)


class StoredKey(NamedTuple):
    """A key as it is stored: without its text, of which only the SHA-256 is kept, and that of the text before the last rotation."""

    api_key: ApiKey
    digest: bytes | None = None
    previous: bytes | None = None
    # Whether anybody has used the newest text.
    used: bool = False


class Use(NamedTuple):
    """A key that was used, and by which text; a certificate has none."""

    key_id: str
    # Not whether it is the newest: it may have been, and be so no more when the use is noted.
    digest: bytes = b""


def new_api_key(wished: ApiKey, *, key_id: str, creator: str, now: datetime, path: str = "api_key") -> ApiKey:
    """The key that is asked for; `path` is where it stands in the request."""
    is_customer = ROLE_CUSTOMER in wished.roles
    if is_customer and not wished.customer_id:
        raise invalid_field(f"{path}.customer_id", "is required with the role customer")
    if wished.customer_id and not is_customer:
        raise invalid_field(f"{path}.customer_id", "is for the role customer only")
    if wished.HasField("expire_time") and wished.expire_time.ToDatetime(UTC) <= now:
        raise invalid_field(f"{path}.expire_time", "has passed")
    api_key = ApiKey(
        key_id=key_id,
        owner=wished.owner,
        description=wished.description,
        roles=wished.roles,
        scopes=wished.scopes,
        customer_id=wished.customer_id,
        certificate_name=wished.certificate_name,
        expire_time=wished.expire_time if wished.HasField("expire_time") else None,
        creator=creator,
    )
    api_key.create_time.FromDatetime(now)
    return api_key


def rotate(stored: StoredKey, digest: bytes, *, overlap: timedelta, now: datetime) -> StoredKey:
    """The key with a new text. The one in use stays good for the overlap: the newest, or if nobody has used that, the one before."""
    api_key = ApiKey()
    api_key.CopyFrom(stored.api_key)
    if api_key.HasField("revoke_time"):
        text = f"API key {api_key.key_id} is revoked; make a new one"
        raise Refusal(ERROR_REASON_API_KEY_REVOKED, text, metadata={"key_id": api_key.key_id})
    if stored.digest is None:
        raise invalid_field("key_id", f"{api_key.key_id} is a certificate's, and has no text to rotate")
    in_use = stored.previous if stored.previous and not stored.used else stored.digest
    api_key.rotate_time.FromDatetime(now)
    api_key.previous_expire_time.FromDatetime(now + overlap)
    return StoredKey(api_key, digest, in_use)


def revoke(stored: StoredKey, *, revoker: str, now: datetime) -> StoredKey:
    """The key, ended; the same if it was already."""
    if stored.api_key.HasField("revoke_time"):
        return stored
    api_key = ApiKey()
    api_key.CopyFrom(stored.api_key)
    api_key.revoke_time.FromDatetime(now)
    api_key.revoker = revoker
    return stored._replace(api_key=api_key)


def caller_of(api_key: ApiKey) -> Caller:
    """Whom a key stands for."""
    named = f"certificate:{api_key.certificate_name}" if api_key.certificate_name else f"key:{api_key.key_id}"
    return Caller(
        subject=named,
        roles=frozenset(map(role_of, api_key.roles)),
        scopes=frozenset(map(scope_name, api_key.scopes)),
        customer_id=api_key.customer_id,
    )


def check_valid(api_key: ApiKey, *, newest: bool, now: datetime) -> None:
    """Refuses a key that is revoked or has expired, and the text before its `newest` one when the overlap is over."""
    if api_key.HasField("revoke_time"):
        raise unauthenticated("revoked", f"API key {api_key.key_id} is revoked; ask its maker for another one")
    end = expire_time_of(api_key, newest=newest)
    if end is not None and end <= now:
        what = "has expired; ask its maker for another one" if newest else "was rotated; its new text is needed"
        raise unauthenticated("expired", f"API key {api_key.key_id} {what}")


def expire_time_of(api_key: ApiKey, *, newest: bool) -> datetime | None:
    """When a text of a key is no longer good; None for never."""
    ends = [api_key.expire_time] if api_key.HasField("expire_time") else []
    if not newest:
        ends.append(api_key.previous_expire_time)
    return min((end.ToDatetime(UTC) for end in ends), default=None)


def api_key_not_found(key_id: str) -> Refusal:
    return Refusal(ERROR_REASON_API_KEY_NOT_FOUND, f"there is no API key {key_id!r}", metadata={"key_id": key_id})


def certificate_name_taken(name: str) -> Refusal:
    text = f"another key has the certificate name {name!r}; revoke it first"
    return Refusal(ERROR_REASON_CERTIFICATE_NAME_TAKEN, text, metadata={"certificate_name": name})
