"""The effects of changed delivery zones on unpaid orders."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from orders.v1.catalog_service_pb2 import (
    AffectedOrder,
    BatchUpsertDeliveryZonesRequest,
    DeleteDeliveryZoneRequest,
    DeliveryZone,
)
from orders.v1.order_pb2 import Order

from server.domain.pricing.zones import ZoneIndex, zone_of

MAX_AFFECTED = 1_000

ZoneRequest = BatchUpsertDeliveryZonesRequest | DeleteDeliveryZoneRequest


@dataclass(frozen=True, slots=True)
class ZoneChange:
    """The zones after a change, and the ids of those that it replaces or deletes."""

    after: ZoneIndex
    replaced: Set[str]

    def effect_on(self, order: Order) -> AffectedOrder | None:
        """The effect on an unpaid order; None if it is delivered as before."""
        zone = self.after.find(order.shipping_address) if order.HasField("shipping_address") else None
        before, after = order.delivery.zone_id, "" if zone is None else str(zone.zone.zone_id)
        if before == after and before not in self.replaced:
            return None
        return AffectedOrder(
            order_id=order.order_id, order_number=order.order_number, zone_id=before, new_zone_id=after
        )


def zone_change(stored: Mapping[str, DeliveryZone], request: ZoneRequest) -> ZoneChange:
    """The change that a request makes to the stored zones."""
    if isinstance(request, DeleteDeliveryZoneRequest):
        after = {zone_id: zone for zone_id, zone in stored.items() if zone_id != request.zone_id}
        return _change(after, {request.zone_id})
    given = {zone.zone_id: zone for zone in request.zones}
    return _change({**stored, **given}, {zone_id for zone_id, zone in given.items() if zone != stored.get(zone_id)})


def _change(after: Mapping[str, DeliveryZone], replaced: Set[str]) -> ZoneChange:
    return ZoneChange(ZoneIndex(zone_of(zone.SerializeToString()) for zone in after.values()), replaced)
