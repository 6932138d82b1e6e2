"""Stock: what can be ordered is what was put there less what orders hold, and what is reserved is what they have not shipped."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from psycopg import AsyncConnection
from sqlalchemy import func, select

from server.domain.base.values import Shelf
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
        self._held: Counter[Shelf] = Counter()
        self._reserved: Counter[Shelf] = Counter()

    async def look(self, connection: AsyncConnection[Row], page: Sequence[Stored]) -> list[Problem]:
        for stored in page:
            self._held.update(held_by(stored.order))
            self._reserved.update(reserved_by(stored.order))
        return []

    async def finish(self, connection: AsyncConnection[Row]) -> list[Problem]:
        shelves: dict[Shelf, tuple[int, int]] = {
            (product, variant): (available, reserved)
            for product, variant, available, reserved in await fetch(connection, _STOCK)
        }
        adjusted: dict[Shelf, int] = defaultdict(int)
        for product, variant, pieces in await fetch(connection, _ADJUSTED):
            adjusted[product, variant] = int(pieces)
        problems = []
        for shelf in sorted({*shelves, *adjusted, *self._held, *self._reserved}):
            subject = "product " + "/".join(part for part in shelf if part)
            problems += [
                Problem(subject, text) for text in self._texts(shelf, shelves.get(shelf, (0, 0)), adjusted[shelf])
            ]
        return problems

    def _texts(self, shelf: Shelf, counted: tuple[int, int], adjusted: int) -> list[str]:
        available, reserved = counted
        texts = []
        expected = adjusted - self._held[shelf]
        if available != expected:
            texts.append(f"inventory has {available}; the adjustments less what orders hold are {expected}")
        if reserved != self._reserved[shelf]:
            texts.append(f"inventory has {reserved} reserved; orders that are not shipped hold {self._reserved[shelf]}")
        return texts
