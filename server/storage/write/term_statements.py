"""The statements of the terms by which orders are found."""

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from server.storage import sql
from server.storage.order_terms import TermRow
from server.storage.schema.list_tables import order_terms

TERM_COLUMNS = sql.columns_for(order_terms, TermRow)

_rows = sql.rows(TERM_COLUMNS)
# A server of an earlier version leaves the terms of an order as they are, so some may exist already.
INSERT_TERMS = sql.compiled(
    insert(order_terms).from_select(list(TermRow._fields), select(*_rows.c)).on_conflict_do_nothing()
)
DELETE_TERMS = sql.compiled(
    delete(order_terms).where(order_terms.c.term == _rows.c.term, order_terms.c.order_id == _rows.c.order_id)
)
