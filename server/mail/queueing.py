"""Queues a mail for each change that triggers one."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from server.mail.kinds import kind_of
from server.storage.consumer_positions import Connection
from server.storage.mails import NewMail
from server.storage.read.feed import Change

# Mails about older changes are not useful: mails were off, or the server did not run.
_OLDEST = timedelta(days=3)


class Queue(Protocol):
    """The storage of mails: `storage/mails.py`."""

    async def queue(self, connection: Connection, mails: Sequence[NewMail]) -> None: ...


class MailQueueing:
    """The consumer of the feed that queues mails, in the transaction that moves its position."""

    def __init__(self, mails: Queue, selected: Collection[str]) -> None:
        self._mails, self._selected = mails, selected

    async def start(self) -> None:
        """Needs nothing."""

    async def is_idle(self) -> bool:
        return False

    async def handle(self, changes: Sequence[Change]) -> None:
        """Does nothing: everything happens in the database."""

    async def store(self, connection: Connection, changes: Sequence[Change]) -> None:
        since = datetime.now(UTC) - _OLDEST
        queued = [
            NewMail(f"{kind}.{change.order_id}.{change.version}", kind, change.order_id, change.version)
            for change in changes
            if change.event_time >= since and (kind := kind_of(change, self._selected))
        ]
        await self._mails.queue(connection, queued)
