"""Who changed what: every write of the catalogue, of customers, keys, webhooks, settings and orders leaves an event with its values."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from orders.v1 import audit_service_pb2 as pb
from orders.v1 import order_pb2
from orders.v1.api_key_service_pb2 import ApiKey
from orders.v1.audit_service_pb2_grpc import AuditServiceStub
from orders.v1.cart_service_pb2 import AddCartItemRequest, ClearCartRequest, UpdateCartItemRequest
from orders.v1.catalog_service_pb2 import (
    AdjustStockRequest,
    BatchUpsertCouponsRequest,
    BatchUpsertDeliveryZonesRequest,
    BatchUpsertProductsRequest,
    Coupon,
    DeleteDeliveryZoneRequest,
    DeliveryZone,
    Product,
)
from orders.v1.consumer_service_pb2 import (
    AckConsumerRequest,
    DeleteConsumerRequest,
    GetConsumerRequest,
    SeekConsumerRequest,
    UpsertConsumerRequest,
)
from orders.v1.customer_service_pb2 import (
    AdjustPointsRequest,
    EraseCustomerRequest,
    UpsertAddressRequest,
    UpsertCustomerRequest,
    UpsertPaymentMethodRequest,
)
from orders.v1.order_service_pb2 import ListOrderChangesRequest, TransitionOrderRequest, UpdateOrderRequest
from orders.v1.server_service_pb2 import LOG_LEVEL_INFO, SetLogLevelRequest
from orders.v1.server_service_pb2_grpc import ServerServiceStub
from orders.v1.webhook_service_pb2 import CreateWebhookEndpointRequest
from orders.v1.webhook_service_pb2_grpc import WebhookServiceStub

from server.domain.base.caller import SCOPES
from tests.conftest import Service, refused
from tests.methods import method_of, path_of
from tests.rpc.principals import Metadata, bearer, closed, new_key, rotate_key
from tests.shop import HOME, new_order, stocking, usd
from tests.storage.helpers import until


@dataclass(frozen=True)
class Shop:
    """A closed server with a stocked shop, and an admin's key."""

    service: Service
    key: ApiKey

    @property
    def metadata(self) -> Metadata:
        return bearer(self.key.key)

    async def call(self, request: Any) -> Any:
        method = method_of(request)
        channel = self.service.channel
        send = channel.unary_unary(
            path_of(method), type(request).SerializeToString, method.output_type._concrete_class.FromString
        )
        return await send(request, metadata=self.metadata)

    async def events(self, **wanted: Any) -> list[pb.AuditEvent]:
        return list((await self.call(pb.ListAuditEventsRequest(**wanted))).events)


@pytest.fixture(scope="module")
async def shop(new_database: Callable[[], str]) -> AsyncIterator[Shop]:
    async with closed(new_database()) as service:
        key = await new_key(service, "admin", scopes=sorted(SCOPES), owner="back office")
        shop = Shop(service, key)
        for request in stocking():
            await shop.call(request)
        yield shop


def changes(event: pb.AuditEvent) -> dict[str, tuple[Any, Any]]:
    return {
        change["path"]: (change.get("oldValue"), change.get("newValue"))
        for change in MessageToDict(event).get("changes", ())
    }


async def test_a_price_change_names_who_made_it_and_both_prices(shop: Shop) -> None:
    for price in (usd(5), usd(6)):
        product = Product(product_id="coffee", sku="C", name="Coffee", price=price)
        await shop.call(BatchUpsertProductsRequest(products=[product], request_id=f"price-{price.units}"))
    changed, made = await shop.events(resource="products/coffee")
    assert (changed.actor, changed.actor_owner) == (f"key:{shop.key.key_id}", "back office")
    assert (changed.method, changed.request_id) == ("BatchUpsertProducts", "price-6")
    assert changes(changed) == {"price": ({"currencyCode": "USD", "units": "5"}, {"currencyCode": "USD", "units": "6"})}
    assert changes(made)["name"] == (None, "Coffee")


