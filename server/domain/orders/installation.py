"""RequestInstallation: the appointment for delivered lines, and the price of installation that was left out before."""

from collections.abc import Sequence
from decimal import Decimal

from orders.v1.catalog_service_pb2 import DeliveryZone
from orders.v1.error_reason_pb2 import ERROR_REASON_INSTALLATION_NOT_AVAILABLE, ERROR_REASON_ITEM_NOT_DELIVERED
from orders.v1.fulfilment_service_pb2 import RequestInstallationRequest
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_INSTALLATION_REQUESTED,
    AppliedTax,
    Order,
    OrderEvent,
    OrderItem,
)

from server.domain.base.caller import Role
from server.domain.base.edits import Audit, check_etag, edit_of
from server.domain.base.errors import Refusal, invalid_field
from server.domain.base.money import MAX_MINOR, from_minor, minor_of
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.state import State
from server.domain.base.values import PointTerms
from server.domain.catalog.products import Offer, find_offer
from server.domain.fulfilment.lines import list_shipments
from server.domain.lifecycle.lifecycle import check_not_cancelled, check_role
from server.domain.orders.apply import apply
from server.domain.orders.settle import settle
from server.domain.pricing.delivery import check_installation
from server.domain.pricing.quotes import points_earned
from server.domain.pricing.shares import sum_taxes
from server.domain.pricing.taxes import Taxable, taxes_of

_REQUESTERS = frozenset({Role.CUSTOMER, Role.FULFILMENT, Role.ADMIN})
_FIELDS = ("items", "shipments", "pricing", "installation")


@operation(
    RequestInstallationRequest,
    needs=lambda request: Needs(orders=[request.order_id], etag=request.etag, related=True, zones=True, documents=True),
)
def request_installation(request: RequestInstallationRequest, state: State, audit: Audit) -> Order | bytes:
    """Sets the appointment, and adds the installation of lines that do not have it to the price, as an amount due."""
    before = state.order(request.order_id, audit.caller)
    check_role(before, _REQUESTERS, audit.caller, what="request the installation of")
    check_etag(before, request.etag)
    check_not_cancelled(before)
    if before.source:
        raise invalid_field("order_id", "is an imported order, which its source installs")
    edit = edit_of(before, audit)
    order = edit.order
    list_shipments(order)
    offers = _installed(order, request.item_ids, state)
    _add_installation(order, offers, state)
    order.installation.required = True
    order.installation.scheduled_time.CopyFrom(request.scheduled_time)
    order.installation.time_slot = request.time_slot
    check_installation(order, field="scheduled_time")
    changed = [name for name in _FIELDS if getattr(order, name) != getattr(before, name)]
    if not changed:
        return before
    changed += settle(edit, before)
    edit.record(OrderEvent(type=ORDER_EVENT_TYPE_INSTALLATION_REQUESTED, changed_fields=changed))
    return apply(edit.finish(), state)


def _installed(order: Order, item_ids: Sequence[str], state: State) -> list[tuple[OrderItem, Offer]]:
    """The lines to install, each with the offer of today; refuses those that need no installation."""
    found = []
    items = {item.item_id: item for item in order.items}
    for index, item_id in enumerate(item_ids):
        if item_id not in items:
            known = ", ".join(list(items)[:10])
            raise invalid_field(f"item_ids[{index}]", f"the order has no line {item_id!r}; it has {known}")
        found.append((items[item_id], _offer(order, items[item_id], state)))
    if not item_ids:
        delivered = [item for item in order.items if item.delivered_quantity > item.returned_quantity]
        offers = [(item, _offer(order, item, state)) for item in delivered]
        found = [(item, offer) for item, offer in offers if _needs_it(item, offer)]
        if not found:
            item_ids = [order.items[0].item_id]
            found = [(order.items[0], _offer(order, order.items[0], state))]
    for item, offer in found:
        _check_line(order, item, offer)
    return found


def _offer(order: Order, item: OrderItem, state: State) -> Offer:
    return find_offer(
        state.products.stored,
        product_id=item.product_id,
        variant_id=item.variant_id,
        currency=order.pricing.total.currency_code,
        field="order_id",
    )


def _needs_it(item: OrderItem, offer: Offer) -> bool:
    return bool(item.requires_installation or offer.line.requires_installation)


def _has_it(item: OrderItem) -> bool:
    """Whether the order's price has the installation of a line."""
    return bool(item.requires_installation and not item.without_installation)


def _check_line(order: Order, item: OrderItem, offer: Offer) -> None:
    metadata = {"order_id": order.order_id, "item_id": item.item_id}
    name = f"order {order.order_number}: line {item.item_id}"
    if not item.delivered_quantity:
        raise Refusal(ERROR_REASON_ITEM_NOT_DELIVERED, f"{name} was not delivered yet", metadata=metadata)
    why = "" if _needs_it(item, offer) else "needs no installation"
    if item.returned_quantity and not _has_it(item):
        why = "has units that came back"
    if why:
        raise Refusal(ERROR_REASON_INSTALLATION_NOT_AVAILABLE, f"{name} {why}", metadata=metadata)


def _add_installation(order: Order, offers: Sequence[tuple[OrderItem, Offer]], state: State) -> None:
    """Adds the installation of the lines that do not have it to the price, taxed as the delivery zone says."""
    currency, added = order.pricing.total.currency_code, 0
    for item, offer in offers:
        if not _has_it(item):
            item.requires_installation, item.without_installation = True, False
            item.installation_price.CopyFrom(from_minor(offer.installation_minor, currency))
            added += offer.installation_minor * item.quantity
    if added:
        _add_price(order, added, _taxes(order, added, state), currency)


def _taxes(order: Order, added: int, state: State) -> list[AppliedTax]:
    """The taxes on an added price of installation, included or not as in the order's price."""
    snapshot = state.zones.all().get(order.delivery.zone_id)
    if snapshot is None:
        return []
    zone = DeliveryZone.FromString(snapshot)
    zone.tax_included = bool(order.pricing.terms.tax_included)
    taxes = taxes_of(zone)
    (taxed,) = taxes.on([Taxable(added, taxes.installation)])
    currency = order.pricing.total.currency_code
    made = []
    for tax, amount in zip(taxed.taxable.taxes, taxed.amounts, strict=True):
        applied = AppliedTax(name=tax.named.name, compound=tax.named.compound)
        applied.rate.value = tax.named.rate
        applied.taxable_amount.CopyFrom(from_minor(added, currency))
        applied.amount.CopyFrom(from_minor(amount, currency))
        made.append(applied)
    return made


def _add_price(order: Order, added: int, taxes: Sequence[AppliedTax], currency: str) -> None:
    pricing, tax = order.pricing, sum(minor_of(each.amount) for each in taxes)
    included = pricing.terms.tax_included
    total = minor_of(pricing.total) + added + (0 if included else tax)
    if total > MAX_MINOR:
        raise invalid_field("item_ids", "makes the order's total too large")
    pricing.installation.CopyFrom(from_minor(minor_of(pricing.installation) + added, currency))
    if tax:
        field = pricing.included_tax if included else pricing.tax
        field.CopyFrom(from_minor(minor_of(field) + tax, currency))
    for sums in (pricing.installation_taxes, pricing.taxes):
        whole = sum_taxes([*sums, *taxes], currency)
        del sums[:]
        sums.extend(whole)
    pricing.total.CopyFrom(from_minor(total, currency))
    terms = pricing.terms
    if terms.points_per_unit.value:
        per_point = PointTerms(Decimal(terms.point_value.value), Decimal(terms.points_per_unit.value))
        pricing.loyalty_points_earned = points_earned(total, per_point, currency)
