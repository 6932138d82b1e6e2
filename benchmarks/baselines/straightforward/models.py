"""The tables, as ORM classes."""

import uuid
from datetime import UTC, datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Identity, Index, LargeBinary
from sqlalchemy.ext.asyncio import AsyncAttrs
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(AsyncAttrs, DeclarativeBase):
    type_annotation_map = {int: BigInteger, datetime: DateTime(timezone=True), bytes: LargeBinary}  # noqa: RUF012


def now() -> datetime:
    return datetime.now(UTC)


class Product(Base):
    __tablename__ = "products"
    __table_args__ = (CheckConstraint("stock >= 0"),)

    product_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    price_minor: Mapped[int]
    currency: Mapped[str]
    stock: Mapped[int]


class Order(Base):
    __tablename__ = "orders"
    __table_args__ = (
        Index("orders_external", "source", "external_order_id", unique=True, postgresql_where="source <> ''"),
        Index("orders_customer", "customer_id", "create_time"),
        Index("orders_create_time", "create_time", "order_id"),
    )

    order_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    number: Mapped[int] = mapped_column(Identity(), unique=True)
    source: Mapped[str] = mapped_column(default="")
    external_order_id: Mapped[str] = mapped_column(default="")
    customer_id: Mapped[str]
    customer_name: Mapped[str] = mapped_column(default="")
    customer_email: Mapped[str] = mapped_column(default="")
    customer_phone: Mapped[str] = mapped_column(default="")
    status: Mapped[int]
    payment_status: Mapped[int]
    name: Mapped[str] = mapped_column(default="")
    street: Mapped[str] = mapped_column(default="")
    city: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default="")
    postal_code: Mapped[str] = mapped_column(default="")
    country: Mapped[str] = mapped_column(default="")
    currency: Mapped[str]
    total_minor: Mapped[int]
    version: Mapped[int] = mapped_column(default=1)
    create_time: Mapped[datetime] = mapped_column(default=now)
    update_time: Mapped[datetime] = mapped_column(default=now)

    items: Mapped[list["OrderItem"]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by="OrderItem.position"
    )


class OrderItem(Base):
    __tablename__ = "order_items"
    __table_args__ = (CheckConstraint("quantity > 0"),)

    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Order.order_id, ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[str]
    sku: Mapped[str]
    name: Mapped[str]
    quantity: Mapped[int]
    unit_price_minor: Mapped[int]


class OrderEvent(Base):
    __tablename__ = "order_events"

    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Order.order_id, ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str]
    request_id: Mapped[str]
    status: Mapped[int]
    event_time: Mapped[datetime] = mapped_column(default=now)


class IdempotencyKey(Base):
    __tablename__ = "idempotency_keys"

    method: Mapped[str] = mapped_column(primary_key=True)
    request_id: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[bytes]
    response: Mapped[bytes]
    create_time: Mapped[datetime] = mapped_column(default=now)
