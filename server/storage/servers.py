"""The processes on a database, and the settings that are changed at run time."""

from datetime import datetime, timedelta
from typing import NamedTuple

from orders.v1.server_service_pb2 import LogLevelOverride, ServerInfo

from server.domain.servers.log_level import LOG_LEVEL
from server.storage.database import Database, fetch
from server.storage.projections import timestamp_of
from server.storage.sql import Query, Statement

# A process that has not reported for this time counts as dead.
SILENCE = timedelta(seconds=15)
# The time for which dead processes are listed.
_KEPT = timedelta(hours=1)
# The most processes that are listed.
_LISTED = 1_000


class _Server(NamedTuple):
    snapshot: bytes
    heartbeat_time: datetime
    alive: bool


class _Lease(NamedTuple):
    job: str
    holder: str


# The database's clock decides, since those of replicas differ. Text, since Core has no upserts by name.
_REPORT = Statement(
    """
WITH forgotten AS (DELETE FROM servers WHERE heartbeat_time < clock_timestamp() - %(kept)s::interval),
reported AS (
    INSERT INTO servers (server_id, heartbeat_time, snapshot)
    VALUES (%(server_id)s, clock_timestamp(), %(snapshot)s::bytea)
    ON CONFLICT (server_id) DO UPDATE SET (heartbeat_time, snapshot) = ROW (excluded.heartbeat_time, excluded.snapshot)
)
SELECT coalesce((SELECT snapshot FROM runtime_settings WHERE name = %(setting)s), '')"""
)
_LIST = Query(
    text="""
SELECT snapshot, heartbeat_time, heartbeat_time > clock_timestamp() - %(silence)s::interval
FROM servers ORDER BY server_id LIMIT %(limit)s::bigint""",
    row=_Server,
)
_HOLDERS = Query(text="SELECT job, holder FROM job_leases WHERE expire_time > clock_timestamp()", row=_Lease)
_LEAVE = Statement("DELETE FROM servers WHERE server_id = %(server_id)s")


class ServerRepository:
    """The processes. Methods raise DEPENDENCY_UNAVAILABLE and OVERLOADED."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def report(self, server: ServerInfo) -> LogLevelOverride:
        """Stores the description of this process; returns the log level for all processes."""
        snapshot = server.SerializeToString()
        parameters = {"server_id": server.server_id, "snapshot": snapshot, "kept": _KEPT, "setting": LOG_LEVEL}
        async with self._database.connection() as connection:
            ((override,),) = await fetch(connection, _REPORT, **parameters)
        return LogLevelOverride.FromString(override)

    async def all(self) -> list[ServerInfo]:
        """The processes that reported lately, the oldest first."""
        rows = await self._database.fetch_named(_LIST, silence=SILENCE, limit=_LISTED)
        return sorted(map(_server_of, rows), key=lambda server: server.start_time.ToNanoseconds())

    async def holders(self) -> dict[str, str]:
        """The process that runs each exclusive job."""
        return {row.job: row.holder for row in await self._database.fetch_named(_HOLDERS)}

    async def leave(self, server_id: str) -> None:
        """Removes the description of a process that stops."""
        async with self._database.connection() as connection:
            await connection.execute(_LEAVE.text, {"server_id": server_id})


def _server_of(row: _Server) -> ServerInfo:
    server = ServerInfo.FromString(row.snapshot)
    server.heartbeat_time.CopyFrom(timestamp_of(row.heartbeat_time))
    server.alive = row.alive
    return server
