"""Rate limits, shared by all replicas: each leases tokens in portions, and calls take from those."""

import asyncio
import logging
import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from orders.v1.error_reason_pb2 import ERROR_REASON_RATE_LIMITED

from server.domain.base.errors import Refusal
from server.rpc.buckets import Bucket, Limit
from server.storage.batcher import Batcher
from server.storage.database import bounded
from server.storage.rate_limits import Lease, Level, RateLimitRepository, Want
from server.tasks import Tasks, contain
from server.telemetry.log import fields

log = logging.getLogger(__name__)

# A subject and a method class.
Key = tuple[str, str]


class LimitState(NamedTuple):
    """A limit of a caller: its calls per second, those that are left now, and the end of a block."""

    method_class: str
    rate: float
    remaining: int
    blocked_until: datetime | None


# Seconds after which an unused bucket is dropped, and between attempts to reach a database that does not answer.
_FORGET = 60.0
_RETRY = 1.0


class RateLimiter:
    """Limits calls per second for each subject and method class; a class without a limit is unlimited.

    While the database does not answer, calls pass: limits protect the service and must not take it down. A bucket with more than
    `patience` refusals within a minute is blocked on all replicas for `block_seconds`; 0 never blocks.
    """

    def __init__(
        self,
        repository: RateLimitRepository,
        *,
        limits: Mapping[str, Limit],
        patience: int = 1000,
        block_seconds: float = 60.0,
        timeout: float = 1.0,
        max_buckets: int = 100_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`timeout` bounds a lease, in seconds; a call waits for at most half of it, and then passes."""
        self._repository, self._limits, self._timeout, self._clock = repository, limits, timeout, clock
        self._patience, self._block_seconds = patience, block_seconds
        # Two generations: a used bucket moves to the young one, and the old one is dropped as a whole.
        self._young: dict[Key, Bucket] = {}
        self._old: dict[Key, Bucket] = {}
        self._generation = max_buckets // 2
        self._ages_at = clock() + _FORGET
        self._leases: dict[Key, asyncio.Task[bool]] = {}
        self._tasks = Tasks()
        self._batcher = Batcher[tuple[Key, Bucket], Lease](self._lease_all, max_batch=256, max_queue=100_000)
        # Whether the last lease failed, and the time of the next attempt.
        self._outage, self._retry_time = False, -math.inf

    def try_take(self, subject: str, method_class: str) -> bool:
        """Whether the call is admitted immediately. If not, `take` decides."""
        bucket = self._young.get((subject, method_class))
        if bucket is None:
            return method_class not in self._limits
        return bucket.take(self._clock())

    async def take(self, subject: str, method_class: str) -> None:
        """Admits the call, or raises RATE_LIMITED. Leases tokens from the database if needed."""
        limit = self._limits.get(method_class)
        if limit is None:
            return
        key = (subject, method_class)
        # The same bucket throughout, even if it is dropped: it has the token leased for this call.
        bucket = self._bucket(key, limit)
        while not bucket.take(now := self._clock()):
            if bucket.refused_for(now):
                raise self._refusal(key, bucket, limit, now)
            if self._outage:
                self._try_again(key, bucket, now)
                return
            bucket.waiting += 1
            if not await self._wait_for(self._lease(key, bucket)):
                return

    async def states(self, subject: str) -> list[LimitState]:
        """The limits of a caller. Tokens leased by this replica count as left."""
        levels = {level.method_class: level for level in await self._repository.levels(subject)}
        return [self._state((subject, name), limit, levels.get(name)) for name, limit in self._limits.items()]

    def _state(self, key: Key, limit: Limit, level: Level | None) -> LimitState:
        bucket = self._young.get(key)
        leased = 0 if bucket is None else bucket.leased(self._clock())
        shared = limit.burst if level is None else level.tokens
        until = None if level is None else level.blocked_until
        remaining = 0 if until is not None else min(int(limit.burst), int(shared) + leased)
        return LimitState(key[1], limit.rate, remaining, until)

    async def drain(self) -> None:
        """Waits until no lease is in progress."""
        await self._tasks.drain()

    def _bucket(self, key: Key, limit: Limit) -> Bucket:
        now = self._clock()
        if now >= self._ages_at or len(self._young) >= self._generation:
            self._old, self._young = self._young, {}
            self._ages_at = now + _FORGET
        bucket = self._young.get(key)
        if bucket is None:
            known = self._old.pop(key, None)
            bucket = self._young[key] = known or Bucket(limit)
        return bucket

    def _refusal(self, key: Key, bucket: Bucket, limit: Limit, now: float) -> Refusal:
        if not bucket.blocked_for(now) and bucket.refuse(now, patience=self._patience) and self._block_seconds:
            bucket.block(now, seconds=self._block_seconds)
            log.warning(
                "a caller is blocked for exceeding its limit",
                extra=fields(caller=key[0], method_class=key[1], seconds=self._block_seconds),
            )
            self._lease(key, bucket)
        seconds = bucket.refused_for(now)
        blocked = bucket.blocked_for(now) > 0
        if not blocked:
            # The delays of refused calls follow each other as the bucket fills.
            seconds += random.random() * min(bucket.refused_since_lease, limit.burst) / limit.rate
        return _rate_limited(key[1], limit, seconds, blocked=blocked)

    def _lease(self, key: Key, bucket: Bucket) -> asyncio.Task[bool]:
        """The lease in progress, or a new one. Its result is whether the database answered."""
        lease = self._leases.get(key)
        if lease is None:
            lease = self._leases[key] = self._tasks.spawn(self._ask(key, bucket))
        return lease

    async def _wait_for(self, lease: asyncio.Task[bool]) -> bool:
        """Whether the lease arrives in time. A disconnected caller does not cancel it for the others."""
        await asyncio.wait([lease], timeout=self._timeout / 2)
        return lease.done() and lease.result()

    async def _ask(self, key: Key, bucket: Bucket) -> bool:
        try:
            lease = await self._batcher.submit((key, bucket))
            # In one step with the end of this lease: a later decision to block needs a separate lease.
            bucket.fill(self._clock(), lease)
            self._see(None)
            return True
        except BaseException as error:
            self._retry_time = self._clock() + _RETRY
            self._see(contain(error))
            return False
        finally:
            del self._leases[key]

    def _see(self, error: Exception | None) -> None:
        """Records whether the database answers, and logs changes."""
        if error and not self._outage:
            log.warning("no rate limits: the database does not answer", extra=fields(error))
        elif self._outage and not error:
            log.warning("rate limits apply again: the database answers")
        self._outage = error is not None

    def _try_again(self, key: Key, bucket: Bucket, now: float) -> None:
        """Polls a database that did not answer, without delaying calls."""
        if now >= self._retry_time:
            self._retry_time = now + _RETRY
            self._lease(key, bucket)

    async def _lease_all(self, asking: Sequence[tuple[Key, Bucket]]) -> Sequence[Lease]:
        """Leases for all waiting buckets, in one statement."""
        async with bounded(self._timeout):
            return await self._repository.lease([self._want(key, bucket) for key, bucket in asking])

    def _want(self, key: Key, bucket: Bucket) -> Want:
        limit, now = self._limits[key[1]], self._clock()
        blocked = bucket.blocked_for(now)
        return Want(*key, limit.rate, limit.burst, tokens=0 if blocked else bucket.wanted(now), block=blocked)


def _rate_limited(method_class: str, limit: Limit, seconds: float, *, blocked: bool) -> Refusal:
    metadata = {"limit": f"{limit.rate:g}/s", "method_class": method_class}
    text = f"the limit for {method_class} calls is {limit.rate:g} per second, and {limit.burst:g} at once"
    if blocked:
        metadata["blocked"] = "true"
        text += "; the caller is blocked because it exceeded the limit too often"
    text += f"; retry in {math.ceil(seconds * 10) / 10:g} s"
    return Refusal(ERROR_REASON_RATE_LIMITED, text, metadata=metadata, retry_after=seconds)
