"""orders.v1.CustomerService."""

from collections.abc import Sequence
from uuid import UUID

from google.protobuf.message import Message
from orders.v1.customer_service_pb2 import (
    CustomerAccount,
    EraseCustomerRequest,
    EraseCustomerResponse,
    ExportCustomerRequest,
    GetCustomerRequest,
    ListCustomersRequest,
    ListCustomersResponse,
    ListPointsEntriesRequest,
    ListPointsEntriesResponse,
    PointsEntry,
    SearchCustomersRequest,
    SearchCustomersResponse,
)
from orders.v1.order_pb2 import Customer

from server.domain.base import page_tokens as tokens
from server.domain.base.errors import invalid_field
from server.domain.customers.contacts import Contact, contact_of
from server.rpc.customer_export import export
from server.rpc.endpoint import Call
from server.rpc.paging import read_page
from server.storage.read.customer_data import CustomerDataRepository
from server.storage.read.customers import CustomerRepository
from server.storage.write.erasure import Erasure


class CustomerServicer:
    """Each method makes one call and returns."""

    def __init__(self, *, customers: CustomerRepository, data: CustomerDataRepository, erasure: Erasure) -> None:
        self._customers, self._data, self._erasure = customers, data, erasure

    async def GetCustomer(self, request: GetCustomerRequest, call: Call) -> CustomerAccount:
        return await self._customers.get(request.customer_id)

    async def ListCustomers(self, request: ListCustomersRequest, call: Call) -> bytes:
        return await self._page(request, ListCustomersRequest(), ListCustomersResponse(), Contact("", "", ""))

    async def SearchCustomers(self, request: SearchCustomersRequest, call: Call) -> bytes:
        contact = contact_of(Customer(email=request.email, phone=request.phone, name=request.name))
        if not any(contact):
            raise invalid_field("email", "set email, phone or name; ListCustomers lists all customers")
        query = SearchCustomersRequest(email=request.email, phone=request.phone, name=request.name)
        return await self._page(request, query, SearchCustomersResponse(), contact)

    async def _page(self, request: Message, query: Message, response: Message, contact: Contact) -> bytes:
        return await read_page(
            request,
            query,
            response,
            first="",
            read=lambda after, limit: self._customers.search(contact, after=after, limit=limit),
            key_of=lambda account: str(account.customer.customer_id),
        )

    async def EraseCustomer(self, request: EraseCustomerRequest, call: Call) -> EraseCustomerResponse:
        return await self._erasure.erase(request, call.caller, call.time_remaining, effects=call.effects)

    async def ExportCustomer(self, request: ExportCustomerRequest, call: Call) -> None:
        await export(self._data, request, call)

    async def ListPointsEntries(self, request: ListPointsEntriesRequest, call: Call) -> bytes:
        customer_id = request.customer_id

        async def read(before: str, limit: int) -> Sequence[PointsEntry]:
            return await self._customers.points_page(customer_id, before=_entry_id(before), limit=limit)

        return await read_page(
            request,
            ListPointsEntriesRequest(customer_id=customer_id),
            ListPointsEntriesResponse(points_balance=await self._customers.balance(customer_id)),
            first="",
            read=read,
            key_of=lambda entry: str(entry.entry_id),
        )


def _entry_id(text: str) -> str:
    """The id of an entry, or ''. Refuses an invalid id of a forged token."""
    try:
        return text and str(UUID(text))
    except ValueError as error:
        raise tokens.token_invalid("page_token") from error
