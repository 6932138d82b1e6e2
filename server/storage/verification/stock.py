"""Stock: available is the sum of adjustments less the units held by orders; reserved is their unshipped units."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from psycopg import AsyncConnection
from sqlalchemy import func, select

from server.domain.base.values import Sku
from server.domain.catalog.stock import awaited_by, held_by, reserved_by
from server.storage import sql
from server.storage.database import Row, fetch, fetch_named
from server.storage.projections import InventoryRow
from server.storage.schema.tables import inventory, stock_adjustments
from server.storage.verification.checks import Problem, Stored

_STOCK = sql.query(InventoryRow, select(*inventory.c))
_ADJUSTED = sql.compiled(
    select(
        stock_adjustments.c.product_id, stock_adjustments.c.variant_id, func.sum(stock_adjustments.c.delta)
    ).group_by(stock_adjustments.c.product_id, stock_adjustments.c.variant_id)
)


class StockCheck:
    """The numbers of each SKU match the adjustments and the orders."""

    def __init__(self) -> None:
        self._held: Counter[Sku] = Counter()
        self._reserved: Counter[Sku] = Counter()
        self._awaited: Counter[Sku] = Counter()

    async def look(self, connection: AsyncConnection[Row], page: Sequence[Stored]) -> list[Problem]:
        for stored in page:
            self._held.update(held_by(stored.order))
            self._reserved.update(reserved_by(stored.order))
            self._awaited.update(awaited_by(stored.order))
        return []

    async def finish(self, connection: AsyncConnection[Row]) -> list[Problem]:
        stored = {row.sku: row for row in await fetch_named(connection, _STOCK)}
        adjusted: dict[Sku, int] = defaultdict(int)
        for product, variant, quantity in await fetch(connection, _ADJUSTED):
            adjusted[product, variant] = int(quantity)
        problems = []
        for sku in sorted({*stored, *adjusted, *self._held, *self._reserved, *self._awaited}):
            subject = "product " + "/".join(part for part in sku if part)
            row = stored.get(sku, InventoryRow(*sku, available=0, reserved=0, awaited=0))
            problems += [Problem(subject, text) for text in self._texts(row, adjusted[sku])]
        return problems

    def _texts(self, row: InventoryRow, adjusted: int) -> list[str]:
        texts = []
        expected, reserved = adjusted - self._held[row.sku], self._reserved[row.sku]
        if row.available != expected:
            texts.append(f"inventory has {row.available}; the adjustments less what orders hold are {expected}")
        if row.reserved != reserved:
            texts.append(f"inventory has {row.reserved} reserved; orders that are not shipped hold {reserved}")
        if row.awaited != self._awaited[row.sku]:
            texts.append(f"inventory has {row.awaited} awaited; backordered lines wait for {self._awaited[row.sku]}")
        return texts
