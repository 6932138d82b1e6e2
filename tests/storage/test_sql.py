"""Named rows are checked against the columns that they stand for."""

from typing import NamedTuple

import pytest
from sqlalchemy import select

from server.storage import sql
from server.storage.schema.tables import coupon_uses


class Use(NamedTuple):
    code: str
    customer_id: str
    used: int


class Swapped(NamedTuple):
    customer_id: str
    code: str
    used: int


def test_a_row_has_the_names_of_its_query() -> None:
    query = sql.query(Use, select(*coupon_uses.c))
    assert query.named([("TEN", "ada", 2)]) == [Use(code="TEN", customer_id="ada", used=2)]


def test_a_query_refuses_a_row_with_other_names() -> None:
    with pytest.raises(TypeError, match="Swapped has the fields"):
        sql.query(Swapped, select(*coupon_uses.c))


def test_a_table_refuses_a_row_that_lacks_a_column() -> None:
    with pytest.raises(TypeError, match="the columns of coupon_uses are"):
        sql.columns_for(coupon_uses, Use, without={"used"})
