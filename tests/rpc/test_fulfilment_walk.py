"""An order of five lines, from the shelf to the door, through the API."""

from orders.v1 import order_pb2 as pb
from orders.v1.fulfilment_service_pb2 import (
    CreateShipmentRequest,
    GetPackingSlipRequest,
    UpdateShipmentRequest,
)
from orders.v1.fulfilment_service_pb2_grpc import FulfilmentServiceStub
from orders.v1.order_return_pb2 import (
    RETURN_DECISION_APPROVE,
    RETURN_DISPOSITION_DAMAGED,
    RETURN_DISPOSITION_RESTOCK,
    CloseReturnRequest,
    DecideReturnRequest,
    ReceiveReturnRequest,
    RequestReturnRequest,
)
from orders.v1.order_service_pb2 import (
    CancelOrderLinesRequest,
    GetOrderRequest,
    RecordPaymentRequest,
    RecordTrackingEventRequest,
    TrackOrderRequest,
)
from orders.v1.shipment_pb2 import SHIPMENT_STATUS_DELIVERED, SHIPMENT_STATUS_IN_TRANSIT, SHIPMENT_STATUS_SHIPPED

from tests.conftest import Service, refused
from tests.shop import new_order, usd
from tests.storage.helpers import disagreements

LINES = [("mug", "", 4), ("lamp", "", 2), ("sofa", "blue", 1), ("mug", "", 1)]


def units(**quantities: int) -> list[dict[str, object]]:
    return [{"item_id": name.removeprefix("line"), "quantity": count} for name, count in quantities.items()]


def parcel(number: str, **quantities: int) -> dict[str, object]:
    return {"carrier": "DHL", "tracking_number": number, "items": units(**quantities)}


async def paid_order(service: Service) -> pb.Order:
    items = [{"product_id": product, "variant_id": variant, "quantity": count} for product, variant, count in LINES]
    made = await service.orders.CreateOrder(new_order("walker", product_id="lamp", items=items))
    event = {"event_id": f"paid-{made.order_id}", "type": pb.PAYMENT_EVENT_TYPE_PAID}
    paid: pb.Order = await service.orders.RecordPayment(RecordPaymentRequest(order_id=made.order_id, event=event))
    return paid


async def report(service: Service, order: pb.Order, status: pb.TrackingStatus, number: str) -> pb.Order:
    """The order after a report of the parcel with a tracking number."""
    request = RecordTrackingEventRequest(order_id=order.order_id, event={"status": status}, tracking_number=number)
    await service.orders.RecordTrackingEvent(request)
    found: pb.Order = await service.orders.GetOrder(GetOrderRequest(order_id=order.order_id))
    return found


async def receive(service: Service, order: pb.Order, *units: tuple[str, int]) -> None:
    """Takes units of lines back, one of each, with dispositions."""
    fulfilment = FulfilmentServiceStub(service.channel)
    items = [{"item_id": item_id, "quantity": 1} for item_id, _ in units]
    await fulfilment.RequestReturn(RequestReturnRequest(order_id=order.order_id, items=items))
    decision = {"return_id": "1", "decision": RETURN_DECISION_APPROVE}
    await fulfilment.DecideReturn(DecideReturnRequest(order_id=order.order_id, **decision))
    received = [{"item_id": item_id, "quantity": 1, "disposition": disposition} for item_id, disposition in units]
    request = ReceiveReturnRequest(order_id=order.order_id, return_id="1", items=received)
    await fulfilment.ReceiveReturn(request)


async def test_two_units_return_and_are_exchanged(service: Service) -> None:
    order, fulfilment = await paid_order(service), FulfilmentServiceStub(service.channel)
    label = {"carrier": "DHL", "tracking_number": "E1"}
    shipment = {"parcels": [label], "status": SHIPMENT_STATUS_SHIPPED}
    await fulfilment.CreateShipment(CreateShipmentRequest(order_id=order.order_id, shipment=shipment))
    await report(service, order, pb.TRACKING_STATUS_DELIVERED, "E1")
    lamps, mugs = await service.stock("lamp"), await service.stock("mug")
    await receive(service, order, ("2", RETURN_DISPOSITION_RESTOCK), ("1", RETURN_DISPOSITION_DAMAGED))
    assert (await service.stock("lamp"), await service.stock("mug")) == (lamps + 1, mugs)

    # A lamp for 49.90 and a mug for 12.50 pay for a mug: the rest goes back.
    close = CloseReturnRequest(
        order_id=order.order_id,
        return_id="1",
        exchange_items=[{"product_id": "mug", "quantity": 1}],
        request_id=f"exchange-{order.order_id}",
    )
    tried = await fulfilment.CloseReturn(CloseReturnRequest(**fields(close), validate_only=True))
    closed = await fulfilment.CloseReturn(close)
    assert [refund.amount for refund in tried.refunds] == [refund.amount for refund in closed.refunds]
    assert [(refund.amount, refund.status) for refund in closed.refunds] == [
        (usd(12, 50), pb.REFUND_STATUS_SUCCEEDED),
        (usd(49, 90), pb.REFUND_STATUS_PENDING),
    ]
    assert closed.refunds[0].credit_note_number
    new = await service.orders.GetOrder(GetOrderRequest(order_id=closed.returns[0].exchange_order_id))
    assert (new.exchange_of.order_id, new.exchange_of.return_id) == (order.order_id, "1")
    assert (new.status, new.payment_status) == (pb.ORDER_STATUS_CONFIRMED, pb.PAYMENT_STATUS_PAID)
    assert (new.payments[0].provider, new.payments[0].captured_amount) == ("exchange", usd(12, 50))
    assert new.shipping_address == order.shipping_address
    assert await service.stock("mug") == mugs - 1
    assert await fulfilment.CloseReturn(close) == closed
    assert await service.stock("mug") == mugs - 1
    assert await disagreements(service.url) == []


