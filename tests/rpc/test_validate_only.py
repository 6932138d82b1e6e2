"""Every write with `validate_only` answers as the write would, changes nothing, and tells the effects that it would have."""

import json
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import Parse
from google.protobuf.message import Message
from orders.v1 import api_key_service_pb2 as api_keys
from orders.v1 import write_effects_pb2 as pb
from orders.v1.access_pb2 import ROLE_ADMIN, SCOPE_ORDERS_READ
from orders.v1.catalog_service_pb2 import BatchUpsertCouponsRequest, Coupon
from orders.v1.customer_service_pb2 import POINTS_ENTRY_TYPE_USED, AdjustPointsRequest
from orders.v1.order_pb2 import (
    COUPON_TYPE_FIXED,
    ORDER_EVENT_TYPE_CREATED,
    ORDER_EVENT_TYPE_PAYMENT,
    ORDER_EVENT_TYPE_STATUS_CHANGED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_PENDING,
    PAYMENT_EVENT_TYPE_PAID,
)
from orders.v1.order_service_pb2 import BatchCreateOrdersRequest, CancelOrderRequest, RecordPaymentRequest

from server.domain.base.methods import MethodClass, class_of, response_type_of
from server.rpc.effects_text import effects_text
from tests.conftest import RefusedCall, Service, new_order, refusal_of, usd
from tests.methods import METHODS, OF_PROVIDER, path_of
from tests.rpc.calls import new_subject, outcome
from tests.samples import Subject, request_for

# Methods of these classes that write nothing.
READING = {"ListOrders", "SummarizeOrders", "WatchOrders", "ReconcileOrders", "ExportCustomer"}
WRITES = [name for name, method in METHODS.items() if class_of(method) is not MethodClass.READ and name not in READING]
EXPLAIN = (("x-explain", "1"),)
# What a dry answer leaves out, and what only a dry one has.
LEFT_OUT = {"order_number", "invoice_number", "credit_note_number", "event_hash", "key", "secret", "order_id", "etag"}
ADDED = {"affected_orders"}
# What changes while the server attempts deliveries.
PASSING = {"delivery_count"}
# These try each item as if it were the only one.
BATCHES = {"BatchCreateOrders", "BatchTransitionOrders", "BatchCancelOrders"}
NOTHING = Subject("01890a5d-ac96-774b-bcce-b302099a8057")


def dry(request: Any) -> Any:
    copy = type(request)()
    copy.CopyFrom(request)
    copy.validate_only = True
    return copy


async def tried(service: Service, method: str, request: Message) -> tuple[Message, dict[str, str]] | RefusedCall:
    """The response and the trailers of a call that asks for its effects, or its refusal."""
    call = service.channel.unary_unary(path_of(METHODS[method]))(
        request.SerializeToString(), timeout=30, metadata=EXPLAIN
    )
    try:
        body = await call
    except grpc.aio.AioRpcError as error:
        return refusal_of(error)
    headers, trailers = dict(await call.initial_metadata()), dict(await call.trailing_metadata())
    assert headers.get("x-explain") == trailers.get("x-explain")
    return response_type_of(method).FromString(body), trailers


async def effects_of(service: Service, method: str, request: Message) -> pb.WriteEffects:
    outcome = await tried(service, method, dry(request))
    assert not isinstance(outcome, RefusedCall)
    return Parse(outcome[1]["x-explain"], pb.WriteEffects())


def paths(message: Message, prefix: str = "") -> Iterator[str]:
    """The paths of the fields that are set."""
    for field, value in message.ListFields():
        yield f"{prefix}{field.name}"
        if field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for each in value if field.is_repeated else [value]:
                yield from paths(each, f"{prefix}{field.name}.")


async def stored(service: Service) -> dict[str, Any]:
    """The contents, and what only single tests compare."""
    numbers = await service.rows("SELECT last_value, is_called FROM order_numbers")
    settings = await service.rows("SELECT * FROM runtime_settings")
    return {**await service.contents(), "order_numbers": numbers, "runtime_settings": settings}


def test_every_write_has_the_field() -> None:
    assert [method for method in WRITES if "validate_only" not in METHODS[method].input_type.fields_by_name] == []


@pytest.mark.parametrize("method", WRITES)
async def test_a_dry_write_answers_as_the_write_and_changes_nothing(service: Service, method: str) -> None:
    request = request_for(method, await new_subject(service, method))
    before = await stored(service)
    seen = await tried(service, method, dry(request))
    assert await stored(service) == before
    done = await tried(service, method, request)
    if method in OF_PROVIDER:
        assert isinstance(done, RefusedCall)
        assert seen == done
        return
    assert not isinstance(seen, RefusedCall)
    assert not isinstance(done, RefusedCall)
    assert "x-explain" not in done[1]
    if method in BATCHES:
        return
    differing = {path.rpartition(".")[2] for path in set(paths(seen[0])) ^ set(paths(done[0]))}
    assert differing <= LEFT_OUT | ADDED | PASSING
    assert told(Parse(seen[1]["x-explain"], pb.WriteEffects())) == happened(before, await stored(service))


