"""An order of five lines, from the shelf to the door, through the API."""

from orders.v1 import order_pb2 as pb
from orders.v1.fulfilment_service_pb2 import (
    CreateShipmentRequest,
    GetPackingSlipRequest,
    UpdateShipmentRequest,
)
from orders.v1.fulfilment_service_pb2_grpc import FulfilmentServiceStub
from orders.v1.order_service_pb2 import (
    CancelOrderLinesRequest,
    GetOrderRequest,
    RecordPaymentRequest,
    RecordTrackingEventRequest,
    TrackOrderRequest,
)
from orders.v1.shipment_pb2 import SHIPMENT_STATUS_DELIVERED, SHIPMENT_STATUS_IN_TRANSIT, SHIPMENT_STATUS_SHIPPED

from tests.conftest import Service
from tests.shop import new_order
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
