"""Updates with an etag that is out of date: the fields that changed since, and those that merge."""

import asyncio
from typing import Any

from orders.v1.order_pb2 import Order
from orders.v1.order_service_pb2 import TransitionOrderRequest, UpdateOrderRequest

from tests.conftest import Service, refused
from tests.shop import COUPONS, HOME, new_order


def update(order: Order, *paths: str, **fields: Any) -> UpdateOrderRequest:
    options = {name: fields.pop(name) for name in ("merge", "request_id", "add_coupon_codes") if name in fields}
    wished = {"order_id": order.order_id, "etag": order.etag, **fields}
    return UpdateOrderRequest(order=wished, update_mask={"paths": paths}, **options)


async def changed(service: Service, *paths: str, **fields: Any) -> tuple[Order, Order]:
    """An order as its caller has read it, and as it is after another caller's change."""
    seen = await service.orders.CreateOrder(new_order())
    return seen, await service.orders.UpdateOrder(update(seen, *paths, **fields))


async def test_an_update_of_other_fields_merges(service: Service) -> None:
    seen, _ = await changed(service, "special_instructions", special_instructions="ring twice")
    wished = update(seen, "metadata", metadata={"a": "1"}, merge=True)
    merged = await service.orders.UpdateOrder(wished)
    assert (merged.special_instructions, dict(merged.metadata)) == ("ring twice", {"a": "1"})
    assert merged.version == seen.version + 2


async def test_without_merge_the_refusal_names_the_changed_fields(service: Service) -> None:
    seen, current = await changed(service, "special_instructions", special_instructions="ring twice")
    await service.orders.UpdateOrder(update(current, "customer.phone", customer={"phone": "+12125550123"}))
    refusal = await refused(service.orders.UpdateOrder(update(seen, "metadata", metadata={"a": "1"})))
    assert refusal.reason == "ETAG_MISMATCH"
    assert refusal.metadata["fields"] == "customer.phone, special_instructions"


async def test_an_update_of_a_changed_field_does_not_merge(service: Service) -> None:
    seen, _ = await changed(service, "customer.phone", customer={"phone": "+12125550123"})
    for path, customer in (("customer.phone", {"phone": "+12125550124"}), ("customer", {"name": "Cora"})):
        refusal = await refused(service.orders.UpdateOrder(update(seen, path, customer=customer, merge=True)))
        assert (refusal.reason, refusal.metadata["fields"]) == ("ETAG_MISMATCH", "customer.phone")


async def test_a_coupon_does_not_merge_with_a_new_price(service: Service) -> None:
    seen, _ = await changed(service, "items", items=[{"product_id": "mug", "quantity": 2}])
    request = update(seen, add_coupon_codes=[COUPONS[0].code], merge=True)
    assert "pricing" in (await refused(service.orders.UpdateOrder(request))).metadata["fields"]


async def test_an_etag_that_is_none_of_the_order_does_not_merge(service: Service) -> None:
    seen, current = await changed(service, "metadata", metadata={"a": "1"})
    for etag in ("nonsense", "0", "999", f"0{seen.etag}", f"{current.etag} "):
        seen.etag = etag
        request = update(seen, "shipping_address", shipping_address=HOME, merge=True)
        refusal = await refused(service.orders.UpdateOrder(request))
        assert (refusal.reason, "fields" in refusal.metadata) == ("ETAG_MISMATCH", False)


async def test_a_merged_update_that_is_sent_again_happens_once(service: Service) -> None:
    seen, _ = await changed(service, "special_instructions", special_instructions="ring twice")
    request = update(seen, "metadata", metadata={"a": "1"}, merge=True, request_id="merge-1")
    first = await service.orders.UpdateOrder(request)
    assert await service.orders.UpdateOrder(request) == first


async def test_updates_of_different_fields_at_once_all_merge(service: Service) -> None:
    seen = await service.orders.CreateOrder(new_order())
    wishes: list[tuple[str, dict[str, Any]]] = [
        ("metadata", {"metadata": {"a": "1"}}),
        ("special_instructions", {"special_instructions": "ring twice"}),
        ("customer.phone", {"customer": {"phone": "+12125550123"}}),
        ("customer.name", {"customer": {"name": "Cora"}}),
    ]
    calls = [service.orders.UpdateOrder(update(seen, path, merge=True, **wish)) for path, wish in wishes]
    merged = max(await asyncio.gather(*calls), key=lambda order: order.version)
    assert merged.version == seen.version + 4
    assert (merged.customer.name, merged.customer.phone) == ("Cora", "+12125550123")


async def test_a_status_that_changed_is_named_too(service: Service) -> None:
    seen = await service.orders.CreateOrder(new_order())
    cancelled = TransitionOrderRequest(order_id=seen.order_id, status="ORDER_STATUS_CANCELLED")
    await service.orders.TransitionOrder(cancelled)
    refusal = await refused(service.orders.UpdateOrder(update(seen, "metadata", metadata={"a": "1"})))
    assert "status" in refusal.metadata["fields"].split(", ")
