"""Lists in PostgreSQL's binary format, packed as a whole.

psycopg dumps lists element by element, at microseconds each, and a batch has one list per column. Because the columns' types are
known, this module packs each list into one value, which psycopg sends unchanged.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg.adapt import AdaptersMap, Dumper
from psycopg.pq import Format
from sqlalchemy import BigInteger, Boolean, DateTime, Double, Integer, LargeBinary, SmallInteger, Text, Uuid
from sqlalchemy.types import TypeEngine

# Dimensions, whether there are nulls, the elements' type, their number, the index of the first.
_HEADER = Struct("!iiIii").pack
_LENGTH = Struct("!i").pack
_NULL = _LENGTH(-1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Pack = Callable[[Iterable[Any]], Iterable[bytes]]


class Packed(bytes):
    """A packed list."""


class _Type(NamedTuple):
    """The packing of a type's lists: the element's OID, psycopg's class for the list's OID, and the elements' packer."""

    oid: int
    packed: type[Packed]
    elements: Pack

    def pack(self, values: Sequence[Any]) -> Packed:
        """The list; elements may be None."""
        if not values:
            return self.packed(_HEADER(0, 0, self.oid, 0, 0)[:12])
        header = _HEADER(1, int(None in values), self.oid, len(values), 1)
        return self.packed(header + b"".join(self.elements(values)))


def _numbers(size: int, code: str) -> Pack:
    pack = Struct(f"!i{code}").pack
    return lambda values: [_NULL if value is None else pack(size, value) for value in values]


def _bytes(values: Iterable[bytes | None]) -> Iterable[bytes]:
    return [_NULL if value is None else _LENGTH(len(value)) + value for value in values]


def _texts(values: Iterable[str | None]) -> Iterable[bytes]:
    return _bytes(None if value is None else value.encode() for value in values)


def _uuids(values: Iterable[str | UUID | None]) -> Iterable[bytes]:
    return _bytes(None if value is None else bytes.fromhex(str(value).replace("-", "")) for value in values)


def _times(values: Iterable[datetime | None]) -> Iterable[bytes]:
    return _numbers(8, "q")(None if value is None else (value - _EPOCH) // _MICROSECOND for value in values)


def _type(name: str, oid: int, list_oid: int, elements: Pack) -> _Type:
    """Creates the type and the dumper of its lists."""
    packed = type(f"Packed{name}", (Packed,), {})
    dumper = type(
        f"{name}Dumper", (Dumper,), {"format": Format.BINARY, "oid": list_oid, "dump": lambda self, value: value}
    )
    _DUMPERS[packed] = dumper
    return _Type(oid, packed, elements)


_DUMPERS: dict[type[Packed], type[Dumper]] = {}

# By the OIDs of PostgreSQL's own types, which never change.
_TYPES: dict[type[TypeEngine[Any]], _Type] = {
    Boolean: _type("Bool", 16, 1000, _numbers(1, "?")),
    BigInteger: _type("Int8", 20, 1016, _numbers(8, "q")),
    Integer: _type("Int4", 23, 1007, _numbers(4, "i")),
    SmallInteger: _type("Int2", 21, 1005, _numbers(2, "h")),
    Double: _type("Float8", 701, 1022, _numbers(8, "d")),
    Text: _type("Text", 25, 1009, _texts),
    LargeBinary: _type("Bytea", 17, 1001, _bytes),
    Uuid: _type("Uuid", 2950, 2951, _uuids),
    DateTime: _type("Timestamptz", 1184, 1185, _times),
}


def packer(item_type: TypeEngine[Any]) -> Callable[[Sequence[Any]], Packed]:
    """The packer for lists of a column's type."""
    return _TYPES[type(item_type)].pack


def from_binary(item_type: TypeEngine[Any], value: bytes) -> Any:
    """A value of a column's type from PostgreSQL's binary format: a text, an integer, a time, or a UUID as text."""
    return _FROM_BINARY[type(item_type)](value)


def _number(value: bytes) -> int:
    return int.from_bytes(value, "big", signed=True)


_FROM_BINARY: dict[type[TypeEngine[Any]], Callable[[bytes], Any]] = {
    Text: bytes.decode,
    BigInteger: _number,
    DateTime: lambda value: _EPOCH + _number(value) * _MICROSECOND,
    Uuid: lambda value: str(UUID(bytes=value)),
}


def adapters() -> AdaptersMap:
    """The adapters that connections need to send packed lists."""
    known = AdaptersMap(psycopg.adapters)
    for packed, dumper in _DUMPERS.items():
        known.register_dumper(packed, dumper)
    return known
