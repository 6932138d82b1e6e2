"""A valid request of every method. The contract tests and the benchmarks derive theirs from these; a new method needs one entry."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from zlib import crc32

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1 import accounting_pb2 as accounting
from orders.v1 import api_key_service_pb2 as api_keys
from orders.v1 import audit_service_pb2 as audit
from orders.v1 import cart_service_pb2 as carts
from orders.v1 import catalog_service_pb2 as catalog
from orders.v1 import consumer_service_pb2 as consumers
from orders.v1 import customer_service_pb2 as customers
from orders.v1 import fulfilment_queue_pb2 as queue
from orders.v1 import fulfilment_service_pb2 as fulfilment
from orders.v1 import order_change_pb2 as changes
from orders.v1 import order_pb2 as pb
from orders.v1 import order_return_pb2 as returns
from orders.v1 import order_service_pb2 as orders
from orders.v1 import server_service_pb2 as servers
from orders.v1 import shipment_pb2 as shipments
from orders.v1 import webhook_service_pb2 as webhooks
from orders.v1.access_pb2 import ROLE_ADMIN, ROLE_CUSTOMER, SCOPE_ORDERS_READ, SCOPE_ORDERS_WRITE

from tests.shop import money, usd

_DIGITS_TO_LETTERS = str.maketrans("0123456789", "ghijklmnop")


@dataclass(frozen=True)
class Subject:
    """An order of one mug, `shop.new_order`, and names that no other subject has: what a sample request is about."""

    order_id: str
    key_id: str = "0123456789ab"
    cursor: str = "AAAA"
    # Of a claim.
    claim_id: str = "01890a5d-ac96-774b-bcce-b302099a8057"
    # Of a webhook. Without one, an id that no endpoint has, but that no other subject has either.
    endpoint: str = ""
    delivery: str = ""

    @property
    def customer_id(self) -> str:
        return f"c-{self.order_id}"

    @property
    def endpoint_id(self) -> str:
        return self.endpoint or self.order_id

    @property
    def delivery_id(self) -> str:
        return self.delivery or self.order_id

    @property
    def letters(self) -> str:
        """The order's id without digits, for texts that are searched for card numbers."""
        return self.order_id.translate(_DIGITS_TO_LETTERS)

    def after(self, request: Message, answer: bytes) -> "Subject":
        """The subject with what the answer to a preceding request tells: the id of its API key, a cursor, the ids of a webhook."""
        if isinstance(request, api_keys.CreateApiKeyRequest):
            return replace(self, key_id=api_keys.ApiKey.FromString(answer).key_id)
        if isinstance(request, orders.ListOrderChangesRequest):
            return replace(self, cursor=orders.ListOrderChangesResponse.FromString(answer).resume_token)
        if isinstance(request, queue.ClaimFulfilmentsRequest):
            (claimed,) = queue.ClaimFulfilmentsResponse.FromString(answer).fulfilments
            return replace(self, claim_id=claimed.claim_id)
        if isinstance(request, webhooks.CreateWebhookEndpointRequest):
            endpoint = webhooks.CreateWebhookEndpointResponse.FromString(answer).endpoint
            return replace(self, endpoint=endpoint.endpoint_id)
        if isinstance(request, webhooks.TestWebhookEndpointRequest):
            return replace(self, delivery=webhooks.WebhookDelivery.FromString(answer).delivery_id)
        return self


def _nothing(at: Subject) -> Sequence[Message]:
    return ()


class Sample(NamedTuple):
    """A request that succeeds in a shop that is stocked, after the requests in `before`.

    It has two elements in every list and every message set, so that each of its fields can be made wrong: all but an order's
    coupons, as their uses are counted. Two subjects' requests for the same write differ.
    """

    request: Callable[[Subject], Any]
    before: Callable[[Subject], Sequence[Message]] = _nothing


def request_for(method: str, subject: Subject) -> Any:
    """The valid request of a method about a subject."""
    return SAMPLES[method].request(subject)


_TIME = Timestamp(seconds=1_800_000_000, nanos=500_000_000)
_ADDRESS = {"name": "Jane Roe", "street": "1 Main St", "city": "Springfield", "postal_code": "12345", "country": "US"}
_CARD = {"type": pb.PAYMENT_METHOD_CREDIT_CARD, "brand": "visa", "provider_token": "tok_1"}
_CHECKOUT: dict[str, Any] = {
    "customer_id": "jane",
    "items": [
        {"product_id": "mug", "quantity": 2, "customizations": {"text": "Jane"}},
        {"product_id": "sofa", "variant_id": "blue", "quantity": 1, "design_project_id": "den"},
    ],
    "shipping_address": _ADDRESS,
    "billing_address": _ADDRESS,
    "payment_method": pb.PAYMENT_METHOD_PAYPAL,
    "payment_method_id": "pm-1",
    "requested_delivery_time": _TIME,
    "installation_time": _TIME,
    "metadata": {"channel": "web"},
    "delivery_method": "express",
    "delivery_time_slot": "10:00-14:00",
    "installation_time_slot": "afternoon",
}
_LISTED = orders.OrderFilter(
    customer_id="jane",
    statuses=[pb.ORDER_STATUS_PENDING, pb.ORDER_STATUS_CONFIRMED],
    payment_statuses=[pb.PAYMENT_STATUS_UNPAID, pb.PAYMENT_STATUS_UNPAID],
    product_id="mug",
    create_time_from={"seconds": 1},
    create_time_to={"seconds": 7_000_000_000},
    update_time_from={"seconds": 1},
    update_time_to={"seconds": 7_000_000_000},
    total_from=usd(0),
    total_to=usd(1_000_000),
    stuck_for={"seconds": 1},
)
_UUID = "0190000-0000-7000-8000-000000000000"
_WATCHED: dict[str, Any] = {
    "filter": _LISTED,
    "event_types": [pb.ORDER_EVENT_TYPE_CREATED, pb.ORDER_EVENT_TYPE_UPDATED],
    "start_time": {"seconds": 7_000_000_000},
    "latest": True,
    "include_order": True,
    "read_mask": {"paths": ["order_id", "status"]},
}


