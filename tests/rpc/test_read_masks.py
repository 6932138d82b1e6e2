"""Reads with a mask return only the fields that it names."""

from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from hypothesis import given
from hypothesis import strategies as st
from orders.v1.order_pb2 import Order
from orders.v1.order_service_pb2 import (
    ORDER_BY_CREATE_TIME,
    ORDER_BY_TOTAL,
    ORDER_BY_UPDATE_TIME,
    BatchGetOrdersRequest,
    GetOrderRequest,
    ListOrderChangesRequest,
    ListOrdersRequest,
    OrderBy,
    SearchOrdersRequest,
)

from server.domain.base.errors import Refusal
from server.rpc.read_masks import picker
from tests.conftest import Service
from tests.rpc.calls import outcome
from tests.shop import new_order

MASK = {"paths": ["order_id", "status", "pricing.total"]}


def branches(descriptor: Any, prefix: str = "", depth: int = 2) -> list[str]:
    """The paths that a mask may name, down to the given depth."""
    paths = []
    for field in descriptor.fields:
        paths.append(prefix + field.name)
        if field.message_type is not None and not field.is_repeated and depth:
            paths += branches(field.message_type, f"{prefix}{field.name}.", depth - 1)
    return paths


PATHS = branches(Order.DESCRIPTOR)


def full(message: Any, depth: int = 3) -> Any:
    """The message with a value in each field."""
    for field in message.DESCRIPTOR.fields:
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        if is_map:
            getattr(message, field.name)["key"] = "value"
        elif field.message_type is not None and depth:
            value = getattr(message, field.name)
            full(value.add() if field.is_repeated else value, depth - 1)
            if not field.is_repeated:
                value.SetInParent()
        elif field.message_type is None:
            value = {field.CPPTYPE_STRING: "text", field.CPPTYPE_BOOL: True, field.CPPTYPE_DOUBLE: 0.5}.get(
                field.cpp_type, 3
            )
            value = b"bytes" if field.type == field.TYPE_BYTES else value
            value = field.enum_type.values[-1].number if field.enum_type is not None else value
            if field.is_repeated:
                getattr(message, field.name).extend([value, value])
            else:
                setattr(message, field.name, value)
    return message


@given(st.sets(st.sampled_from(PATHS), min_size=1, max_size=8), st.booleans())
def test_a_mask_picks_the_same_as_the_message_would(paths: set[str], is_full: bool) -> None:
    order = full(Order()) if is_full else Order(order_id="1", status=-7, customer={"email": "jane@example.com"})
    mask, expected = FieldMask(paths=paths), Order()
    mask.MergeMessage(order, expected)
    pick = picker(mask)
    assert pick is not None
    picked = Order.FromString(pick(order.SerializeToString()))
    # MergeMessage creates the parents of fields that are not set.
    assert dropped_empty(picked) == dropped_empty(expected)


def dropped_empty(message: Any) -> Any:
    for field, value in message.ListFields():
        if field.message_type is not None and not field.is_repeated and not dropped_empty(value).ByteSize():
            message.ClearField(field.name)
    return message


@pytest.mark.parametrize("mask", [FieldMask(), FieldMask(paths=["*"])])
def test_an_empty_mask_and_a_star_stand_for_the_whole_order(mask: FieldMask) -> None:
    assert picker(mask) is None


@pytest.mark.parametrize(
    "path", ["nothing", "customer.nothing", "items.sku", "metadata.channel", "order_id.x", "", "*.x"]
)
def test_a_path_that_an_order_does_not_have_is_refused_by_name(path: str) -> None:
    with pytest.raises(Refusal) as caught:
        picker(FieldMask(paths=["order_id", path]))
    (violation,) = caught.value.violations
    assert violation.field == "read_mask.paths[1]"
    assert repr(path) in violation.description


