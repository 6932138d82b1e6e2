"""Helpers that several dialects share."""

from collections.abc import Mapping
from typing import Any

from google.rpc import code_pb2

from server.gateway.dialects.tables import Json, Table, choice, enums, whole
from server.gateway.errors import HttpError, reason_of

STATUS = "ORDER_STATUS_"

FILTER: Table = {
    "customer_id": "filter.customer_id",
    "user_id": "filter.customer_id",
    "status": enums("filter.statuses", STATUS),
}
_SORT: Mapping[str, str] = {
    "createdAt": "ORDER_BY_CREATE_TIME",
    "updatedAt": "ORDER_BY_UPDATE_TIME",
    "totalAmount": "ORDER_BY_TOTAL",
}
SORTING: Table = {
    "sortBy": choice("order_by", _SORT),
    "sortOrder": choice("sort_order", {"asc": "SORT_ORDER_ASC", "desc": "SORT_ORDER_DESC"}),
}


def code_of(error: HttpError) -> str:
    return reason_of(error.status) or code_pb2.Code.Name(error.status.code)


def small_error(error: HttpError, _: str) -> tuple[int, Any]:
    """An error in the form of 000, also for documents that do not define errors."""
    reason = reason_of(error.status)
    code = "invalid_parameter" if reason == "INVALID_ORDER_DATA" else code_of(error).lower()
    return error.http_status, {"error": {"code": code, "message": error.status.message}}


def pages(query: dict[str, str]) -> Json:
    """Numbered pages as positions."""
    size = whole(query.pop("limit", 20), least=1, name="limit")
    page = whole(query.pop("page", 1), least=1, name="page")
    return {"page_size": size, "skip": (page - 1) * size}
