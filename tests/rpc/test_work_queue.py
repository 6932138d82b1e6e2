"""The work queue of fulfilment: each order is claimed once, and comes back if its worker does not."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from orders.v1 import fulfilment_queue_pb2 as queue
from orders.v1 import order_pb2 as pb
from orders.v1 import order_service_pb2 as orders
from orders.v1.catalog_service_pb2 import BatchUpsertProductsRequest
from orders.v1.fulfilment_service_pb2_grpc import FulfilmentServiceStub

from tests.conftest import Service, new_order, refused, serving, stock_shop, usd

_products = itertools.count(1)


class Warehouse:
    """Orders of a product of their own, so that tests share a server."""

    def __init__(self, service: Service) -> None:
        self.service, self.product_id = service, f"kit-{next(_products)}"
        self.stub = FulfilmentServiceStub(service.channel)
        self.filter = queue.FulfilmentFilter(product_ids=[self.product_id])

    async def stock(self) -> None:
        product = {"product_id": self.product_id, "name": "Kit", "price": usd(1), "stock": 100_000}
        await self.service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=[product]))

    async def confirmed(self, **fields: Any) -> pb.Order:
        order = await self.service.orders.CreateOrder(new_order(product_id=self.product_id, **fields))
        confirm = {"status": pb.ORDER_STATUS_CONFIRMED, "override_reason": "pays at the door"}
        return await self.service.orders.TransitionOrder(
            orders.TransitionOrderRequest(order_id=order.order_id, **confirm)
        )

    async def claim(self, **fields: Any) -> list[queue.Fulfilment]:
        fields = {"worker": "ann", "filter": self.filter} | fields
        return list((await self.stub.ClaimFulfilments(queue.ClaimFulfilmentsRequest(**fields))).fulfilments)

    async def listed(self, **fields: Any) -> list[queue.Fulfilment]:
        request = queue.ListFulfilmentsRequest(filter=self.filter, **fields)
        return list((await self.stub.ListFulfilments(request)).fulfilments)

    async def end_leases(self) -> None:
        """Lets the leases and delays of all orders end now."""
        await self.service.rows("UPDATE fulfilments SET expire_time = now() - interval '1 second' RETURNING order_id")

    async def give_back(self, claimed: queue.Fulfilment, **fields: Any) -> pb.Order:
        fields = {"reason": "the shelf is empty"} | fields
        return await self.stub.GiveBackFulfilment(
            queue.GiveBackFulfilmentRequest(order_id=claimed.order_id, claim_id=claimed.claim_id, **fields)
        )

    async def complete(self, claimed: queue.Fulfilment) -> pb.Order:
        return await self.stub.CompleteFulfilment(
            queue.CompleteFulfilmentRequest(order_id=claimed.order_id, claim_id=claimed.claim_id)
        )


@pytest.fixture
async def warehouse(service: Service) -> Warehouse:
    warehouse = Warehouse(service)
    await warehouse.stock()
    return warehouse


async def test_a_confirmed_order_is_claimed_with_its_content(warehouse: Warehouse) -> None:
    order = await warehouse.confirmed()
    (claimed,) = await warehouse.claim(worker="ann", lease={"seconds": 60})
    assert claimed.order == order
    assert (claimed.order_number, claimed.worker, claimed.claim_count) == (order.order_number, "ann", 1)
    assert claimed.state == queue.FULFILMENT_STATE_CLAIMED
    assert claimed.lease_expire_time.ToMicroseconds() - claimed.claim_time.ToMicroseconds() == 60_000_000
    assert await warehouse.claim() == []


async def test_a_pending_order_is_not_claimed(warehouse: Warehouse) -> None:
    await warehouse.service.orders.CreateOrder(new_order(product_id=warehouse.product_id))
    assert await warehouse.claim() == []


async def test_a_cancelled_order_leaves_the_queue(warehouse: Warehouse) -> None:
    order = await warehouse.confirmed()
    await warehouse.service.orders.CancelOrder(orders.CancelOrderRequest(order_id=order.order_id))
    assert await warehouse.claim() == [] == await warehouse.listed()


async def test_the_earliest_promise_is_claimed_first(warehouse: Warehouse) -> None:
    days = [9, 3, 6]
    times = [{"seconds": 4_000_000_000 + day * 86_400} for day in days]
    made = [await warehouse.confirmed(requested_delivery_time=time) for time in times]
    first = await warehouse.claim(count=2)
    (last,) = await warehouse.claim(count=2)
    assert [each.order_id for each in [*first, last]] == [made[index].order_id for index in (1, 2, 0)]
    assert last.due_time.seconds == times[0]["seconds"]


async def test_a_claim_takes_only_what_it_filters(warehouse: Warehouse) -> None:
    express = await warehouse.confirmed(delivery_method="express")
    await warehouse.confirmed(delivery_method="standard")
    wanted = {"product_ids": [warehouse.product_id], "delivery_methods": ["express"], "zone_ids": ["everywhere"]}
    assert [each.order_id for each in await warehouse.claim(filter=wanted)] == [express.order_id]
    wanted["zone_ids"] = ["atlantis"]
    del wanted["delivery_methods"]
    assert await warehouse.claim(filter=wanted) == []


async def test_a_claim_sent_again_returns_the_same_orders(warehouse: Warehouse) -> None:
    for _ in range(3):
        await warehouse.confirmed()
    first = await warehouse.claim(count=2, request_id="claim-1")
    assert await warehouse.claim(count=2, request_id="claim-1") == first
    assert len(await warehouse.claim(count=2)) == 1


async def test_an_expired_lease_returns_the_order(warehouse: Warehouse) -> None:
    await warehouse.confirmed()
    (lost,) = await warehouse.claim(worker="ann")
    await warehouse.end_leases()
    (waiting,) = await warehouse.listed()
    assert (waiting.state, waiting.worker) == (queue.FULFILMENT_STATE_WAITING, "")
    (claimed,) = await warehouse.claim(worker="bob")
    assert (claimed.order_id, claimed.claim_count) == (lost.order_id, 2)
    for late in (warehouse.complete(lost), warehouse.give_back(lost)):
        assert (await refused(late)).reason == "FULFILMENT_CLAIM_LOST"


async def test_a_late_worker_completes_what_no_other_claimed(warehouse: Warehouse) -> None:
    await warehouse.confirmed()
    (claimed,) = await warehouse.claim()
    await warehouse.end_leases()
    assert (await warehouse.complete(claimed)).fulfilment.claim_id == claimed.claim_id


async def test_an_extended_lease_lasts(warehouse: Warehouse) -> None:
    await warehouse.confirmed()
    (claimed,) = await warehouse.claim(lease={"seconds": 1})
    extension = {"order_id": claimed.order_number, "claim_id": claimed.claim_id, "lease": {"seconds": 3600}}
    extended = await warehouse.stub.ExtendFulfilment(queue.ExtendFulfilmentRequest(**extension))
    assert extended.lease_expire_time.seconds > claimed.lease_expire_time.seconds + 3000
    assert [each.claim_id for each in await warehouse.listed(worker="ann")] == [claimed.claim_id]


async def test_a_completed_order_is_processing_and_leaves(warehouse: Warehouse) -> None:
    order = await warehouse.confirmed()
    (claimed,) = await warehouse.claim(worker="ann")
    done = await warehouse.complete(claimed)
    assert done.status == pb.ORDER_STATUS_PROCESSING
    assert (done.fulfilment.worker, done.version) == ("ann", order.version + 2)
    assert await warehouse.complete(claimed) == done
    assert await warehouse.listed() == []


async def test_a_shipped_order_is_completed(warehouse: Warehouse) -> None:
    await warehouse.confirmed()
    (claimed,) = await warehouse.claim()
    ship = {"status": pb.ORDER_STATUS_SHIPPED, "carrier": "DHL", "tracking_number": "1Z"}
    shipped = await warehouse.service.orders.TransitionOrder(
        orders.TransitionOrderRequest(order_id=claimed.order_id, **ship)
    )
    assert await warehouse.listed() == []
    assert await warehouse.complete(claimed) == shipped


async def test_giving_back_is_in_the_history(warehouse: Warehouse) -> None:
    await warehouse.confirmed()
    (claimed,) = await warehouse.claim(worker="ann")
    order = await warehouse.give_back(claimed, reason="the shelf is empty")
    assert (order.fulfilment.worker, order.fulfilment.give_back_reason) == ("ann", "the shelf is empty")
    assert await warehouse.give_back(claimed) == order
    listed = await warehouse.service.orders.ListOrderEvents(orders.ListOrderEventsRequest(order_id=order.order_id))
    event = listed.events[-1]
    assert (event.type, event.reason) == (pb.ORDER_EVENT_TYPE_FULFILMENT_GIVEN_BACK, "the shelf is empty")
    (again,) = await warehouse.claim(worker="bob")
    assert again.claim_id != claimed.claim_id


async def test_an_order_given_back_with_a_delay_waits(warehouse: Warehouse) -> None:
    await warehouse.confirmed()
    (claimed,) = await warehouse.claim()
    await warehouse.give_back(claimed, delay={"seconds": 3600})
    assert await warehouse.claim() == []
    (listed,) = await warehouse.listed()
    assert (listed.state, listed.worker) == (queue.FULFILMENT_STATE_DEFERRED, "")
    await warehouse.end_leases()
    assert len(await warehouse.claim()) == 1


async def test_a_completion_can_be_taken_back(warehouse: Warehouse) -> None:
    await warehouse.confirmed()
    (claimed,) = await warehouse.claim()
    await warehouse.complete(claimed)
    order = await warehouse.give_back(claimed, reason="the wrong kit")
    assert not order.fulfilment.HasField("complete_time")
    assert [each.order_id for each in await warehouse.claim()] == [order.order_id]


async def test_the_queue_is_listed_page_by_page(warehouse: Warehouse) -> None:
    made = [await warehouse.confirmed() for _ in range(5)]
    (claimed,) = await warehouse.claim(count=1)
    found, token = [], ""
    while True:
        request = queue.ListFulfilmentsRequest(filter=warehouse.filter, page_size=2, page_token=token)
        page = await warehouse.stub.ListFulfilments(request)
        found += page.fulfilments
        token = page.next_page_token
        if not token:
            break
    assert [each.order_id for each in found] == [order.order_id for order in made]
    waiting = await warehouse.listed(states=[queue.FULFILMENT_STATE_WAITING])
    assert claimed.order_id not in [each.order_id for each in waiting]
    assert len(waiting) == 4


@pytest.fixture
async def two_servers(new_database: Callable[[], str]) -> AsyncIterator[list[Service]]:
    url = new_database()
    async with serving(url) as first, serving(url) as second:
        await stock_shop(first)
        yield [first, second]


async def test_workers_of_two_servers_share_the_orders(two_servers: list[Service]) -> None:
    warehouses = [Warehouse(service) for service in two_servers]
    for warehouse in warehouses:
        await warehouse.stock()
    made = await asyncio.gather(*(warehouses[index % 2].confirmed() for index in range(60)))
    claims: Counter[str] = Counter()

    async def work(name: str, warehouse: Warehouse, wanted: queue.FulfilmentFilter | None) -> None:
        while claimed := await warehouse.claim(worker=name, count=3, filter=wanted):
            claims.update(each.order_id for each in claimed)
            for each in claimed:
                await warehouse.complete(each)

    filters = [None, warehouses[0].filter, warehouses[1].filter]
    await asyncio.gather(*(work(f"w{index}", warehouses[index % 2], filters[index % 3]) for index in range(12)))
    # Orders that another batch held at that moment were passed over.
    await work("last", warehouses[0], None)
    assert claims == Counter({order.order_id: 1 for order in made})
