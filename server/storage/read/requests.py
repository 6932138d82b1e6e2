"""Reads of writes by request id."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from google.protobuf.any_pb2 import Any
from orders.v1.order_pb2 import Order
from orders.v1.order_service_pb2 import (
    REQUEST_STATE_DONE,
    REQUEST_STATE_UNKNOWN,
    DoneRequest,
    GetRequestResponse,
)
from sqlalchemy import Text, Uuid, func, select

from server.domain.base.methods import WRITES, response_type_of
from server.storage import sql
from server.storage.database import Database
from server.storage.projections import timestamp_of
from server.storage.references import as_order_id
from server.storage.schema.tables import idempotency_keys, order_events, orders


class _Done(NamedTuple):
    method: str
    response: bytes
    create_time: datetime


# By the whole primary key: a caller can have millions of requests.
_DONE = sql.query(
    _Done,
    select(idempotency_keys.c.method, idempotency_keys.c.response, idempotency_keys.c.create_time)
    .where(
        idempotency_keys.c.caller == sql.parameter("caller", Text()),
        idempotency_keys.c.method == func.any(sql.array("methods", Text())),
        idempotency_keys.c.request_id == sql.parameter("request_id", Text()),
    )
    .order_by(idempotency_keys.c.create_time, idempotency_keys.c.method),
)
_VERSIONS = sql.compiled(
    select(
        orders.c.version,
        select(func.max(order_events.c.version))
        .where(
            order_events.c.order_id == orders.c.order_id,
            order_events.c.request_id == sql.parameter("request_id", Text()),
        )
        .scalar_subquery(),
    ).where(orders.c.order_id == sql.parameter("order_id", Uuid()))
)


class RequestRepository:
    """Writes by request id. Methods raise DEPENDENCY_UNAVAILABLE."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, caller: str, request_id: str) -> GetRequestResponse:
        """The outcome of a caller's request with an id."""
        found = await self._database.fetch_named(_DONE, caller=caller, methods=WRITES, request_id=request_id)
        state = REQUEST_STATE_DONE if found else REQUEST_STATE_UNKNOWN
        done = [await self._done(row, request_id) for row in found]
        return GetRequestResponse(request_id=request_id, state=state, done=done)

    async def _done(self, row: _Done, request_id: str) -> DoneRequest:
        response = response_type_of(row.method).FromString(row.response)
        done = DoneRequest(method=row.method, answer_time=timestamp_of(row.create_time))
        done.response.CopyFrom(_packed(response.DESCRIPTOR.full_name, row.response))
        order_id = as_order_id(getattr(response, "order_id", ""))
        if order_id is not None:
            done.order_id = order_id
            versions = await self._database.fetch(_VERSIONS, order_id=order_id, request_id=request_id)
            _set_versions(done, response.version if isinstance(response, Order) else 0, versions)
        return done


def _packed(name: str, response: bytes) -> Any:
    return Any(type_url=f"type.googleapis.com/{name}", value=response)


def _set_versions(done: DoneRequest, first: int, versions: Sequence[tuple[int, int | None]]) -> None:
    """Sets the version in the first answer, or of the write if the answer has none, and the current version."""
    for current, written in versions:
        done.order_version = first or written or 0
        done.current_order_version = current
