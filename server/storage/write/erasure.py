"""EraseCustomer: the customer's account, carts, orders and stored requests, one small transaction after the other.

Each transaction is complete, and erased data is not found again, so an interrupted call can be repeated.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from google.protobuf.message import Message
from orders.v1.customer_service_pb2 import EraseCustomerRequest, EraseCustomerResponse
from orders.v1.error_reason_pb2 import ERROR_REASON_CUSTOMER_HAS_OPEN_ORDERS
from orders.v1.write_effects_pb2 import WriteEffects

from server.domain.base.caller import Caller
from server.domain.base.errors import Refusal
from server.domain.base.methods import request_type_of, response_type_of
from server.domain.base.personal_data import erased_of, names_customer
from server.domain.customers.accounts import customer_not_found
from server.domain.operations import Command
from server.domain.orders.erase import EraseAccount, EraseCarts, EraseOrders
from server.storage.database import Database, Row
from server.storage.read.customers import CustomerRepository
from server.storage.references import BEFORE_ALL
from server.storage.write import erase_statements as statements
from server.storage.write.changes import columns_of, names_of
from server.storage.write.writer import Writer

# Orders, and events of orders, of a transaction.
_ORDERS_AT_ONCE, _EVENTS_AT_ONCE = 50, 2000
# Blocks of stored requests that are searched at once: 16 MiB.
_BLOCKS_AT_ONCE = 2048
_CARTS_AT_ONCE = 20
# Seconds that are kept for the response.
_MARGIN = 2.0
_FIRST = datetime(1, 1, 2, tzinfo=UTC)


class Erasure:
    """Erases customers. Methods raise CUSTOMER_NOT_FOUND, CUSTOMER_HAS_OPEN_ORDERS and DEPENDENCY_UNAVAILABLE."""

    def __init__(self, database: Database, *, writer: Writer, customers: CustomerRepository) -> None:
        self._database, self._writer, self._customers = database, writer, customers

    async def erase(
        self,
        request: EraseCustomerRequest,
        caller: Caller,
        time_remaining: Callable[[], float],
        *,
        effects: WriteEffects | None,
    ) -> EraseCustomerResponse:
        """Erases the remaining data of a customer, as far as time allows. Adds the effects of a dry run to `effects`."""
        customer_id = request.customer_id
        if not request.include_open_orders:
            await self._check_open_orders(customer_id)
        if not await self._exists(customer_id):
            raise customer_not_found(customer_id)
        erased = EraseCustomerResponse(customer_id=customer_id)
        async for part in self._erase(request, caller, effects):
            erased.erased_orders += part.erased_orders
            erased.erased_carts += part.erased_carts
            erased.erased_requests += part.erased_requests
            if time_remaining() < _MARGIN:
                return erased
        erased.complete = True
        return erased

    async def _erase(
        self, request: EraseCustomerRequest, caller: Caller, effects: WriteEffects | None
    ) -> AsyncIterator[EraseCustomerResponse]:
        customer_id, dry = request.customer_id, request.validate_only
        # New orders copy the contact of the account, so that is erased first.
        yield await self._execute(EraseAccount(customer_id, dry), caller, effects)
        if not dry:
            async with self._database.connection() as connection:
                for statement in (statements.ERASE_POINTS, statements.ERASE_AUDIT_EVENTS):
                    await connection.execute(statement.text, {"customer_id": customer_id})
        carts = await self._database.fetch(statements.CARTS_OF, needle=customer_id.encode())
        for cart_ids in _parts([cart_id for (cart_id,) in carts], _CARTS_AT_ONCE):
            yield await self._execute(EraseCarts(customer_id, cart_ids, dry), caller, effects)
        async for order_ids in self._due_orders(request):
            orders = EraseOrders(customer_id, order_ids, request.include_open_orders, dry)
            yield await self._execute(orders, caller, effects)
        async for count in self._erase_requests(customer_id, dry=dry):
            yield EraseCustomerResponse(erased_requests=count)

    async def _execute(self, request: object, caller: Caller, effects: WriteEffects | None) -> EraseCustomerResponse:
        answer = await self._writer.execute(Command(request, caller, explain=effects is not None))
        if effects is not None and answer.effects is not None:
            effects.MergeFrom(answer.effects)
        return EraseCustomerResponse.FromString(answer.body)

    async def _check_open_orders(self, customer_id: str) -> None:
        found = [
            order_id for (order_id,) in await self._database.fetch(statements.OPEN_ORDERS, customer_id=customer_id)
        ]
        if found:
            text = (
                f"customer {customer_id!r} has open orders, among them {found[0]}; "
                "finish or cancel them first, or send include_open_orders"
            )
            metadata = {"customer_id": customer_id, "order_ids": ", ".join(found)}
            raise Refusal(ERROR_REASON_CUSTOMER_HAS_OPEN_ORDERS, text, metadata=metadata)

    async def _exists(self, customer_id: str) -> bool:
        if await self._customers.is_known(customer_id):
            return True
        return bool(await self._database.fetch(statements.CARTS_OF, needle=customer_id.encode()))

    async def _due_orders(self, request: EraseCustomerRequest) -> AsyncIterator[list[str]]:
        """The ids of the orders that are not erased yet, in parts whose events fit into a transaction."""
        since, after = _FIRST, BEFORE_ALL
        while True:
            page = await self._database.fetch(
                statements.DUE_ORDERS,
                customer_id=request.customer_id,
                since=since,
                after=after,
                include_open=request.include_open_orders,
                limit=_ORDERS_AT_ONCE,
            )
            for order_ids in _by_events(page):
                yield order_ids
            if len(page) < _ORDERS_AT_ONCE:
                return
            after, _, since = page[-1]

    async def _erase_requests(self, customer_id: str, *, dry: bool) -> AsyncIterator[int]:
        ((blocks,),) = await self._database.fetch(statements.REQUEST_BLOCKS)
        for block in range(0, blocks, _BLOCKS_AT_ONCE):
            place = {"first": f"({block},0)", "last": f"({block + _BLOCKS_AT_ONCE},0)"}
            found = await self._database.fetch(
                statements.REQUESTS_OF, needle=customer_id.encode(), customer_id=customer_id, **place
            )
            rows = [row for row in (_erased_request(row, customer_id) for row in found) if row is not None]
            if rows and not dry:
                parameters = columns_of(names_of(statements.ERASED_REQUEST_COLUMNS), rows)
                async with self._database.connection() as connection:
                    await connection.execute(statements.ERASE_REQUESTS.text, statements.ERASE_REQUESTS.bind(parameters))
            yield len(rows)


def _parts(items: Sequence[str], size: int) -> list[list[str]]:
    return [list(items[start : start + size]) for start in range(0, len(items), size)]


def _by_events(page: Sequence[Row]) -> list[list[str]]:
    """Splits the orders of a page into parts with a maximum number of events, but at least one order each."""
    parts: list[list[str]] = []
    room = 0
    for order_id, version, _ in page:
        if not parts or version > room:
            parts.append([])
            room = _EVENTS_AT_ONCE
        parts[-1].append(order_id)
        room -= version
    return parts


def _erased_request(row: Row, customer_id: str) -> Row | None:
    """A stored request without a customer's personal data; None if it has none."""
    *key, request, response = row
    messages: list[Any] = [request_type_of(key[1]).FromString(request), response_type_of(key[1]).FromString(response)]
    default = _is_about(messages, customer_id)
    cleaned = [_serialized(erased_of(message, customer_id, default=default)) for message in messages]
    return None if cleaned == [request, response] else (*key, *cleaned)


def _is_about(messages: Sequence[Message], customer_id: str) -> bool:
    """Whether a whole request concerns one customer. One that names no customer was found by its order."""
    named = {names_customer(message, customer_id) for message in messages}
    batch = any(len(getattr(message, "orders", ())) for message in messages)
    return True in named or (named == {None} and not batch)


def _serialized(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)
