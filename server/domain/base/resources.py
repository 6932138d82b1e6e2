"""The resources whose changes are audit events, and how changes are recorded and read back."""

from collections.abc import Iterable
from typing import NamedTuple

from google.protobuf.message import Message
from orders.v1.api_key_service_pb2 import ApiKey
from orders.v1.cart_service_pb2 import Cart
from orders.v1.catalog_service_pb2 import Coupon, DeliveryZone, Product
from orders.v1.consumer_service_pb2 import Consumer
from orders.v1.customer_service_pb2 import CustomerAccount
from orders.v1.order_service_pb2 import FieldDifference
from orders.v1.server_service_pb2 import LogLevelOverride
from orders.v1.webhook_service_pb2 import WebhookEndpoint

from server.domain.base.differences import copy_differing, field_differences
from server.domain.base.records import ResourceChange
from server.domain.base.redaction import as_shown

# The type of the resources of each collection.
RESOURCES: dict[str, type[Message]] = {
    "apiKeys": ApiKey,
    "carts": Cart,
    "consumers": Consumer,
    "coupons": Coupon,
    "customers": CustomerAccount,
    "deliveryZones": DeliveryZone,
    "products": Product,
    "settings": LogLevelOverride,
    "webhooks": WebhookEndpoint,
}


class RecordedChange(NamedTuple):
    """The path of a changed resource, and the fields that differ, as serialized messages of its type."""

    resource: str
    before: bytes
    after: bytes


def recorded(changes: Iterable[ResourceChange]) -> list[RecordedChange]:
    """The recorded form of changes: one for each resource, without secrets."""
    found: dict[str, RecordedChange] = {}
    for change in changes:
        resource = f"{change.collection}/{change.key}"
        before, after = _differing(RESOURCES[change.collection], change.before, change.after)
        # Serialized messages that follow each other are merged.
        known = found.get(resource, RecordedChange(resource, b"", b""))
        found[resource] = RecordedChange(resource, known.before + before, known.after + after)
    return list(found.values())


def _differing(kind: type[Message], before: bytes, after: bytes) -> tuple[bytes, bytes]:
    parts = kind(), kind()
    copy_differing(as_shown(kind.FromString(before)), as_shown(kind.FromString(after)), parts)
    return parts[0].SerializeToString(deterministic=True), parts[1].SerializeToString(deterministic=True)


def changes_of(resource: str, before: bytes, after: bytes) -> list[FieldDifference]:
    """The fields of a recorded change; none for a collection that this version does not know."""
    kind = RESOURCES.get(resource.partition("/")[0])
    return [] if kind is None else field_differences(kind.FromString(before), kind.FromString(after))
