"""Orders in currencies that ISO 4217 has withdrawn: stored amounts stay usable."""

from uuid import uuid4

import grpc
import pytest
from google.type.money_pb2 import Money
from orders.v1.catalog_service_pb2 import (
    BatchUpsertDeliveryZonesRequest,
    BatchUpsertProductsRequest,
    DeliveryZone,
    Product,
)
from orders.v1.order_pb2 import (
    ORDER_STATUS_CANCELLED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_STATUS_REFUND_DUE,
    Order,
)
from orders.v1.order_service_pb2 import (
    UPSERT_OUTCOME_INSERTED,
    BatchUpsertOrdersRequest,
    CancelOrderRequest,
    ExplainOrderRequest,
    RecordPaymentRequest,
    RefundOrderRequest,
    UpsertOrder,
)

from tests.conftest import Service
from tests.storage.helpers import disagreements

# One with and one without decimal places.
PRICES = {
    "BGN": Money(currency_code="BGN", units=19, nanos=990_000_000),
    "ITL": Money(currency_code="ITL", units=15_000),
}


@pytest.fixture(params=PRICES)
async def paid(request: pytest.FixtureRequest, service: Service) -> Order:
    """A paid order in a withdrawn currency."""
    code = str(request.param)
    price = PRICES[code]
    item = {"sku": "BOOK", "quantity": 1, "unit_price": price}
    wished = UpsertOrder(external_order_id=f"{code}-{uuid4()}", customer={"name": "Jane Doe"}, items=[item, item])
    response = await service.orders.BatchUpsertOrders(BatchUpsertOrdersRequest(source="shop", orders=[wished]))
    order_id = response.results[0].order_id
    event = {"event_id": f"paid-{order_id}", "type": PAYMENT_EVENT_TYPE_PAID}
    return await service.orders.RecordPayment(RecordPaymentRequest(order_id=order_id, event=event))


@pytest.mark.parametrize("code", PRICES)
async def test_a_new_price_in_a_withdrawn_currency_is_refused(service: Service, code: str) -> None:
    price = PRICES[code]
    product = Product(product_id=code, sku=code, name="Book", price=price, stock=10)
    zone = DeliveryZone(zone_id=code, areas=[{"country": code}], methods=[{"method": "standard", "prices": [price]}])
    for call in (
        service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=[product])),
        service.catalog.BatchUpsertDeliveryZones(BatchUpsertDeliveryZonesRequest(zones=[zone])),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert f"{code} is no longer in use" in str(caught.value.details())


async def test_an_order_in_a_withdrawn_currency_is_cancelled(service: Service, paid: Order) -> None:
    cancelled = await service.orders.CancelOrder(CancelOrderRequest(order_id=paid.order_id, reason="sold out"))
    assert cancelled.status == ORDER_STATUS_CANCELLED
    assert cancelled.payment_status == PAYMENT_STATUS_REFUND_DUE


async def test_an_order_in_a_withdrawn_currency_is_refunded(service: Service, paid: Order) -> None:
    part = PRICES[paid.pricing.total.currency_code]
    await service.orders.RefundOrder(RefundOrderRequest(order_id=paid.order_id, amount=part, reason="damaged"))
    refunded = await service.orders.RefundOrder(RefundOrderRequest(order_id=paid.order_id, reason="damaged"))
    assert [refund.amount for refund in refunded.refunds] == [part, part]
    assert refunded.payment_status == PAYMENT_STATUS_REFUND_DUE


async def test_an_order_in_a_withdrawn_currency_is_explained(service: Service, paid: Order) -> None:
    explained = await service.orders.ExplainOrder(ExplainOrderRequest(order_id=paid.order_id))
    assert explained.transitions


async def test_an_old_order_in_a_withdrawn_currency_is_imported(service: Service) -> None:
    total = Money(currency_code="DEM", units=49, nanos=950_000_000)
    item = {"sku": "BOOK", "quantity": 1, "unit_price": total}
    old = UpsertOrder(external_order_id="1998-1", customer={"name": "Jane Doe"}, items=[item], total=total)
    response = await service.orders.BatchUpsertOrders(BatchUpsertOrdersRequest(source="archive", orders=[old]))
    assert [result.outcome for result in response.results] == [UPSERT_OUTCOME_INSERTED]


async def test_verify_reads_orders_in_withdrawn_currencies(service: Service, paid: Order) -> None:
    assert await disagreements(service.url) == []
