"""Requests that nobody would write: whatever arrives, the server refuses or obeys, and never fails."""

import asyncio
import logging
import os
import random
from collections.abc import AsyncIterator, Iterator
from string import printable
from typing import Any, NamedTuple

import grpc
import pytest
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc
from orders.v1.order_service_pb2 import WatchOrdersRequest

from server.storage.verification import verify
from tests.conftest import RefusedCall, Service, new_order
from tests.identity_provider import Provider, providing
from tests.methods import METHODS, WRITES
from tests.rpc.breaks import is_map
from tests.rpc.calls import new_subject, outcome
from tests.rpc.principals import ROLES, Metadata, closed, key_holder, token_holder
from tests.samples import request_for

SEED = 20_260_711
# Two requests each, for each method.
PAIRS = 25
# Calls by callers that nobody would be, on a closed server; `make fuzz` has many more.
HOSTILE_CALLS = int(os.environ.get("FUZZ_CALLS", "2000"))

EXPECTED = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.ABORTED,
}

TEXTS = (
    "",
    "\0",
    "a\nb",
    "x" * 63,
    "x" * 5000,
    "漢字 🛋️",
    "mug",
    "jane",
    "USD",
    "JPY",
    "*",
    "status",
    "%s",
    "'",
    "\ufffe",
)
NUMBERS = (0, 1, -1, 2, 3, 6, 7, 99, 999_999_999, 10**9, 10**15, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63))


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The bytes with some of them flipped, cut out, doubled or put in."""
    mutant = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5))):
        start = chance.randrange(len(mutant) + 1)
        end = min(len(mutant), start + chance.choice((1, 1, 2, 8)))
        kind = chance.randrange(5)
        if kind == 0:
            mutant[start:end] = bytes(byte ^ 1 << chance.randrange(8) for byte in mutant[start:end])
        elif kind == 1:
            del mutant[start:end]
        elif kind == 2:
            mutant[start:start] = mutant[start:end]
        elif kind == 3:
            mutant[start:start] = chance.randbytes(chance.choice((1, 2, 10)))
        else:
            del mutant[start:]
    return bytes(mutant)


def scramble(message: Any, chance: random.Random, *, share: float) -> None:
    """Sets a share of the fields, at any depth, to something else."""
    for field in message.DESCRIPTOR.fields:
        inner = field.message_type is not None and not is_map(field)
        if inner and field.is_repeated:
            for element in getattr(message, field.name):
                scramble(element, chance, share=share)
        elif inner and message.HasField(field.name):
            scramble(getattr(message, field.name), chance, share=share)
        if chance.random() < share:
            _set(message, field, chance)


def _set(message: Any, field: Any, chance: random.Random) -> None:
    kind = chance.randrange(4)
    if kind == 0:
        message.ClearField(field.name)
    elif is_map(field):
        getattr(message, field.name)[chance.choice(TEXTS)] = chance.choice(TEXTS)
    elif field.is_repeated and field.message_type is not None:
        values = getattr(message, field.name)
        values.extend(list(values)[:1] * chance.choice((1, 3)) or [values.add()])
    elif field.message_type is not None:
        getattr(message, field.name).SetInParent()
        scramble(getattr(message, field.name), chance, share=0.5)
    elif field.is_repeated:
        getattr(message, field.name).append(_value(field, chance))
    else:
        setattr(message, field.name, _value(field, chance))


def _value(field: Any, chance: random.Random) -> Any:
    if field.type == field.TYPE_STRING:
        return chance.choice(TEXTS)
    if field.type == field.TYPE_BYTES:
        return chance.randbytes(chance.choice((0, 1, 32, 5000)))
    if field.type == field.TYPE_BOOL:
        return chance.random() < 0.5
    bits = 31 if field.type in (field.TYPE_INT32, field.TYPE_ENUM) else 63
    return chance.choice([number for number in NUMBERS if -(2**bits) <= number < 2**bits])


def variants(valid: Message, chance: random.Random) -> Iterator[bytes]:
    """The request with its bytes mutated, and with its fields scrambled."""
    yield mutated(valid.SerializeToString(), chance)
    request = type(valid)()
    request.CopyFrom(valid)
    scramble(request, chance, share=chance.choice((0.03, 0.1, 0.5)))
    yield request.SerializeToString()


# A watch that is allowed ends when it has caught up: fields that are appended to a serialized message are set in it.
_ENDING = {"WatchOrders": WatchOrdersRequest(end_when_caught_up=True).SerializeToString()}


async def bombard(service: Service, method: str, *, seed: str) -> None:
    """Sends the method's bad requests, each pair about an order of its own, all at once."""
    chance = random.Random(seed)
    subjects = await asyncio.gather(*(new_subject(service, method) for _ in range(PAIRS)))
    ending = _ENDING.get(method, b"")
    sent = [data + ending for subject in subjects for data in variants(request_for(method, subject), chance)]
    outcomes = await asyncio.gather(*(outcome(service, method, data) for data in sent))
    found = [(refusal, data) for refusal, data in zip(outcomes, sent, strict=True) if refusal]
    assert [failure for failure in found if failure[0].code not in EXPECTED] == []
    assert all(refusal.reason for refusal, _ in found)
    assert found


@pytest.mark.parametrize("method", METHODS)
async def test_no_request_makes_the_server_fail(service: Service, method: str) -> None:
    await bombard(service, method, seed=f"{SEED} {method}")


