"""ListStockMovements: pages of a product's movements in a period."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from orders.v1.catalog_service_pb2 import ListStockMovementsRequest, ListStockMovementsResponse

from server.domain.base import page_tokens as tokens
from server.storage.read.stock_movements import Period, Place, StockMovementRepository

_DEFAULT_SIZE = 100
_LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"
# The most changes that one statement reads, and the most statements of a call.
_AT_ONCE, _MOST_READS = 500, 4


async def list_movements(
    movements: StockMovementRepository, request: ListStockMovementsRequest
) -> ListStockMovementsResponse:
    """The page that a request asks for. Movements of one change stay together."""
    query = ListStockMovementsRequest()
    query.CopyFrom(request)
    query.ClearField("page_size")
    query.ClearField("page_token")
    period, after = _first(request) if not request.page_token else _next(request, query)
    await movements.check_number_of_orders(request.product_id, period)
    response = ListStockMovementsResponse()
    size = request.page_size or _DEFAULT_SIZE
    for _ in range(_MOST_READS):
        found = await movements.changes(request.product_id, period, after=after, limit=_AT_ONCE)
        for place, moved in found:
            if moved and len(response.movements) >= size:
                response.next_page_token = _token(query, period, after)
                return response
            response.movements.extend(moved)
            after = place
        if len(found) < _AT_ONCE:
            return response
    response.next_page_token = _token(query, period, after)
    return response


def _first(request: ListStockMovementsRequest) -> tuple[Period, Place]:
    end = request.time_to.ToDatetime(UTC) if request.HasField("time_to") else datetime.now(UTC)
    start = request.time_from.ToDatetime(UTC) if request.HasField("time_from") else end - timedelta(days=1)
    return Period(start, end), Place(end, _LAST_ID, 0)


def _next(request: ListStockMovementsRequest, query: ListStockMovementsRequest) -> tuple[Period, Place]:
    shape = (str, str, str, str, int)
    start, end, time, order_id, number = tokens.decode(request.page_token, query, shape, field="page_token")
    try:
        period = Period(datetime.fromisoformat(start), datetime.fromisoformat(end))
        return period, Place(datetime.fromisoformat(time), str(UUID(order_id)), number)
    except ValueError as error:
        raise tokens.token_invalid("page_token") from error


def _token(query: ListStockMovementsRequest, period: Period, after: Place) -> str:
    times = [time.isoformat() for time in (*period, after.time)]
    return tokens.encode(query, [*times, after.order_id, after.number])