def _payment(at: Subject) -> Sequence[Message]:
    paid = {"event_id": f"before-{at.order_id}", "type": pb.PAYMENT_EVENT_TYPE_PAID}
    return [orders.RecordPaymentRequest(order_id=at.order_id, event=paid)]


def _hold(at: Subject) -> Sequence[Message]:
    held = {"provider": "test", "event_id": f"held-{at.order_id}", "type": pb.PAYMENT_EVENT_TYPE_AUTHORIZED}
    return [orders.RecordPaymentRequest(order_id=at.order_id, event=held)]


def _two_lines(at: Subject) -> Sequence[Message]:
    items = [{"product_id": "mug", "quantity": 2}, {"product_id": "sofa", "variant_id": "blue", "quantity": 2}]
    return [orders.UpdateOrderRequest(order={"order_id": at.order_id, "items": items})]


def _paid_lines(at: Subject) -> Sequence[Message]:
    return [*_two_lines(at), *_payment(at)]


_RETURNED = [{"item_id": line, "quantity": 2, "reason": returns.RETURN_REASON_DEFECTIVE} for line in ("2", "3")]


def _delivered(at: Subject) -> Sequence[Message]:
    return [*_paid_lines(at), *_delivery(at)]


def _delivery(at: Subject) -> Sequence[Message]:
    label = {"carrier": "DHL", "tracking_number": "1Z"}
    moves = [{"status": pb.ORDER_STATUS_SHIPPED} | label, {"status": pb.ORDER_STATUS_DELIVERED}]
    return [orders.TransitionOrderRequest(order_id=at.order_id, **move) for move in moves]


def _delivered_sofas(at: Subject) -> Sequence[Message]:
    sofas = [{"product_id": "sofa", "variant_id": variant, "quantity": 1} for variant in ("blue", "red")]
    bare = [sofa | {"without_installation": True} for sofa in sofas]
    ordered = orders.UpdateOrderRequest(order={"order_id": at.order_id, "items": bare})
    return [ordered, *_payment(at), *_delivery(at)]


def _return(at: Subject) -> Sequence[Message]:
    return [*_delivered(at), returns.RequestReturnRequest(order_id=at.order_id, items=_RETURNED)]


def _approved_return(at: Subject) -> Sequence[Message]:
    approval = {"return_id": "1", "decision": returns.RETURN_DECISION_APPROVE}
    return [*_return(at), returns.DecideReturnRequest(order_id=at.order_id, **approval)]


def _inspected_return(at: Subject) -> Sequence[Message]:
    items = [{"item_id": line, "quantity": 1, "disposition": returns.RETURN_DISPOSITION_INSPECT} for line in ("2", "3")]
    received = returns.ReceiveReturnRequest(order_id=at.order_id, return_id="1", items=items)
    return [*_approved_return(at), received]


def _claimed(at: Subject) -> Sequence[Message]:
    # By its product, the claim gets this order and no other subject's.
    product = {"product_id": at.order_id, "name": "Kit", "price": usd(1), "stock": 5}
    bought = [{"product_id": at.order_id, "quantity": 1}]
    return [
        catalog.BatchUpsertProductsRequest(products=[product]),
        orders.UpdateOrderRequest(order={"order_id": at.order_id, "items": bought}),
        *_payment(at),
        queue.ClaimFulfilmentsRequest(filter={"product_ids": [at.order_id]}, lease={"seconds": 3600}),
    ]


def _shipment_of(shipment_id: str) -> dict[str, Any]:
    """A shipment of two units of both lines, in two parcels."""
    one, two = ([{"item_id": line, "quantity": count} for line in ("2", "3")] for count in (1, 2))
    label = {"carrier": "DHL", "tracking_uri": "https://dhl.example/1Z", "estimated_delivery_time": _TIME, "items": one}
    return {
        "shipment_id": shipment_id,
        "status": shipments.SHIPMENT_STATUS_PENDING,
        "items": two,
        "parcels": [
            label | {"parcel_id": "a", "tracking_number": "1Z1"},
            label | {"parcel_id": "b", "tracking_number": "1Z2"},
        ],
    }


def _shipment(at: Subject) -> Sequence[Message]:
    created = fulfilment.CreateShipmentRequest(order_id=at.order_id, shipment=_shipment_of("box"))
    return [*_paid_lines(at), created]


def _shipment_without_parcels(at: Subject) -> Sequence[Message]:
    bare = {"shipment_id": "box"}
    return [*_paid_lines(at), fulfilment.CreateShipmentRequest(order_id=at.order_id, shipment=bare)]


def _held(at: Subject) -> Sequence[Message]:
    """A hold, which has the id 2 as it makes the second version of the order."""
    return [fulfilment.HoldOrderRequest(order_id=at.order_id, reason=shipments.HOLD_REASON_OTHER)]