def told(effects: pb.WriteEffects) -> dict[str, int]:
    """The effects, counted."""
    return {
        "inventory": len(effects.stock),
        "points_entries": len(effects.points),
        "order_events": len(effects.events),
        "documents": len(effects.documents),
    }


def happened(before: dict[str, Any], after: dict[str, Any]) -> dict[str, int]:
    """The rows that a write has added, and those of the inventory that it has changed."""
    counts = {name: len(after[name]) - len(before[name]) for name in ("points_entries", "order_events", "documents")}
    moved = [row for row in after["inventory"] if row not in before["inventory"] and not row[0].endswith(",0,0,0)")]
    return {"inventory": len(moved), **counts}


@pytest.mark.parametrize("method", WRITES)
async def test_a_dry_write_is_refused_as_the_write(service: Service, method: str) -> None:
    request = request_for(method, NOTHING)
    assert await outcome(service, method, dry(request)) == await outcome(service, method, request)


async def test_a_dry_write_shows_no_secret(service: Service) -> None:
    key = api_keys.ApiKey(owner="shop", roles=[ROLE_ADMIN], scopes=[SCOPE_ORDERS_READ])
    made = await service.api_keys.CreateApiKey(api_keys.CreateApiKeyRequest(api_key=key, validate_only=True))
    assert (made.owner, made.key) == ("shop", "")
    for method in ("CreateWebhookEndpoint", "RotateWebhookSecret"):
        outcome = await tried(service, method, dry(request_for(method, await new_subject(service, method))))
        assert not isinstance(outcome, RefusedCall)
        assert "secret" not in set(paths(outcome[0]))


async def test_a_new_order_tells_what_it_takes(service: Service) -> None:
    coupon = Coupon(code="told", type=COUPON_TYPE_FIXED, amounts=[usd(1)])
    await service.catalog.BatchUpsertCoupons(BatchUpsertCouponsRequest(coupons=[coupon]))
    await service.customers.AdjustPoints(AdjustPointsRequest(customer_id="told", delta=300, reason="gift"))
    request = new_order("told", quantity=3, coupon_code="told", loyalty_points_to_use=200)
    effects = await effects_of(service, "CreateOrder", request)
    assert list(effects.stock) == [pb.StockEffect(product_id="mug", available_delta=-3, reserved_delta=3)]
    used = pb.PointsEffect(customer_id="told", type=POINTS_ENTRY_TYPE_USED, delta=-200, balance=100)
    assert list(effects.points) == [used]
    assert list(effects.coupons) == [pb.CouponEffect(code="TOLD", delta=1, times_used=1)]
    (event,) = effects.events
    assert (event.type, event.to_status, event.version) == (ORDER_EVENT_TYPE_CREATED, ORDER_STATUS_PENDING, 1)
    assert not effects.truncated


async def test_a_payment_tells_its_events_and_its_invoice(service: Service) -> None:
    order = await service.orders.CreateOrder(new_order())
    paid = RecordPaymentRequest(order_id=order.order_id, event={"event_id": "told", "type": PAYMENT_EVENT_TYPE_PAID})
    effects = await effects_of(service, "RecordPayment", paid)
    invoice = pb.DocumentEffect(type=pb.DOCUMENT_TYPE_INVOICE, order_id=order.order_id, amount=order.pricing.total)
    assert list(effects.documents) == [invoice]
    assert [(event.type, event.to_status) for event in effects.events] == [
        (ORDER_EVENT_TYPE_PAYMENT, ORDER_STATUS_PENDING),
        (ORDER_EVENT_TYPE_STATUS_CHANGED, ORDER_STATUS_CONFIRMED),
    ]


async def test_a_refused_write_tells_no_effects(service: Service) -> None:
    call = service.orders.CancelOrder(CancelOrderRequest(order_id="ORD-1", validate_only=True), metadata=EXPLAIN)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert "x-explain" not in dict(caught.value.trailing_metadata() or ())


async def test_a_batch_tells_the_effects_of_all_items(service: Service) -> None:
    items = [new_order(quantity=count, request_id=f"told-{count}") for count in (1, 2)]
    effects = await effects_of(service, "BatchCreateOrders", BatchCreateOrdersRequest(requests=items))
    assert sorted(effect.available_delta for effect in effects.stock) == [-2, -1]


def test_effects_that_are_too_many_are_cut() -> None:
    events = [pb.EventEffect(order_id="x" * 36, changed_fields=["shipping_address"] * 5) for _ in range(1000)]
    text = effects_text(pb.WriteEffects(events=events, stock=[{"product_id": "mug", "available_delta": -1}]))
    assert text.isascii()
    assert len(text) <= 4000
    shown = Parse(text, pb.WriteEffects())
    assert shown.truncated
    assert 1 < len(shown.events) < 50
    assert len(shown.stock) == 1


def test_effects_of_nothing_are_an_empty_object() -> None:
    assert json.loads(effects_text(pb.WriteEffects())) == {}
