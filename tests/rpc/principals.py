"""Callers of every kind for the tests of access: API keys, tokens of an identity provider, and what each may do."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

from google.protobuf.message import Message
from orders.v1.access_pb2 import Role, Scope
from orders.v1.api_key_service_pb2 import ApiKey, CreateApiKeyRequest, RevokeApiKeyRequest, RotateApiKeyRequest

from server.domain.base.caller import Caller
from server.domain.operations import Command
from server.rpc.validation import violations_of
from server.storage.write.writer import Writer
from tests.conftest import Service, serving
from tests.identity_provider import AUDIENCE, ISSUER, Provider

Metadata: TypeAlias = tuple[tuple[str, str], ...]

ROLES = frozenset({"customer", "fulfilment", "payment", "admin"})
SCOPES = frozenset(
    {
        "orders.read",
        "orders.write",
        "orders.import",
        "payments.write",
        "tracking.write",
        "carts.read",
        "carts.write",
        "catalog.read",
        "catalog.write",
        "customers.read",
        "customers.write",
        "keys.admin",
    }
)

# Nothing is believed for a while, and nobody is slowed down: each test says what it needs of that.
CLOSED = {
    "authentication": "required",
    "key_cache_seconds": 0.0,
    "rate_limit_read": 0.0,
    "rate_limit_write": 0.0,
    "rate_limit_bulk": 0.0,
}


@dataclass(frozen=True)
class Principal:
    """A caller: what it presents, and what it has; `cause` says why it is not known, if it is not."""

    name: str
    metadata: Metadata = ()
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = SCOPES
    customer_id: str = ""
    cause: str = ""


def bearer(text: str) -> Metadata:
    return (("authorization", f"Bearer {text}"),)


def wished_key(
    roles: Iterable[str] = ("admin",), scopes: Iterable[str] = SCOPES, *, customer_id: str = "", **fields: Any
) -> ApiKey:
    """A key as it is asked for; of the customer jane, if it is a customer's and nobody is named."""
    if "customer" in roles:
        fields["customer_id"] = customer_id or "jane"
    return ApiKey(
        **{"owner": "tests"} | fields,
        roles=[Role.Value(f"ROLE_{role.upper()}") for role in roles],
        scopes=[Scope.Value(f"SCOPE_{scope.upper().replace('.', '_')}") for scope in sorted(scopes)],
    )


async def change_key(service: Service, request: Message) -> ApiKey:
    """Carries out an operation on keys as `orders keys` does: on the database."""
    writer = Writer(service.running.database, validate=violations_of)
    answer = await writer.execute(Command(request, Caller("tests", frozenset())))
    await writer.drain()
    return ApiKey.FromString(answer.body)


async def new_key(service: Service, *roles: str, **fields: Any) -> ApiKey:
    """A key with its text, made on the database; an admin's, if no role is named."""
    return await change_key(service, CreateApiKeyRequest(api_key=wished_key(roles or ("admin",), **fields)))


async def rotate_key(service: Service, key_id: str, *, overlap: timedelta) -> ApiKey:
    return await change_key(service, RotateApiKeyRequest(key_id=key_id, overlap=overlap))


async def revoke_key(service: Service, key_id: str) -> ApiKey:
    return await change_key(service, RevokeApiKeyRequest(key_id=key_id))


async def key_holder(service: Service, *roles: str, name: str = "", **fields: Any) -> Principal:
    """Somebody with a new API key of these roles."""
    made = await new_key(service, *roles, **fields)
    scopes = frozenset(fields.get("scopes", SCOPES))
    return Principal(
        name or f"key of {' and '.join(roles)}", bearer(made.key), frozenset(roles), scopes, made.customer_id
    )


def token_holder(provider: Provider, *roles: str, customer_id: str = "", **claims: Any) -> Principal:
    """Somebody with a token of the identity provider that names these roles and every scope."""
    if "customer" in roles:
        customer_id = claims["customer_id"] = customer_id or "jane"
    text = provider.token(roles=list(roles), scope=" ".join(sorted(SCOPES)), **claims)
    return Principal(f"token of {' and '.join(roles)}", bearer(text), frozenset(roles), SCOPES, customer_id=customer_id)


@asynccontextmanager
async def closed(url: str, provider: Provider | None = None, **settings: Any) -> AsyncIterator[Service]:
    """A server that knows its callers, by API keys and by the tokens of a provider, if there is one."""
    tokens = {"jwt_jwks_url": provider.url, "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE} if provider else {}
    async with serving(url, **CLOSED | tokens | settings) as service:
        yield service
