"""Who gets in: every method, called by every kind of caller, against the rule that its proto declares and the policy for some."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1 import access_pb2
from orders.v1.access_pb2 import Access, MethodClass, Role, Scope
from orders.v1.order_service_pb2 import GetOrderRequest

from server.domain.access import key_texts
from server.rpc.admission import InFlight
from server.rpc.endpoint import Bounds, service_handler
from server.rpc.errors import Refuser
from server.rpc.gate import Gate
from server.storage.read.api_keys import ApiKeyRepository
from server.telemetry.metrics import Metrics
from tests.conftest import RefusedCall, Service, refusal_of, serving, stock_shop
from tests.identity_provider import Provider, providing
from tests.methods import METHODS, WRITES, names_order
from tests.rpc.calls import new_subject, outcome
from tests.rpc.handlers import handlers
from tests.rpc.principals import (
    ROLES,
    SCOPES,
    Principal,
    bearer,
    closed,
    key_holder,
    new_key,
    revoke_key,
    rotate_key,
    token_holder,
    wished_key,
)
from tests.samples import Subject, request_for

UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED
DENIED = grpc.StatusCode.PERMISSION_DENIED


@dataclass(frozen=True)
class Rule:
    """The access rule of a method, as its proto declares it."""

    scope: str
    roles: tuple[str, ...]
    method_class: str
    # The field that says which customer the request is about.
    customer: str
    about_order: bool
    any_caller: bool


def rule_of(method: MethodDescriptor) -> Rule:
    access = access_of(method)
    return Rule(
        scope=Scope.Name(access.scope).removeprefix("SCOPE_").lower().replace("_", "."),
        roles=tuple(sorted(Role.Name(role).removeprefix("ROLE_").lower() for role in access.roles)),
        method_class=MethodClass.Name(access.method_class).removeprefix("METHOD_CLASS_").lower(),
        customer=access.customer,
        about_order=names_order(method),
        any_caller=access.any_caller,
    )


def access_of(method: MethodDescriptor) -> Access:
    return method.GetOptions().Extensions[access_pb2.access]


RULES = {name: rule_of(method) for name, method in METHODS.items()}

# The policy for methods that move money, open the shop to others or show what only the staff may see: scope, roles and class.
POLICY = {
    "CreateOrder": ("orders.write", "admin customer", "write"),
    "GetOrder": ("orders.read", "admin customer fulfilment payment", "read"),
    "ListOrders": ("orders.read", "admin customer fulfilment payment", "bulk"),
    "CancelOrder": ("orders.write", "admin customer", "write"),
    "RecordTrackingEvent": ("tracking.write", "admin fulfilment", "write"),
    "RecordPayment": ("payments.write", "admin payment", "write"),
    "RefundOrder": ("payments.write", "admin payment", "write"),
    "CapturePayment": ("payments.write", "admin payment", "write"),
    "VoidPayment": ("payments.write", "admin payment", "write"),
    "BatchUpsertOrders": ("orders.import", "admin", "bulk"),
    "BatchUpsertProducts": ("catalog.write", "admin", "bulk"),
    "AdjustStock": ("catalog.write", "admin fulfilment", "write"),
    "ListStockAdjustments": ("catalog.read", "admin fulfilment", "read"),
    "GetCoupon": ("catalog.read", "admin", "read"),
    "ListCoupons": ("catalog.read", "admin", "read"),
    "GetCustomer": ("customers.read", "admin customer", "read"),
    "AdjustPoints": ("customers.write", "admin", "write"),
}

# Open to every caller who is known.
ANY_CALLER = {"WhoAmI"}
# What customers may read of the catalogue: it is the same for all of them.
PUBLIC = {"GetProduct", "ListProducts", "GetDeliveryZone", "ListDeliveryZones"}
# What shows every caller only their own.
OWN = {"GetRequest"}
# The items of these are checked one by one: test_batch_writes.
BATCHES_OF_WRITES = {"BatchCreateOrders", "BatchTransitionOrders", "BatchCancelOrders"}
# Writes without a request id, since repeating them is always safe.
WITHOUT_REQUEST_ID = {"EraseCustomer", "ResendWebhookDelivery", "RecoverWebhookEndpoint"}

Verdict = tuple[grpc.StatusCode, str, dict[str, str]]


def verdict(method: str, principal: Principal, customer_id: str) -> Verdict | None:
    """How a call about a customer is refused by the method's rule; None if it gets in."""
    rule = RULES[method]
    roles = principal.roles & set(rule.roles)
    if principal.cause:
        return UNAUTHENTICATED, "UNAUTHENTICATED", {"cause": principal.cause}
    if rule.any_caller:
        return None
    if rule.scope not in principal.scopes:
        return DENIED, "SCOPE_MISSING", {"scope": rule.scope}
    if not roles:
        reason = "ORDER_ACCESS_DENIED" if rule.about_order else "ROLE_MISSING"
        return DENIED, reason, {"method": method, "roles": ", ".join(rule.roles)}
    if roles == {"customer"} and rule.customer and customer_id not in ("", principal.customer_id):
        return DENIED, "CUSTOMER_ACCESS_DENIED", {"field": rule.customer, "customer_id": principal.customer_id}
    return None


