"""SummarizeOrders: counts and sums of orders."""

from orders.v1.order_pb2 import OrderStatus
from orders.v1.order_service_pb2 import (
    SUMMARY_KEY_STATUS,
    OrderSummary,
    SummarizeOrdersRequest,
    SummarizeOrdersResponse,
)

from server.domain.base.money import from_minor
from server.domain.base.order_filters import check_filter
from server.storage.read.summaries import MOST_GROUPS, MOST_ORDERS, Group, SummaryRepository

# More than that does not fit into an amount.
_MOST_MINOR = 1 << 62


async def summarize(summaries: SummaryRepository, request: SummarizeOrdersRequest) -> SummarizeOrdersResponse:
    """The requested groups."""
    check_filter(request.filter)
    found = await summaries.groups(request.filter, request.group_by)
    return SummarizeOrdersResponse(
        groups=[_summary(group, is_status=request.group_by == SUMMARY_KEY_STATUS) for group in found[:MOST_GROUPS]],
        orders_truncated=bool(found) and int(found[0].counted) > MOST_ORDERS,
        groups_truncated=len(found) > MOST_GROUPS,
    )


def _summary(group: Group, *, is_status: bool) -> OrderSummary:
    key = OrderStatus.Name(int(group.key)) if is_status else group.key
    total = int(group.total_minor)
    summary = OrderSummary(key=key, count=group.size)
    if total < _MOST_MINOR:
        summary.total.CopyFrom(from_minor(total, group.currency))
    return summary
