"""Leases of background jobs that run in one process at a time, over all workers and replicas."""

import asyncio
import os
import secrets
import socket

from server.storage.database import Database, fetch
from server.storage.schema.tables import job_leases
from server.storage.sql import Statement

# Seconds that a lease lasts unless it is renewed: so soon another process takes over the jobs of one that was killed.
SECONDS = 30.0
# How often a holder tries to renew a lease before it ends.
_RENEWALS = 3
# Seconds, at a stop. A lease that is not given back ends later.
_GIVING_BACK = 0.5

# The database's clock decides alone, since those of replicas differ. Text, since Core has no arguments by name.
_TAKE = Statement(
    f"""
INSERT INTO {job_leases.name} AS lease (job, holder, expire_time)
VALUES (%(job)s, %(holder)s, clock_timestamp() + make_interval(secs => %(seconds)s))
ON CONFLICT (job) DO UPDATE SET (holder, expire_time) = ROW (excluded.holder, excluded.expire_time)
WHERE lease.holder = excluded.holder OR lease.expire_time < clock_timestamp()
RETURNING job"""
)
_GIVE_BACK = Statement(f"DELETE FROM {job_leases.name} WHERE job = %(job)s AND holder = %(holder)s")


class JobLeases:
    """The leases of this process. Methods raise DEPENDENCY_UNAVAILABLE, OVERLOADED and TimeoutError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Says where to look for the process, and is unique without that.
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"

    @staticmethod
    def pause(seconds: float) -> float:
        """The seconds between renewals of a lease, and between attempts to take one that another process holds."""
        return seconds / _RENEWALS

    async def take(self, job: str, *, seconds: float) -> float | None:
        """Takes or renews a lease; returns the event loop's time at which it ends, or None while another process holds it."""
        # Before the database's own reading of its clock, so the holder gives up before others can take over.
        began = asyncio.get_running_loop().time()
        async with self._database.bounded(self.pause(seconds)), self._database.connection() as connection:
            taken = await fetch(connection, _TAKE, job=job, holder=self.holder, seconds=seconds)
        return began + seconds if taken else None

    async def give_back(self, job: str) -> None:
        """Ends the lease, if this process holds it."""
        async with self._database.bounded(_GIVING_BACK), self._database.connection() as connection:
            await connection.execute(_GIVE_BACK.text, {"job": job, "holder": self.holder})
