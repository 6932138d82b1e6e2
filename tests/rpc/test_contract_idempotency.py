"""A write with a request id happens once, and an etag keeps a write from undoing what its caller has not seen."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import grpc
import pytest
from google.protobuf.message import Message
from orders.v1 import webhook_service_pb2 as webhooks
from orders.v1.api_key_service_pb2 import ApiKey, CreateApiKeyRequest, RevokeApiKeyRequest, RotateApiKeyRequest
from orders.v1.cart_service_pb2 import (
    AddCartItemRequest,
    Cart,
    ClearCartRequest,
    RemoveCartItemRequest,
    UpdateCartItemRequest,
)
from orders.v1.catalog_service_pb2 import (
    AdjustStockRequest,
    BatchUpsertProductsRequest,
    DeleteDeliveryZoneRequest,
    Product,
)
from orders.v1.customer_service_pb2 import (
    AdjustPointsRequest,
    DeleteAddressRequest,
    DeletePaymentMethodRequest,
)
from orders.v1.order_pb2 import ORDER_STATUS_CANCELLED, ORDER_STATUS_CONFIRMED, PAYMENT_EVENT_TYPE_PAID, Order
from orders.v1.order_service_pb2 import (
    BatchUpsertOrdersRequest,
    BatchUpsertOrdersResponse,
    CancelOrderRequest,
    CreateOrderRequest,
    GetOrderRequest,
    RecordPaymentRequest,
    RecordTrackingEventRequest,
    RefundOrderRequest,
    ReorderOrderRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
)

from tests.conftest import Service, new_order, refusal_of, refused, serving, usd
from tests.methods import METHODS, OF_PROVIDER, method_of, path_of
from tests.methods import WRITES as ALL_WRITES
from tests.rpc.breaks import breaks_of_rules
from tests.rpc.calls import new_subject, outcome
from tests.samples import Subject, request_for

INVALID = grpc.StatusCode.INVALID_ARGUMENT
REPLAYED = ("idempotency-replayed", "true")

_ids = itertools.count(1)

WRITES = [method for method in ALL_WRITES if method not in OF_PROVIDER]


class Answer(NamedTuple):
    """What a write answered, and whether it said, in the headers and in the trailers, that it did before."""

    body: bytes
    replayed: tuple[bool, bool]


async def write(service: Service, method: str, request: Message) -> Answer:
    answer, _ = await write_with_trailers(service, method, request)
    return answer


async def write_with_trailers(service: Service, method: str, request: Message) -> tuple[Answer, dict[str, Any]]:
    call = service.channel.unary_unary(path_of(METHODS[method]))(request.SerializeToString(), timeout=30)
    body = await call
    trailers = list(await call.trailing_metadata())
    return Answer(body, (REPLAYED in list(await call.initial_metadata()), REPLAYED in trailers)), dict(trailers)


FIRST, AGAIN = (False, False), (True, True)


def remembered(method: str, body: bytes) -> bytes:
    """A first answer as it is replayed: without the text of a key, which is never stored."""
    if method in ("CreateWebhookEndpoint", "RotateWebhookSecret"):
        response = webhooks.RotateWebhookSecretResponse.FromString(body)
        response.ClearField("secret")
        return response.SerializeToString(deterministic=True)
    if method not in ("CreateApiKey", "RotateApiKey"):
        return body
    api_key = ApiKey.FromString(body)
    api_key.ClearField("key")
    return api_key.SerializeToString(deterministic=True)


async def new_request(service: Service, method: str, request_id: str = "") -> Any:
    """A request that succeeds, about a new subject, with a new request id if none is given."""
    request = request_for(method, await new_subject(service, method))
    request.request_id = request_id or f"{method}-{next(_ids)}"
    return request


def with_changes(request: Message, changes: Message) -> Message:
    changed = type(request)()
    changed.CopyFrom(request)
    changed.MergeFrom(changes)
    return changed


def another(request: Any) -> Any:
    """A request of the same method about another subject, with the same request id."""
    other = request_for(method_of(request).name, Subject("01890a5d-ac96-774b-bcce-b302099a8057"))
    other.request_id = request.request_id
    return other


def differing(first: Message, second: Message) -> list[str]:
    """The fields in which two requests differ, in the order of their numbers."""
    fields = sorted(first.DESCRIPTOR.fields, key=lambda field: field.number)
    return [field.name for field in fields if getattr(first, field.name) != getattr(second, field.name)]


# Changes that make a rule refuse the request, and the reason. Every other write is made to break a rule of its proto.
FAILURES: dict[str, tuple[Message, str]] = {
    "CreateOrder": (CreateOrderRequest(items=[{"product_id": "nope", "quantity": 1}]), "PRODUCT_NOT_FOUND"),
    "UpdateOrder": (UpdateOrderRequest(order={"etag": "0"}), "ETAG_MISMATCH"),
    "TransitionOrder": (TransitionOrderRequest(etag="0"), "ETAG_MISMATCH"),
    "CancelOrder": (CancelOrderRequest(etag="0"), "ETAG_MISMATCH"),
    "RecordTrackingEvent": (
        RecordTrackingEventRequest(event={"time": {"seconds": 7_000_000_000}}),
        "INVALID_ORDER_DATA",
    ),
    "BatchUpsertOrders": (BatchUpsertOrdersRequest(orders=[{"external_order_id": "bad"}]), "INVALID_ORDER_DATA"),
    "BatchUpsertProducts": (
        BatchUpsertProductsRequest(products=[{"product_id": "p", "name": "P", "price": usd(1)}] * 2),
        "INVALID_ORDER_DATA",
    ),
    "AdjustStock": (AdjustStockRequest(delta=-1_000_000_000), "INSUFFICIENT_STOCK"),
    "RecordPayment": (RecordPaymentRequest(order_id="nope"), "ORDER_NOT_FOUND"),
    "RefundOrder": (RefundOrderRequest(etag="0"), "ETAG_MISMATCH"),
    "ReorderOrder": (ReorderOrderRequest(order_id="nope"), "ORDER_NOT_FOUND"),
    "DeleteDeliveryZone": (DeleteDeliveryZoneRequest(zone_id="nope"), "DELIVERY_ZONE_NOT_FOUND"),
    "AddCartItem": (AddCartItemRequest(product_id="nope"), "PRODUCT_NOT_FOUND"),
    "UpdateCartItem": (UpdateCartItemRequest(item_id="nope"), "CART_ITEM_NOT_FOUND"),
    "RemoveCartItem": (RemoveCartItemRequest(item_id="nope"), "CART_ITEM_NOT_FOUND"),
    "ClearCart": (ClearCartRequest(cart_id="nope"), "CART_NOT_FOUND"),
    "DeleteAddress": (DeleteAddressRequest(address_id="nope"), "ADDRESS_NOT_FOUND"),
    "DeletePaymentMethod": (DeletePaymentMethodRequest(payment_method_id="nope"), "PAYMENT_METHOD_NOT_FOUND"),
    "AdjustPoints": (AdjustPointsRequest(delta=-1), "INSUFFICIENT_POINTS"),
    "CreateApiKey": (CreateApiKeyRequest(api_key={"expire_time": {"seconds": 1}}), "INVALID_ORDER_DATA"),
    "RotateApiKey": (RotateApiKeyRequest(key_id="nope"), "API_KEY_NOT_FOUND"),
    "RevokeApiKey": (RevokeApiKeyRequest(key_id="nope"), "API_KEY_NOT_FOUND"),
    "CreateWebhookEndpoint": (
        webhooks.CreateWebhookEndpointRequest(endpoint={"event_types": ["nope"]}),
        "INVALID_ORDER_DATA",
    ),
    "UpdateWebhookEndpoint": (
        webhooks.UpdateWebhookEndpointRequest(endpoint={"endpoint_id": "nope"}),
        "WEBHOOK_ENDPOINT_NOT_FOUND",
    ),
    "DeleteWebhookEndpoint": (webhooks.DeleteWebhookEndpointRequest(endpoint_id="nope"), "WEBHOOK_ENDPOINT_NOT_FOUND"),
    "RotateWebhookSecret": (webhooks.RotateWebhookSecretRequest(endpoint_id="nope"), "WEBHOOK_ENDPOINT_NOT_FOUND"),
    "EnableWebhookEndpoint": (webhooks.EnableWebhookEndpointRequest(endpoint_id="nope"), "WEBHOOK_ENDPOINT_NOT_FOUND"),
    "DisableWebhookEndpoint": (
        webhooks.DisableWebhookEndpointRequest(endpoint_id="nope"),
        "WEBHOOK_ENDPOINT_NOT_FOUND",
    ),
    "TestWebhookEndpoint": (webhooks.TestWebhookEndpointRequest(endpoint_id="nope"), "WEBHOOK_ENDPOINT_NOT_FOUND"),
}

# The rows that one write adds, or takes away, for those that write to several tables.
EFFECTS: dict[str, dict[str, int]] = {
    "CreateOrder": {"orders": 1, "order_items": 2, "order_events": 1, "order_terms": 1},
    "UpdateOrder": {"order_items": 1, "order_events": 1, "order_terms": 2},
    "TransitionOrder": {"order_events": 1, "documents": 1, "fulfilments": 1},
    "BatchUpsertOrders": {"orders": 2, "order_items": 4, "order_events": 6, "payments": 4, "order_terms": 6},
    "BatchUpsertProducts": {"products": 2, "inventory": 4, "stock_adjustments": 4, "audit_events": 2},
    "RecordPayment": {"order_events": 2, "payments": 1, "documents": 1, "fulfilments": 1},
    "CompleteFulfilment": {"order_events": 2, "fulfilments": -1},
    "GiveBackFulfilment": {"order_events": 1},
    "AdjustPoints": {"points_accounts": 1, "points_entries": 1, "audit_events": 1},
    "SetLogLevel": {"audit_events": 1},
    "CreateApiKey": {"api_keys": 1, "audit_events": 1},
    "RotateApiKey": {"audit_events": 1},
    "RevokeApiKey": {"audit_events": 1},
    "CreateWebhookEndpoint": {"webhook_endpoints": 1, "audit_events": 1},
    "DeleteWebhookEndpoint": {"webhook_endpoints": -1, "audit_events": 1},
    "RotateWebhookSecret": {"audit_events": 1},
    "TestWebhookEndpoint": {"webhook_deliveries": 1},
}


def failing(method: str, request: Any) -> tuple[Message, str]:
    """The request with a fault, and the reason why it is refused."""
    if method in FAILURES:
        changes, reason = FAILURES[method]
        return with_changes(request, changes), reason
    return breaks_of_rules(method)[0].applied_to(request), "INVALID_ORDER_DATA"


Contents = Mapping[str, list[Any]]


def added(before: Contents, after: Contents) -> dict[str, int]:
    """By how many rows each table grew, if it did."""
    return {
        table: len(rows) - len(before[table])
        for table, rows in after.items()
        # The numbers of documents are one row a year: the first document makes it.
        if len(rows) != len(before[table]) and table != "document_numbers"
    }


@pytest.mark.parametrize("method", WRITES)
async def test_the_same_request_gets_the_same_answer_and_changes_nothing(service: Service, method: str) -> None:
    request = await new_request(service, method)
    first = await write(service, method, request)
    before = await service.contents()
    assert first.replayed == FIRST
    for _ in range(2):
        assert await write(service, method, request) == Answer(remembered(method, first.body), AGAIN)
    assert await service.contents() == before


@pytest.mark.parametrize("method", EFFECTS)
async def test_a_write_adds_rows_to_every_table_that_it_is_about(service: Service, method: str) -> None:
    assert await effect_of_one(service, method) == EFFECTS[method] | {"idempotency_keys": 1}


async def effect_of_one(service: Service, method: str) -> dict[str, int]:
    request = await new_request(service, method)
    before = await service.contents()
    await write(service, method, request)
    after = await service.contents()
    assert after != before
    return added(before, after)


@pytest.mark.parametrize("method", WRITES)
async def test_another_request_with_the_same_id_is_refused_with_the_fields_that_differ(
    service: Service, method: str
) -> None:
    request = await new_request(service, method)
    await write(service, method, request)
    before = await service.contents()
    other = another(request)
    refusal = await outcome(service, method, other)
    assert refusal is not None
    assert (refusal.code, refusal.reason) == (INVALID, "IDEMPOTENCY_KEY_REUSED")
    assert refusal.metadata == {"request_id": request.request_id, "fields": ", ".join(differing(request, other))}
    assert await service.contents() == before


@pytest.mark.parametrize("method", WRITES)
async def test_a_failed_call_stores_nothing_and_can_be_tried_again(service: Service, method: str) -> None:
    request = await new_request(service, method)
    faulty, reason = failing(method, request)
    before = await service.contents()
    for _ in range(2):
        refusal = await outcome(service, method, faulty)
        assert refusal is not None
        assert refusal.reason == reason
    assert await service.contents() == before
    assert (await write(service, method, request)).replayed == FIRST


@pytest.mark.parametrize("method", WRITES)
async def test_twenty_at_once_have_one_effect_and_one_answer(service: Service, method: str) -> None:
    expected = await effect_of_one(service, method)
    request = await new_request(service, method)
    before = await service.contents()
    answers = await asyncio.gather(*(write(service, method, request) for _ in range(20)))
    assert len({remembered(method, answer.body) for answer in answers}) == 1
    assert Counter(answer.replayed for answer in answers) == {FIRST: 1, AGAIN: 19}
    assert added(before, await service.contents()) == expected


async def change_what_was_written(service: Service, method: str, request: Any, body: bytes) -> None:
    """Changes what the write answered with, as another caller would."""
    answer: Any = METHODS[method].output_type._concrete_class.FromString(body)
    if isinstance(answer, BatchUpsertOrdersResponse):
        await pay_late(service, answer.results[0].order_id)
    elif getattr(answer, "order_id", ""):
        await pay_late(service, answer.order_id)
    elif method == "BatchUpsertProducts":
        product_id = request.products[0].product_id
        taken = AdjustStockRequest(product_id=product_id, variant_id="oak", delta=-1, reason="theft")
        await service.catalog.AdjustStock(taken)
    elif method == "AdjustStock":
        await service.catalog.AdjustStock(AdjustStockRequest(product_id="mug", delta=-1, reason="theft"))
    elif isinstance(answer, Cart) and "customer_id" in request.DESCRIPTOR.fields_by_name:
        line = {"customer_id": request.customer_id, "product_id": "lamp", "quantity": 1}
        await service.carts.AddCartItem(AddCartItemRequest(**line))
    elif method in ("CreateApiKey", "RotateApiKey"):
        await service.api_keys.RevokeApiKey(RevokeApiKeyRequest(key_id=ApiKey.FromString(body).key_id))
    elif "customer_id" in request.DESCRIPTOR.fields_by_name:
        gift = {"customer_id": request.customer_id, "delta": 1, "reason": "gift"}
        await service.customers.AdjustPoints(AdjustPointsRequest(**gift))


async def pay_late(service: Service, order_id: str) -> None:
    """Reports a payment, which changes an order in any status."""
    event = {"event_id": f"late-{order_id}", "type": PAYMENT_EVENT_TYPE_PAID, "amount": usd(1)}
    await service.orders.RecordPayment(RecordPaymentRequest(order_id=order_id, event=event))


RETURNING_ORDERS = [method for method in WRITES if METHODS[method].output_type.name == "Order"]


@pytest.mark.parametrize("method", [method for method in WRITES if method not in RETURNING_ORDERS])
async def test_the_first_answer_comes_again_after_things_have_changed(service: Service, method: str) -> None:
    request = await new_request(service, method)
    first = await write(service, method, request)
    await change_what_was_written(service, method, request, first.body)
    before = await service.contents()
    assert await write(service, method, request) == Answer(remembered(method, first.body), AGAIN)
    assert await service.contents() == before


@pytest.mark.parametrize("method", RETURNING_ORDERS)
async def test_an_order_comes_again_as_it_is_now(service: Service, method: str) -> None:
    request = await new_request(service, method)
    first = Order.FromString((await write(service, method, request)).body)
    await pay_late(service, first.order_id)
    now = await service.orders.GetOrder(GetOrderRequest(order_id=first.order_id))
    assert now.version > first.version
    before = await service.contents()
    (body, replayed), trailers = await write_with_trailers(service, method, request)
    assert (Order.FromString(body), replayed) == (now, AGAIN)
    told = {
        "idempotency-first-answered": first.update_time.ToJsonString(),
        "idempotency-first-version": str(first.version),
        "order-version": str(now.version),
    }
    assert told.items() <= trailers.items()
    assert await service.contents() == before


async def test_another_server_on_the_database_gives_the_first_answer_too(service: Service) -> None:
    requests = {method: await new_request(service, method) for method in WRITES}
    first = {method: await write(service, method, request) for method, request in requests.items()}
    async with serving(service.url, authentication="open") as other:
        for method, request in requests.items():
            assert await write(other, method, request) == Answer(remembered(method, first[method].body), AGAIN)


async def test_a_request_id_means_something_else_to_another_method(service: Service) -> None:
    requests = {method: await new_request(service, method, "shared") for method in WRITES}
    answers = await asyncio.gather(*(write(service, method, request) for method, request in requests.items()))
    assert {answer.replayed for answer in answers} == {FIRST}


async def test_without_a_request_id_the_same_request_counts_twice(service: Service) -> None:
    first, second = [await service.orders.CreateOrder(new_order()) for _ in range(2)]
    assert first.order_id != second.order_id


async def test_a_failed_call_does_not_say_that_it_was_replayed(service: Service) -> None:
    for _ in range(2):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await service.orders.CreateOrder(new_order(product_id="nope", request_id="never"))
        assert REPLAYED not in list(caught.value.trailing_metadata())
        assert refusal_of(caught.value).reason == "PRODUCT_NOT_FOUND"


VALIDATING = [method for method in WRITES if "validate_only" in METHODS[method].input_type.fields_by_name]


@pytest.mark.parametrize("method", VALIDATING)
async def test_validating_stores_nothing_and_leaves_the_request_id_free(service: Service, method: str) -> None:
    request = await new_request(service, method)
    request.validate_only = True
    before = await service.contents()
    for _ in range(2):
        assert (await write(service, method, request)).replayed == FIRST
    assert await service.contents() == before
    request.validate_only = False
    assert (await write(service, method, request)).replayed == FIRST
    assert added(before, await service.contents())["idempotency_keys"] == 1
    request.validate_only = True
    refusal = await outcome(service, method, request)
    assert refusal is not None
    assert refusal.metadata == {"request_id": request.request_id, "fields": "validate_only"}


async def test_validating_an_order_shows_it_as_it_would_be_without_a_number(service: Service) -> None:
    order = await service.orders.CreateOrder(new_order(quantity=3, validate_only=True))
    assert order.pricing.total == usd(37, 50)
    assert order.order_number == ""
    assert (
        await refused(service.orders.GetOrder(GetOrderRequest(order_id=order.order_id)))
    ).reason == "ORDER_NOT_FOUND"


def etag_holder(message: Any) -> Any:
    """The request, or the order in it, if it has an etag."""
    fields = message.DESCRIPTOR.fields_by_name
    if "etag" in fields:
        return message
    is_order = "order" in fields and fields["order"].message_type == Order.DESCRIPTOR
    return message.order if is_order else None


TAKING_ETAGS = [method for method in WRITES if etag_holder(METHODS[method].input_type._concrete_class()) is not None]


def with_etag(request: Any, etag: str) -> Any:
    etag_holder(request).etag = etag
    return request


@pytest.mark.parametrize("method", TAKING_ETAGS)
async def test_a_stale_etag_is_refused_with_the_current_one(service: Service, method: str) -> None:
    subject = await new_subject(service, method)
    seen, changed = await changed_meanwhile(service, subject)
    before = await service.contents()
    for stale in (seen.etag, "nonsense", changed.etag + " "):
        refusal = await outcome(service, method, with_etag(request_for(method, subject), stale))
        assert refusal is not None
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
        named = {"fields": "metadata"} if stale == seen.etag else {}
        assert refusal.metadata == {"order_id": seen.order_id, "etag": changed.etag} | named
    assert await service.contents() == before
    assert await outcome(service, method, with_etag(request_for(method, subject), changed.etag)) is None


@pytest.mark.parametrize("method", TAKING_ETAGS)
async def test_without_an_etag_the_last_one_wins(service: Service, method: str) -> None:
    subject = await new_subject(service, method)
    await changed_meanwhile(service, subject)
    assert await outcome(service, method, request_for(method, subject)) is None


async def changed_meanwhile(service: Service, subject: Subject) -> tuple[Order, Order]:
    """The subject's order before and after a change."""
    seen = await service.orders.GetOrder(GetOrderRequest(order_id=subject.order_id))
    change = {"order_id": seen.order_id, "etag": seen.etag, "metadata": {"seen": "no"}}
    changed = await service.orders.UpdateOrder(UpdateOrderRequest(order=change))
    assert changed.etag != seen.etag
    return seen, changed