async def test_every_read_of_orders_takes_a_mask(service: Service) -> None:
    whole = [await service.orders.CreateOrder(new_order()) for _ in range(3)]
    expected = {each.order_id: Order(order_id=each.order_id, status=each.status) for each in whole}
    for each in whole:
        expected[each.order_id].pricing.total.CopyFrom(each.pricing.total)
    ids = list(expected)
    assert await service.orders.GetOrder(GetOrderRequest(order_id=ids[0], read_mask=MASK)) == expected[ids[0]]
    old = GetOrderRequest(order_id=ids[0], version=1, show_provenance=True, read_mask=MASK)
    assert await service.orders.GetOrder(old) == expected[ids[0]]
    batch = await service.orders.BatchGetOrders(BatchGetOrdersRequest(order_ids=ids, read_mask=MASK))
    assert list(batch.orders) == list(expected.values())
    found = await service.orders.SearchOrders(SearchOrdersRequest(page_size=2, read_mask=MASK))
    assert list(found.orders) == [expected[order_id] for order_id in (ids[2], ids[1])]
    request = ListOrderChangesRequest(include_order=True, read_mask=MASK, start_time={})
    changes = await service.orders.ListOrderChanges(request)
    assert {change.order.order_id: change.order for change in changes.changes} == expected


async def test_a_masked_list_resumes_and_counts_like_a_whole_one(service: Service) -> None:
    for _ in range(5):
        await service.orders.CreateOrder(new_order())
    whole = [message async for message in service.orders.ListOrders(ListOrdersRequest(page_size=2))]
    masked = [message async for message in service.orders.ListOrders(ListOrdersRequest(page_size=2, read_mask=MASK))]
    assert [(each.count, each.checksum) for each in masked] == [(each.count, each.checksum) for each in whole]
    rest = ListOrdersRequest(page_size=2, read_mask=MASK, resume_token=masked[0].resume_token)
    resumed = [order async for message in service.orders.ListOrders(rest) for order in message.orders]
    assert resumed == [order for message in masked[1:] for order in message.orders]
    assert {field.name for order in resumed for field, _ in order.ListFields()} == {"order_id", "status", "pricing"}


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("GetOrder", GetOrderRequest(order_id="ORD-2026-999999")),
        ("BatchGetOrders", BatchGetOrdersRequest(order_ids=["ORD-2026-999999"])),
        ("ListOrders", ListOrdersRequest()),
        ("SearchOrders", SearchOrdersRequest()),
        ("ListOrderChanges", ListOrderChangesRequest(include_order=True)),
    ],
)
async def test_every_read_refuses_an_unknown_path(service: Service, method: str, request_: Any) -> None:
    request_.read_mask.paths.append("nothing")
    refusal = await outcome(service, method, request_)
    assert refusal is not None
    assert (refusal.reason, list(refusal.fields)) == ("INVALID_ORDER_DATA", ["read_mask.paths[0]"])


COLUMNS = {"paths": ["version", "order_id", "etag", "status", "payment_status", "order_number"]}


@pytest.mark.every_postgres
@pytest.mark.parametrize("order_by", [ORDER_BY_CREATE_TIME, ORDER_BY_UPDATE_TIME, ORDER_BY_TOTAL])
async def test_columns_come_as_the_order_has_them(service: Service, order_by: OrderBy) -> None:
    await service.orders.CreateOrder(new_order())
    found = await service.orders.SearchOrders(SearchOrdersRequest(order_by=order_by, page_size=5))
    masked = await service.orders.SearchOrders(SearchOrdersRequest(order_by=order_by, page_size=5, read_mask=COLUMNS))
    assert [order.order_id for order in masked.orders] == [order.order_id for order in found.orders]
    for whole, part in zip(found.orders, masked.orders, strict=True):
        assert part == Order(**{name: getattr(whole, name) for name in COLUMNS["paths"]})


@pytest.mark.parametrize("version", [127, 128, 16_383, 16_384, 2_097_151, 2_097_152, (1 << 28) - 1])
async def test_columns_hold_versions_of_any_size(service: Service, version: int) -> None:
    order = await service.orders.CreateOrder(new_order(f"v{version}"))
    await service.rows("UPDATE orders SET version = %s WHERE order_id = %s RETURNING 1", version, order.order_id)
    wanted = SearchOrdersRequest(filter={"customer_id": f"v{version}"}, read_mask={"paths": ["version", "etag"]})
    (found,) = (await service.orders.SearchOrders(wanted)).orders
    assert (found.version, found.etag) == (version, str(version))
