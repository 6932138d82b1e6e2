"""`orders webhooks listen`: follows the changes of a server and forwards them as webhooks."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import grpc
from orders.v1.order_change_pb2 import OrderChange
from orders.v1.order_service_pb2 import WatchOrdersRequest
from orders.v1.order_service_pb2_grpc import OrderServiceStub

from server.domain.base.records import Everything
from server.domain.webhooks import payloads, signatures
from server.domain.webhooks.event_types import choose, names_of
from server.http_client import HttpError, Poster
from server.retry import RetryPolicy
from server.transfer.client import Client

_RETRY = RetryPolicy(first=0.5, longest=10.0)
# Seconds and bytes of a response.
_TIMEOUT, _MAX_BYTES = 30.0, 20_000


class Listener:
    """Prints each change, and forwards it in the form that an endpoint would get."""

    def __init__(self, client: Client, *, forward_to: str, types: Sequence[str], full: bool, secret: str) -> None:
        self._client, self._url, self._types, self._full = client, forward_to, types, full
        self._secret = secret or signatures.new_secret()
        self._poster = Poster(seconds=_TIMEOUT, max_bytes=_MAX_BYTES, allowed=Everything())
        self._token = ""

    async def run(self) -> None:
        """Listens until it is interrupted. After an interruption of the connection, it continues where it was."""
        if self._url:
            print(f"forwarding to {self._url}, signed with {self._secret}", flush=True)
        failures = 0
        async with self._client.channel() as channel:
            while True:
                try:
                    await self._watch(channel)
                    failures = 0
                except grpc.aio.AioRpcError as error:
                    failures += 1
                    if error.code() != grpc.StatusCode.UNAVAILABLE:
                        raise
                    print(f"the server is unavailable: {error.details()}; retrying", flush=True)
                    await asyncio.sleep(_RETRY.delay(failures))

    async def _watch(self, channel: grpc.aio.Channel) -> None:
        request = WatchOrdersRequest(resume_token=self._token, include_order=self._full)
        call = OrderServiceStub(channel).WatchOrders(  # type: ignore[no-untyped-call]
            request, metadata=self._client.metadata
        )
        async for message in call:
            for change in message.changes:
                await self._show(change)
            self._token = message.resume_token

    async def _show(self, change: OrderChange) -> None:
        event = change.event
        chosen = choose(self._types, names_of(event.type, event.from_status, event.to_status))
        if chosen is None:
            return
        webhook_id = payloads.webhook_id_of(event.order_id, event.version, "")
        body = payloads.change_body(chosen, event, change.order if self._full else None)
        outcome = await self._forward(webhook_id, body) if self._url else body.decode()
        print(f"{datetime.now():%H:%M:%S}  {chosen}  {webhook_id}  {outcome}", flush=True)

    async def _forward(self, webhook_id: str, body: bytes) -> str:
        headers = signatures.headers_of(webhook_id, int(datetime.now(UTC).timestamp()), body, [self._secret])
        began = time.monotonic()
        try:
            reply = await self._poster.post(self._url, body, headers)
        except HttpError as error:
            return str(error)
        return f"{reply.status} ({round(1000 * (time.monotonic() - began))} ms)"
