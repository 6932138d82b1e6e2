"""A replica's view of a rate limit bucket: its leased tokens, and the time until which there are none. Pure: callers pass the time.

Within any window, callers get at most burst + rate × window, and the tokens that replicas held at its start: those leased within
the last second and not used, at most a tenth of the burst each, or as many as there were waiting calls.
"""

import math
from dataclasses import dataclass

from server.storage.rate_limits import Lease

# The intended duration of a lease in seconds: a busy replica asks a few times a second, and an idle one holds few tokens.
_LASTING = 0.25
# Seconds until leased tokens expire.
_LIFE = 1.0
# The interval between requests for more tokens of an empty bucket.
_PAUSE = 0.1
# The tolerance of clocks.
_MARGIN = 0.002
_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Limit:
    """The sustained calls per second, and the burst, which must be at least a twentieth of the rate."""

    rate: float
    burst: float

    def __post_init__(self) -> None:
        if not (0 < self.rate < math.inf and 1 <= self.burst < math.inf):
            raise ValueError(f"a limit is more than 0 calls a second and at least 1 at once, not {self}")

    @property
    def portion(self) -> int:
        """The largest lease, unless more calls wait."""
        return max(1, int(self.burst / 10))


class Bucket:
    """One bucket of one replica."""

    __slots__ = (
        "_blocked_until",
        "_counted_until",
        "_empty_until",
        "_lapse_time",
        "_lease_time",
        "_limit",
        "_refused",
        "_size",
        "_tokens",
        "_wanted",
        "refused_since_lease",
        "waiting",
    )

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._tokens, self._size, self._wanted = 0, 1, 0
        self._lease_time = self._lapse_time = self._empty_until = self._blocked_until = -math.inf
        self._refused, self._counted_until = 0, -math.inf
        # The calls that wait for the next lease, and those refused since the last one.
        self.waiting = self.refused_since_lease = 0

    def take(self, now: float) -> bool:
        """Takes a leased token; False if there is none."""
        if self._tokens and now < self._lapse_time:
            self._tokens -= 1
            return True
        return False

    def leased(self, now: float) -> int:
        """The leased tokens that are left."""
        return self._tokens if now < self._lapse_time else 0

    def wanted(self, now: float) -> int:
        """The tokens to lease: enough for the interval at the pace of the last lease, and one for each waiting call."""
        lasted = max(now - self._lease_time, _MARGIN)
        size = int(self._size * min(2.0, _LASTING / lasted))
        self._size = max(1, min(size, self._limit.portion))
        self._wanted = max(self._size, self.waiting)
        self.waiting = 0
        return self._wanted

    def fill(self, now: float, lease: Lease) -> None:
        """Adds a lease. After an incomplete one, estimates when there are more tokens."""
        self._lease_time, self._lapse_time = now, now + _LIFE
        self._tokens = lease.tokens
        self._blocked_until = now + lease.blocked if lease.blocked else -math.inf
        self._empty_until = now + self._pause(lease.left) if lease.tokens < self._wanted else -math.inf
        self.waiting = self.refused_since_lease = 0

    def _pause(self, left: float) -> float:
        """Seconds until there is a token, or a portion of tokens if the bucket fills fast."""
        rate, portion = self._limit.rate, self._limit.portion
        return max(1 - left, min(_PAUSE * rate, portion - left)) / rate + _MARGIN

    def refused_for(self, now: float) -> float:
        """Seconds for which there can be no token; 0 if one may be available."""
        return max(0.0, self._blocked_until - now, self._empty_until - now)

    def blocked_for(self, now: float) -> float:
        """Seconds for which all calls are refused."""
        return max(0.0, self._blocked_until - now)

    def refuse(self, now: float, *, patience: int) -> bool:
        """Counts a refusal; returns whether it exceeds the limit within a minute."""
        if now >= self._counted_until:
            self._refused, self._counted_until = 0, now + _MINUTE
        self._refused += 1
        self.refused_since_lease += 1
        return self._refused > patience

    def block(self, now: float, *, seconds: float) -> None:
        """Refuses all calls for a time, and restarts the count."""
        self._tokens, self._wanted, self._blocked_until = 0, 0, now + seconds
        self._counted_until = -math.inf