def met(refusal: RefusedCall | None) -> Verdict | None:
    """How a call was refused, if it was because of who made it."""
    if refusal is None or refusal.code not in (UNAUTHENTICATED, DENIED):
        return None
    # Of those who got in, some may not do to the order what they want to.
    if refusal.reason == "ORDER_ACCESS_DENIED" and "order_id" in refusal.metadata:
        return None
    if refusal.code is UNAUTHENTICATED:
        # What else is told depends on the credential.
        return refusal.code, refusal.reason, {"cause": refusal.metadata["cause"]}
    return refusal.code, refusal.reason, refusal.metadata


def about(request: Message, path: str, customer_id: str) -> Message:
    """The request, about a customer."""
    copy: Any = type(request)()
    copy.CopyFrom(request)
    *parents, name = path.split(".")
    target = copy
    for parent in parents:
        target = getattr(target, parent)
    setattr(target, name, customer_id)
    return copy


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with providing() as provider:
        yield provider


@pytest.fixture(scope="module")
async def back_door(new_database: Callable[[], str]) -> AsyncIterator[Service]:
    """An open server with a stocked shop, to prepare what the calls of the closed one are about."""
    async with serving(new_database(), authentication="open") as service:
        await stock_shop(service)
        yield service


@pytest.fixture(scope="module")
async def shop(back_door: Service, provider: Provider) -> AsyncIterator[Service]:
    """A closed server of the same shop."""
    async with closed(back_door.url, provider) as service:
        yield service


async def strangers(service: Service, provider: Provider) -> list[Principal]:
    """Everybody who is not known, each for a reason of their own."""
    made, other = await new_key(service), key_texts.generate()
    revoked, rotated = await new_key(service), await new_key(service)
    await revoke_key(service, revoked.key_id)
    await rotate_key(service, rotated.key_id, overlap=timedelta())
    expired = key_texts.generate()
    ended = wished_key(key_id=expired.key_id, expire_time=Timestamp(seconds=1))
    await service.add_key(ended, expired.digest)
    typo = made.key[:-1] + ("A" if made.key[-1] != "A" else "B")
    presented = {
        "malformed": {
            "a key with a typo": bearer(typo),
            "half a key": bearer(made.key[:40]),
            "a key without its scheme": (("authorization", made.key),),
            "a key by another scheme": (("authorization", f"Basic {made.key}"),),
            "a scheme without a key": (("authorization", "Bearer "),),
            "no token at all": bearer("nonsense"),
            "an empty token": (("token", ""),),
            "two credentials": (*bearer(made.key), ("token", made.key)),
            "a token without its end": bearer(provider.token().rpartition(".")[0]),
        },
        "signature": {"a token with another end": bearer(provider.token()[:-10] + "A" * 10)},
        "unknown": {
            "a key that nobody has": bearer(other.text),
            "a key with another secret": bearer(key_texts.generate(made.key_id).text),
        },
        "missing": {"nobody": ()},
        "revoked": {"a revoked key": bearer(revoked.key)},
        "expired": {
            "an expired key": bearer(expired.text),
            "the text before a rotation, after the overlap": bearer(rotated.key),
            "an expired token": bearer(provider.token(exp=1, iat=1)),
        },
        "issuer": {"a token of another issuer": bearer(provider.token(iss="https://elsewhere.example"))},
        "audience": {"a token for another audience": bearer(provider.token(aud="elsewhere"))},
    }
    return [
        Principal(name, metadata, ROLES, cause=cause)
        for cause, named in presented.items()
        for name, metadata in named.items()
    ]


