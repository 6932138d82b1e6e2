"""Tasks of the server: which exceptions end them, and how their death is noticed."""

import asyncio
from collections.abc import Callable

import pytest

from server.domain.base.errors import Refusal
from server.tasks import Contained, Tasks, contain


class Panic(BaseException):
    """As extensions raise it: no Exception."""


def test_an_exception_is_contained_as_it_is() -> None:
    error = ValueError("as it is")
    assert contain(error) is error


@pytest.mark.parametrize("error", [Panic("deep down"), SystemExit(3)])
def test_what_is_no_exception_is_contained_as_one(error: BaseException) -> None:
    contained = contain(error)
    assert isinstance(contained, Contained)
    assert contained.__cause__ is error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), GeneratorExit()])
def test_what_ends_the_process_or_a_coroutine_is_not_contained(error: BaseException) -> None:
    with pytest.raises(type(error)):
        contain(error)


async def test_a_cancellation_of_something_else_can_be_retried() -> None:
    contained = contain(asyncio.CancelledError())
    assert isinstance(contained, Refusal)
    assert (contained.reason, contained.metadata) == ("DEPENDENCY_UNAVAILABLE", {"dependency": "server"})


async def test_the_cancellation_of_the_running_task_is_not_contained() -> None:
    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except BaseException as error:
            contain(error)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    "failure", [ValueError, Panic, SystemExit, asyncio.CancelledError], ids=lambda failure: failure.__name__
)
async def test_a_kept_task_is_restarted_until_its_work_is_done(
    failure: Callable[[], BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    tasks, tries = Tasks(), 0

    async def work() -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise failure()

    tasks.keep(work)
    async with asyncio.timeout(60):
        await tasks.drain()
    assert tries == 3
    assert tasks.is_alive
    assert caplog.messages == ["a task failed and is restarted"] * 2


async def test_a_kept_task_that_is_ended_from_outside_has_died(caplog: pytest.LogCaptureFixture) -> None:
    tasks = Tasks()
    task = tasks.keep(asyncio.Event().wait)  # type: ignore[arg-type]
    await asyncio.sleep(0)
    assert tasks.is_alive
    task.cancel()
    await tasks.drain()
    assert not tasks.is_alive
    assert "a task of the server has died; restart the server" in caplog.messages


async def test_a_kept_task_that_is_not_needed_any_more_has_not_died() -> None:
    tasks = Tasks()
    task = tasks.keep(asyncio.Event().wait)  # type: ignore[arg-type]
    await asyncio.sleep(0)
    await tasks.cancel(task)
    assert task.cancelled()
    assert tasks.is_alive
