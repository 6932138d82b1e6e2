"""Checks that all tables are consistent, and rewrites projections of orders that differ."""

from server.storage.database import Database, fetch
from server.storage.verification.chain import ChainCheck
from server.storage.verification.checks import Check, Problem, Progress
from server.storage.verification.feed import FeedCheck
from server.storage.verification.history import HistoryCheck
from server.storage.verification.orders import COUNT, READ_PAGE, OrderCheck, pages, rebuild
from server.storage.verification.payments import DocumentCheck, PaymentCheck
from server.storage.verification.points import CouponCheck, PointsCheck
from server.storage.verification.queue import QueueCheck
from server.storage.verification.stock import StockCheck
from server.storage.verification.terms import TermCheck

__all__ = ["Problem", "Progress", "rebuild", "verify"]


async def verify(database: Database, progress: Progress) -> list[Problem]:
    """All mismatches in one consistent view of the database; `progress` gets the number of checked and of all orders."""
    checks: list[Check] = [
        OrderCheck(),
        ChainCheck(),
        FeedCheck(),
        HistoryCheck(),
        StockCheck(),
        CouponCheck(),
        PointsCheck(),
        PaymentCheck(),
        DocumentCheck(),
        QueueCheck(),
        TermCheck(),
    ]
    problems: list[Problem] = []
    async with database.long_connection() as connection:
        await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        # Sums over whole tables take what they take.
        await connection.execute("SET LOCAL statement_timeout = 0")
        ((total,),) = await fetch(connection, COUNT)
        done = 0
        async for page in pages(connection, READ_PAGE):
            for check in checks:
                problems += await check.look(connection, page)
            done += len(page)
            progress(done, total)
        for check in checks:
            problems += await check.finish(connection)
        await connection.execute("COMMIT")
    return problems
