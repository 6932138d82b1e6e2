"""Every statement of the write path and the point reads."""

from sqlalchemy import BigInteger, Integer, Text, Uuid, delete, func, insert, or_, select, text, tuple_, update

from server.storage import sql
from server.storage.tables import (
    idempotency_keys,
    inventory,
    order_events,
    order_items,
    order_numbers,
    orders,
    products,
    stock_adjustments,
)

# Read, with locks, in key order.

by_reference = or_(
    orders.c.order_id == func.any(sql.array("order_ids", Uuid())),
    orders.c.order_number == func.any(sql.array("order_numbers", Text())),
)

LOCK_ORDERS = sql.compiled(
    select(orders.c.snapshot).where(by_reference).order_by(orders.c.order_id).with_for_update(key_share=True)
)

_external = sql.rows([orders.c.source, orders.c.external_order_id])

LOCK_IMPORTED_ORDERS = sql.compiled(
    select(orders.c.snapshot)
    .join(
        _external,
        (orders.c.source == _external.c.source) & (orders.c.external_order_id == _external.c.external_order_id),
    )
    .where(text("orders.source <> ''"))
    .order_by(orders.c.order_id)
    .with_for_update(of=orders, key_share=True)
)

_product_ids = sql.array("product_ids", Text())

LOCK_INVENTORY = sql.compiled(
    select(inventory.c.product_id, inventory.c.variant_id, inventory.c.available)
    .where(inventory.c.product_id == func.any(_product_ids))
    .order_by(inventory.c.product_id, inventory.c.variant_id)
    .with_for_update(key_share=True)
)

_products = (
    select(products.c.product_id, products.c.snapshot)
    .where(products.c.product_id == func.any(_product_ids))
    .order_by(products.c.product_id)
)
READ_PRODUCTS = sql.compiled(_products)
# For those who compare products with what replaces them. Orders do without the lock: it would cost each a write a product.
LOCK_PRODUCTS = sql.compiled(_products.with_for_update(key_share=True))

_keys = sql.rows([idempotency_keys.c.caller, idempotency_keys.c.method, idempotency_keys.c.request_id])

READ_IDEMPOTENCY_KEYS = sql.compiled(
    select(
        idempotency_keys.c.caller,
        idempotency_keys.c.method,
        idempotency_keys.c.request_id,
        idempotency_keys.c.request,
        idempotency_keys.c.response,
    ).where(
        tuple_(idempotency_keys.c.caller, idempotency_keys.c.method, idempotency_keys.c.request_id).in_(
            select(_keys.c.caller, _keys.c.method, _keys.c.request_id)
        )
    )
)

NEXT_ORDER_NUMBERS = sql.compiled(
    select(order_numbers.next_value()).select_from(
        func.generate_series(text("1"), sql.parameter("count", Integer())).table_valued("n")
    )
)

READ_HISTORY = sql.compiled(
    select(order_events.c.event)
    .where(order_events.c.order_id == func.any(sql.array("order_ids", Uuid())))
    .order_by(order_events.c.order_id, order_events.c.version)
)

# Write, one statement a table.

ORDER_COLUMNS = [column for column in orders.c if column.name != "xid"]
ITEM_COLUMNS = list(order_items.c)
EVENT_COLUMNS = [column for column in order_events.c if column.name != "xid"]
PRODUCT_COLUMNS = list(products.c)
ADJUSTMENT_COLUMNS = [column for column in stock_adjustments.c if column.name != "adjustment_id"]
IDEMPOTENCY_COLUMNS = list(idempotency_keys.c)


def _insert_rows(table: object, columns: list) -> sql.Statement:  # type: ignore[type-arg]
    source = sql.rows(columns)
    return sql.compiled(insert(table).from_select([column.name for column in columns], select(*source.c)))  # type: ignore[arg-type]


INSERT_ORDERS = _insert_rows(orders, ORDER_COLUMNS)
INSERT_ITEMS = _insert_rows(order_items, ITEM_COLUMNS)
INSERT_EVENTS = _insert_rows(order_events, EVENT_COLUMNS)
INSERT_PRODUCTS = _insert_rows(products, PRODUCT_COLUMNS)
INSERT_INVENTORY = _insert_rows(inventory, list(inventory.c))
INSERT_ADJUSTMENTS = _insert_rows(stock_adjustments, ADJUSTMENT_COLUMNS)
INSERT_IDEMPOTENCY_KEYS = _insert_rows(idempotency_keys, IDEMPOTENCY_COLUMNS)

# What never changes in the life of an order.
_never_change = {"order_id", "order_number", "source", "external_order_id", "create_time"}
_changing = [column for column in ORDER_COLUMNS if column.name not in _never_change]
_new = sql.rows([orders.c.order_id, *_changing])

UPDATE_ORDERS = sql.compiled(
    update(orders)
    .values({column.name: _new.c[column.name] for column in _changing} | {"xid": func.pg_current_xact_id()})
    .where(orders.c.order_id == _new.c.order_id)
)

# As the snapshots say, and nothing else: the transaction id stays, for the orders themselves have not changed.
_rebuilt = sql.rows(ORDER_COLUMNS)
REBUILD_ORDERS = sql.compiled(
    update(orders)
    .values({column.name: _rebuilt.c[column.name] for column in ORDER_COLUMNS})
    .where(orders.c.order_id == _rebuilt.c.order_id)
)

DELETE_ITEMS = sql.compiled(
    delete(order_items).where(order_items.c.order_id == func.any(sql.array("order_ids", Uuid())))
)

_moved = sql.rows([inventory.c.product_id, inventory.c.variant_id, inventory.c.available])

MOVE_STOCK = sql.compiled(
    update(inventory)
    .values(available=inventory.c.available + _moved.c.available)
    .where(inventory.c.product_id == _moved.c.product_id, inventory.c.variant_id == _moved.c.variant_id)
)

_product = sql.rows(PRODUCT_COLUMNS)

UPDATE_PRODUCTS = sql.compiled(
    update(products)
    .values(snapshot=_product.c.snapshot, update_time=_product.c.update_time)
    .where(products.c.product_id == _product.c.product_id)
)

DELETE_OLD_IDEMPOTENCY_KEYS = sql.compiled(
    delete(idempotency_keys).where(
        tuple_(idempotency_keys.c.caller, idempotency_keys.c.method, idempotency_keys.c.request_id).in_(
            select(idempotency_keys.c.caller, idempotency_keys.c.method, idempotency_keys.c.request_id)
            .where(idempotency_keys.c.create_time < sql.parameter("before", idempotency_keys.c.create_time.type))
            .limit(sql.parameter("limit", BigInteger()))
            .with_for_update(skip_locked=True)
        )
    )
)

# Point reads.

READ_ORDERS = sql.compiled(select(orders.c.order_id, orders.c.order_number, orders.c.snapshot).where(by_reference))
