"""Token buckets shared by all replicas. A replica leases tokens in portions, so most calls need no statement."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Double, Text

from server.storage.arrays import packer
from server.storage.database import Database, fetch_named
from server.storage.schema.tables import rate_limits
from server.storage.sql import Query


class _Granted(NamedTuple):
    """The columns that the statement returns."""

    subject: str
    method_class: str
    granted: float
    left: float
    blocked: float


# Text, because Core cannot set several columns from one subquery, which computes the time once, after the wait for the row's lock, and
# the tokens in the bucket at that time. A bucket without a row is full. Sorted, so that replicas do not deadlock.
_LEASE = Query(
    text=f"""
INSERT INTO {rate_limits.name} AS bucket
    (subject, method_class, rate, burst, tokens, granted, refill_time, blocked_until)
SELECT subject, method_class, rate, burst, burst - possible, possible, now, now + make_interval(secs => nullif(block, 0))
FROM unnest(%(subject)s, %(method_class)s, %(rate)s, %(burst)s, %(tokens)s, %(block)s)
        AS wants (subject, method_class, rate, burst, wanted, block)
    CROSS JOIN LATERAL (SELECT least(wanted, floor(burst)) AS possible, clock_timestamp() AS now) AS start
ORDER BY subject, method_class
ON CONFLICT (subject, method_class) DO UPDATE
SET (rate, burst, tokens, granted, refill_time, blocked_until) = (
    SELECT excluded.rate, excluded.burst, level - share, share, now, until
    FROM (SELECT clock_timestamp() AS now) AS clock
    CROSS JOIN LATERAL (
        SELECT greatest(bucket.blocked_until, excluded.blocked_until) AS until,
            greatest(0, extract(epoch FROM now - bucket.refill_time)) AS elapsed
    ) AS past
    CROSS JOIN LATERAL (SELECT least(excluded.burst, bucket.tokens + excluded.rate * elapsed) AS level) AS present
    CROSS JOIN LATERAL (
        SELECT CASE WHEN until > now THEN 0 ELSE least(excluded.granted, floor(level)) END AS share
    ) AS decision
)
RETURNING subject, method_class, granted, tokens AS left,
    greatest(0, coalesce(extract(epoch FROM blocked_until - refill_time), 0))::float8 AS blocked""",
    row=_Granted,
    packers={
        "subject": packer(Text()),
        "method_class": packer(Text()),
        "rate": packer(Double()),
        "burst": packer(Double()),
        "tokens": packer(Double()),
        "block": packer(Double()),
    },
)


class Want(NamedTuple):
    """A request for tokens of a bucket that gains `rate` per second up to `burst`, or for a block of some seconds."""

    subject: str
    method_class: str
    rate: float
    burst: float
    tokens: int
    block: float = 0.0


class Lease(NamedTuple):
    """The granted tokens, the remaining ones, and the seconds for which the bucket is blocked."""

    tokens: int
    left: float
    blocked: float


class Level(NamedTuple):
    """The tokens in a bucket now, without those that replicas have leased, and the end of its block."""

    method_class: str
    tokens: float
    blocked_until: datetime | None


_LEVELS = Query(
    text=f"""
SELECT method_class,
    least(burst, tokens + rate * greatest(0, extract(epoch FROM clock_timestamp() - refill_time)))::float8,
    CASE WHEN blocked_until > clock_timestamp() THEN blocked_until END
FROM {rate_limits.name} WHERE subject = %(subject)s""",
    row=Level,
)


class RateLimitRepository:
    """The shared buckets. Raises DEPENDENCY_UNAVAILABLE."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def levels(self, subject: str) -> list[Level]:
        """The buckets of a subject that are not full for lack of use."""
        return await self._database.fetch_named(_LEVELS, subject=subject)

    async def lease(self, wants: Sequence[Want]) -> list[Lease]:
        """A lease for each request, in their order. A bucket may occur only once."""
        columns = dict(zip(Want._fields, zip(*wants, strict=True), strict=True))
        # Not a connection for reads: limits matter most when those queue.
        async with self._database.connection() as connection:
            rows = await fetch_named(connection, _LEASE, **columns)
        leases = {
            (row.subject, row.method_class): Lease(int(row.granted), left=row.left, blocked=row.blocked) for row in rows
        }
        return [leases[want.subject, want.method_class] for want in wants]
