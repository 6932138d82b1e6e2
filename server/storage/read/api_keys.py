"""API keys and registered certificates."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from orders.v1.api_key_service_pb2 import ApiKey
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Select,
    Text,
    func,
    literal_column,
    select,
    update,
)

from server.domain.access.api_keys import Use, api_key_not_found
from server.domain.base.values import StoredKey
from server.storage import sql
from server.storage.batcher import Batcher
from server.storage.database import Database, Row, fetch
from server.storage.projections import StoredKeyRow, stored_key_of
from server.storage.schema.tables import api_keys
from server.storage.write.changes import columns_of
from server.storage.write.statements import STORED_KEY_COLUMNS


def _find(name: Column[str]) -> sql.Statement:
    return sql.compiled(select(*STORED_KEY_COLUMNS).where(name == func.any(sql.array("names", Text()))))


_FIND = _find(api_keys.c.key_id)
_FIND_CERTIFICATES = _find(api_keys.c.certificate_name)
_PAGE: Select[Row] = select(*STORED_KEY_COLUMNS).where(api_keys.c.key_id > sql.parameter("after", Text()))
_READ_PAGE = sql.compiled(_PAGE.order_by(api_keys.c.key_id).limit(sql.parameter("limit", BigInteger())))

_names = sql.array("names", Text())
_LOCK_ALL = sql.compiled(
    select(api_keys.c.key_id).where(api_keys.c.key_id == func.any(_names)).order_by(api_keys.c.key_id).with_for_update()
)

_USES = ["key_id", "digest", "time"]
_used = sql.rows([api_keys.c.key_id, api_keys.c.digest, Column("time", DateTime(timezone=True))])
_uses = (
    select(_used.c.key_id, func.max(_used.c.time).label("time"), func.array_agg(_used.c.digest).label("digests"))
    .group_by(_used.c.key_id)
    .subquery("uses")
)
_NOTE_USES = sql.compiled(
    update(api_keys)
    .values(
        last_use_time=func.greatest(api_keys.c.last_use_time, _uses.c.time),
        used=api_keys.c.used | func.coalesce(api_keys.c.digest == func.any(_uses.c.digests), literal_column("false")),
    )
    .where(api_keys.c.key_id == _uses.c.key_id)
)


class ApiKeyRepository:
    """Keys by id, and certificates by name. Methods raise DEPENDENCY_UNAVAILABLE, and the errors that each names."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keys = Batcher[str, StoredKey | None](self._read_keys, max_batch=256, max_queue=10_000)
        self._certificates = Batcher[str, StoredKey | None](self._read_certificates, max_batch=256, max_queue=10_000)

    async def find(self, key_id: str) -> StoredKey | None:
        """The key with an id, revoked or not."""
        return await self._keys.submit(key_id)

    async def find_certificate(self, name: str) -> StoredKey | None:
        """The unrevoked key with a certificate's name."""
        return await self._certificates.submit(name)

    async def get(self, key_id: str) -> ApiKey:
        """The public view of the key with an id. Raises API_KEY_NOT_FOUND."""
        found = await self.find(key_id)
        if found is None:
            raise api_key_not_found(key_id)
        return found.api_key

    async def page(self, *, after: str, limit: int) -> list[ApiKey]:
        """Up to `limit` keys after an id, in the order of their ids."""
        found = await self._database.fetch(_READ_PAGE, after=after, limit=limit)
        return [_stored(row).api_key for row in found]

    async def note_uses(self, uses: Mapping[Use, datetime]) -> None:
        """Records the times of key uses, and whether the newest text was used."""
        if not uses:
            return
        rows = [(*use, time) for use, time in uses.items()]
        async with self._database.connection() as connection, connection.transaction():
            # All replicas do this. Sorted, so that they wait for each other and do not deadlock.
            await fetch(connection, _LOCK_ALL, names=sorted({use.key_id for use in uses}))
            await connection.execute(_NOTE_USES.text, _NOTE_USES.bind(columns_of(_USES, rows)))

    async def _read_keys(self, names: Sequence[str]) -> list[StoredKey | Exception | None]:
        found = {stored.api_key.key_id: stored for stored in await self._read(_FIND, names)}
        return [found.get(name) for name in names]

    async def _read_certificates(self, names: Sequence[str]) -> list[StoredKey | Exception | None]:
        found = {stored.certificate_name: stored for stored in await self._read(_FIND_CERTIFICATES, names)}
        return [found.get(name) for name in names]

    async def _read(self, statement: sql.Statement, names: Sequence[str]) -> list[StoredKey]:
        return list(map(_stored, await self._database.fetch(statement, names=sorted(set(names)))))


def _stored(row: Row) -> StoredKey:
    return stored_key_of(StoredKeyRow._make(row))
