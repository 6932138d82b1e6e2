"""Reads what a batch of commands needs, locked in key order: orders first, then stock."""

from collections.abc import Sequence
from datetime import UTC, datetime

from orders.v1.order_pb2 import Order, OrderEvent
from psycopg import AsyncConnection, AsyncCursor
from uuid_utils import uuid7

from server.domain.commands import Command, Needs, needs_of, orders_to_number
from server.domain.create import order_number
from server.domain.idempotency import Key, Remembered
from server.domain.state import State
from server.domain.stock import held_by
from server.storage import statements
from server.storage.database import Row
from server.storage.projections import timestamp_of
from server.storage.references import split_references
from server.storage.sql import Statement

Pending = AsyncCursor[Row] | None


async def read_state(connection: AsyncConnection[Row], commands: Sequence[Command]) -> State:
    """Begins a transaction and reads. Two flights to the server at most: what to give back is known from the orders only."""
    needs = [needs_of(command) for command in commands]
    state = State(new_order_id=lambda: str(uuid7()))
    async with connection.pipeline():
        await connection.execute("BEGIN")
        await _read_orders(connection, needs, state)
        stock, products = await _send_stock(connection, needs, state)
        history = await _send_history(connection, needs, state)
        numbers = await _send_numbers(connection, needs, state)
        # Last, behind the locks: where another replica carried out the same request, its answer is seen, not only its effect.
        remembered = await _send_keys(connection, commands)
        for caller, method, request_id, request, response in await _rows(remembered):
            state.remembered[Key(caller, method, request_id)] = Remembered(request, response)
        state.products = dict(await _rows(products))
        for product_id, variant_id, available in await _rows(stock):
            state.stock[product_id, variant_id] = available
        for (event,) in await _rows(history):
            message = OrderEvent.FromString(event)
            state.history.setdefault(message.order_id, []).append(message)
        # Only now that every lock is held: what waited for another batch has not happened before it.
        now = datetime.now(UTC)
        state.time = timestamp_of(now)
        state.order_numbers = [order_number(now.year, count) for (count,) in reversed(await _rows(numbers))]
    return state


async def _send(connection: AsyncConnection[Row], statement: Statement, **parameters: object) -> AsyncCursor[Row]:
    return await connection.execute(statement.text, parameters, prepare=True, binary=True)


async def _rows(pending: Pending) -> list[Row]:
    return [] if pending is None else await pending.fetchall()


async def _send_keys(connection: AsyncConnection[Row], commands: Sequence[Command]) -> Pending:
    keys = sorted({key for command in commands if (key := command.key) is not None})
    if not keys:
        return None
    callers, methods, request_ids = map(list, zip(*keys, strict=True))
    return await _send(
        connection, statements.READ_IDEMPOTENCY_KEYS, caller=callers, method=methods, request_id=request_ids
    )


async def _read_orders(connection: AsyncConnection[Row], needs: Sequence[Needs], state: State) -> None:
    named = imported = None
    order_ids, order_numbers = split_references(reference for need in needs for reference in need.orders)
    if order_ids or order_numbers:
        named = await _send(connection, statements.LOCK_ORDERS, order_ids=order_ids, order_numbers=order_numbers)
    # An id that breaks its rule is refused when its turn comes; the database could not take every such text.
    external = sorted({key for need in needs for key in need.external if key[1].isprintable()})
    if external:
        sources, ids = map(list, zip(*external, strict=True))
        imported = await _send(connection, statements.LOCK_IMPORTED_ORDERS, source=sources, external_order_id=ids)
    for pending in (named, imported):
        for (snapshot,) in await _rows(pending):
            state.add_order(Order.FromString(snapshot))


async def _send_stock(
    connection: AsyncConnection[Row], needs: Sequence[Needs], state: State
) -> tuple[Pending, Pending]:
    """The shelves and their products. In this order: a product is read as it is once its shelves are locked."""
    product_ids = {product_id for need in needs for product_id in need.products}
    if any(need.held_stock for need in needs):
        product_ids.update(product_id for order in state.orders.values() for product_id, _ in held_by(order))
    if not product_ids:
        return None, None
    wanted = sorted(product_ids)
    replaced = any(need.replaces_products for need in needs)
    read = statements.LOCK_PRODUCTS if replaced else statements.READ_PRODUCTS
    stock = await _send(connection, statements.LOCK_INVENTORY, product_ids=wanted)
    return stock, await _send(connection, read, product_ids=wanted)


async def _send_history(connection: AsyncConnection[Row], needs: Sequence[Needs], state: State) -> Pending:
    references = (reference for need in needs if need.history for reference in need.orders)
    order_ids = [order.order_id for reference in references if (order := state.find(reference)) is not None]
    return await _send(connection, statements.READ_HISTORY, order_ids=order_ids) if order_ids else None


async def _send_numbers(connection: AsyncConnection[Row], needs: Sequence[Needs], state: State) -> Pending:
    count = sum(orders_to_number(need, state) for need in needs)
    return await _send(connection, statements.NEXT_ORDER_NUMBERS, count=count) if count > 0 else None