async def test_the_same_product_again_is_no_event(shop: Shop) -> None:
    product = Product(product_id="tea", sku="T", name="Tea", price=usd(5))
    for _ in range(2):
        await shop.call(BatchUpsertProductsRequest(products=[product]))
    assert len(await shop.events(resource="products/tea")) == 1


async def test_stock_and_points_are_events_with_the_levels(shop: Shop) -> None:
    await shop.call(AdjustStockRequest(product_id="lamp", delta=-7, reason="broken"))
    (event, *_) = await shop.events(resource="products/lamp", method="AdjustStock")
    old, new = changes(event)["stock"]
    assert int(new) - int(old) == -7
    await shop.call(AdjustPointsRequest(customer_id="jane", delta=3, reason="gift"))
    (event, *_) = await shop.events(resource="customers/jane", method="AdjustPoints")
    old, new = changes(event)["points_balance"]
    assert int(new) - int(old or 0) == 3


async def test_zones_coupons_webhooks_keys_and_settings_are_events(shop: Shop) -> None:
    methods = [{"method": "rocket", "prices": [usd(9)]}]
    zone = DeliveryZone(zone_id="moon", areas=[{"country": "Moon"}], methods=methods)
    await shop.call(BatchUpsertDeliveryZonesRequest(zones=[zone]))
    await shop.call(DeleteDeliveryZoneRequest(zone_id="moon"))
    deleted, made = await shop.events(resource="deliveryZones/moon")
    assert (deleted.method, made.method) == ("DeleteDeliveryZone", "BatchUpsertDeliveryZones")
    assert changes(deleted)["areas"][1] is None
    coupon = Coupon(code="SPRING", type=order_pb2.COUPON_TYPE_PERCENTAGE, basis_points=500)
    await shop.call(BatchUpsertCouponsRequest(coupons=[coupon]))
    assert len(await shop.events(resource="coupons/SPRING")) == 1
    webhooks = WebhookServiceStub(shop.service.channel)
    hook = await webhooks.CreateWebhookEndpoint(
        CreateWebhookEndpointRequest(endpoint={"url": "https://example.com/hook"}), metadata=shop.metadata
    )
    (event,) = await shop.events(resource=f"webhooks/{hook.endpoint.endpoint_id}")
    assert hook.secret not in str(event)
    assert "url" in changes(event)
    servers = ServerServiceStub(shop.service.channel)
    await servers.SetLogLevel(SetLogLevelRequest(level=LOG_LEVEL_INFO), metadata=shop.metadata)
    assert changes((await shop.events(resource="settings/log_level"))[0])["level"] == (None, "LOG_LEVEL_INFO")
    rotated = await rotate_key(shop.service, shop.key.key_id, overlap=timedelta(hours=1))
    event = (await shop.events(resource=f"apiKeys/{shop.key.key_id}"))[0]
    assert "rotate_time" in changes(event)
    assert rotated.key not in str(event)


async def test_changes_of_consumers_are_events_without_acks(shop: Shop) -> None:
    await shop.call(new_order())

    async def sequenced() -> bool:
        return bool(await shop.service.rows("SELECT FROM feed"))

    await until(sequenced)
    name = {"consumer_id": "warehouse"}
    for wanted in ({}, {}, {"filter": {"customer_id": "jane"}}):
        await shop.call(UpsertConsumerRequest(consumer=name | wanted))
    token = (await shop.call(ListOrderChangesRequest())).resume_token
    await shop.call(AckConsumerRequest(**name, resume_token=token))
    before = await shop.call(GetConsumerRequest(**name))
    await shop.call(SeekConsumerRequest(**name, start_time={"seconds": 1}))
    await shop.call(SeekConsumerRequest(**name, start_time={"seconds": 1}, validate_only=True))
    await shop.call(DeleteConsumerRequest(**name))
    deleted, moved, changed, made = await shop.events(resource="consumers/warehouse")
    methods = ["DeleteConsumer", "SeekConsumer", "UpsertConsumer", "UpsertConsumer"]
    assert [event.method for event in (deleted, moved, changed, made)] == methods
    assert changes(moved) == {"position": (str(before.position), None)}
    assert changes(changed) == {"filter": (None, {"customerId": "jane"})}
    assert (deleted.actor, deleted.actor_owner) == (f"key:{shop.key.key_id}", "back office")


