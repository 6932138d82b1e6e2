"""Stock: what can be ordered is what was put there less what orders hold, and what is reserved is what they have not shipped."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from psycopg import AsyncConnection
from sqlalchemy import func, select

from server.domain.base.values import Sku
from server.domain.catalog.stock import held_by, reserved_by
from server.storage import sql
from server.storage.database import Row, fetch
from server.storage.schema.tables import inventory, stock_adjustments
from server.storage.verification.checks import Problem, Stored

_STOCK = sql.compiled(
    select(inventory.c.product_id, inventory.c.variant_id, inventory.c.available, inventory.c.reserved)
)
_ADJUSTED = sql.compiled(
    select(
        stock_adjustments.c.product_id, stock_adjustments.c.variant_id, func.sum(stock_adjustments.c.delta)
    ).group_by(stock_adjustments.c.product_id, stock_adjustments.c.variant_id)
)


class StockCheck:
    """Every shelf's numbers follow from the adjustments and the orders."""

    def __init__(self) -> None:
        self._held: Counter[Sku] = Counter()
        self._reserved: Counter[Sku] = Counter()

    async def look(self, connection: AsyncConnection[Row], page: Sequence[Stored]) -> list[Problem]:
        for stored in page:
            self._held.update(held_by(stored.order))
            self._reserved.update(reserved_by(stored.order))
        return []

    async def finish(self, connection: AsyncConnection[Row]) -> list[Problem]:
        skus: dict[Sku, tuple[int, int]] = {
            (product, variant): (available, reserved)
            for product, variant, available, reserved in await fetch(connection, _STOCK)
        }
        adjusted: dict[Sku, int] = defaultdict(int)
        for product, variant, pieces in await fetch(connection, _ADJUSTED):
            adjusted[product, variant] = int(pieces)
        problems = []
        for sku in sorted({*skus, *adjusted, *self._held, *self._reserved}):
            subject = "product " + "/".join(part for part in sku if part)
            problems += [Problem(subject, text) for text in self._texts(sku, skus.get(sku, (0, 0)), adjusted[sku])]
        return problems

    def _texts(self, sku: Sku, counted: tuple[int, int], adjusted: int) -> list[str]:
        available, reserved = counted
        texts = []
        expected = adjusted - self._held[sku]
        if available != expected:
            texts.append(f"inventory has {available}; the adjustments less what orders hold are {expected}")
        if reserved != self._reserved[sku]:
            texts.append(f"inventory has {reserved} reserved; orders that are not shipped hold {self._reserved[sku]}")
        return texts
