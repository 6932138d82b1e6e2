"""CreateOrder, GetOrder, ListOrders and BatchUpsertOrders on the ORM, a session a call."""

import uuid
from collections.abc import AsyncIterator

import grpc
import protovalidate
from google.protobuf.message import Message
from orders.v1 import order_pb2, order_service_pb2
from orders.v1.order_service_pb2_grpc import OrderServiceServicer
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from benchmarks.baselines.straightforward.messages import minor, order_message
from benchmarks.baselines.straightforward.models import IdempotencyKey, Order, OrderEvent, OrderItem, Product, now


class Orders(OrderServiceServicer):  # type: ignore[misc]
    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions

    async def GetOrder(
        self, request: order_service_pb2.GetOrderRequest, context: grpc.aio.ServicerContext
    ) -> order_pb2.Order:
        await check(request, context)
        async with self._sessions() as session:
            order = await session.get(Order, uuid.UUID(request.order_id))
            if order is None:
                await context.abort(grpc.StatusCode.NOT_FOUND, "no such order")
            return order_message(order)

    async def CreateOrder(
        self, request: order_service_pb2.CreateOrderRequest, context: grpc.aio.ServicerContext
    ) -> order_pb2.Order:
        await check(request, context)
        async with self._sessions.begin() as session:
            if request.request_id:
                known = await session.get(IdempotencyKey, ("CreateOrder", request.request_id))
                if known is not None:
                    if known.request != request.SerializeToString(deterministic=True):
                        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "request_id was used before")
                    return order_pb2.Order.FromString(known.response)
            products = await lock_products(session, request, context)
            order = new_order(request, products)
            session.add(order)
            await session.flush()
            response = order_message(order)
            session.add(
                OrderEvent(
                    order_id=order.order_id,
                    version=1,
                    type="created",
                    request_id=request.request_id,
                    status=order.status,
                )
            )
            if request.request_id:
                session.add(
                    IdempotencyKey(
                        method="CreateOrder",
                        request_id=request.request_id,
                        request=request.SerializeToString(deterministic=True),
                        response=response.SerializeToString(),
                    )
                )
        return response

    async def ListOrders(
        self, request: order_service_pb2.ListOrdersRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[order_service_pb2.ListOrdersResponse]:
        await check(request, context)
        statement = select(Order).order_by(Order.create_time.desc(), Order.order_id.desc())
        if request.filter.customer_id:
            statement = statement.where(Order.customer_id == request.filter.customer_id)
        if request.limit:
            statement = statement.limit(request.limit)
        async with self._sessions() as session:
            async for order in await session.stream_scalars(statement.execution_options(yield_per=500)):
                yield order_service_pb2.ListOrdersResponse(orders=[order_message(order)])

    async def BatchUpsertOrders(
        self, request: order_service_pb2.BatchUpsertOrdersRequest, context: grpc.aio.ServicerContext
    ) -> order_service_pb2.BatchUpsertOrdersResponse:
        await check(request, context)
        response = order_service_pb2.BatchUpsertOrdersResponse()
        async with self._sessions.begin() as session:
            for index, wished in enumerate(request.orders):
                outcome, order = await upsert(session, request.source, wished)
                response.results.add(
                    index=index,
                    external_order_id=wished.external_order_id,
                    outcome=outcome,
                    order_id=str(order.order_id),
                    etag=str(order.version),
                )
        outcomes = [result.outcome for result in response.results]
        response.inserted = outcomes.count(order_service_pb2.UPSERT_OUTCOME_INSERTED)
        response.updated = outcomes.count(order_service_pb2.UPSERT_OUTCOME_UPDATED)
        response.unchanged = outcomes.count(order_service_pb2.UPSERT_OUTCOME_UNCHANGED)
        return response


async def check(request: Message, context: grpc.aio.ServicerContext) -> None:
    try:
        protovalidate.validate(request)
    except protovalidate.ValidationError as error:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))


