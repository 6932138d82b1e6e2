"""Checks of coupon uses and loyalty points."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from psycopg import AsyncConnection
from sqlalchemy import BigInteger, ColumnElement, cast, func, literal_column, select

from server.domain.orders.effects import points_earned_by, points_used_by, uses_of
from server.storage import sql
from server.storage.database import Row, fetch
from server.storage.schema.tables import coupon_uses, points_accounts, points_entries
from server.storage.verification.checks import Problem, Stored, by_order, orphans, page_ids, without_order

_USES = sql.compiled(select(coupon_uses.c.code, coupon_uses.c.customer_id, coupon_uses.c.used))


class _OrderPoints(NamedTuple):
    order_id: str
    moved: int


_ORDER_POINTS = sql.query(
    _OrderPoints,
    select(*sql.as_text([points_entries.c.order_id]), cast(func.sum(points_entries.c.delta), BigInteger).label("moved"))
    .where(points_entries.c.order_id == func.any(page_ids))
    .group_by(points_entries.c.order_id),
)

_sums = (
    select(points_entries.c.customer_id, func.sum(points_entries.c.delta).label("sum"))
    .group_by(points_entries.c.customer_id)
    .subquery("sums")
)
_zero: ColumnElement[int] = literal_column("0")
_balance, _sum = func.coalesce(points_accounts.c.balance, _zero), func.coalesce(_sums.c.sum, _zero)
_WRONG_BALANCES = sql.compiled(
    select(func.coalesce(points_accounts.c.customer_id, _sums.c.customer_id).label("customer_id"), _balance, _sum)
    .join_from(points_accounts, _sums, points_accounts.c.customer_id == _sums.c.customer_id, full=True)
    .where(_balance != _sum)
    .order_by("customer_id")
)
# Each entry continues from the balance of another one, the first from 0. The check is independent of their order: the difference
# between the hashes of the balances before and after is the start and the end of the whole.
_BROKEN_LEDGERS = sql.Statement(
    "SELECT customer_id FROM points_entries GROUP BY customer_id"
    " HAVING sum(hashint8extended(balance, 0)) - sum(hashint8extended(balance - delta, 0))"
    " <> hashint8extended(sum(delta)::bigint, 0)::numeric - hashint8extended(0, 0)"
    " ORDER BY customer_id"
)
_WITHOUT_ORDER = without_order(points_entries, points_entries.c.entry_id)


class CouponCheck:
    """The counted uses of coupons match the orders.

    There can be as many customers as orders. For each coupon, only a sum of hashes over its customers is kept, which is independent
    of their order.
    """

    def __init__(self) -> None:
        self._used: Counter[str] = Counter()
        self._by_customers: Counter[str] = Counter()

    async def look(self, connection: AsyncConnection[Row], page: Sequence[Stored]) -> list[Problem]:
        for stored in page:
            for (code, customer_id), count in uses_of(stored.order).items():
                self._add(self._used, self._by_customers, code, customer_id, count)
        return []

    async def finish(self, connection: AsyncConnection[Row]) -> list[Problem]:
        used: Counter[str] = Counter()
        by_customers: Counter[str] = Counter()
        async with connection.cursor(name="uses", binary=True) as cursor:
            await cursor.execute(_USES.text)
            async for code, customer_id, count in cursor:
                self._add(used, by_customers, code, customer_id, count)
        problems = []
        for code in sorted({*used, *by_customers, *self._used, *self._by_customers}):
            if used[code] != self._used[code]:
                text = f"coupon_uses has {used[code]} in total; orders use it {self._used[code]} times"
                problems.append(Problem(f"coupon {code}", text))
            if by_customers[code] != self._by_customers[code]:
                text = "coupon_uses by customer are not those of their orders"
                problems.append(Problem(f"coupon {code}", text))
        return problems

    @staticmethod
    def _add(used: Counter[str], by_customers: Counter[str], code: str, customer_id: str, count: int) -> None:
        if customer_id:
            by_customers[code] += count * hash((code, customer_id))
        else:
            used[code] += count


class PointsCheck:
    """Balances are the sums of their entries, each entry continues a balance, and orders have moved their points."""

    async def look(self, connection: AsyncConnection[Row], page: Sequence[Stored]) -> list[Problem]:
        moved = await by_order(connection, _ORDER_POINTS, (stored.order_id for stored in page))
        problems = []
        for stored in page:
            expected = points_earned_by(stored.order) - points_used_by(stored.order)
            actual = sum(row.moved for row in moved[stored.order_id])
            if stored.readable and actual != expected:
                text = f"its entries of points sum to {actual}; it earned less what it used is {expected}"
                problems.append(Problem(stored.name, text))
        return problems

    async def finish(self, connection: AsyncConnection[Row]) -> list[Problem]:
        wrong = {
            customer_id: f"has {balance} points; the entries sum to {total}"
            for customer_id, balance, total in await fetch(connection, _WRONG_BALANCES)
        }
        for (customer_id,) in await fetch(connection, _BROKEN_LEDGERS):
            wrong.setdefault(customer_id, "has entries of points whose balances do not follow from each other")
        problems = [Problem(f"customer {customer_id}", text) for customer_id, text in sorted(wrong.items())]
        return problems + await orphans(connection, _WITHOUT_ORDER, "points entry")
