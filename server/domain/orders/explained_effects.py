"""The effects of a dry run, for callers that request them."""

from orders.v1.invoice_pb2 import CreditNote, Invoice
from orders.v1.write_effects_pb2 import (
    DOCUMENT_TYPE_CREDIT_NOTE,
    DOCUMENT_TYPE_INVOICE,
    CouponEffect,
    DocumentEffect,
    EventEffect,
    PointsEffect,
    StockEffect,
    WriteEffects,
)

from server.domain.base.state import State


def explain_effects(state: State) -> WriteEffects:
    """The effects of the only command of a batch."""
    changes = state.changes
    return WriteEffects(
        stock=_stock(state),
        points=[
            PointsEffect(customer_id=entry.customer_id, type=entry.type, delta=entry.delta, balance=entry.balance)
            for entry in changes.points_entries
        ],
        coupons=_coupons(state),
        events=[
            EventEffect(
                order_id=event.order_id,
                version=event.version,
                type=event.type,
                from_status=event.from_status,
                to_status=event.to_status,
                changed_fields=event.changed_fields,
            )
            for _, event, _ in changes.events
        ],
        documents=map(_document, changes.documents),
    )


def _stock(state: State) -> list[StockEffect]:
    available, reserved = state.stock.deltas, state.reserved.deltas
    effects = [
        StockEffect(
            product_id=sku[0],
            variant_id=sku[1],
            available_delta=available.get(sku, 0),
            reserved_delta=reserved.get(sku, 0),
        )
        for sku in sorted(available.keys() | reserved.keys())
    ]
    return [effect for effect in effects if effect.available_delta or effect.reserved_delta]


def _coupons(state: State) -> list[CouponEffect]:
    """The changes of the uses by all customers together."""
    uses = state.coupon_uses
    totals = {code: delta for (code, customer_id), delta in sorted(uses.deltas.items()) if not customer_id and delta}
    return [CouponEffect(code=code, delta=delta, times_used=uses.get((code, ""))) for code, delta in totals.items()]


def _document(document: Invoice | CreditNote) -> DocumentEffect:
    if isinstance(document, Invoice):
        return DocumentEffect(type=DOCUMENT_TYPE_INVOICE, order_id=document.order_id, amount=document.pricing.total)
    return DocumentEffect(type=DOCUMENT_TYPE_CREDIT_NOTE, order_id=document.order_id, amount=document.amount)