async def acquaintances(service: Service, provider: Provider) -> list[Principal]:
    """Everybody who is known: by key and by token, of each role, of two roles and of none, and with each scope alone."""
    found = [await key_holder(service, role) for role in sorted(ROLES)]
    found += [await key_holder(service, "admin", name=f"key for {scope}", scopes=[scope]) for scope in sorted(SCOPES)]
    found += [
        await key_holder(service, "customer", name="key of another customer", customer_id="joe"),
        await key_holder(service, "customer", "fulfilment"),
        await key_holder(service, "customer", "payment", customer_id="joe"),
        await key_holder(service, "customer", "admin", customer_id="joe"),
        *(token_holder(provider, role) for role in sorted(ROLES)),
        token_holder(provider, "customer", "fulfilment"),
        token_holder(provider, "customer", customer_id="joe"),
        token_holder(provider),
    ]
    rotated = await new_key(service)
    new = await rotate_key(service, rotated.key_id, overlap=timedelta(hours=1))
    admin = frozenset({"admin"})
    legacy = [
        Principal(f"{known.name} as token", (("token", known.metadata[0][1].removeprefix("Bearer ")),), known.roles)
        for known in (found[0], token_holder(provider, "fulfilment"))
    ]
    return [
        *found,
        *legacy,
        Principal("the text before a rotation, within the overlap", bearer(rotated.key), admin),
        Principal("the text after a rotation", bearer(new.key), admin),
        Principal("a scheme in small letters", (("authorization", f"bearer  {new.key}"),), admin),
    ]


async def mismatches(service: Service, method: str, valid: Message, principals: list[Principal]) -> list[str]:
    """The calls of a method that were not answered as its rule says."""
    rule = RULES[method]
    requests = {name: about(valid, rule.customer, name) for name in ("jane", "")} if rule.customer else {"jane": valid}
    # For others than customers it makes no difference to be let in, whether somebody is named.
    calls = [(who, name) for who in principals for name in requests if name or "customer" in who.roles]
    answers = await asyncio.gather(
        *(outcome(service, method, requests[name], principal.metadata) for principal, name in calls)
    )
    return [
        f"{method} about {name!r} by {principal.name}: {answer}"
        for (principal, name), answer in zip(calls, answers, strict=True)
        if met(answer) != verdict(method, principal, name)
    ]


async def test_the_rules_keep_out_and_let_in_every_kind_of_caller(
    shop: Service, back_door: Service, provider: Provider
) -> None:
    found = await acquaintances(shop, provider)
    wrong = []
    for method in METHODS:
        valid = request_for(method, await new_subject(back_door, method))
        wrong += await mismatches(shop, method, valid, found)
    assert wrong == []


async def test_strangers_are_told_why_and_change_nothing(shop: Service, provider: Provider) -> None:
    found = await strangers(shop, provider)
    found += [
        await key_holder(shop, "admin", name="an admin without a scope for anything", scopes=["keys.admin"]),
        token_holder(provider),
    ]
    methods = [method for method in METHODS if RULES[method].scope != "keys.admin"]
    nothing = Subject("00000000-0000-0000-0000-000000000000")
    before = await shop.contents()
    calls = [(method, principal) for method in methods for principal in found]
    answers = await asyncio.gather(
        *(outcome(shop, method, request_for(method, nothing), principal.metadata) for method, principal in calls)
    )
    for (method, principal), answer in zip(calls, answers, strict=True):
        assert met(answer) == verdict(method, principal, ""), (method, principal.name)
    assert await shop.contents() == before


@pytest.mark.parametrize("name", POLICY)
def test_the_policy_is_what_the_protos_declare(name: str) -> None:
    rule = RULES[name]
    assert (rule.scope, " ".join(rule.roles), rule.method_class) == POLICY[name]


def test_few_methods_are_open_to_every_caller() -> None:
    assert {name for name, rule in RULES.items() if rule.any_caller} == ANY_CALLER


@pytest.mark.parametrize("name", sorted(METHODS.keys() - ANY_CALLER))
def test_every_method_declares_a_scope_roles_and_a_class(name: str) -> None:
    rule = RULES[name]
    assert "unspecified" not in (rule.scope, rule.method_class, *rule.roles)
    assert "admin" in rule.roles