async def lock_products(
    session: AsyncSession, request: order_service_pb2.CreateOrderRequest, context: grpc.aio.ServicerContext
) -> dict[str, Product]:
    """Locks the products' rows in one order, checks their stock and takes it."""
    wanted = {item.product_id for item in request.items}
    found = await session.scalars(
        select(Product).where(Product.product_id.in_(wanted)).order_by(Product.product_id).with_for_update()
    )
    products = {product.product_id: product for product in found}
    for item in request.items:
        product = products.get(item.product_id)
        if product is None:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"no product {item.product_id}")
        if product.stock < item.quantity:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"not enough of {item.product_id}")
        product.stock -= item.quantity
    return products


def new_order(request: order_service_pb2.CreateOrderRequest, products: dict[str, Product]) -> Order:
    items = [
        OrderItem(
            position=position,
            product_id=line.product_id,
            sku="",
            name=products[line.product_id].name,
            quantity=line.quantity,
            unit_price_minor=products[line.product_id].price_minor,
        )
        for position, line in enumerate(request.items)
    ]
    address = request.shipping_address
    return Order(
        order_id=uuid.uuid4(),
        customer_id=request.customer_id,
        status=order_pb2.ORDER_STATUS_PENDING,
        payment_status=order_pb2.PAYMENT_STATUS_UNPAID,
        name=address.name,
        street=address.street,
        city=address.city,
        state=address.state,
        postal_code=address.postal_code,
        country=address.country,
        currency=products[request.items[0].product_id].currency,
        total_minor=sum(item.unit_price_minor * item.quantity for item in items),
        items=items,
    )


async def upsert(session: AsyncSession, source: str, wished: order_service_pb2.UpsertOrder) -> tuple[int, Order]:
    """Inserts or updates one order by its external id; leaves it alone if nothing differs."""
    order = await session.scalar(
        select(Order).where(Order.source == source, Order.external_order_id == wished.external_order_id)
    )
    outcome = order_service_pb2.UPSERT_OUTCOME_UPDATED
    if order is None:
        outcome = order_service_pb2.UPSERT_OUTCOME_INSERTED
        order = Order(
            order_id=uuid.uuid4(),
            source=source,
            external_order_id=wished.external_order_id,
            status=order_pb2.ORDER_STATUS_PENDING,
            payment_status=order_pb2.PAYMENT_STATUS_UNPAID,
            version=0,
            items=[],
        )
        session.add(order)
    elif not differs(order, wished):
        return order_service_pb2.UPSERT_OUTCOME_UNCHANGED, order
    order.version += 1
    order.update_time = now()
    fill(order, wished)
    type_ = "imported" if outcome == order_service_pb2.UPSERT_OUTCOME_INSERTED else "updated"
    session.add(
        OrderEvent(order_id=order.order_id, version=order.version, type=type_, request_id="", status=order.status)
    )
    return outcome, order


def differs(order: Order, wished: order_service_pb2.UpsertOrder) -> bool:
    customer = wished.customer
    return (
        (order.customer_id, order.customer_name, order.customer_email, order.customer_phone)
        != (customer.customer_id, customer.name, customer.email, customer.phone)
        or order.street != wished.address_text
        or [(item.sku, item.name, item.quantity, item.unit_price_minor) for item in order.items]
        != [(line.sku, line.name, line.quantity, minor(line.unit_price)) for line in wished.items]
    )


def fill(order: Order, wished: order_service_pb2.UpsertOrder) -> None:
    customer = wished.customer
    order.customer_id, order.customer_name = customer.customer_id, customer.name
    order.customer_email, order.customer_phone = customer.email, customer.phone
    order.street = wished.address_text
    order.currency = wished.items[0].unit_price.currency_code
    kept = {item.position: item for item in order.items}
    order.items = [
        fill_item(kept.get(position) or OrderItem(position=position, product_id=""), line)
        for position, line in enumerate(wished.items)
    ]
    order.total_minor = sum(item.unit_price_minor * item.quantity for item in order.items)


def fill_item(item: OrderItem, line: order_service_pb2.UpsertOrderItem) -> OrderItem:
    item.sku, item.name, item.quantity = line.sku, line.name, line.quantity
    item.unit_price_minor = minor(line.unit_price)
    return item
