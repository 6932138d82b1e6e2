"""Import runs, as recorded in the events of their orders."""

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.order_pb2 import ORDER_EVENT_TYPE_IMPORTED, OrderEvent
from orders.v1.order_service_pb2 import ListOrderChangesRequest
from orders.v1.order_service_pb2_grpc import OrderServiceStub

from server.transfer.calls import Metadata

_REQUEST_ID = re.compile(r"(import-\d{8}T\d{6}Z-[0-9a-f]{8})/\d+")
_PAGE = 1000


@dataclass(slots=True)
class Run:
    """An import: the orders that it inserted and those that it changed."""

    name: str
    source: str
    actor: str
    began: datetime
    ended: datetime
    inserted: int = 0
    updated: int = 0


def new_run() -> str:
    """A name for a run, with the time at which it began."""
    return f"import-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"


async def list_runs(channel: grpc.aio.Channel, *, since: datetime, metadata: Metadata = ()) -> list[Run]:
    """The runs since a time that changed any order, oldest first."""
    stub = OrderServiceStub(channel)  # type: ignore[no-untyped-call]
    start = Timestamp()
    start.FromDatetime(since.astimezone(UTC).replace(tzinfo=None))
    request = ListOrderChangesRequest(start_time=start, include_order=True, page_size=_PAGE)
    request.read_mask.paths[:] = ["source"]
    runs, changed = dict[str, Run](), set[tuple[str, str]]()
    while True:
        response = await stub.ListOrderChanges(request, metadata=tuple(metadata))
        for change in response.changes:
            _count(runs, changed, change.event, change.order.source)
        if response.caught_up:
            return sorted(runs.values(), key=lambda run: run.began)
        request = ListOrderChangesRequest(
            resume_token=response.resume_token, include_order=True, page_size=_PAGE, read_mask=request.read_mask
        )


def _count(runs: dict[str, Run], changed: set[tuple[str, str]], event: OrderEvent, source: str) -> None:
    found = _REQUEST_ID.fullmatch(event.request_id)
    if found is None:
        return
    time = event.event_time.ToDatetime(UTC)
    run = runs.setdefault(found[1], Run(found[1], source, event.actor, time, time))
    run.began, run.ended = min(run.began, time), max(run.ended, time)
    if (found[1], event.order_id) in changed:  # An order and its payments are several events.
        return
    changed.add((found[1], event.order_id))
    if event.type == ORDER_EVENT_TYPE_IMPORTED:
        run.inserted += 1
    else:
        run.updated += 1


def runs_text(runs: Iterable[Run]) -> str:
    """A line for each run."""
    return "\n".join(
        f"{run.began:%Y-%m-%d %H:%M:%S}  {run.name}  {run.source or '-'}: {run.inserted:,} inserted, {run.updated:,} updated,"
        f" in {(run.ended - run.began).total_seconds():.0f} s, by {run.actor or 'an anonymous caller'}"
        for run in runs
    )
