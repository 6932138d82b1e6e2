"""Requests that nobody would write: whatever arrives, the server refuses or obeys, and never fails."""

import asyncio
import random
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc

from server.storage.verification import verify
from tests.conftest import Service, new_order
from tests.rpc.cases import METHODS, WRITES, is_map, new_subject, outcome, valid_requests

SEED = 20_260_711
# Two requests each, for each method.
PAIRS = 25

EXPECTED = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
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


async def bombard(service: Service, method: str, *, seed: str) -> None:
    """Sends the method's bad requests, each pair about an order of its own, all at once."""
    chance = random.Random(seed)
    orders = await asyncio.gather(*(new_subject(service, method) for _ in range(PAIRS)))
    sent = [data for order in orders for data in variants(valid_requests(order.order_id)[method], chance)]
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