@pytest.mark.parametrize("name", sorted(METHODS.keys() - ANY_CALLER))
def test_a_read_scope_opens_no_write_and_a_write_scope_no_read(name: str) -> None:
    rule = RULES[name]
    if rule.scope == "keys.admin":
        assert METHODS[name].containing_service.name == "ApiKeyService"
    else:
        assert rule.scope.endswith(".read") == (name not in {*WRITES, *WITHOUT_REQUEST_ID, *BATCHES_OF_WRITES})


def test_only_admins_manage_api_keys() -> None:
    rules = [rule for name, rule in RULES.items() if METHODS[name].containing_service.name == "ApiKeyService"]
    assert {(rule.scope, rule.roles) for rule in rules} == {("keys.admin", ("admin",))}


@pytest.mark.parametrize("name", METHODS)
def test_what_customers_may_call_says_whom_it_is_about(name: str) -> None:
    request, access = METHODS[name].input_type, access_of(METHODS[name])
    if access.customer:
        *parents, field = access.customer.split(".")
        for parent in parents:
            request = request.fields_by_name[parent].message_type
        assert request.fields_by_name[field].type == request.fields_by_name[field].TYPE_STRING
    elif access_pb2.ROLE_CUSTOMER in access.roles:
        assert (
            name in PUBLIC | OWN | BATCHES_OF_WRITES
            or names_order(METHODS[name])
            or "order_ids" in request.fields_by_name
        )


# A service of methods that say nothing, or not enough, of who may call them.
UNSAID = {
    "Bare": (Access(), "SCOPE_MISSING"),
    "OfNobody": (Access(scope=access_pb2.SCOPE_ORDERS_READ, method_class=access_pb2.METHOD_CLASS_READ), "ROLE_MISSING"),
    "ForNothing": (Access(roles=[access_pb2.ROLE_ADMIN, access_pb2.ROLE_CUSTOMER]), "SCOPE_MISSING"),
}


@pytest.fixture(scope="module")
def unsaid() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="test/unsaid.proto", package="test.v1", syntax="proto3")
    file.dependency.append("orders/v1/order_service.proto")
    service = file.service.add(name="UnsaidService")
    for name, (access, _) in UNSAID.items():
        method = service.method.add(name=name, input_type=".orders.v1.GetOrderRequest", output_type=".orders.v1.Order")
        if name != "Bare":
            method.options.Extensions[access_pb2.access].CopyFrom(access)
    return descriptor_pool.Default().AddSerializedFile(file.SerializeToString()).services_by_name["UnsaidService"]


class Unsaid:
    """Answers everybody who gets through to it."""

    async def answer(self, request: GetOrderRequest, call: Any) -> bytes:
        return b""

    Bare = OfNobody = ForNothing = answer


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "closed"])
async def test_a_method_that_says_nothing_of_access_is_refused_for_everybody(
    shop: Service, unsaid: Any, is_open: bool
) -> None:
    # The gate of the shop's own server is not to be had; this one is like it.
    from server.config import Settings
    from server.runtime.security import build_authenticator

    settings = Settings(database_url=shop.url, key_cache_seconds=0)
    repository = ApiKeyRepository(shop.running.database)
    authenticator = None if is_open else build_authenticator(settings, repository)
    gate = Gate(authenticator=authenticator, limiter=None, in_flight=InFlight(10))
    admin = await key_holder(shop, *sorted(ROLES))
    async with AsyncExitStack() as stack:
        server = grpc.aio.server()
        bounds = Bounds(request_bytes=1024, seconds=10, stream_seconds=10)
        server.add_generic_rpc_handlers(
            (
                service_handler(
                    unsaid, handlers(Unsaid(), unsaid), gate=gate, bounds=bounds, metrics=Metrics(), refuser=Refuser()
                ),
            )
        )
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        stack.push_async_callback(server.stop, None)
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{port}"))
        for name, (_, reason) in UNSAID.items():
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await channel.unary_unary(f"/test.v1.UnsaidService/{name}")(b"", metadata=admin.metadata)
            refusal = refusal_of(caught.value)
            expected = reason if name != "OfNobody" else "ORDER_ACCESS_DENIED"
            assert (refusal.code, refusal.reason) == (DENIED, expected)
