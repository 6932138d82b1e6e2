"""The serving role's rights to each table: those that the program uses, and none to the schema."""

from sqlalchemy import Connection, text

# A row that is locked counts as updated. Orders, events, payments, points and documents are never deleted; documents never change
# either. Of events, payments and points, only the columns in COLUMN_RIGHTS change, when personal data is erased.
RIGHTS = {
    "alembic_version": "SELECT",
    "api_keys": "SELECT, INSERT, UPDATE",
    "audit_events": "SELECT, INSERT",
    "carts": "SELECT, INSERT, UPDATE, DELETE",
    "consumers": "SELECT, INSERT, UPDATE, DELETE",
    "coupon_uses": "SELECT, INSERT, UPDATE",
    "coupons": "SELECT, INSERT, UPDATE",
    "customers": "SELECT, INSERT, UPDATE",
    "delivery_zones": "SELECT, INSERT, UPDATE, DELETE",
    "document_numbers": "SELECT, INSERT, UPDATE",
    "documents": "SELECT, INSERT",
    "feed": "SELECT, INSERT",
    "feed_state": "SELECT, UPDATE",
    "fulfilments": "SELECT, INSERT, UPDATE, DELETE",
    "idempotency_keys": "SELECT, INSERT, UPDATE, DELETE",
    "inventory": "SELECT, INSERT, UPDATE",
    "job_leases": "SELECT, INSERT, UPDATE, DELETE",
    "mails": "SELECT, INSERT, UPDATE, DELETE",
    "order_events": "SELECT, INSERT",
    "order_items": "SELECT, INSERT, DELETE",
    "order_terms": "SELECT, INSERT, DELETE",
    "orders": "SELECT, INSERT, UPDATE",
    "past_positions": "SELECT, INSERT",
    "payments": "SELECT, INSERT",
    "points_accounts": "SELECT, INSERT, UPDATE",
    "points_entries": "SELECT, INSERT",
    "products": "SELECT, INSERT, UPDATE",
    "rate_limits": "SELECT, INSERT, UPDATE, DELETE",
    "runtime_settings": "SELECT, INSERT, UPDATE",
    "servers": "SELECT, INSERT, UPDATE, DELETE",
    "stock_adjustments": "SELECT, INSERT",
    "webhook_attempts": "SELECT, INSERT, DELETE",
    "webhook_deliveries": "SELECT, INSERT, UPDATE, DELETE",
    "webhook_endpoints": "SELECT, INSERT, UPDATE, DELETE",
}
COLUMN_RIGHTS = {
    "audit_events": "UPDATE (before, after)",
    "order_events": "UPDATE (event, event_values, salt)",
    "payments": "UPDATE (event)",
    "points_entries": "UPDATE (reason)",
}
# USAGE takes the next number, SELECT looks at the last one.
SEQUENCE_RIGHTS = {"order_numbers": "USAGE, SELECT"}

_ROLE = """
SELECT quote_ident(rolname), quote_ident(current_schema),
    rolsuper OR pg_has_role(roles.oid, current_user, 'MEMBER') OR pg_has_role(roles.oid, nspowner, 'MEMBER')
    OR EXISTS (SELECT FROM pg_class WHERE relnamespace = spaces.oid AND pg_has_role(roles.oid, relowner, 'MEMBER'))
FROM pg_roles AS roles, pg_namespace AS spaces WHERE rolname = :role AND nspname = current_schema"""

_MAY_CREATE = "SELECT has_schema_privilege(:role, current_schema, 'CREATE')"


class RightsError(Exception):
    """The rights cannot be granted; the message has the cause and the fix."""


def grant(connection: Connection, role: str) -> None:
    """Grants a role these rights, and revokes all other rights on the same tables. Raises RightsError."""
    found = connection.execute(text(_ROLE), {"role": role}).one_or_none()
    if found is None:
        raise RightsError(f"there is no role {role!r}; create it first")
    name, schema, unbounded = found
    if unbounded:
        raise RightsError(
            f"{role!r} is a superuser, or owns the schema or tables in it, and may do everything; name another role"
        )
    connection.execute(text(f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, {name}"))
    if connection.execute(text(_MAY_CREATE), {"role": role}).scalar():
        raise RightsError(f"{role!r} may create tables by another role that it is a member of; name another role")
    connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {name}"))
    for kind, rights in (("TABLE", RIGHTS), ("SEQUENCE", SEQUENCE_RIGHTS)):
        for thing, allowed in rights.items():
            connection.execute(text(f"REVOKE ALL ON {kind} {thing} FROM {name}"))
            connection.execute(text(f"GRANT {allowed} ON {kind} {thing} TO {name}"))
    for table, allowed in COLUMN_RIGHTS.items():
        connection.execute(text(f"GRANT {allowed} ON TABLE {table} TO {name}"))
