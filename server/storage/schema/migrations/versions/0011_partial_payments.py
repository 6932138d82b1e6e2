"""A payment status for partly paid orders.

Payments need no migration: they follow from an order's payment events, and are listed with its next one. Replacing the constraint
reads the orders once, during which they cannot be written.
"""

from alembic import op

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _replace_check("payment_status BETWEEN 1 AND 10")


def downgrade() -> None:
    op.execute("UPDATE orders SET payment_status = 1 WHERE payment_status > 7")
    _replace_check("payment_status BETWEEN 1 AND 7")


def _replace_check(condition: str) -> None:
    name = op.f("orders_payment_status_known")
    op.drop_constraint(name, "orders")
    op.create_check_constraint(name, "orders", condition)
