"""Leases of background jobs that run in one process at a time, over all workers and replicas."""

import asyncio
import os
import secrets
import socket

from server.storage.database import Database, fetch
from server.storage.schema.tables import job_leases
from server.storage.sql import Statement

# Duration of a lease in seconds, after which another process takes over the jobs of a killed one.
SECONDS = 30.0
# How often a holder tries to renew a lease before it ends.
_RENEWALS = 3
# Seconds, at shutdown. A lease that is not released expires later.
_GIVING_BACK = 0.5

# Only the database's clock counts, because those of replicas differ. Text, because Core has no named arguments.
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
        # Identifies the process for operators; the random part makes it unique.
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"

    @staticmethod
    def pause(seconds: float) -> float:
        """The seconds between renewals of a lease, and between attempts to take one that another process holds."""
        return seconds / _RENEWALS

    async def take(self, job: str, *, seconds: float) -> float | None:
        """Takes or renews a lease; returns the event loop's time at which it ends, or None while another process holds it."""
        # Read before the database reads its clock, so the holder stops before others can take over.
        began = asyncio.get_running_loop().time()
        async with self._database.bounded(self.pause(seconds)), self._database.connection() as connection:
            taken = await fetch(connection, _TAKE, job=job, holder=self.holder, seconds=seconds)
        return began + seconds if taken else None

    async def give_back(self, job: str) -> None:
        """Releases the lease, if this process holds it."""
        async with self._database.bounded(_GIVING_BACK), self._database.connection() as connection:
            await connection.execute(_GIVE_BACK.text, {"job": job, "holder": self.holder})
