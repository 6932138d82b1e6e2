"""orders.v1.WebhookService: the methods that are not operations."""

from datetime import UTC

from orders.v1.webhook_service_pb2 import (
    GetWebhookDeliveryRequest,
    GetWebhookEndpointRequest,
    ListWebhookDeliveriesRequest,
    ListWebhookDeliveriesResponse,
    ListWebhookEndpointsRequest,
    ListWebhookEndpointsResponse,
    RecoverWebhookEndpointRequest,
    RecoverWebhookEndpointResponse,
    ResendWebhookDeliveryRequest,
    WebhookDelivery,
    WebhookEndpoint,
)

from server.rpc.endpoint import Call
from server.rpc.paging import read_page
from server.storage.webhooks import WebhookRepository


class WebhookServicer:
    """Reads, and repeatable writes: queued deliveries are not queued twice, so the writes need no request id."""

    def __init__(self, *, webhooks: WebhookRepository) -> None:
        self._webhooks = webhooks

    async def GetWebhookEndpoint(self, request: GetWebhookEndpointRequest, call: Call) -> WebhookEndpoint:
        return await self._webhooks.endpoint(request.endpoint_id)

    async def ListWebhookEndpoints(self, request: ListWebhookEndpointsRequest, call: Call) -> bytes:
        return await read_page(
            request,
            ListWebhookEndpointsRequest(),
            ListWebhookEndpointsResponse(),
            first="",
            read=lambda after, limit: self._webhooks.endpoints(after=after, limit=limit),
            key_of=lambda endpoint: str(endpoint.endpoint_id),
        )

    async def ListWebhookDeliveries(self, request: ListWebhookDeliveriesRequest, call: Call) -> bytes:
        async def read(before: str, limit: int) -> list[WebhookDelivery]:
            return await self._webhooks.deliveries(
                request.endpoint_id, states=request.states, order_ids=request.order_ids, before=before, limit=limit
            )

        query = ListWebhookDeliveriesRequest(
            endpoint_id=request.endpoint_id, states=request.states, order_ids=request.order_ids
        )
        return await read_page(
            request,
            query,
            ListWebhookDeliveriesResponse(),
            first="",
            read=read,
            key_of=lambda delivery: str(delivery.delivery_id),
        )

    async def GetWebhookDelivery(self, request: GetWebhookDeliveryRequest, call: Call) -> WebhookDelivery:
        return await self._webhooks.delivery(request.endpoint_id, request.delivery_id)

    async def ResendWebhookDelivery(self, request: ResendWebhookDeliveryRequest, call: Call) -> WebhookDelivery:
        return await self._webhooks.resend(request.endpoint_id, request.delivery_id, dry=request.validate_only)

    async def RecoverWebhookEndpoint(
        self, request: RecoverWebhookEndpointRequest, call: Call
    ) -> RecoverWebhookEndpointResponse:
        since = request.start_time.ToDatetime(UTC)
        count = await self._webhooks.recover(request.endpoint_id, since=since, dry=request.validate_only)
        return RecoverWebhookEndpointResponse(delivery_count=count)