async def test_staff_s_changes_of_carts_are_events_with_the_lines(shop: Shop) -> None:
    item = {"customer_id": "cora", "product_id": "mug", "currency_code": "USD"}
    await shop.call(AddCartItemRequest(**item, quantity=2, customizations={"text": "for Quentin"}))
    await shop.call(AddCartItemRequest(**item | {"product_id": "lamp"}, quantity=1))
    await shop.call(UpdateCartItemRequest(customer_id="cora", item_id="2", quantity=3))
    await shop.call(UpdateCartItemRequest(customer_id="cora", item_id="2", quantity=3))
    await shop.call(ClearCartRequest(customer_id="cora"))
    cleared, updated, _, added = await shop.events(resource="carts/cora")
    lamp = {"itemId": "2", "productId": "lamp"}
    assert changes(updated) == {"items": ([lamp | {"quantity": 1}], [lamp | {"quantity": 3}])}
    mug = {"itemId": "1", "productId": "mug", "quantity": 2}
    assert changes(cleared) == {"items": ([mug, lamp | {"quantity": 3}], None)}
    assert "Quentin" not in str(added)
    assert await shop.events(resource=added.resource) == await shop.events(resource="carts/cora")


async def test_of_customers_only_clearing_their_carts_is_an_event(shop: Shop) -> None:
    own = bearer((await new_key(shop.service, "customer", customer_id="carla", scopes=sorted(SCOPES))).key)
    item = AddCartItemRequest(product_id="mug", customer_id="carla", quantity=1, currency_code="USD")
    await shop.service.carts.AddCartItem(item, metadata=own)
    await shop.service.carts.ClearCart(ClearCartRequest(customer_id="carla"), metadata=own)
    assert [event.method for event in await shop.events(resource="carts/carla")] == ["ClearCart"]


async def test_changes_of_orders_are_among_the_events_of_a_key(shop: Shop) -> None:
    other = await new_key(shop.service, "admin", scopes=sorted(SCOPES), owner="night shift")
    metadata = bearer(other.key)
    order = await shop.service.orders.CreateOrder(new_order(), metadata=metadata)
    update = UpdateOrderRequest(order={"order_id": order.order_id, "shipping_address": HOME | {"city": "Boston"}})
    update.update_mask.paths.append("shipping_address")
    await shop.service.orders.UpdateOrder(update, metadata=metadata)
    coupon = Coupon(code="NIGHT", type=order_pb2.COUPON_TYPE_PERCENTAGE, basis_points=500)
    await shop.service.catalog.BatchUpsertCoupons(BatchUpsertCouponsRequest(coupons=[coupon]), metadata=metadata)

    async def complete() -> bool:
        return len(await shop.events(key_id=other.key_id)) == 3

    await until(complete)
    events = await shop.events(key_id=other.key_id)
    assert [event.method for event in events] == ["BatchUpsertCoupons", "UpdateOrder", "CreateOrder"]
    assert {event.actor_owner for event in events} == {"night shift"}
    assert changes(events[1])["shipping_address.city"] == ("New York", "Boston")
    assert events[1].order_number == order.order_number
    of_order = await shop.events(resource=f"orders/{order.order_number}")
    assert [event.order_version for event in of_order] == [2, 1]
    assert [event.method for event in await shop.events(actor=f"key:{other.key_id}", method="UpdateOrder")] == [
        "UpdateOrder"
    ]


async def test_an_override_is_told_apart_from_a_reason(shop: Shop) -> None:
    order = await shop.call(new_order(payment_method=order_pb2.PAYMENT_METHOD_BANK_TRANSFER))
    confirmed = {"status": order_pb2.ORDER_STATUS_CONFIRMED, "override_reason": "CFO said ok"}
    await shop.call(TransitionOrderRequest(order_id=order.order_id, **confirmed))

    async def found() -> bool:
        return bool(await shop.events(override=True))

    await until(found)
    (event,) = await shop.events(override=True)
    assert (event.resource, event.override, event.reason) == (f"orders/{order.order_id}", True, "CFO said ok")
    assert event.method == "TransitionOrder"