async def test_the_server_and_its_data_are_sound_after_all_that(service: Service) -> None:
    await asyncio.gather(*(bombard(service, method, seed=f"all {SEED} {method}") for method in WRITES))
    health = await health_pb2_grpc.HealthStub(service.channel).Check(health_pb2.HealthCheckRequest())
    assert health.status == health_pb2.HealthCheckResponse.SERVING
    assert (await service.orders.CreateOrder(new_order())).order_number
    assert await verify(service.running.database, lambda done, total: None) == []


# Callers that nobody would be.


class Hostile(NamedTuple):
    """A call: its method, its bytes, and what its caller presents."""

    method: str
    data: bytes
    metadata: Metadata


class Credentials(NamedTuple):
    """What is right, to begin with: an admin's key and token, and a customer's."""

    key: str
    token: str
    others: list[Metadata]


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with providing() as provider:
        yield provider


@pytest.fixture(scope="module")
async def fortress(service: Service, provider: Provider) -> AsyncIterator[Service]:
    """A closed server of the same shop."""
    async with closed(service.url, provider) as fortress:
        yield fortress


async def credentials_of(fortress: Service, provider: Provider) -> Credentials:
    admin = await key_holder(fortress, "admin")
    others = [(await key_holder(fortress, role)).metadata for role in sorted(ROLES)]
    # Good for as long as the longest run.
    token = token_holder(provider, "admin", exp=7_000_000_000).metadata[0][1]
    return Credentials(admin.metadata[0][1].removeprefix("Bearer "), token.removeprefix("Bearer "), others)


# What gRPC lets through: visible ASCII and blanks.
SENDABLE = printable[:95]
SCHEMES = ("Bearer", "bearer", "BEARER", "Basic", "Digest", "Token", "", "Bearer Bearer", "\tBearer", "Bearer:")


def presented(right: Credentials, chance: random.Random) -> Metadata:
    """What a caller presents: something right, something like it, or anything."""
    kind = chance.randrange(8)
    text = chance.choice((right.key, right.token))
    if kind == 0:
        return (("authorization", f"Bearer {text}"),)
    if kind == 1:
        return chance.choice(right.others)
    if kind == 2:
        return (("authorization", f"{chance.choice(SCHEMES)} {text}".replace("\t", " ")),)
    text = hostile_text(text, chance)
    if kind == 3:
        return (("token", text),)
    if kind == 4:
        return (("token", text), ("authorization", f"Bearer {hostile_text(right.key, chance)}"))
    if kind == 5:
        return (("authorization", text), ("authorization", f"Bearer {right.key}"))
    return (("authorization", f"Bearer {text}"),)


def hostile_text(text: str, chance: random.Random) -> str:
    """A key or a token changed, cut, put together anew, or something else of any length that gRPC takes."""
    kind = chance.randrange(6)
    if kind == 0:
        return text[: chance.randrange(len(text))]
    if kind == 1:
        place = chance.randrange(len(text))
        return text[:place] + chance.choice(SENDABLE) + text[place + chance.choice((0, 1, 5)) :]
    if kind == 2:
        parts = text.split("." if "." in text else "_")
        chance.shuffle(parts)
        return chance.choice("._").join(parts * chance.choice((1, 2, 3)))
    if kind == 3:
        return "ord_" + anything(chance, chance.choice((1, 12, 63, 64)))
    if kind == 4:
        return ".".join(anything(chance, chance.choice((0, 1, 40, 400))) for _ in range(chance.choice((2, 3, 4))))
    return anything(chance, chance.choice((1, 30, 1000, 7000, 20_000)))


def anything(chance: random.Random, length: int) -> str:
    return "".join(chance.choice(SENDABLE) for _ in range(length))


async def hostile_calls(service: Service, right: Credentials, chance: random.Random) -> list[Hostile]:
    """Ten calls of every method, about an order of its own each."""
    subjects = await asyncio.gather(*(new_subject(service, method) for method in METHODS))
    return [
        Hostile(method, data, presented(right, chance))
        for method, subject in zip(METHODS, subjects, strict=True)
        for _ in range(5)
        for data in variants(request_for(method, subject), chance)
    ]


def is_too_much(refusal: RefusedCall) -> bool:
    """Whether gRPC itself refused, before the server saw anything, because what was presented is longer than it takes."""
    return refusal.code == grpc.StatusCode.RESOURCE_EXHAUSTED and "metadata size exceeds" in refusal.message


async def test_no_caller_makes_the_server_fail(
    service: Service, fortress: Service, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    right, chance = await credentials_of(fortress, provider), random.Random(SEED)
    found: list[tuple[Hostile, RefusedCall | None]] = []
    while len(found) < HOSTILE_CALLS:
        sent = await hostile_calls(service, right, chance)
        answers = await asyncio.gather(*(outcome(fortress, *call) for call in sent))
        found += zip(sent, answers, strict=True)
    expected = EXPECTED | {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}
    refused = [(call, refusal) for call, refusal in found if refusal and not is_too_much(refusal)]
    assert [(call, refusal) for call, refusal in refused if refusal.code not in expected] == []
    assert all(refusal.reason for _, refusal in refused)
    # Some got in, and some did not.
    codes = {refusal.code for _, refusal in refused} | {grpc.StatusCode.OK for _, refusal in found if not refusal}
    assert codes >= expected - {grpc.StatusCode.ABORTED, grpc.StatusCode.ALREADY_EXISTS} | {grpc.StatusCode.OK}
    assert [record.getMessage() for record in caplog.records if record.exc_info or record.levelname == "ERROR"] == []
    assert await verify(service.running.database, lambda done, total: None) == []
