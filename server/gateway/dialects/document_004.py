"""Document 004: an order upsert for integrations. Its records have the names that the import knows."""

import re
from typing import Any

from google.rpc import error_details_pb2

from server.gateway.dialects.dialect import Dialect, Route
from server.gateway.dialects.tables import Field, Table, items, same, to_theirs
from server.gateway.errors import HttpError, detail
from server.transfer.shapes import LINE_NAMES, ORDER_NAMES
from server.transfer.values import decimal_money

# The source of all orders, because the document names none.
SOURCE = "integration"

_WITHIN = {
    "customer_id": "customer.customer_id",
    "customer_name": "customer.name",
    "email": "customer.email",
    "phone": "customer.phone",
}
_ORDER = {theirs: _WITHIN.get(ours, ours) for theirs, ours in ORDER_NAMES.items()}
_LISTS = {"orders": "data", "items": "products"}
_RESPONSE: Table = same("message", "skipped", "inserted", "updated")


def document(currency: str) -> Dialect:
    """The dialect, whose amounts are in this currency."""
    body = {"data": items("orders", _record(currency))}
    upsert = Route(
        "POST",
        "/api/integration/orders",
        "BatchUpsertOrders",
        lambda found, _: to_theirs(_RESPONSE, found),
        body=body,
        fixed={"source": SOURCE},
    )
    return Dialect(name="004", at_root=True, fault=_error, routes=(upsert,))


def _record(currency: str) -> Table:
    money = decimal_money(currency)
    amounts = {"total": money, "discount": money, "unit_price": money}
    line = {theirs: Field(ours, amounts.get(ours)) for theirs, ours in LINE_NAMES.items()}
    order = {theirs: Field(ours, amounts.get(ours)) for theirs, ours in _ORDER.items()}
    return {**order, "products": items("items", line)}


def _error(error: HttpError, _: str) -> tuple[int, Any]:
    bad = detail(error.status, error_details_pb2.BadRequest)
    if error.http_status != 400:
        return error.http_status, {"error": error.status.message}
    first = bad.field_violations[0] if bad and bad.field_violations else None
    path, text = (_their_path(first.field), first.description) if first else ("", error.status.message)
    return 400, {"path": path, "error": text}


def _their_path(path: str) -> str:
    """The path of a field in their names."""
    names = {ours: theirs for theirs, ours in (LINE_NAMES if ".items[" in path else _ORDER).items()} | _LISTS
    head, _, last = path.rpartition("].")
    known = names.get(last, last)
    return re.sub("orders|items", lambda found: _LISTS[found[0]], f"{head}]." if head else "") + known