def changing(order: Order, *, text: str) -> dict[str, Message]:
    """A change by each of several methods of the order as it was seen."""
    order_id, etag = order.order_id, order.etag
    return {
        "UpdateOrder": UpdateOrderRequest(order={"order_id": order_id, "etag": etag, "special_instructions": text}),
        "TransitionOrder": TransitionOrderRequest(
            order_id=order_id, etag=etag, status=ORDER_STATUS_CONFIRMED, override_reason=text
        ),
        "CancelOrder": CancelOrderRequest(order_id=order_id, etag=etag, reason=text),
    }


async def test_of_many_who_saw_the_same_order_one_may_change_it(service: Service) -> None:
    order = await service.orders.CreateOrder(new_order())
    wishes = [changing(order, text=f"text {number}") for number in range(5)]
    attempts = [(method, request) for wish in wishes for method, request in wish.items()]
    outcomes = await asyncio.gather(*(outcome(service, method, request) for method, request in attempts))
    assert Counter(refusal.reason if refusal else "taken" for refusal in outcomes) == {"taken": 1, "ETAG_MISMATCH": 14}
    stored = await service.orders.GetOrder(GetOrderRequest(order_id=order.order_id))
    assert stored.version == order.version + 1


async def test_an_update_that_changes_nothing_keeps_the_etag(service: Service) -> None:
    order = await service.orders.CreateOrder(new_order())
    before = await service.contents()
    assert await service.orders.UpdateOrder(UpdateOrderRequest(order=order)) == order
    assert await service.contents() == before


async def test_a_replay_is_given_whatever_etag_the_order_has_now(service: Service) -> None:
    order = await service.orders.CreateOrder(new_order())
    request = CancelOrderRequest(order_id=order.order_id, etag=order.etag, request_id=f"cancel-{order.order_id}")
    first = await service.orders.CancelOrder(request)
    assert first.status == ORDER_STATUS_CANCELLED
    assert await service.orders.CancelOrder(request) == first


async def test_a_product_of_a_batch_is_not_adjusted_twice(service: Service) -> None:
    sku = Product(product_id="bench", name="Bench", price=usd(80), stock=7)
    await service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=[sku], request_id="bench"))
    await service.catalog.AdjustStock(AdjustStockRequest(product_id="bench", delta=-2, reason="sold", request_id="b1"))
    await service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=[sku], request_id="bench"))
    assert await service.stock("bench") == 5