async def test_pages_have_every_event_once_and_the_newest_first(shop: Shop) -> None:
    for count in range(3):
        product = Product(product_id=f"page-{count}", sku="P", name="Page", price=usd(5))
        await shop.call(BatchUpsertProductsRequest(products=[product]))
        await shop.call(new_order())
    orders = len(await shop.service.rows("SELECT FROM order_events"))

    async def sequenced() -> bool:
        return len(await shop.service.rows("SELECT FROM feed")) == orders

    await until(sequenced)
    whole = await shop.events(page_size=1000)
    pages, token = list[pb.AuditEvent](), ""
    while True:
        page = await shop.call(pb.ListAuditEventsRequest(page_size=2, page_token=token))
        pages += page.events
        token = page.next_page_token
        if not token:
            break
    assert [event.event_id for event in pages] == [event.event_id for event in whole]
    assert len({event.event_id for event in whole}) == len(whole)
    times = [event.event_time.ToNanoseconds() for event in whole]
    assert times == sorted(times, reverse=True)
    rows = await shop.service.rows("SELECT FROM audit_events")
    assert len(whole) == orders + len(rows)


async def test_a_time_bounds_the_events(shop: Shop) -> None:
    product = Product(product_id="now", sku="N", name="Now", price=usd(5))
    before = datetime.now(UTC)
    await shop.call(BatchUpsertProductsRequest(products=[product]))
    assert [event.resource for event in await shop.events(time_from=before, resource="products")] == ["products/now"]
    assert "products/now" not in {event.resource for event in await shop.events(time_to=before)}
    assert await shop.events(time_from=datetime.now(UTC) + timedelta(minutes=1)) == []


async def test_no_provider_s_token_is_in_an_event(shop: Shop) -> None:
    saved = {"payment_method_id": "pm-9", "type": order_pb2.PAYMENT_METHOD_PAYPAL, "provider_token": "tok_quix"}
    await shop.call(UpsertPaymentMethodRequest(customer_id="tess", payment_method=saved))
    (event,) = await shop.events(resource="customers/tess")
    assert "pm-9" in str(event)
    assert "tok_quix" not in str(event)
    stored = "SELECT FROM audit_events WHERE position('tok_quix'::bytea IN before || after) > 0"
    assert await shop.service.rows(stored) == []


async def test_erased_customers_leave_events_without_values(shop: Shop) -> None:
    await shop.call(UpsertCustomerRequest(customer={"customer_id": "quix", "name": "Quix Mark"}))
    await shop.call(UpsertAddressRequest(customer_id="quix", address={"address_id": "home"} | HOME))
    assert "Quix Mark" in str(await shop.events(resource="customers/quix"))
    await shop.call(EraseCustomerRequest(customer_id="quix"))
    events = await shop.events(resource="customers/quix")
    assert [event.method for event in events] == ["EraseCustomer", "UpsertAddress", "UpsertCustomer"]
    assert all(not event.changes for event in events)
    assert (
        await shop.service.rows("SELECT FROM audit_events WHERE position('Quix'::bytea IN before || after) > 0") == []
    )


async def test_erasing_a_cart_is_an_event_without_values(shop: Shop) -> None:
    item = {"customer_id": "erased", "product_id": "mug", "quantity": 1, "currency_code": "USD"}
    await shop.call(AddCartItemRequest(**item, customizations={"text": "for Quentin"}))
    await shop.call(EraseCustomerRequest(customer_id="erased"))
    event = (await shop.events(resource="carts/erased"))[0]
    assert (event.method, list(event.changes)) == ("EraseCustomer", [])


async def test_unknown_keys_and_orders_are_refused(shop: Shop) -> None:
    audit = AuditServiceStub(shop.service.channel)
    for wanted, reason in (({"key_id": "nope"}, "API_KEY_NOT_FOUND"), ({"resource": "orders/nope"}, "ORDER_NOT_FOUND")):
        request = pb.ListAuditEventsRequest(**wanted)
        assert (await refused(audit.ListAuditEvents(request, metadata=shop.metadata))).reason == reason
