"""Adds the affected orders to the answer of a dry run that changes delivery zones."""

from collections.abc import Mapping
from datetime import UTC, datetime

from google.protobuf.message import Message
from orders.v1.catalog_service_pb2 import (
    AffectedOrder,
    BatchUpsertDeliveryZonesRequest,
    BatchUpsertDeliveryZonesResponse,
    DeleteDeliveryZoneRequest,
    DeliveryZone,
)

from server.domain.operations import Answer, Command
from server.domain.pricing.zone_changes import MAX_AFFECTED, ZoneRequest, zone_change
from server.rpc.operations import Execute
from server.storage.read.catalog import CatalogRepository
from server.storage.read.orders import OrderRepository

_RESPONSES: Mapping[type[Message], type[BatchUpsertDeliveryZonesResponse | DeliveryZone]] = {
    BatchUpsertDeliveryZonesRequest: BatchUpsertDeliveryZonesResponse,
    DeleteDeliveryZoneRequest: DeliveryZone,
}
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_END = datetime(9000, 1, 1, tzinfo=UTC)
_ZONES_AT_ONCE = 100


class ZonePreview:
    """Executes commands. Reads the unpaid orders only for dry runs that change zones."""

    def __init__(self, execute: Execute, *, orders: OrderRepository, catalog: CatalogRepository) -> None:
        self._execute, self._orders, self._catalog = execute, orders, catalog

    async def execute(self, command: Command) -> Answer:
        answer = await self._execute(command)
        response_type = _RESPONSES.get(type(command.request))
        if response_type is None or not command.dry:
            return answer
        response = response_type.FromString(answer.body)
        response.affected_orders.extend(await self._affected(command.request))
        return answer._replace(body=response.SerializeToString(deterministic=True))

    async def _affected(self, request: ZoneRequest) -> list[AffectedOrder]:
        change = zone_change(await self._zones(), request)
        affected: list[AffectedOrder] = []
        async for order in self._orders.unpaid(since=_BEGINNING, before=_END):
            effect = change.effect_on(order)
            if effect is not None:
                affected.append(effect)
            if len(affected) == MAX_AFFECTED:
                break
        return affected

    async def _zones(self) -> dict[str, DeliveryZone]:
        zones: dict[str, DeliveryZone] = {}
        while page := await self._catalog.zones(after=max(zones, default=""), limit=_ZONES_AT_ONCE):
            zones |= {zone.zone_id: zone for zone in page}
        return zones
