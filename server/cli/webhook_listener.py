"""`orders webhooks listen`: follows the changes of a server and forwards them as webhooks."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from orders.v1.order_change_pb2 import OrderChange
from orders.v1.order_service_pb2 import WatchOrdersRequest

from server.domain.base.records import Everything
from server.domain.webhooks import payloads, signatures
from server.domain.webhooks.event_types import choose, names_of
from server.http_client import HttpError, Poster
from server.transfer.client import Client
from server.transfer.following import follow

# Seconds and bytes of a response.
_TIMEOUT, _MAX_BYTES = 30.0, 20_000


class Listener:
    """Prints each change, and forwards it in the form of a webhook request."""

    def __init__(self, client: Client, *, forward_to: str, types: Sequence[str], full: bool, secret: str) -> None:
        self._client, self._url, self._types, self._full = client, forward_to, types, full
        self._secret = secret or signatures.new_secret()
        self._poster = Poster(seconds=_TIMEOUT, max_bytes=_MAX_BYTES, allowed=Everything())

    async def run(self) -> None:
        """Listens until it is interrupted. If the connection breaks, it resumes at the same position."""
        if self._url:
            _print(f"forwarding to {self._url}, signed with {self._secret}")
        request = WatchOrdersRequest(include_order=self._full)
        async for message in follow(self._client, request, interrupted=_print):
            for change in message.changes:
                await self._show(change)

    async def _show(self, change: OrderChange) -> None:
        event = change.event
        chosen = choose(self._types, names_of(event.type, event.from_status, event.to_status))
        if chosen is None:
            return
        webhook_id = payloads.webhook_id_of(event.order_id, event.version, "")
        body = payloads.change_body(chosen, event, change.order if self._full else None)
        outcome = await self._forward(webhook_id, body) if self._url else body.decode()
        _print(f"{datetime.now():%H:%M:%S}  {chosen}  {webhook_id}  {outcome}")

    async def _forward(self, webhook_id: str, body: bytes) -> str:
        headers = signatures.headers_of(webhook_id, int(datetime.now(UTC).timestamp()), body, [self._secret])
        began = time.monotonic()
        try:
            reply = await self._poster.post(self._url, body, headers)
        except HttpError as error:
            return str(error)
        return f"{reply.status} ({round(1000 * (time.monotonic() - began))} ms)"


def _print(line: str) -> None:
    print(line, flush=True)
