"""The columns by which customers are found."""

import sqlalchemy as sa
from alembic import op
from orders.v1.customer_service_pb2 import CustomerAccount

from server.domain.customers.contacts import contact_of

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_AT_ONCE = 1_000


def upgrade() -> None:
    # Servers of the previous version do not change them.
    for name in ("email", "phone", "name"):
        op.add_column("customers", sa.Column(name, sa.Text(), nullable=False, server_default=sa.text("''")))
    _fill()
    op.create_index("customers_email", "customers", ["email", "customer_id"])
    op.create_index("customers_phone", "customers", ["phone", "customer_id"])


def _fill() -> None:
    connection, after = op.get_bind(), ""
    page = sa.text("SELECT customer_id, snapshot FROM customers WHERE customer_id > :after ORDER BY 1 LIMIT :limit")
    write = sa.text("UPDATE customers SET email = :email, phone = :phone, name = :name WHERE customer_id = :id")
    while rows := connection.execute(page, {"after": after, "limit": _AT_ONCE}).all():
        after = rows[-1][0]
        contacts = [(key, contact_of(CustomerAccount.FromString(bytes(snapshot)).customer)) for key, snapshot in rows]
        connection.execute(write, [{"id": key, **contact._asdict()} for key, contact in contacts])


def downgrade() -> None:
    op.drop_index("customers_phone", "customers")
    op.drop_index("customers_email", "customers")
    for name in ("name", "phone", "email"):
        op.drop_column("customers", name)
