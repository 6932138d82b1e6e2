"""Packed lists arrive as what they were."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, DateTime, Double, Integer, LargeBinary, SmallInteger, Text, Uuid
from sqlalchemy.types import TypeEngine

from server.storage.arrays import adapters, packer

Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture(scope="module")
def connection(postgres: str) -> Iterator[Connection]:
    with psycopg.connect(postgres, autocommit=True, context=adapters()) as connection:
        connection.execute("SET TimeZone = UTC")
        yield connection


TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(lambda time: time.replace(tzinfo=UTC))
ELEMENTS: dict[type[TypeEngine[Any]], tuple[str, st.SearchStrategy[Any]]] = {
    SmallInteger: ("smallint", st.integers(-(2**15), 2**15 - 1)),
    Integer: ("integer", st.integers(-(2**31), 2**31 - 1)),
    BigInteger: ("bigint", st.integers(-(2**63), 2**63 - 1)),
    Double: ("double precision", st.floats(allow_nan=False)),
    Text: ("text", st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))),
    LargeBinary: ("bytea", st.binary()),
    Uuid: ("uuid", st.uuids()),
    DateTime: ("timestamptz", TIMES),
}


@pytest.mark.parametrize("item_type", ELEMENTS, ids=lambda item_type: item_type.__name__)
@given(data=st.data())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_list_arrives_as_it_was(
    item_type: type[TypeEngine[Any]], connection: Connection, data: st.DataObject
) -> None:
    name, elements = ELEMENTS[item_type]
    values = data.draw(st.lists(st.none() | elements, max_size=20))
    ((arrived, type_name),) = connection.execute(
        "SELECT %(values)s, pg_typeof(%(values)s)::text", {"values": packer(item_type())(values)}
    )
    expected = "timestamp with time zone" if item_type is DateTime else name
    assert (arrived, type_name) == (values, f"{expected}[]")


def test_ids_may_be_text(connection: Connection) -> None:
    order_id = "0190abcd-0000-7000-8000-0000000000ff"
    ((arrived,),) = connection.execute("SELECT (%s::uuid[])[1]::text", [packer(Uuid())([order_id])])
    assert arrived == order_id


def test_what_does_not_fit_is_refused_before_it_is_sent() -> None:
    with pytest.raises(Exception, match=r"format|range"):
        packer(SmallInteger())([2**15])
