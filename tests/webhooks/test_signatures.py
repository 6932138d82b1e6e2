"""Signatures of webhooks as receivers verify them: v1 by a shared secret, v1a by a public key."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from orders.v1 import webhook_service_pb2 as pb
from standardwebhooks import WebhookVerificationError

from tests.conftest import serving, stock_shop
from tests.webhooks.receiver import LOOPBACK, Received, receiving
from tests.webhooks.test_deliveries import create, many, stub, subscribe

DOCS = Path(__file__).parents[2] / "docs" / "webhooks.md"


def documented() -> Callable[[str, dict[str, str], bytes], None]:
    """The function that the documentation shows."""
    (snippet,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(snippet, names)
    return names["verify"]  # type: ignore[no-any-return]


def verify(public_key: str, request: Received, *, body: bytes | None = None, **headers: str) -> None:
    headers = request.headers | {name.replace("_", "-"): value for name, value in headers.items()}
    documented()(public_key, headers, request.raw if body is None else body)


def versions(request: Received) -> list[str]:
    return [each.partition(",")[0] for each in request.headers["webhook-signature"].split(" ")]


async def test_receiver_verifies_as_documented(new_database: Callable[[], str]) -> None:
    async with receiving() as receiver, serving(new_database(), **LOOPBACK) as service:
        await stock_shop(service)
        made = await subscribe(service, receiver, "/key", signature=pb.WEBHOOK_SIGNATURE_V1A)
        assert made.secret == ""
        public_key = made.endpoint.secrets[0].public_key
        await create(service, "/key")
        (request,) = await receiver.until("/key", many(1))
    assert versions(request) == ["v1a"]
    verify(public_key, request)
    for change in (
        {"body": request.raw + b" "},
        {"webhook_id": "evt_2"},
        {"webhook_timestamp": str(int(request.headers["webhook-timestamp"]) - 301)},
        {"webhook_signature": request.headers["webhook-signature"].replace("v1a,", "v1,")},
    ):
        with pytest.raises(InvalidSignature):
            verify(public_key, request, **change)  # type: ignore[arg-type]


async def test_endpoint_moves_to_keys_without_failures(new_database: Callable[[], str]) -> None:
    async with receiving() as receiver, serving(new_database(), **LOOPBACK) as service:
        await stock_shop(service)

        async def update(signature: int) -> pb.WebhookEndpoint:
            endpoint = {"endpoint_id": made.endpoint.endpoint_id, "signature": signature}
            return await stub(service).UpdateWebhookEndpoint(pb.UpdateWebhookEndpointRequest(endpoint=endpoint))

        async def signed() -> Received:
            count = len(receiver.received.get("/moved", []))
            await create(service, "/moved")
            return (await receiver.until("/moved", many(count + 1)))[count]

        made = await subscribe(service, receiver, "/moved")
        assert made.endpoint.secrets[0].public_key == ""
        first = (await update(pb.WEBHOOK_SIGNATURE_BOTH)).secrets[0].public_key
        request = await signed()
        request.verify(made.secret)
        verify(first, request)
        rotation = pb.RotateWebhookSecretRequest(endpoint_id=made.endpoint.endpoint_id)
        rotated = await stub(service).RotateWebhookSecret(rotation)
        second, old = (secret.public_key for secret in rotated.endpoint.secrets)
        assert old == first != second
        request = await signed()
        assert versions(request) == ["v1", "v1a", "v1", "v1a"]
        for secret, public_key in ((made.secret, first), (rotated.secret, second)):
            request.verify(secret)
            verify(public_key, request)
        assert (await update(pb.WEBHOOK_SIGNATURE_V1A)).secrets[0].public_key == second
        request = await signed()
        verify(second, request)
        with pytest.raises(WebhookVerificationError):
            request.verify(rotated.secret)


async def test_private_keys_are_never_returned(new_database: Callable[[], str]) -> None:
    async with receiving() as receiver, serving(new_database(), **LOOPBACK) as service:
        made = await subscribe(service, receiver, "/kept", signature=pb.WEBHOOK_SIGNATURE_BOTH)
        named = {"endpoint_id": made.endpoint.endpoint_id}
        webhooks = stub(service)
        answers = [
            made,
            await webhooks.RotateWebhookSecret(pb.RotateWebhookSecretRequest(**named, request_id="rotate")),
            await webhooks.GetWebhookEndpoint(pb.GetWebhookEndpointRequest(**named)),
            await webhooks.ListWebhookEndpoints(pb.ListWebhookEndpointsRequest()),
            await webhooks.UpdateWebhookEndpoint(pb.UpdateWebhookEndpointRequest(endpoint={**named, "max_rate": 1})),
            await webhooks.DisableWebhookEndpoint(pb.DisableWebhookEndpointRequest(**named)),
        ]
        for answer in answers:
            assert b"whpk_" in answer.SerializeToString()
            assert b"whsk_" not in answer.SerializeToString()
        recorded = "SELECT FROM idempotency_keys WHERE position(%s IN response) > 0"
        assert await service.rows(recorded, b"whpk_") != []
        assert await service.rows(recorded, b"whsk_") == []
        assert (
            len(await service.rows("SELECT FROM webhook_endpoints WHERE position(%s IN snapshot) > 0", b"whsk_")) == 1
        )
