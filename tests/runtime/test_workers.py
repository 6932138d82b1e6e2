"""How the end of a worker is told."""

import multiprocessing
import os
import signal
from collections.abc import Callable

import pytest

from server.runtime.workers import _end, _Worker


@pytest.mark.parametrize(
    ("end", "argument", "told"),
    [
        (os._exit, 3, "ended with exit code 3; see the log"),
        (signal.raise_signal, signal.SIGKILL, "was killed by signal 9"),
        (signal.raise_signal, signal.SIGRTMIN + 1, f"was killed by signal {signal.SIGRTMIN + 1}"),
        (signal.raise_signal, signal.SIGBUS, "was killed by SIGBUS, for example because TMPDIR is full"),
    ],
    ids=["by itself", "killed", "by a signal without a name", "for want of room"],
)
def test_a_worker_s_end_is_told(end: Callable[[int], None], argument: int, told: str) -> None:
    context = multiprocessing.get_context("spawn")
    word, _ = context.Pipe(duplex=False)
    process = context.Process(target=end, args=(argument,))
    process.start()
    assert _end(_Worker(process, word)) == told
