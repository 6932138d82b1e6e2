"""The table of background jobs, from their declarations."""

from collections.abc import Iterator, Sequence

from server.config import Settings
from server.runtime.background import Job
from server.runtime.jobs import JOBS
from tools.reference.markdown import table


def jobs() -> str:
    """The table, with the intervals of the default settings."""
    return table(["Job", "Description", "Interval", "Runs in"], _rows())


def _rows() -> Iterator[Sequence[str]]:
    for job in JOBS:
        runs_in = "one process" if job.exclusive else "each process"
        yield [f"`{job.name}`", (job.run.__doc__ or "").splitlines()[0], _interval(job), runs_in]


def _interval(job: Job) -> str:
    seconds = job.interval(Settings())
    return f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds:g} s"
