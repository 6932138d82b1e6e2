"""Child processes of a server."""

import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker

# Spawned, not forked: gRPC's threads do not survive a fork.
context = multiprocessing.get_context("spawn")


@contextmanager
def hidden_from_terminal() -> Iterator[None]:
    """Processes started within the context ignore SIGINT, which a terminal sends to all; only the parent stops them."""
    resource_tracker.ensure_running()  # which would unblock the signal when it starts
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
