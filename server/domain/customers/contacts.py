"""Contacts in the normalized form for searches."""

import re
from typing import NamedTuple

from orders.v1.order_pb2 import Customer

_NOT_DIALLED = re.compile("[^0-9]")


class Contact(NamedTuple):
    """A customer's e-mail address, phone number and name, normalized for comparison."""

    email: str
    phone: str
    name: str


def contact_of(customer: Customer) -> Contact:
    """Returns the normalized contact, without NUL, which PostgreSQL cannot store in a text."""
    return Contact(
        email=customer.email.replace("\0", "").strip().casefold(),
        phone=_NOT_DIALLED.sub("", customer.phone).lstrip("0"),
        name=" ".join(customer.name.replace("\0", "").split()).casefold(),
    )
