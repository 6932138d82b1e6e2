"""The statements that write customers, with the columns by which they are found."""

from datetime import datetime
from typing import NamedTuple

from orders.v1.customer_service_pb2 import CustomerAccount

from server.domain.customers.contacts import contact_of
from server.storage import sql
from server.storage.schema.tables import customers
from server.storage.write.statements import insert_rows, update_rows


class CustomerRow(NamedTuple):
    """A row of `customers`."""

    customer_id: str
    snapshot: bytes
    update_time: datetime
    email: str
    phone: str
    name: str


CUSTOMER_COLUMNS = sql.columns_for(customers, CustomerRow)
INSERT_CUSTOMERS = insert_rows(customers, CUSTOMER_COLUMNS)
UPDATE_CUSTOMERS = update_rows(customers, CUSTOMER_COLUMNS)


def customer_row(customer_id: str, snapshot: bytes, update_time: datetime) -> CustomerRow:
    """The row of an account."""
    contact = contact_of(CustomerAccount.FromString(snapshot).customer)
    return CustomerRow(customer_id, snapshot, update_time, *contact)
