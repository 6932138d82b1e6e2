"""The arithmetic of leases: no history gets more than its limit, and nobody within it is refused for long."""

import math
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.rpc.buckets import Bucket, Limit
from server.storage.rate_limits import Lease

# Floats of time and tokens: what rounding may add.
_ROUNDING = 1e-6


@dataclass
class Shared:
    """The bucket that replicas share, as the database reckons it."""

    limit: Limit
    tokens: float = 0.0
    time: float = 0.0
    leases: int = 0

    def lease(self, now: float, wanted: int) -> Lease:
        level = min(self.limit.burst, self.tokens + self.limit.rate * (now - self.time))
        granted = min(wanted, math.floor(level))
        self.tokens, self.time = level - granted, now
        self.leases += 1
        return Lease(granted, self.tokens, 0.0)


@dataclass
class Replicas:
    """Some replicas on one bucket, which is full at first, and what has been granted when."""

    limit: Limit
    count: int = 1
    now: float = 0.0
    grants: list[float] = field(default_factory=list)
    held: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shared = Shared(self.limit, self.limit.burst)
        self.buckets = [Bucket(self.limit) for _ in range(self.count)]

    def call(self, replica: int = 0) -> float:
        """A call now. Returns 0 if it is granted, else the seconds for which it is refused."""
        bucket = self.buckets[replica]
        held = sum(tokens_of(bucket, self.now) for bucket in self.buckets)
        if not bucket.take(self.now):
            if refused := bucket.refused_for(self.now):
                return refused
            bucket.fill(self.now, self.shared.lease(self.now, bucket.wanted(self.now)))
            if not bucket.take(self.now):
                assert bucket.refused_for(self.now)
                return bucket.refused_for(self.now)
        self.grants.append(self.now)
        self.held.append(held)
        return 0.0


def tokens_of(bucket: Bucket, now: float) -> int:
    """The tokens that a bucket could give now."""
    return bucket._tokens if now < bucket._lapse_time else 0


LIMITS = st.builds(Limit, rate=st.floats(0.1, 1000), burst=st.floats(1, 500))
# A replica, and the seconds until it is called. Many at once, some soon, a few late.
CALLS = st.lists(
    st.tuples(st.integers(0, 3), st.just(0.0) | st.floats(0, 0.01) | st.floats(0, 0.5) | st.floats(0, 10)),
    max_size=300,
)


@settings(deadline=None)
@given(limit=LIMITS, calls=CALLS)
def test_in_no_window_is_more_granted_than_burst_rate_and_what_was_leased_before(
    limit: Limit, calls: list[tuple[int, float]]
) -> None:
    replicas = Replicas(limit, count=4)
    for replica, seconds in calls:
        replicas.now += seconds
        replicas.call(replica)
        for bucket in replicas.buckets:
            assert tokens_of(bucket, replicas.now) < limit.portion
    grants = replicas.grants
    for first, (start, held) in enumerate(zip(grants, replicas.held, strict=True)):
        for last in range(first, len(grants)):
            most = limit.burst + limit.rate * (grants[last] - start) + held
            assert last - first + 1 <= most + _ROUNDING


@settings(deadline=None)
@given(limit=LIMITS, calls=CALLS)
def test_an_idle_replica_holds_nothing_a_second_later(limit: Limit, calls: list[tuple[int, float]]) -> None:
    replicas = Replicas(limit, count=4)
    for replica, seconds in calls:
        replicas.now += seconds
        replicas.call(replica)
    assert not any(bucket.take(replicas.now + 1.0) for bucket in replicas.buckets)


@settings(deadline=None)
@given(limit=LIMITS, share=st.floats(0.01, 0.99))
def test_a_steady_caller_within_the_rate_is_never_refused(limit: Limit, share: float) -> None:
    replicas = Replicas(limit)
    for _ in range(500):
        assert not replicas.call()
        replicas.now += 1 / (limit.rate * share)


@settings(deadline=None)
@given(limit=LIMITS, calls=CALLS)
def test_who_comes_back_when_told_to_gets_through_and_it_is_never_long(
    limit: Limit, calls: list[tuple[int, float]]
) -> None:
    replicas = Replicas(limit)
    for _, seconds in calls:
        replicas.now += seconds
        refused = replicas.call()
        assert refused <= max(1 / limit.rate, 0.1) + 0.01
        if refused:
            replicas.now += refused
            assert not replicas.call()


