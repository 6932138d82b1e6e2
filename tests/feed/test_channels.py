"""A webhook receiver, a NATS consumer, a mailbox and a stream of changes are told the same story of an order, in the same order."""

import asyncio
from collections.abc import Callable

from orders.v1.cart_service_pb2 import AddCartItemRequest, GetCartRequest
from orders.v1.fulfilment_service_pb2_grpc import FulfilmentServiceStub
from orders.v1.order_pb2 import (
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_EVENT_TYPE_REFUNDED,
    PAYMENT_METHOD_CREDIT_CARD,
    Order,
)
from orders.v1.order_return_pb2 import (
    RETURN_DECISION_APPROVE,
    RETURN_DISPOSITION_RESTOCK,
    CloseReturnRequest,
    DecideReturnRequest,
    ReceiveReturnRequest,
    RequestReturnRequest,
)
from orders.v1.order_service_pb2 import (
    CancelOrderRequest,
    CreateOrderRequest,
    RecordPaymentRequest,
    TransitionOrderRequest,
    WatchOrdersRequest,
)
from orders.v1.webhook_service_pb2 import CreateWebhookEndpointRequest
from orders.v1.webhook_service_pb2_grpc import WebhookServiceStub

from server.domain.webhooks.event_types import names_of
from tests.broker.servers import running
from tests.broker.test_publishing import until as published
from tests.conftest import Service
from tests.mail.mailbox import receiving as mailbox_receiving
from tests.mail.test_mails import mailing
from tests.shop import HOME
from tests.webhooks.receiver import LOOPBACK, receiving

Change = tuple[str, int]


async def check_out(service: Service) -> Order:
    """An order of what is in the cart."""
    await service.carts.AddCartItem(AddCartItemRequest(customer_id="jane", product_id="mug", quantity=2))
    cart = await service.carts.GetCart(GetCartRequest(customer_id="jane"))
    request = CreateOrderRequest(
        customer_id="jane", cart_id=cart.cart_id, shipping_address=HOME, payment_method=PAYMENT_METHOD_CREDIT_CARD
    )
    return await service.orders.CreateOrder(request)


async def report(service: Service, order: Order, kind: int, **fields: object) -> Order:
    event = {"provider": "adyen", "event_id": f"{kind}-{order.order_id}", "type": kind, **fields}
    return await service.orders.RecordPayment(RecordPaymentRequest(order_id=order.order_id, event=event))


async def send_back(service: Service, order: Order) -> Order:
    """The order after all of it came back and is to be refunded."""
    fulfilment, named = FulfilmentServiceStub(service.channel), {"order_id": order.order_id, "return_id": "1"}
    await fulfilment.RequestReturn(RequestReturnRequest(order_id=order.order_id))
    await fulfilment.DecideReturn(DecideReturnRequest(**named, decision=RETURN_DECISION_APPROVE))
    restocked = {"disposition": RETURN_DISPOSITION_RESTOCK}
    items = [{"item_id": item.item_id, "quantity": item.quantity} | restocked for item in order.items]
    await fulfilment.ReceiveReturn(ReceiveReturnRequest(**named, items=items))
    return await fulfilment.CloseReturn(CloseReturnRequest(**named))


async def live(service: Service) -> list[Order]:
    """One order is delivered, returned and refunded, another one is cancelled."""
    first, second = await check_out(service), await check_out(service)
    await report(service, first, PAYMENT_EVENT_TYPE_PAID, amount=first.pricing.total)
    for status, fields in (
        (ORDER_STATUS_PROCESSING, {}),
        (ORDER_STATUS_SHIPPED, {"carrier": "UPS", "tracking_number": "1Z999AA10123456784"}),
        (ORDER_STATUS_DELIVERED, {}),
    ):
        request = TransitionOrderRequest(order_id=first.order_id, status=status, **fields)
        await service.orders.TransitionOrder(request)
    second = await service.orders.CancelOrder(CancelOrderRequest(order_id=second.order_id, reason="changed my mind"))
    refund = (await send_back(service, first)).refunds[0]
    first = await report(service, first, PAYMENT_EVENT_TYPE_REFUNDED, refund_id=refund.refund_id, amount=refund.amount)
    return [first, second]


async def test_all_channels_tell_the_same_story(new_database: Callable[[], str]) -> None:
    async with (
        receiving() as receiver,
        mailbox_receiving() as mailbox,
        running("nats") as broker,
        mailing(new_database(), mailbox, broker_url=broker.url, **LOOPBACK) as service,
    ):
        stub = WebhookServiceStub(service.channel)
        endpoint = {"url": f"{receiver.url}/hooks", "max_concurrency": 1}
        secret = (await stub.CreateWebhookEndpoint(CreateWebhookEndpointRequest(endpoint=endpoint))).secret
        watch = service.orders.WatchOrders(WatchOrdersRequest())
        await watch.read()
        orders = await live(service)
        count = sum(order.version for order in orders)

        watched: list[Change] = []
        types: dict[Change, str] = {}
        async with asyncio.timeout(60):
            while len(watched) < count:
                for change in (await watch.read()).changes:
                    event = change.event
                    watched.append((event.order_id, event.version))
                    types[watched[-1]] = names_of(event.type, event.from_status, event.to_status)[0]
        watch.cancel()
        hooks = await receiver.until("/hooks", lambda got: len(got) >= count)
        messages = await published(broker, watched)
        mails = await mailbox.to("jane@example.com", 8)

    for order in orders:

        def story(changes: list[Change], order: Order = order) -> list[Change]:
            return [change for change in changes if change[0] == order.order_id]

        told = story(watched)
        assert told == [(order.order_id, version) for version in range(1, order.version + 1)]
        assert story([hook.key for hook in hooks]) == told
        assert story([message.key for message in messages]) == told
    for hook in hooks:
        hook.verify(secret)
    assert {hook.key: hook.body["type"] for hook in hooks} == types
    assert {message.key: message.type for message in messages} == types
    assert {hook.webhook_id for hook in hooks} == {message.id for message in messages}
    # In the order of the changes that they are about.
    named = [mail["Message-ID"].removeprefix("<").partition("@")[0].split(".") for mail in mails]
    about = [(order_id, int(version)) for _, order_id, version in named]
    assert about == [change for change in watched if change in about]
    assert [kind for kind, order_id, _ in named if order_id == orders[0].order_id] == [
        "order_received",
        "order_confirmed",
        "order_shipped",
        "order_delivered",
        "return_received",
        "order_refunded",
    ]
    assert [kind for kind, order_id, _ in named if order_id == orders[1].order_id] == [
        "order_received",
        "order_cancelled",
    ]
