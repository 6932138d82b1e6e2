"""orders.v1.AuditService."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import islice, takewhile
from typing import Any
from uuid import UUID

from orders.v1.api_key_service_pb2 import ApiKey
from orders.v1.audit_service_pb2 import AuditEvent, ListAuditEventsRequest, ListAuditEventsResponse

from server.domain.base import page_tokens as tokens
from server.rpc.endpoint import Call
from server.rpc.paging import fitting
from server.storage.read.api_keys import ApiKeyRepository
from server.storage.read.audit import AuditFilter, AuditRepository, Found, Searched
from server.storage.read.feed import FeedRepository

_DEFAULT_SIZE = 100
# After all events of resources, and all positions and versions.
_NEWEST = ("9999-12-31T00:00:00+00:00", "ffffffff-ffff-ffff-ffff-ffffffffffff")
_LAST = 2**62
# Positions are looked up by time with this tolerance, in which the clocks of replicas and long transactions are.
_DISORDER = timedelta(minutes=11)


class AuditServicer:
    """Merges the events of resources and of orders by their times."""

    def __init__(self, *, audit: AuditRepository, api_keys: ApiKeyRepository, feed: FeedRepository) -> None:
        self._audit, self._api_keys, self._feed = audit, api_keys, feed

    async def ListAuditEvents(self, request: ListAuditEventsRequest, call: Call) -> ListAuditEventsResponse:
        query = ListAuditEventsRequest()
        query.CopyFrom(request)
        query.ClearField("page_size")
        query.ClearField("page_token")
        time, event_id, place = _position(request, query)
        wanted, size = await self._filter(request), request.page_size or _DEFAULT_SIZE
        resources = await self._audit.of_resources(wanted, before=(time, event_id), limit=size + 1)
        orders = await self._orders(wanted, before=place, limit=size + 1)
        page = list(islice(_merged(resources, orders), size))
        fits = fitting(AuditEvent, [found.event.SerializeToString() for found in page])
        page = page[: len(fits)]
        response = ListAuditEventsResponse(events=[found.event for found in page])
        if orders.until or len(page) < len(resources) + len(orders.found):
            response.next_page_token = tokens.encode(query, _next(page, orders, [time, event_id, place]))
        return response

    async def _filter(self, request: ListAuditEventsRequest) -> AuditFilter:
        actor = request.actor
        if request.key_id:
            holder = _subject_of(await self._api_keys.get(request.key_id))
            # Two different callers make no change.
            actor = holder if actor in ("", holder) else "\n"
        return AuditFilter(
            resource=request.resource,
            actor=actor,
            method=request.method,
            request_id=request.request_id,
            time_from=request.time_from.ToDatetime(UTC) if request.HasField("time_from") else None,
            time_to=request.time_to.ToDatetime(UTC) if request.HasField("time_to") else None,
            override=request.override,
        )

    async def _orders(self, wanted: AuditFilter, *, before: int, limit: int) -> Searched:
        if before == 0 or wanted.collection not in ("", "orders"):
            return Searched([])
        if wanted.order:
            return await self._audit.of_order(wanted, before=before, limit=limit)
        after = 0
        if wanted.time_from is not None:
            after = await self._feed.position_before(wanted.time_from)
        end = (await self._feed.end()).position + 1
        if before > end and wanted.time_to is not None:
            end = await self._position_after(wanted.time_to) + 1
        return await self._audit.of_orders(wanted, before=min(before, end), after=after, limit=limit)

    async def _position_after(self, time: datetime) -> int:
        """A position after all changes before a time."""
        end = (await self._feed.end()).position
        if time >= datetime.now(UTC) - 2 * _DISORDER:
            return end
        return min(end, await self._feed.position_before(time + 2 * _DISORDER) + 1)


def _position(request: ListAuditEventsRequest, query: ListAuditEventsRequest) -> tuple[str, str, int]:
    """The start of the page: a time and an id of resources' events, and a position of orders' changes."""
    if not request.page_token:
        return (*_NEWEST, _LAST)
    time, event_id, place = tokens.decode(request.page_token, query, (str, str, int), field="page_token")
    try:
        return datetime.fromisoformat(time).isoformat(), str(UUID(event_id)), place
    except ValueError as error:
        raise tokens.token_invalid("page_token") from error


def _subject_of(api_key: ApiKey) -> str:
    name = api_key.certificate_name
    return f"certificate:{name}" if name else f"key:{api_key.key_id}"


def _merged(resources: list[Found], orders: Searched) -> Iterator[Found]:
    """The merged events by time. Resources' events from before the end of the search belong to later pages."""
    since = orders.since
    known = takewhile(lambda found: since is None or found.event.event_time.ToDatetime(UTC) >= since, resources)
    return merge(known, orders.found, key=lambda found: -found.event.event_time.ToNanoseconds())


def _next(page: list[Found], orders: Searched, place: list[Any]) -> list[Any]:
    """The end of a page, given its start."""
    time, event_id, before = place
    sent = 0
    for found in page:
        if isinstance(found.place, tuple):
            time, event_id = found.place
        else:
            before, sent = found.place, sent + 1
    return [time, event_id, before if sent < len(orders.found) else orders.until]