def _cart(at: Subject) -> Sequence[Message]:
    return [carts.AddCartItemRequest(customer_id=at.customer_id, product_id="mug", quantity=1)]


def _account(at: Subject) -> Sequence[Message]:
    home, card = _ADDRESS | {"address_id": "home"}, _CARD | {"payment_method_id": "pm-1"}
    return [
        customers.UpsertAddressRequest(customer_id=at.customer_id, address=home),
        customers.UpsertPaymentMethodRequest(customer_id=at.customer_id, payment_method=card),
    ]


def _consumer(at: Subject) -> Sequence[Message]:
    return [consumers.UpsertConsumerRequest(consumer={"consumer_id": at.order_id})]


def _cursor(at: Subject) -> Sequence[Message]:
    return [*_consumer(at), orders.ListOrderChangesRequest()]


def _endpoint_about(at: Subject) -> dict[str, Any]:
    """An endpoint at an address that nothing is sent to."""
    return {
        "url": f"https://127.0.0.1/{at.order_id}",
        "event_types": ["order.shipped", "return.*"],
        "filter": _LISTED,
        "payload": webhooks.WEBHOOK_PAYLOAD_FULL,
        "description": "for the shop",
        "headers": [{"name": "X-Shop", "value": "1"}, {"name": "X-Zone", "value": "2"}],
        "max_concurrency": 2,
        "max_rate": 10,
        "signature": webhooks.WEBHOOK_SIGNATURE_BOTH,
    }


def _endpoint(at: Subject) -> Sequence[Message]:
    return [webhooks.CreateWebhookEndpointRequest(endpoint={"url": "https://127.0.0.1/"})]


def _disabled_endpoint(at: Subject) -> Sequence[Message]:
    return [*_endpoint(at), webhooks.DisableWebhookEndpointRequest(endpoint_id=at.endpoint_id)]


def _test_delivery(at: Subject) -> Sequence[Message]:
    return [*_endpoint(at), webhooks.TestWebhookEndpointRequest(endpoint_id=at.endpoint_id)]


def _zone_to_delete(at: Subject) -> Sequence[Message]:
    return [catalog.BatchUpsertDeliveryZonesRequest(zones=[_zone(f"zone-{at.order_id}", "Shangri-La", at)])]


def _api_key(at: Subject) -> Sequence[Message]:
    key = {"owner": "shop", "roles": [ROLE_ADMIN], "scopes": [SCOPE_ORDERS_READ]}
    return [api_keys.CreateApiKeyRequest(api_key=key)]


def _zone(zone_id: str, country: str, at: Subject) -> dict[str, Any]:
    """A zone of two areas that no other zone has."""
    return {
        "zone_id": zone_id,
        "name": country,
        "areas": [{"country": country, "state": at.order_id, "postal_prefix": prefix} for prefix in ("1", "2")],
        "tax_rates": [{"basis_points": 1900}, {"tax_class": "reduced", "basis_points": 700}],
        "tax_included": True,
        "shipping_tax_class": "standard",
        "installation_tax_class": "standard",
        "methods": [
            {
                "method": method,
                "name": method,
                "prices": [usd(5), money("EUR", 4)],
                "free_from": [usd(100), money("EUR", 90)],
                "handling_days": 1,
                "transit_days": 2,
                "time_slots": ["08:00-12:00", "12:00-16:00"],
            }
            for method in ("standard", "express")
        ],
        "affected_orders": [{}, {}],
        "calendar": {"working_days": ["MONDAY", "FRIDAY"], "holidays": ["2026-12-25", "2026-12-26"]},
        "time_zone": "Europe/Berlin",
        "cut_off": "15:00",
    }


