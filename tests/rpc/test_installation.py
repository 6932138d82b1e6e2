"""Installation that is requested after the delivery."""

from typing import Any

from orders.v1 import order_pb2 as pb
from orders.v1.fulfilment_service_pb2 import RequestInstallationRequest
from orders.v1.fulfilment_service_pb2_grpc import FulfilmentServiceStub
from orders.v1.order_service_pb2 import GetInvoiceRequest, RecordPaymentRequest, TransitionOrderRequest

from tests.conftest import Service, new_order, refused, usd
from tests.storage.helpers import disagreements

_LATER = {"seconds": 1_900_000_000}
_SOFA = {"product_id": "sofa", "variant_id": "blue", "quantity": 2}


async def paid(service: Service, order: pb.Order) -> pb.Order:
    event = {"event_id": f"{order.order_id}-{order.version}", "type": pb.PAYMENT_EVENT_TYPE_PAID}
    return await service.orders.RecordPayment(RecordPaymentRequest(order_id=order.order_id, event=event))


async def delivered(service: Service, *items: dict[str, Any]) -> pb.Order:
    order = await service.orders.CreateOrder(new_order("installed", items=items))
    await paid(service, order)
    label = {"carrier": "DHL", "tracking_number": "1Z"}
    for move in ({"status": pb.ORDER_STATUS_SHIPPED} | label, {"status": pb.ORDER_STATUS_DELIVERED}):
        order = await service.orders.TransitionOrder(TransitionOrderRequest(order_id=order.order_id, **move))
    return order


def wanted(order: pb.Order, *item_ids: str, **more: Any) -> RequestInstallationRequest:
    return RequestInstallationRequest(order_id=order.order_id, item_ids=item_ids, scheduled_time=_LATER, **more)


async def test_installation_left_out_before_is_due_later(service: Service) -> None:
    fulfilment = FulfilmentServiceStub(service.channel)
    order = await delivered(service, _SOFA | {"without_installation": True}, {"product_id": "mug", "quantity": 1})
    installation = order.pricing.installation
    assert (installation.units, installation.nanos, order.installation.required) == (0, 0, True)
    price = await fulfilment.RequestInstallation(wanted(order, validate_only=True))
    requested = await fulfilment.RequestInstallation(wanted(order, request_id="install"))
    assert price.pricing == requested.pricing
    assert requested.pricing.installation == requested.payment.due_amount == usd(200)
    assert requested.pricing.total.units == order.pricing.total.units + 200
    assert requested.items[0].installation_price == usd(100)
    assert requested.installation.scheduled_time.seconds == _LATER["seconds"]
    assert await fulfilment.RequestInstallation(wanted(order, request_id="install")) == requested
    settled = await paid(service, requested)
    assert (settled.payment_status, settled.payment.due_amount.units) == (pb.PAYMENT_STATUS_PAID, 0)
    invoice = await service.orders.GetInvoice(GetInvoiceRequest(order_id=order.order_id))
    assert (invoice.invoice_number, invoice.pricing) == (settled.invoice_number, settled.pricing)
    assert settled.adjustments[0].replaced_invoice_number == order.invoice_number
    assert await disagreements(service.url) == []


async def test_installation_in_the_price_costs_nothing_more(service: Service) -> None:
    order = await delivered(service, _SOFA)
    assert order.pricing.installation == usd(200)
    requested = await FulfilmentServiceStub(service.channel).RequestInstallation(wanted(order))
    assert (requested.pricing, len(requested.adjustments)) == (order.pricing, 0)
    assert requested.installation.scheduled_time.seconds == _LATER["seconds"]


async def test_only_delivered_lines_that_need_it_are_installed(service: Service) -> None:
    fulfilment = FulfilmentServiceStub(service.channel)
    mugs = await delivered(service, {"product_id": "mug", "quantity": 1})
    for request in (wanted(mugs), wanted(mugs, "1")):
        refusal = await refused(fulfilment.RequestInstallation(request))
        assert (refusal.reason, refusal.metadata["item_id"]) == ("INSTALLATION_NOT_AVAILABLE", "1")
    assert "item_ids[0]" in (await refused(fulfilment.RequestInstallation(wanted(mugs, "9")))).fields
    sofa = await service.orders.CreateOrder(new_order("installed", items=[_SOFA]))
    assert (await refused(fulfilment.RequestInstallation(wanted(sofa)))).reason == "ITEM_NOT_DELIVERED"
