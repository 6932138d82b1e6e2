"""Audit events of writes that are no batch of commands."""

from datetime import UTC, datetime

from psycopg import AsyncConnection
from uuid_utils import uuid7

from server.domain.base.caller import Caller
from server.domain.base.records import ResourceChange
from server.domain.base.resources import recorded
from server.storage.database import Row
from server.storage.projections import AuditEventRow
from server.storage.write.changes import columns_of, names_of
from server.storage.write.statements import AUDIT_COLUMNS, INSERT_AUDIT_EVENTS


async def record_change(
    connection: AsyncConnection[Row], change: ResourceChange, *, caller: Caller, method: str
) -> None:
    """Adds an audit event to the connection's transaction, unless nothing has changed."""
    if change.before == change.after:
        return
    rows = [
        AuditEventRow(
            event_id=str(uuid7()),
            resource=each.resource,
            method=method,
            actor=caller.subject,
            request_id="",
            event_time=datetime.now(UTC),
            owner=caller.owner,
            before=each.before,
            after=each.after,
        )
        for each in recorded([change])
    ]
    parameters = columns_of(names_of(AUDIT_COLUMNS), rows)
    await connection.execute(INSERT_AUDIT_EVENTS.text, INSERT_AUDIT_EVENTS.bind(parameters))
