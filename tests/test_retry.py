"""The retry policy."""

import pytest

from server.retry import RetryPolicy


class Failing:
    """Fails so many times, then succeeds."""

    def __init__(self, failures: int, error: type[Exception] = OSError) -> None:
        self.calls, self._failures, self._error = 0, failures, error

    async def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self._failures:
            raise self._error("not this time")
        return "done"


def is_os_error(error: Exception) -> bool:
    return isinstance(error, OSError)


@pytest.mark.parametrize(("failures", "longest"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 3.0), (5, 3.0), (5000, 3.0)])
def test_limit_of_the_delay_doubles_up_to_the_longest(
    failures: int, longest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: (low, high))
    assert RetryPolicy(first=0.5, longest=3.0).delay(failures) == (0, longest)


async def test_attempts_are_repeated_until_one_succeeds() -> None:
    attempt = Failing(2)
    assert await RetryPolicy(first=0, longest=0).run(attempt, is_retryable=is_os_error) == "done"
    assert attempt.calls == 3


async def test_a_delay_that_an_error_asks_for_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    delays: list[float] = []

    async def sleep(seconds: float) -> None:
        delays.append(seconds)

    monkeypatch.setattr("asyncio.sleep", sleep)
    await RetryPolicy(first=0, longest=0).run(Failing(2), is_retryable=is_os_error, wait=lambda _: 7.0)
    assert delays == [7.0, 7.0]


async def test_last_attempt_s_error_is_raised() -> None:
    attempt = Failing(5)
    with pytest.raises(OSError, match="not this time"):
        await RetryPolicy(first=0, longest=0, attempts=3).run(attempt, is_retryable=is_os_error)
    assert attempt.calls == 3


async def test_error_that_is_not_retryable_is_raised_at_once() -> None:
    attempt = Failing(5, ValueError)
    with pytest.raises(ValueError, match="not this time"):
        await RetryPolicy(first=0, longest=0).run(attempt, is_retryable=is_os_error)
    assert attempt.calls == 1