SAMPLES: dict[str, Sample] = {
    "RequestReturn": Sample(
        lambda at: returns.RequestReturnRequest(
            order_id=at.order_id,
            items=_RETURNED,
            reason="it hums",
            photo_uris=["https://photos.example/1", "https://photos.example/2"],
        ),
        before=_delivered,
    ),
    "DecideReturn": Sample(
        lambda at: returns.DecideReturnRequest(
            order_id=at.order_id,
            return_id="1",
            decision=returns.RETURN_DECISION_APPROVE,
            reason="as promised",
            label_uri="https://labels.example/1",
        ),
        before=_return,
    ),
    "ReceiveReturn": Sample(
        lambda at: returns.ReceiveReturnRequest(
            order_id=at.order_id,
            return_id="1",
            items=[
                {"item_id": "2", "quantity": 1, "disposition": returns.RETURN_DISPOSITION_RESTOCK},
                {"item_id": "3", "quantity": 1, "disposition": returns.RETURN_DISPOSITION_MISSING},
            ],
            inspected=[
                {"item_id": "2", "quantity": 1, "disposition": returns.RETURN_DISPOSITION_DAMAGED},
                {"item_id": "3", "quantity": 1, "disposition": returns.RETURN_DISPOSITION_RESTOCK},
            ],
        ),
        before=_inspected_return,
    ),
    "CloseReturn": Sample(
        lambda at: returns.CloseReturnRequest(
            order_id=at.order_id,
            return_id="1",
            refund_amount=usd(5),
            reason="less the fee",
            exchange_items=[
                {"product_id": "mug", "quantity": 1},
                {"product_id": "sofa", "variant_id": "red", "quantity": 1},
            ],
        ),
        before=_inspected_return,
    ),
    "RateItem": Sample(
        lambda at: returns.RateItemRequest(order_id=at.order_id, item_id="2", stars=4, comment="warm to sit on"),
        before=_delivered,
    ),
    "RequestInstallation": Sample(
        lambda at: fulfilment.RequestInstallationRequest(
            order_id=at.order_id, item_ids=["2", "3"], scheduled_time=_TIME, time_slot="afternoon"
        ),
        before=_delivered_sofas,
    ),
    "ClaimFulfilments": Sample(
        lambda at: queue.ClaimFulfilmentsRequest(
            worker=at.order_id,
            count=2,
            lease={"seconds": 60},
            filter={
                "delivery_methods": ["standard", "express"],
                "zone_ids": ["everywhere", "atlantis"],
                "product_ids": [at.order_id, f"{at.order_id}-2"],
            },
        )
    ),
    "ExtendFulfilment": Sample(
        lambda at: queue.ExtendFulfilmentRequest(order_id=at.order_id, claim_id=at.claim_id, lease={"seconds": 60}),
        before=_claimed,
    ),
    "CompleteFulfilment": Sample(
        lambda at: queue.CompleteFulfilmentRequest(order_id=at.order_id, claim_id=at.claim_id), before=_claimed
    ),
    "GiveBackFulfilment": Sample(
        lambda at: queue.GiveBackFulfilmentRequest(
            order_id=at.order_id, claim_id=at.claim_id, reason="the shelf is empty", delay={"seconds": 60}
        ),
        before=_claimed,
    ),
    "ListFulfilments": Sample(
        lambda at: queue.ListFulfilmentsRequest(
            filter={
                "delivery_methods": ["standard", "express"],
                "zone_ids": ["everywhere", "atlantis"],
                "product_ids": ["mug", "lamp"],
            },
            states=[queue.FULFILMENT_STATE_WAITING, queue.FULFILMENT_STATE_CLAIMED],
            worker="ann",
            page_size=1,
        )
    ),
    "CreateOrder": Sample(
        lambda at: orders.CreateOrderRequest(**_CHECKOUT, special_instructions="Ring twice", referral_code=at.letters)
    ),
    "GetOrder": Sample(lambda at: orders.GetOrderRequest(order_id=at.order_id)),
    "BatchGetOrders": Sample(lambda at: orders.BatchGetOrdersRequest(order_ids=[at.order_id, at.order_id])),
    "ListOrders": Sample(
        lambda at: orders.ListOrdersRequest(
            filter=_LISTED, order_by=orders.ORDER_BY_TOTAL, sort_order=orders.SORT_ORDER_ASC, limit=2, page_size=1
        )
    ),
    "SearchOrders": Sample(
        lambda at: orders.SearchOrdersRequest(
            filter=_LISTED, order_by=orders.ORDER_BY_TOTAL, sort_order=orders.SORT_ORDER_ASC, page_size=1
        )
    ),
    "WatchOrders": Sample(
        lambda at: orders.WatchOrdersRequest(**_WATCHED, bookmark_interval={"seconds": 5}, end_when_caught_up=True)
    ),
    "ListOrderChanges": Sample(lambda at: orders.ListOrderChangesRequest(**_WATCHED, page_size=1)),
    "ReconcileOrders": Sample(
        lambda at: orders.ReconcileOrdersRequest(
            filter=_LISTED,
            orders=[{"order_id": f"{first}{_UUID}", "version": 1, "event_hash": b"x"} for first in ("a", "b")],
            after_order_id=f"0{_UUID}",
        )
    ),
    "WaitOrder": Sample(
        lambda at: changes.WaitOrderRequest(
            order_id=at.order_id, statuses=[pb.ORDER_STATUS_PENDING, pb.ORDER_STATUS_CONFIRMED]
        )
    ),
    "UpdateOrder": Sample(
        lambda at: orders.UpdateOrderRequest(
            order={
                "order_id": at.order_id,
                "customer": {"name": "Jane Roe", "email": "jane@example.com", "phone": "+1 555 0100"},
                "items": [
                    {"product_id": "mug", "quantity": 3, "customizations": {"text": "J"}},
                    {"product_id": "lamp", "quantity": 1},
                ],
                "shipping_address": _ADDRESS,
                "billing_address": _ADDRESS,
                "payment_method": pb.PAYMENT_METHOD_PAYPAL,
                "delivery": {"method": "express", "requested_time": _TIME, "carrier": "DHL", "tracking_number": "1Z"},
                "installation": {"scheduled_time": _TIME, "time_slot": "morning"},
                "special_instructions": "Ring once",
                "omitted_fields": ["items", "items"],
                "provenance": [{}, {}],
                "metadata": {"channel": "phone"},
            }
        )
    ),
    "TransitionOrder": Sample(
        lambda at: orders.TransitionOrderRequest(
            order_id=at.order_id, status=pb.ORDER_STATUS_CONFIRMED, override_reason="pays at the door", reason="checked"
        )
    ),
    "CancelOrder": Sample(lambda at: orders.CancelOrderRequest(order_id=at.order_id, reason="changed my mind")),
    "CancelOrderLines": Sample(
        lambda at: orders.CancelOrderLinesRequest(
            order_id=at.order_id,
            items=[{"item_id": "2", "quantity": 1}, {"item_id": "3", "quantity": 1}],
            reason="changed my mind",
        ),
        before=_two_lines,
    ),
    "TrackOrder": Sample(lambda at: orders.TrackOrderRequest(order_id=at.order_id)),
    "RecordTrackingEvent": Sample(
        lambda at: orders.RecordTrackingEventRequest(
            order_id=at.order_id,
            event={
                "status": pb.TRACKING_STATUS_EXCEPTION,
                "description": "label torn",
                "time": {"seconds": 1_700_000_000},
                "location": "Giza Distribution Center",
                "city": "Giza",
                "country": "Egypt",
                "shipment_id": "box",
                "parcel_id": "a",
            },
            carrier="DHL",
            tracking_number="1Z999",
            estimated_delivery_time=_TIME,
        ),
        before=_shipment,
    ),
    "CreateShipment": Sample(
        lambda at: fulfilment.CreateShipmentRequest(order_id=at.order_id, shipment=_shipment_of("box")),
        before=_paid_lines,
    ),
    "UpdateShipment": Sample(
        lambda at: fulfilment.UpdateShipmentRequest(
            order_id=at.order_id, shipment=_shipment_of("box"), update_mask={"paths": ["status", "parcels"]}
        ),
        before=_shipment_without_parcels,
    ),
    "CancelShipment": Sample(
        lambda at: fulfilment.CancelShipmentRequest(
            order_id=at.order_id, shipment_id="box", reason=f"torn {at.letters}"
        ),
        before=_shipment,
    ),
    "GetPackingSlip": Sample(
        lambda at: fulfilment.GetPackingSlipRequest(order_id=at.order_id, shipment_id="box"), before=_shipment
    ),
    "HoldOrder": Sample(
        lambda at: fulfilment.HoldOrderRequest(
            order_id=at.order_id, reason=shipments.HOLD_REASON_OTHER, note=f"ask {at.letters}"
        )
    ),
    "ReleaseHold": Sample(
        lambda at: fulfilment.ReleaseHoldRequest(order_id=at.order_id, hold_id="2", note="answered"), before=_held
    ),
    "SummarizeOrders": Sample(
        lambda at: orders.SummarizeOrdersRequest(filter=_LISTED, group_by=orders.SUMMARY_KEY_STATUS)
    ),
    "BatchCreateOrders": Sample(
        lambda at: orders.BatchCreateOrdersRequest(
            requests=[{**_CHECKOUT, "request_id": f"{at.order_id}-{number}"} for number in range(2)]
        )
    ),
    "BatchTransitionOrders": Sample(
        lambda at: orders.BatchTransitionOrdersRequest(
            requests=[
                {
                    "order_id": at.order_id,
                    "status": status,
                    "override_reason": "pays at the door",
                    "reason": "checked",
                    "request_id": f"{at.order_id}-{status}",
                }
                for status in (pb.ORDER_STATUS_CONFIRMED, pb.ORDER_STATUS_PROCESSING)
            ]
        )
    ),
    "BatchCancelOrders": Sample(
        lambda at: orders.BatchCancelOrdersRequest(
            requests=[
                {"order_id": at.order_id, "reason": "changed my mind", "request_id": f"{at.order_id}-{number}"}
                for number in range(2)
            ]
        )
    ),
    "BatchUpsertOrders": Sample(
        lambda at: orders.BatchUpsertOrdersRequest(
            source="shop",
            mode=orders.UPSERT_MODE_ALL_OR_NOTHING,
            orders=[
                {
                    "external_order_id": f"{at.order_id}-{number}",
                    "customer": {"customer_id": "c1", "name": "Omar", "email": "o@example.com", "phone": "0100"},
                    "items": [
                        {"item_id": "1", "sku": "A", "name": "Apple", "quantity": 4, "unit_price": usd(3)},
                        {"item_id": "2", "sku": "B", "name": "Bread", "quantity": 4, "unit_price": usd(4)},
                    ],
                    "shipments": [
                        {
                            "shipment_id": shipment_id,
                            "status": "SHIPMENT_STATUS_PENDING",
                            "items": [{"item_id": "1", "quantity": 2}, {"item_id": "2", "quantity": 2}],
                            "parcels": [
                                {
                                    "parcel_id": parcel_id,
                                    "status": "SHIPMENT_STATUS_PENDING",
                                    "carrier": "UPS",
                                    "tracking_number": f"1Z{parcel_id}",
                                    "items": [{"item_id": "1", "quantity": 1}, {"item_id": "2", "quantity": 1}],
                                }
                                for parcel_id in ("1", "2")
                            ],
                        }
                        for shipment_id in ("1", "2")
                    ],
                    "returns": [
                        {
                            "return_id": return_id,
                            "status": returns.RETURN_STATUS_DECLINED,
                            "items": [{"item_id": line, "quantity": 1} for line in ("1", "2")],
                            "photo_uris": ["https://photos.example/1", "https://photos.example/2"],
                            "refund_ids": ["1", "2"],
                        }
                        for return_id in ("1", "2")
                    ],
                    "shipping_address": _ADDRESS,
                    "discount": usd(1),
                    "total": usd(27),
                    "metadata": {"channel": "app"},
                    "payments": [
                        {"provider": "adyen", "captured_amount": usd(4)},
                        {"provider": "paypal", "captured_amount": usd(5)},
                    ],
                }
                for number in (1, 2)
            ],
        )
    ),
    "PriceOrder": Sample(
        lambda at: orders.PriceOrderRequest(
            order=orders.CreateOrderRequest(
                **_CHECKOUT, coupon_code="tenth", coupon_codes=["tenth", "tenth"], loyalty_points_to_use=100
            )
        )
    ),
    "RecordPayment": Sample(
        lambda at: orders.RecordPaymentRequest(
            order_id=at.order_id,
            event={
                "provider": "stripe",
                "event_id": f"evt-{at.order_id}",
                "type": pb.PAYMENT_EVENT_TYPE_PAID,
                "amount": usd(12, 50),
                "description": "paid by card",
                "time": {"seconds": 1_700_000_000},
            },
        )
    ),
    "RefundOrder": Sample(
        lambda at: orders.RefundOrderRequest(
            order_id=at.order_id,
            items=[{"item_id": "2", "quantity": 1}, {"item_id": "3", "quantity": 1}],
            reason="a chipped mug",
        ),
        before=_paid_lines,
    ),
    "CapturePayment": Sample(
        lambda at: orders.CapturePaymentRequest(order_id=at.order_id, amount=usd(2), payment_id="test"), before=_hold
    ),
    "VoidPayment": Sample(
        lambda at: orders.VoidPaymentRequest(order_id=at.order_id, reason="sold out", payment_id="test"), before=_hold
    ),
    "GetInvoice": Sample(lambda at: orders.GetInvoiceRequest(order_id=at.order_id), before=_payment),
    "ReorderOrder": Sample(lambda at: orders.ReorderOrderRequest(order_id=at.order_id)),
    "ExplainPrice": Sample(lambda at: orders.ExplainPriceRequest(order_id=at.order_id)),
    "ExplainOrder": Sample(lambda at: orders.ExplainOrderRequest(order_id=at.order_id)),
    "ListOrderEvents": Sample(lambda at: orders.ListOrderEventsRequest(order_id=at.order_id, page_size=1)),
    "DiffOrder": Sample(
        lambda at: orders.DiffOrderRequest(order_id=at.order_id, from_version=1, to_version=2), before=_payment
    ),
    "GetRequest": Sample(lambda at: orders.GetRequestRequest(request_id=f"r-{at.order_id}")),
    "BatchUpsertProducts": Sample(
        lambda at: catalog.BatchUpsertProductsRequest(
            products=[
                {
                    "product_id": f"desk-{at.order_id}-{number}",
                    "sku": "DESK",
                    "name": "Desk",
                    "price": usd(300),
                    "prices": [money("EUR", 280), money("GBP", 250)],
                    "requires_installation": True,
                    "installation_price": usd(30),
                    "installation_prices": [money("EUR", 28), money("GBP", 25)],
                    "tax_class": "standard",
                    "omitted_fields": ["variants", "variants"],
                    "backorder_until": _TIME,
                    "restock_time": _TIME,
                    "variants": [
                        {
                            "variant_id": "oak",
                            "name": "Oak",
                            "price": usd(350),
                            "stock": 5,
                            "attributes": {"wood": "oak"},
                            "backorder_until": _TIME,
                            "restock_time": _TIME,
                            "prices": [money("EUR", 320), money("GBP", 290)],
                        },
                        {
                            "variant_id": "ash",
                            "name": "Ash",
                            "price": usd(320),
                            "stock": 6,
                            "attributes": {"wood": "ash"},
                            "backorder_until": _TIME,
                            "restock_time": _TIME,
                            "prices": [money("EUR", 300), money("GBP", 270)],
                        },
                    ],
                }
                for number in (1, 2)
            ]
        )
    ),
    "GetProduct": Sample(lambda at: catalog.GetProductRequest(product_id="mug")),
    "ListProducts": Sample(lambda at: catalog.ListProductsRequest(page_size=1)),
    "AdjustStock": Sample(
        lambda at: catalog.AdjustStockRequest(product_id="mug", delta=5, reason=f"delivery {at.letters}")
    ),
    "ListStockAdjustments": Sample(lambda at: catalog.ListStockAdjustmentsRequest(product_id="lamp", page_size=1)),
    "BatchUpsertCoupons": Sample(
        lambda at: catalog.BatchUpsertCouponsRequest(
            coupons=[
                {"code": f"A-{at.order_id}", "type": pb.COUPON_TYPE_PERCENTAGE, "basis_points": 500},
                {
                    "code": f"B-{at.order_id}",
                    "type": pb.COUPON_TYPE_FIXED,
                    "amounts": [usd(5), money("EUR", 4)],
                    "start_time": {"seconds": 1_700_000_000},
                    "end_time": _TIME,
                    "minimum_subtotals": [usd(50), money("EUR", 40)],
                    "usage_limit": 100,
                    "usage_limit_per_customer": 1,
                    "product_ids": ["mug", "sofa"],
                    "description": "5 off",
                },
            ]
        )
    ),
    "GetCoupon": Sample(lambda at: catalog.GetCouponRequest(code="tenth")),
    "ListCoupons": Sample(lambda at: catalog.ListCouponsRequest(page_size=1)),
    "BatchUpsertDeliveryZones": Sample(
        lambda at: catalog.BatchUpsertDeliveryZonesRequest(
            zones=[_zone(f"zone-{at.order_id}-{name}", name, at) for name in ("Avalon", "Lyonesse")]
        )
    ),
    "GetDeliveryZone": Sample(lambda at: catalog.GetDeliveryZoneRequest(zone_id="everywhere")),
    "ListDeliveryZones": Sample(lambda at: catalog.ListDeliveryZonesRequest(page_size=1)),
    "DeleteDeliveryZone": Sample(
        lambda at: catalog.DeleteDeliveryZoneRequest(zone_id=f"zone-{at.order_id}"), before=_zone_to_delete
    ),
    "UpsertConsumer": Sample(
        lambda at: consumers.UpsertConsumerRequest(
            consumer={
                "consumer_id": at.order_id,
                "filter": _LISTED,
                "event_types": [pb.ORDER_EVENT_TYPE_CREATED, pb.ORDER_EVENT_TYPE_UPDATED],
            }
        )
    ),
    "GetConsumer": Sample(lambda at: consumers.GetConsumerRequest(consumer_id=at.order_id), before=_consumer),
    "ListConsumers": Sample(lambda at: consumers.ListConsumersRequest(page_size=1), before=_consumer),
    "DeleteConsumer": Sample(lambda at: consumers.DeleteConsumerRequest(consumer_id=at.order_id), before=_consumer),
    "AckConsumer": Sample(
        lambda at: consumers.AckConsumerRequest(consumer_id=at.order_id, resume_token=at.cursor), before=_cursor
    ),
    "SeekConsumer": Sample(
        lambda at: consumers.SeekConsumerRequest(consumer_id=at.order_id, start_time={"seconds": 1}), before=_consumer
    ),
    "CreateWebhookEndpoint": Sample(lambda at: webhooks.CreateWebhookEndpointRequest(endpoint=_endpoint_about(at))),
    "GetWebhookEndpoint": Sample(
        lambda at: webhooks.GetWebhookEndpointRequest(endpoint_id=at.endpoint_id), before=_endpoint
    ),
    "ListWebhookEndpoints": Sample(lambda at: webhooks.ListWebhookEndpointsRequest(page_size=1), before=_endpoint),
    "UpdateWebhookEndpoint": Sample(
        lambda at: webhooks.UpdateWebhookEndpointRequest(
            endpoint=_endpoint_about(at) | {"endpoint_id": at.endpoint_id},
            update_mask={"paths": ["*"]},
        ),
        before=_endpoint,
    ),
    "DeleteWebhookEndpoint": Sample(
        lambda at: webhooks.DeleteWebhookEndpointRequest(endpoint_id=at.endpoint_id), before=_endpoint
    ),
    "RotateWebhookSecret": Sample(
        lambda at: webhooks.RotateWebhookSecretRequest(endpoint_id=at.endpoint_id), before=_endpoint
    ),
    "EnableWebhookEndpoint": Sample(
        lambda at: webhooks.EnableWebhookEndpointRequest(endpoint_id=at.endpoint_id), before=_disabled_endpoint
    ),
    "DisableWebhookEndpoint": Sample(
        lambda at: webhooks.DisableWebhookEndpointRequest(endpoint_id=at.endpoint_id), before=_endpoint
    ),
    "TestWebhookEndpoint": Sample(
        lambda at: webhooks.TestWebhookEndpointRequest(endpoint_id=at.endpoint_id), before=_endpoint
    ),
    "ListWebhookDeliveries": Sample(
        lambda at: webhooks.ListWebhookDeliveriesRequest(
            endpoint_id=at.endpoint_id,
            states=[webhooks.WEBHOOK_DELIVERY_STATE_PENDING, webhooks.WEBHOOK_DELIVERY_STATE_FAILED],
            order_ids=[at.order_id, at.order_id],
            page_size=1,
        ),
        before=_endpoint,
    ),
    "GetWebhookDelivery": Sample(
        lambda at: webhooks.GetWebhookDeliveryRequest(endpoint_id=at.endpoint_id, delivery_id=at.delivery_id),
        before=_test_delivery,
    ),
    "ResendWebhookDelivery": Sample(
        lambda at: webhooks.ResendWebhookDeliveryRequest(endpoint_id=at.endpoint_id, delivery_id=at.delivery_id),
        before=_test_delivery,
    ),
    "RecoverWebhookEndpoint": Sample(
        lambda at: webhooks.RecoverWebhookEndpointRequest(endpoint_id=at.endpoint_id, start_time={"seconds": 1}),
        before=_test_delivery,
    ),
    "CreateApiKey": Sample(
        lambda at: api_keys.CreateApiKeyRequest(
            api_key={
                "owner": "shop",
                "description": "for the shop",
                "roles": [ROLE_ADMIN, ROLE_CUSTOMER],
                "scopes": [SCOPE_ORDERS_READ, SCOPE_ORDERS_WRITE],
                "customer_id": "jane",
                "certificate_name": f"shop-{at.order_id}",
                "expire_time": {"seconds": 7_000_000_000},
            }
        )
    ),
    "GetApiKey": Sample(lambda at: api_keys.GetApiKeyRequest(key_id=at.key_id), before=_api_key),
    "ListApiKeys": Sample(lambda at: api_keys.ListApiKeysRequest(page_size=1)),
    "RotateApiKey": Sample(
        lambda at: api_keys.RotateApiKeyRequest(key_id=at.key_id, overlap={"seconds": 60}), before=_api_key
    ),
    "RevokeApiKey": Sample(lambda at: api_keys.RevokeApiKeyRequest(key_id=at.key_id), before=_api_key),
    "GetCart": Sample(lambda at: carts.GetCartRequest(customer_id=at.customer_id), before=_cart),
    "AddCartItem": Sample(
        lambda at: carts.AddCartItemRequest(
            customer_id=at.customer_id,
            product_id="sofa",
            variant_id="blue",
            quantity=2,
            design_project_id="den",
            customizations={"text": "Jane"},
            currency_code="USD",
        )
    ),
    "UpdateCartItem": Sample(
        lambda at: carts.UpdateCartItemRequest(customer_id=at.customer_id, item_id="1", quantity=3), before=_cart
    ),
    "RemoveCartItem": Sample(
        lambda at: carts.RemoveCartItemRequest(customer_id=at.customer_id, item_id="1"), before=_cart
    ),
    "ClearCart": Sample(lambda at: carts.ClearCartRequest(customer_id=at.customer_id), before=_cart),
    "GetCustomer": Sample(lambda at: customers.GetCustomerRequest(customer_id=at.customer_id), before=_account),
    "UpsertCustomer": Sample(
        lambda at: customers.UpsertCustomerRequest(
            customer={
                "customer_id": at.customer_id,
                "name": "Jane Roe",
                "email": "jane@example.com",
                "phone": "+1 555 0100",
            }
        )
    ),
    "UpsertAddress": Sample(
        lambda at: customers.UpsertAddressRequest(
            customer_id=at.customer_id, address=_ADDRESS | {"address_id": "office"}
        )
    ),
    "DeleteAddress": Sample(
        lambda at: customers.DeleteAddressRequest(customer_id=at.customer_id, address_id="home"), before=_account
    ),
    "UpsertPaymentMethod": Sample(
        lambda at: customers.UpsertPaymentMethodRequest(
            customer_id=at.customer_id,
            payment_method=_CARD
            | {"payment_method_id": "pm-2", "last_four": "4242", "expiry_month": 12, "expiry_year": 2099},
        )
    ),
    "DeletePaymentMethod": Sample(
        lambda at: customers.DeletePaymentMethodRequest(customer_id=at.customer_id, payment_method_id="pm-1"),
        before=_account,
    ),
    "EraseCustomer": Sample(
        lambda at: customers.EraseCustomerRequest(customer_id=at.customer_id, include_open_orders=True), before=_account
    ),
    "ExportCustomer": Sample(lambda at: customers.ExportCustomerRequest(customer_id=at.customer_id), before=_account),
    "AdjustPoints": Sample(
        lambda at: customers.AdjustPointsRequest(customer_id=at.customer_id, delta=5, reason="welcome gift")
    ),
    "ListInvoices": Sample(
        lambda at: accounting.ListInvoicesRequest(
            type=accounting.INVOICE_TYPE_INVOICE,
            issue_time_from={"seconds": 1},
            issue_time_to={"seconds": 7_000_000_000},
            currency_code="USD",
            show_sums=True,
            page_size=1,
        )
    ),
    "ListPayments": Sample(
        lambda at: accounting.ListPaymentsRequest(
            provider="test",
            statuses=[pb.PAYMENT_STATUS_PAID, pb.PAYMENT_STATUS_REFUNDED],
            currency_code="USD",
            time_from={"seconds": 1},
            time_to={"seconds": 7_000_000_000},
            show_sums=True,
            page_size=1,
        )
    ),
    "ListRefunds": Sample(
        lambda at: accounting.ListRefundsRequest(
            provider="test",
            statuses=[pb.REFUND_STATUS_PENDING, pb.REFUND_STATUS_SUCCEEDED],
            currency_code="USD",
            time_from={"seconds": 1},
            time_to={"seconds": 7_000_000_000},
            show_sums=True,
            page_size=1,
        )
    ),
    "ListCustomers": Sample(lambda at: customers.ListCustomersRequest(page_size=1)),
    "SearchCustomers": Sample(
        lambda at: customers.SearchCustomersRequest(
            email="jane@example.com", phone="+1 212 555 0100", name="jane", page_size=1
        )
    ),
    "ListCarts": Sample(
        lambda at: carts.ListCartsRequest(
            product_id="mug", update_time_from={"seconds": 1}, update_time_to={"seconds": 7_000_000_000}, page_size=1
        ),
        before=_cart,
    ),
    "ListStockMovements": Sample(
        lambda at: catalog.ListStockMovementsRequest(
            product_id="sofa", time_from={"seconds": 1}, time_to={"seconds": 7_000_000_000}, page_size=1
        )
    ),
    "ListAuditEvents": Sample(
        lambda at: audit.ListAuditEventsRequest(
            resource="products/mug",
            actor="anonymous",
            method="BatchUpsertProducts",
            time_from={"seconds": 1},
            time_to={"seconds": 7_000_000_000},
            page_size=1,
        )
    ),
    "GetServerInfo": Sample(lambda at: servers.GetServerInfoRequest()),
    "ListServers": Sample(lambda at: servers.ListServersRequest()),
    "ListRefusedCalls": Sample(
        lambda at: servers.ListRefusedCallsRequest(caller="anonymous", reason="ORDER_NOT_FOUND")
    ),
    "ListSlowCalls": Sample(lambda at: servers.ListSlowCallsRequest(caller="anonymous", method="SearchOrders")),
    "WhoAmI": Sample(lambda at: servers.WhoAmIRequest()),
    "SetLogLevel": Sample(
        lambda at: servers.SetLogLevelRequest(
            level=servers.LOG_LEVEL_DEBUG, duration={"seconds": 1 + crc32(at.order_id.encode()) % 80_000}
        )
    ),
    "ListPointsEntries": Sample(lambda at: customers.ListPointsEntriesRequest(customer_id="jane", page_size=1)),
}
