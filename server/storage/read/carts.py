"""Reads of all customers' carts."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from orders.v1.cart_service_pb2 import Cart

from server.storage.database import Database
from server.storage.sql import Query

FIRST = datetime(1, 1, 2, tzinfo=UTC)
LAST = datetime(9999, 12, 31, tzinfo=UTC)


class StoredCart(NamedTuple):
    """A stored cart, without prices."""

    update_time: datetime
    cart_id: str
    cart: Cart


class _Row(NamedTuple):
    update_time: datetime
    cart_id: str
    snapshot: bytes


# The product's id is a part of the serialized cart. False matches are removed later.
_OF_PRODUCT = " AND position(%(product)s::bytea IN snapshot) > 0"


@lru_cache(maxsize=2)
def _query(*, of_product: bool) -> Query[_Row]:
    text = f"""
SELECT update_time, cart_id, snapshot FROM carts
WHERE (update_time, cart_id) > (%(time)s::timestamptz, %(cart_id)s::text)
    AND update_time >= %(start)s AND update_time < %(end)s{_OF_PRODUCT if of_product else ""}
ORDER BY update_time, cart_id LIMIT %(limit)s::bigint"""
    return Query(text=text, row=_Row)


class CartRepository:
    """Carts by the time of their last change. Methods raise DEPENDENCY_UNAVAILABLE."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, *, time: datetime, cart_id: str, start: datetime, end: datetime, product_id: str, limit: int
    ) -> list[StoredCart]:
        """Up to `limit` carts after a time and an id, changed within a period, that may contain a product."""
        product = {"product": product_id.encode()} if product_id else {}
        rows = await self._database.fetch_named(
            _query(of_product=bool(product_id)),
            time=time,
            cart_id=cart_id,
            start=start,
            end=end,
            limit=limit,
            **product,
        )
        return [StoredCart(row.update_time, row.cart_id, Cart.FromString(row.snapshot)) for row in rows]
