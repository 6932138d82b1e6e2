"""The retry schedule of deliveries."""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Seconds between the attempts, as Standard Webhooks suggests; the first attempt is immediate.
SCHEDULE = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
GONE = 410
# Statuses of an endpoint that gets too many requests.
_THROTTLED = (429, 502, 504)
# The least seconds to wait after a timeout, which has status 0, or after too many requests.
_LEAST = 60
_TENTH = 10


def is_success(status: int) -> bool:
    return 200 <= status < 300


def is_throttled(status: int) -> bool:
    """Whether the endpoint asks for fewer requests, not only for a retry."""
    return status in _THROTTLED


def delay_after(attempts: int, *, status: int, retry_after: int | None) -> int | None:
    """Seconds until the next attempt, after a number of failed ones; None if there is none.

    `Retry-After` can delay it to twice the scheduled time. Up to 20 % of jitter spreads attempts that failed together.
    """
    if attempts > len(SCHEDULE):
        return None
    scheduled = SCHEDULE[attempts - 1]
    base = max(scheduled, _LEAST) if status in (0, 429) else scheduled
    if retry_after is not None:
        return max(base, min(retry_after, 2 * base))
    spread = 2 * base // _TENTH
    return base + random.randint(-spread, spread)


def retry_after_of(header: str, *, now: datetime) -> int | None:
    """The seconds in a `Retry-After` header, which is a number or a date; None if it is neither."""
    if header.isascii() and header.isdigit():
        return int(header[:9])
    try:
        time = parsedate_to_datetime(header)
    except (ValueError, TypeError):
        return None
    return max(0, int((time.replace(tzinfo=time.tzinfo or UTC) - now).total_seconds()))
