"""Reads of the work queue."""

import re
from datetime import UTC, datetime, timedelta

from orders.v1.fulfilment_queue_pb2 import (
    FULFILMENT_STATE_CLAIMED,
    FULFILMENT_STATE_DEFERRED,
    FULFILMENT_STATE_WAITING,
    Fulfilment,
    ListFulfilmentsRequest,
)
from sqlalchemy import BigInteger, Integer, Text, Uuid, case, func, literal_column, or_, select, tuple_

from server.domain.base.page_tokens import token_invalid
from server.domain.fulfilment.queue import filter_of, message_of
from server.storage import sql
from server.storage.database import Database
from server.storage.references import BEFORE_ALL
from server.storage.schema.fulfilment_tables import fulfilments
from server.storage.write.work_queue import MATCHES, QUEUED, queued_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A position in the queue: a due time in microseconds, and an order.
_POSITION = re.compile(r"(\d{1,17})/([0-9a-f-]{36})")

_states = sql.array("states", Integer())
_worker = sql.parameter("worker", Text())
_state = case(
    (
        func.coalesce(fulfilments.c.expire_time <= func.clock_timestamp(), literal_column("true")),
        literal_column(str(FULFILMENT_STATE_WAITING)),
    ),
    (fulfilments.c.claim_id.is_not(None), literal_column(str(FULFILMENT_STATE_CLAIMED))),
    else_=literal_column(str(FULFILMENT_STATE_DEFERRED)),
)
_claimed_by = (fulfilments.c.worker == _worker) & (_state == literal_column(str(FULFILMENT_STATE_CLAIMED)))

_PAGE = sql.compiled(
    select(*QUEUED)
    .where(
        *MATCHES,
        or_(func.cardinality(_states) == literal_column("0"), _state == func.any(_states)),
        or_(_worker == literal_column("''"), _claimed_by),
        tuple_(fulfilments.c.due_time, fulfilments.c.order_id)
        > tuple_(sql.parameter("due", fulfilments.c.due_time.type), sql.parameter("after", Uuid())),
    )
    .order_by(fulfilments.c.due_time, fulfilments.c.order_id)
    .limit(sql.parameter("limit", BigInteger()))
)


def position_of(fulfilment: Fulfilment) -> str:
    """The position of an order in the queue, for page tokens."""
    return f"{fulfilment.due_time.ToMicroseconds()}/{fulfilment.order_id}"


class FulfilmentRepository:
    """The work queue. Raises DEPENDENCY_UNAVAILABLE and OVERLOADED."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, request: ListFulfilmentsRequest, *, after: str, limit: int) -> list[Fulfilment]:
        """Up to `limit` matching orders after a position, earliest due time first. Raises RESUME_TOKEN_INVALID."""
        due, order_id = _parse(after) if after else (_EPOCH, BEFORE_ALL)
        rows = await self._database.fetch(
            _PAGE,
            **{name: list(values) for name, values in filter_of(request.filter)._asdict().items()},
            states=list(request.states),
            worker=request.worker,
            due=due,
            after=order_id,
            limit=limit,
        )
        return [message_of(queued_of(row)) for row in rows]


def _parse(position: str) -> tuple[datetime, str]:
    found = _POSITION.fullmatch(position)
    if found is None:
        raise token_invalid("page_token")
    return _EPOCH + timedelta(microseconds=int(found[1])), found[2]
