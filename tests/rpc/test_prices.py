"""Prices as callers see them: explained after everything changed, and previews of changed zones."""

from orders.v1.catalog_service_pb2 import (
    BatchUpsertDeliveryZonesRequest,
    BatchUpsertProductsRequest,
    DeleteDeliveryZoneRequest,
    DeliveryZone,
    GetDeliveryZoneRequest,
    Product,
)
from orders.v1.order_pb2 import Address
from orders.v1.order_service_pb2 import ExplainPriceRequest, PriceOrderRequest

from tests.conftest import Service, new_order
from tests.domain.builders import money

QUEBEC = Address(street="1 Rue X", city="Montreal", state="Quebec", postal_code="H2X", country="Canada")


def zone(qst: str) -> DeliveryZone:
    rates = [{"name": "GST", "rate": {"value": "5"}}, {"name": "QST", "rate": {"value": qst}}]
    method = {"method": "standard", "prices": [money("10")]}
    return DeliveryZone(zone_id="qc", areas=[{"country": "CA", "state": "QC"}], tax_rates=rates, methods=[method])


async def test_a_price_is_explained_as_it_was(service: Service) -> None:
    await service.catalog.BatchUpsertDeliveryZones(BatchUpsertDeliveryZonesRequest(zones=[zone("9.975")]))
    lamp = Product(product_id="lamp-qc", name="Lamp", price=money("100"), stock=10)
    await service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=[lamp]))
    request = new_order(product_id="lamp-qc", shipping_address=QUEBEC)
    priced = await service.orders.PriceOrder(PriceOrderRequest(order=request))
    order = await service.orders.CreateOrder(request)
    upsert = BatchUpsertDeliveryZonesRequest(zones=[zone("20")], validate_only=True)
    preview = await service.catalog.BatchUpsertDeliveryZones(upsert)
    assert (preview.updated, [one.order_id for one in preview.affected_orders]) == (1, [order.order_id])
    delete = DeleteDeliveryZoneRequest(zone_id="qc", validate_only=True)
    (affected,) = (await service.catalog.DeleteDeliveryZone(delete)).affected_orders
    assert (affected.zone_id, affected.new_zone_id) == ("qc", "everywhere")
    stored = await service.catalog.GetDeliveryZone(GetDeliveryZoneRequest(zone_id="qc"))
    assert stored == zone("9.975")
    upsert.validate_only = False
    await service.catalog.BatchUpsertDeliveryZones(upsert)
    explained = await service.orders.ExplainPrice(ExplainPriceRequest(order_id=order.order_number))
    assert list(explained.steps) == list(priced.steps)
    taxes = [(tax.name, tax.rate.value, tax.amount) for tax in explained.pricing.taxes]
    assert taxes == [("GST", "5", money("5")), ("QST", "9.975", money("9.98"))]
