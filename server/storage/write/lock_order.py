"""The order in which a batch locks and writes tables. One order for all batches keeps them from deadlocking."""

from server.storage.schema import fulfilment_tables, server_tables, tables, webhook_tables

LOCK_ORDER = tuple(
    table.name
    for table in (
        tables.orders,
        tables.carts,
        tables.customers,
        tables.coupons,
        tables.coupon_uses,
        tables.delivery_zones,
        tables.points_accounts,
        # Before the stock, whose rows refer to them.
        tables.products,
        tables.inventory,
        tables.api_keys,
        webhook_tables.webhook_endpoints,
        server_tables.runtime_settings,
        tables.document_numbers,
        # Last: a batch that claims orders holds their rows when it waits for nothing else.
        fulfilment_tables.fulfilments,
    )
)
