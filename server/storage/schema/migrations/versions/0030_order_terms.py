"""The terms by which orders are found."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from orders.v1.order_pb2 import Order

from server.storage.order_terms import TermRow, term_rows, terms_of

revision = "0030"
down_revision = "0028"
branch_labels = None
depends_on = None

_AT_ONCE = 1_000
_BEFORE_ALL = "00000000-0000-0000-0000-000000000000"


def upgrade() -> None:
    # Not one that refers to the orders, which would look each of them up again: orders are never deleted.
    op.create_table(
        "order_terms",
        sa.Column("term", sa.LargeBinary(), primary_key=True),
        sa.Column("order_id", sa.Uuid(), primary_key=True),
    )
    write = sa.text("INSERT INTO order_terms (term, order_id) SELECT * FROM unnest(:terms, CAST(:order_ids AS uuid[]))")
    for rows in _pages():
        if rows:
            op.get_bind().execute(write, {"terms": [row.term for row in rows], "order_ids": [r.order_id for r in rows]})


def _pages() -> Iterator[list[TermRow]]:
    """The terms of all orders, a page at a time, as orders are read; none is locked."""
    connection, after = op.get_bind(), _BEFORE_ALL
    page = sa.text(
        "SELECT CAST(order_id AS text), snapshot FROM orders WHERE order_id > CAST(:after AS uuid)"
        " ORDER BY orders.order_id LIMIT :limit"
    )
    while found := connection.execute(page, {"after": after, "limit": _AT_ONCE}).all():
        after = found[-1][0]
        yield [row for _, snapshot in found for row in _rows_of(snapshot)]


def _rows_of(snapshot: Any) -> list[TermRow]:
    order = Order.FromString(bytes(snapshot))
    return term_rows(order, terms_of(order))


def downgrade() -> None:
    op.drop_table("order_terms")