async def test_an_exchange_that_costs_more_is_due(service: Service) -> None:
    order, fulfilment = await paid_order(service), FulfilmentServiceStub(service.channel)
    shipment = {"parcels": [{"carrier": "DHL", "tracking_number": "E2"}], "status": SHIPMENT_STATUS_SHIPPED}
    await fulfilment.CreateShipment(CreateShipmentRequest(order_id=order.order_id, shipment=shipment))
    await report(service, order, pb.TRACKING_STATUS_DELIVERED, "E2")
    await receive(service, order, ("1", RETURN_DISPOSITION_RESTOCK))
    items = [{"product_id": "lamp", "quantity": 1}]
    request = CloseReturnRequest(order_id=order.order_id, return_id="1", exchange_items=items)
    none = await refused(fulfilment.CloseReturn(CloseReturnRequest(**fields(request), no_refund=True)))
    assert "no_refund" in none.fields
    closed = await fulfilment.CloseReturn(request)
    assert [refund.status for refund in closed.refunds] == [pb.REFUND_STATUS_SUCCEEDED]
    new = await service.orders.GetOrder(GetOrderRequest(order_id=closed.returns[0].exchange_order_id))
    assert (new.status, new.payment.due_amount) == (pb.ORDER_STATUS_PENDING, usd(37, 40))
    event = {"event_id": f"rest-{new.order_id}", "type": pb.PAYMENT_EVENT_TYPE_PAID}
    paid = await service.orders.RecordPayment(RecordPaymentRequest(order_id=new.order_id, event=event))
    assert (paid.status, paid.payments[1].captured_amount) == (pb.ORDER_STATUS_CONFIRMED, usd(37, 40))
    assert await disagreements(service.url) == []


def fields(request: CloseReturnRequest) -> dict[str, object]:
    return {field.name: value for field, value in request.ListFields() if field.name != "request_id"}


async def test_five_lines_arrive_in_two_shipments_of_three_parcels(service: Service) -> None:
    order, fulfilment = await paid_order(service), FulfilmentServiceStub(service.channel)
    assert len(order.items) == 5
    first = {
        "items": units(line1=3, line2=2),
        "parcels": [parcel("D1", line1=2), parcel("D2", line1=1, line2=2)],
    }
    await fulfilment.CreateShipment(CreateShipmentRequest(order_id=order.order_id, shipment=first))
    slip = await fulfilment.GetPackingSlip(GetPackingSlipRequest(order_id=order.order_id, shipment_id="1"))
    assert [(item.name, item.quantity, list(item.parcel_ids)) for item in slip.items] == [
        ("Mug", 3, ["1", "2"]),
        ("Lamp", 2, ["2"]),
    ]
    leaving = {"shipment_id": "1", "status": SHIPMENT_STATUS_SHIPPED}
    left = await fulfilment.UpdateShipment(UpdateShipmentRequest(order_id=order.order_id, shipment=leaving))
    assert (left.status, left.shipping_status) == (
        pb.ORDER_STATUS_PROCESSING,
        pb.SHIPPING_STATUS_PARTIALLY_SHIPPED,
    )

    cancel = CancelOrderLinesRequest(order_id=order.order_id, items=units(line3=1), reason="not wanted")
    fewer = await service.orders.CancelOrderLines(cancel)
    assert [item.item_id for item in fewer.items] == ["1", "2", "4", "5"]
    assert fewer.payment_status == pb.PAYMENT_STATUS_REFUND_DUE

    rest = {"parcels": [{"carrier": "UPS", "tracking_number": "U1"}], "status": SHIPMENT_STATUS_SHIPPED}
    gone = await fulfilment.CreateShipment(CreateShipmentRequest(order_id=order.order_id, shipment=rest))
    assert (gone.status, gone.delivery.tracking_number) == (pb.ORDER_STATUS_SHIPPED, "D1")
    assert [(item.item_id, item.quantity) for item in gone.shipments[1].items] == [("1", 1), ("4", 1), ("5", 1)]

    part = await report(service, order, pb.TRACKING_STATUS_DELIVERED, "D2")
    assert [item.delivered_quantity for item in part.items] == [1, 2, 0, 0]
    assert part.shipping_status == pb.SHIPPING_STATUS_PARTIALLY_DELIVERED
    assert [shipment.status for shipment in part.shipments] == [SHIPMENT_STATUS_IN_TRANSIT, SHIPMENT_STATUS_SHIPPED]
    await report(service, order, pb.TRACKING_STATUS_DELIVERED, "U1")
    whole = await report(service, order, pb.TRACKING_STATUS_DELIVERED, "D1")
    assert (whole.status, whole.shipping_status) == (pb.ORDER_STATUS_DELIVERED, pb.SHIPPING_STATUS_DELIVERED)

    tracking = await service.orders.TrackOrder(TrackOrderRequest(order_id=order.order_id))
    assert [shipment.status for shipment in tracking.shipments] == [SHIPMENT_STATUS_DELIVERED] * 2
    assert tracking.tracking_number == "U1"
    reported = {(event.shipment_id, event.parcel_id) for event in tracking.events if event.parcel_id}
    assert reported == {("1", "1"), ("1", "2"), ("2", "1")}
    assert await disagreements(service.url) == []