@settings(deadline=None)
@given(rate=st.floats(0.1, 1000), ratio=st.floats(0.05, 3))
def test_who_never_stops_asking_gets_the_rate(rate: float, ratio: float) -> None:
    limit = Limit(rate, burst=max(1.0, ratio * rate))
    replicas = Replicas(limit)
    while replicas.now < 100 / rate:
        replicas.call()
        replicas.now += 1 / (20 * rate)
    # The pauses of an empty bucket are a little longer than it needs, and a burst of 1 has no room for that.
    assert len(replicas.grants) >= 0.9 * rate * replicas.now


def test_a_busy_replica_asks_a_few_times_a_second() -> None:
    replicas = Replicas(Limit(rate=1000, burst=5000))
    for _ in range(9000):
        assert not replicas.call()
        replicas.now += 1 / 900
    # Twice as many each time at first.
    assert replicas.shared.leases <= 10 + 10 * 5


def test_no_lease_is_more_than_a_tenth_of_the_burst_however_busy_the_replica() -> None:
    bucket = Bucket(Limit(rate=1000, burst=100))
    assert bucket.wanted(0.0) == 1
    for wanted in (2, 4, 8, 10, 10):
        bucket.fill(0.0, Lease(0, 0.0, 0.0))
        assert bucket.wanted(0.01) == wanted


def test_an_exhausted_bucket_is_asked_ten_times_a_second_at_most() -> None:
    replicas = Replicas(Limit(rate=1000, burst=1000))
    for _ in range(20_000):
        replicas.call()
        replicas.now += 0.0001
    short = replicas.shared.leases
    assert 10 <= short <= 2 * 10 * 3 + 20


def test_a_slow_caller_is_leased_one_token_at_a_time() -> None:
    replicas = Replicas(Limit(rate=10, burst=1000))
    for _ in range(20):
        replicas.call()
        replicas.now += 2.0
    assert replicas.shared.leases == 20
    assert replicas.shared.tokens == 999


def test_a_lease_has_a_token_for_each_call_that_waits() -> None:
    bucket = Bucket(Limit(rate=10, burst=100))
    bucket.waiting = 37
    assert bucket.wanted(0.0) == 37
    assert bucket.wanted(10.0) == 1


TIMES = st.lists(st.just(0.0) | st.floats(0, 5) | st.floats(0, 70), max_size=100)


@settings(deadline=None)
@given(gaps=TIMES, patience=st.integers(1, 20))
def test_a_block_takes_more_than_patience_within_a_minute_and_comes_at_twice_that_at_the_latest(
    gaps: list[float], patience: int
) -> None:
    bucket, now = Bucket(Limit(1, 1)), 0.0
    times: list[float] = []
    for gap in gaps:
        now += gap
        times.append(now)
        within = sum(1 for time in times if time > now - 60)
        if bucket.refuse(now, patience=patience):
            assert within > patience
            bucket.block(now, seconds=30)
            assert bucket.blocked_for(now) == pytest.approx(30)
            times.clear()
            now += 30
        else:
            assert within <= 2 * patience


def test_a_block_ends_and_tokens_from_before_are_gone() -> None:
    bucket = Bucket(Limit(rate=10, burst=100))
    bucket.waiting = 10
    bucket.wanted(0.0)
    bucket.fill(0.0, Lease(10, 90.0, 0.0))
    bucket.block(0.0, seconds=0.5)
    assert not bucket.take(0.1)
    assert bucket.refused_for(0.1) == bucket.blocked_for(0.1) == pytest.approx(0.4)
    assert not bucket.refused_for(0.5)


def test_a_block_that_another_replica_decided_is_known_with_the_next_lease() -> None:
    bucket = Bucket(Limit(rate=10, burst=100))
    bucket.wanted(0.0)
    bucket.fill(0.0, Lease(0, 50.0, 12.0))
    assert bucket.blocked_for(2.0) == pytest.approx(10)
    assert not bucket.refused_for(12.0)


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0.5), (math.inf, 1), (1, math.inf), (math.nan, 1)])
def test_a_limit_that_no_call_could_meet_is_none(rate: float, burst: float) -> None:
    with pytest.raises(ValueError, match="calls a second"):
        Limit(rate, burst)
