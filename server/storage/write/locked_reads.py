"""Reads what a batch of commands needs, where it is to be written with locks, always in the same order of tables and keys."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter

from orders.v1.order_pb2 import Order, OrderEvent, PaymentEvent
from psycopg import AsyncConnection, AsyncCursor
from uuid_utils import uuid7

from server.domain.base.idempotency import Key, Remembered
from server.domain.base.records import Kind
from server.domain.base.state import Same, State
from server.domain.commands import Command
from server.domain.needs import Needs, needs_of, orders_to_number
from server.domain.orders.create import order_number
from server.domain.orders.invoices import Series
from server.domain.orders.upsert import sent_hash
from server.domain.pricing.quotes import Terms
from server.storage.database import Row
from server.storage.fairness import next_turn
from server.storage.projections import timestamp_of
from server.storage.references import Reference, split_references
from server.storage.sql import Statement
from server.storage.wanted import Wanted, keys_of, wanted_by
from server.storage.write import statements

# Takes in rows, those of one statement all at once or a few at a time.
Take = Callable[[list[Row]], object]

# Rows after which others get a turn: an order's takes some microseconds.
_AT_ONCE = 100

# Whoever only looks sees all tables as of one moment.
_LOOK = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


async def read_state(
    connection: AsyncConnection[Row], commands: Sequence[Command], *, terms: Terms, lock: bool
) -> State:
    """Begins a transaction and reads; without locks, ends it too.

    Two flights to the server at most: what orders and carts refer to is known from them only.
    """
    state = State(new_id=lambda: str(uuid7()), terms=terms)
    async with connection.pipeline():
        await connection.execute("BEGIN" if lock else _LOOK)
        reader = _Reader(connection, [needs_of(command) for command in commands], state, lock)
        await reader.send_orders()
        await reader.send_carts()
        await reader.land()
        await reader.send_differing()
        await reader.send_related()
        await reader.send_payments()
        await reader.send_document_numbers()
        await reader.send_history()
        numbers: list[int] = []
        if lock:
            await reader.send_order_numbers(numbers)
        # Last, behind the locks: where another replica carried out the same request, its answer is seen, not only its effect.
        await reader.send_keys(commands)
        if not lock:
            # Nothing was written. A ROLLBACK would make psycopg forget, in the middle of its next flight, what it has prepared.
            await connection.execute("COMMIT")
        await reader.land()
    # Only now that every lock is held: what waited for another batch has not happened before it.
    now = datetime.now(UTC)
    state.time = timestamp_of(now)
    state.order_numbers = [order_number(now.year, count) for count in reversed(numbers)]
    return state


class _Reader:
    """Sends the statements that fill a state, and takes in their rows when they land."""

    def __init__(self, connection: AsyncConnection[Row], needs: Sequence[Needs], state: State, lock: bool) -> None:
        self._connection, self._needs, self._state, self._lock = connection, needs, state, lock
        self._replaced = {need.replaces for need in needs} if lock else set()
        self._sent: list[tuple[AsyncCursor[Row], Take]] = []
        self._differing: list[str] = []

    async def _send(self, statement: Statement, take: Take, **parameters: object) -> None:
        cursor = await self._connection.execute(statement.text, statement.bind(parameters), prepare=True, binary=True)
        self._sent.append((cursor, take))

    async def land(self) -> None:
        """Waits for what was sent, if anything was."""
        for cursor, take in self._sent:
            rows = await cursor.fetchall()
            take(rows[:_AT_ONCE])
            for start in range(_AT_ONCE, len(rows), _AT_ONCE):
                await next_turn()
                take(rows[start : start + _AT_ONCE])
        self._sent.clear()

    async def send_orders(self) -> None:
        references = split_references(Reference(name, need.owner) for need in self._needs for name in need.orders)
        if any(references):
            statement = statements.ORDERS.choose(lock=self._lock)
            await self._send(statement, self._take_orders, **references._asdict())
        # An id that breaks its rule is refused when its turn comes; the database could not take every such text.
        external = sorted({key for need in self._needs for key in need.external if key[1].isprintable()})
        for source, keys in groupby(external, key=itemgetter(0)):
            ids = [external_order_id for _, external_order_id in keys]
            statement = statements.IMPORTED_ORDERS.choose(lock=self._lock)
            await self._send(statement, self._take_imported_orders, source=source, external_order_id=ids)

    def _take_orders(self, rows: list[Row]) -> None:
        for (snapshot,) in rows:
            self._state.add_order(Order.FromString(snapshot))

    def _take_imported_orders(self, rows: list[Row]) -> None:
        for source, external_order_id, order_id, version, sent in rows:
            key = (source, external_order_id)
            wished = (need.external[key] for need in self._needs if key in need.external)
            if sent is not None and all(sent_hash(each, version) == sent for each in wished):
                self._state.same[key] = Same(order_id, str(version))
            else:
                self._differing.append(order_id)

    async def send_differing(self) -> None:
        """Imported orders of which something else is sent now."""
        if self._differing:
            await self._send(statements.READ_SNAPSHOTS, self._take_orders, order_ids=self._differing)

    async def send_carts(self) -> None:
        cart_ids = (cart_id for need in self._needs for cart_id in need.carts)
        await self._send_records(Kind.CART, cart_ids, lock=self._lock)

    async def send_related(self) -> None:
        """What the commands name, and what their orders and carts refer to."""
        wanted = wanted_by(self._needs, self._state)
        if Kind.CUSTOMER in self._replaced:
            await self._send_records(Kind.CUSTOMER, wanted.customers, lock=True)
        await self._send_records(Kind.COUPON, wanted.coupons, lock=self._lock)
        await self._send_uses(wanted)
        if Kind.ZONE in self._replaced:
            await self._connection.execute(statements.LOCK_ZONES.text)
        await self._send_points(wanted)
        await self._send_stock(wanted)
        if Kind.PRODUCT in self._replaced:
            await self._send_records(Kind.PRODUCT, wanted.products, lock=True)
        await self._send_unlocked(wanted)

    async def _send_unlocked(self, wanted: Wanted) -> None:
        """Products, customers and zones. Behind the locks: a product is read as it is once its shelves are locked."""
        product_ids = [] if Kind.PRODUCT in self._replaced else keys_of(wanted.products)
        customer_ids = [] if Kind.CUSTOMER in self._replaced else keys_of(wanted.customers)
        zones = any(need.zones for need in self._needs)
        if not (product_ids or customer_ids or zones):
            return

        def take(rows: list[Row]) -> None:
            for kind, key, snapshot in rows:
                self._state.records(Kind(kind)).stored[key] = snapshot

        await self._send(statements.READ_RECORDS, take, products=product_ids, customers=customer_ids, zones=zones)

    async def _send_records(self, kind: Kind, keys: Iterable[str], *, lock: bool) -> None:
        wanted = keys_of(keys)
        if wanted:
            stored = self._state.records(kind).stored
            await self._send(statements.RECORDS[kind].read.choose(lock=lock), stored.update, keys=wanted)

    async def _send_uses(self, wanted: Wanted) -> None:
        if not wanted.uses:
            return

        def take(rows: list[Row]) -> None:
            self._state.coupon_uses.values.update({(code, customer_id): used for code, customer_id, used in rows})

        codes, customer_ids = map(list, zip(*sorted(wanted.uses), strict=True))
        statement = statements.COUPON_USES.choose(lock=self._lock)
        await self._send(statement, take, code=codes, customer_id=customer_ids)

    async def _send_points(self, wanted: Wanted) -> None:
        customer_ids = keys_of(wanted.points)
        if customer_ids:
            statement = statements.POINTS.choose(lock=self._lock)
            await self._send(statement, self._state.points.values.update, customer_ids=customer_ids)

    async def _send_stock(self, wanted: Wanted) -> None:
        product_ids = keys_of(wanted.products)
        if not product_ids:
            return
        stock, reserved = self._state.stock.values, self._state.reserved.values

        def take(rows: list[Row]) -> None:
            for product_id, variant_id, available, held in rows:
                stock[product_id, variant_id] = available
                reserved[product_id, variant_id] = held

        await self._send(statements.INVENTORY.choose(lock=self._lock), take, product_ids=product_ids)

    async def send_payments(self) -> None:
        keys = sorted({key for need in self._needs for key in need.payments})
        if not keys:
            return

        def take(rows: list[Row]) -> None:
            for provider, event_id, order_id, event in rows:
                self._state.payments[provider, event_id] = (str(order_id), PaymentEvent.FromString(event))

        providers, event_ids = map(list, zip(*keys, strict=True))
        await self._send(statements.READ_PAYMENTS, take, provider=providers, event_id=event_ids)

    async def send_document_numbers(self) -> None:
        """This year's. Should the year be over when the locks are held, the next one's first number is inserted or met again."""
        if not any(need.documents for need in self._needs):
            return

        def take(rows: list[Row]) -> None:
            self._state.documents.values.update({Series(prefix, year): last for prefix, year, last in rows})

        statement = statements.DOCUMENT_NUMBERS.choose(lock=self._lock)
        await self._send(statement, take, year=datetime.now(UTC).year)

    async def send_history(self) -> None:
        references = (reference for need in self._needs if need.history for reference in need.orders)
        found = (self._state.find(reference) for reference in references)
        order_ids = sorted({order.order_id for order in found if order is not None})
        if order_ids:
            await self._send(statements.READ_HISTORY, self._take_history, order_ids=order_ids)

    def _take_history(self, rows: list[Row]) -> None:
        for (event,) in rows:
            message = OrderEvent.FromString(event)
            self._state.history.setdefault(message.order_id, []).append(message)

    async def send_order_numbers(self, numbers: list[int]) -> None:
        count = sum(orders_to_number(need, self._state) for need in self._needs)
        if count > 0:
            take: Take = lambda rows: numbers.extend(number for (number,) in rows)  # noqa: E731
            await self._send(statements.NEXT_ORDER_NUMBERS, take, count=count)

    async def send_keys(self, commands: Sequence[Command]) -> None:
        keys = sorted({key for command in commands if (key := command.key) is not None})
        if keys:
            callers, methods, request_ids = map(list, zip(*keys, strict=True))
            statement = statements.READ_IDEMPOTENCY_KEYS
            await self._send(statement, self._take_keys, caller=callers, method=methods, request_id=request_ids)

    def _take_keys(self, rows: list[Row]) -> None:
        for caller, method, request_id, request, response in rows:
            self._state.remembered[Key(caller, method, request_id)] = Remembered(request, response)
