"""The server's retries: exponential backoff with jitter."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from server.telemetry.log import fields

log = logging.getLogger(__name__)

Result = TypeVar("Result")


def _no_wait(_: Exception) -> float:
    return 0.0


# The maximum number of doublings, far beyond any limit: a float overflows after a thousand failures.
_MAX_DOUBLINGS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """The number of attempts, and the delays between them in seconds."""

    first: float
    longest: float
    # None for unlimited attempts.
    attempts: int | None = None

    def delay(self, failures: int) -> float:
        """The delay after a number of failures: random up to a doubling limit, so that callers do not retry together."""
        limit = self.first * 2.0 ** min(failures - 1, _MAX_DOUBLINGS)
        return random.uniform(0, min(limit, self.longest))

    async def run(
        self,
        attempt: Callable[[], Awaitable[Result]],
        *,
        is_retryable: Callable[[Exception], bool],
        wait: Callable[[Exception], float] = _no_wait,
    ) -> Result:
        """The result of the first attempt that succeeds. Raises the last attempt's error, or the first that is not retryable.

        `wait` returns the minimum delay that an error requests, in seconds.
        """
        failures = 0
        while True:
            try:
                return await attempt()
            except Exception as error:
                failures += 1
                if failures == self.attempts or not is_retryable(error):
                    raise
                log.info("an attempt failed and is retried", extra=fields(error, attempt=failures))
                pause = max(self.delay(failures), wait(error))
            await asyncio.sleep(pause)
