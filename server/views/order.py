"""`orders show`: one order with its lifecycle, lines, price, payment, delivery and history."""

import asyncio
from collections.abc import Iterator
from typing import Any, NamedTuple

import grpc
from orders.v1 import order_pb2 as pb
from orders.v1 import order_service_pb2 as service
from orders.v1 import shipment_pb2 as shipments
from orders.v1.order_service_pb2_grpc import OrderServiceStub
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from server.gateway.json_writer import to_json
from server.views.changes import details
from server.views.words import money_text, name_of, time_text

Metadata = tuple[tuple[str, str], ...]
Row = tuple[str, ...]

_PATH = (
    pb.ORDER_STATUS_PENDING,
    pb.ORDER_STATUS_CONFIRMED,
    pb.ORDER_STATUS_PROCESSING,
    pb.ORDER_STATUS_SHIPPED,
    pb.ORDER_STATUS_DELIVERED,
)
_AMOUNTS = ("subtotal", "discount", "tax", "included_tax", "shipping", "installation", "loyalty_points_value", "total")
_NUMERIC = {"Quantity", "Price", "Total", "Amount"}


class Section(NamedTuple):
    """A titled table. Without column titles it is a list of names and values."""

    title: str
    columns: Row
    rows: list[Row]


class OrderView(NamedTuple):
    """The API's answers about an order."""

    order: pb.Order
    events: list[pb.OrderEvent]
    transitions: list[service.TransitionExplanation]
    tracking: pb.Tracking
    steps: list[service.PriceStep]


async def load(channel: grpc.aio.Channel, order_id: str, *, metadata: Metadata) -> OrderView:
    """Reads an order by its id or number. Raises AioRpcError."""
    orders: Any = OrderServiceStub(channel)  # type: ignore[no-untyped-call]
    order, explained, tracking, price, events = await asyncio.gather(
        orders.GetOrder(service.GetOrderRequest(order_id=order_id), metadata=metadata),
        orders.ExplainOrder(service.ExplainOrderRequest(order_id=order_id), metadata=metadata),
        orders.TrackOrder(service.TrackOrderRequest(order_id=order_id), metadata=metadata),
        orders.ExplainPrice(service.ExplainPriceRequest(order_id=order_id), metadata=metadata),
        _events(orders, order_id, metadata),
    )
    return OrderView(order, events, list(explained.transitions), tracking, list(price.steps))


async def _events(orders: Any, order_id: str, metadata: Metadata) -> list[pb.OrderEvent]:
    found: list[pb.OrderEvent] = []
    token = ""
    while True:
        request = service.ListOrderEventsRequest(order_id=order_id, page_size=1000, page_token=token)
        page = await orders.ListOrderEvents(request, metadata=metadata)
        found += page.events
        token = page.next_page_token
        if not token:
            return found


def as_json(view: OrderView) -> dict[str, Any]:
    """The view for programs."""
    return {
        "order": to_json(view.order),
        "events": [to_json(event) for event in view.events],
        "transitions": [to_json(each) for each in view.transitions],
        "tracking": to_json(view.tracking),
        "price_steps": [to_json(step) for step in view.steps],
    }


def as_lines(view: OrderView) -> Iterator[str]:
    """The view for pipes: a line for each row, with tabs between its cells."""
    yield "\t".join(("status", *(name for name, _ in _steps(view.order))))
    for section in _sections(view):
        for row in section.rows:
            yield "\t".join((section.title.lower(), *row))


def rendered(view: OrderView) -> RenderableType:
    """The view for terminals."""
    title = f"{view.order.order_number}  {view.order.order_id}"
    parts = [_diagram(view.order), *(_table(section) for section in _sections(view) if section.rows)]
    return Panel(Group(*parts), title=Text(title), title_align="left")


def _steps(order: pb.Order) -> list[tuple[str, str]]:
    """The statuses on the order's path, and the style of each."""
    if order.status == pb.ORDER_STATUS_CANCELLED:
        return [(name_of(pb.OrderStatus, order.status), "bold red")]
    return [
        (
            name_of(pb.OrderStatus, status),
            "bold green" if status == order.status else "green" if status < order.status else "dim",
        )
        for status in _PATH
    ]


def _diagram(order: pb.Order) -> Text:
    text = Text(justify="left")
    for at, (name, style) in enumerate(_steps(order)):
        text.append(" → " if at else "", "dim")
        text.append(f"[{name}]" if style.startswith("bold") else name, style)
    return text


def _table(section: Section) -> RenderableType:
    table = Table(title=section.title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for column in section.columns:
        table.add_column(column, justify="right" if column in _NUMERIC else "left", style="")
    for row in section.rows:
        # Text, so that nothing in an order is read as markup.
        table.add_row(*map(Text, row))
    return table


def _sections(view: OrderView) -> list[Section]:
    order = view.order
    return [
        Section("Order", ("", ""), list(_about(order))),
        Section("Lines", ("Product", "Name", "Quantity", "Price", "Total"), [_line(item) for item in order.items]),
        Section("Price", ("", "Amount"), list(_price(order))),
        Section("Price steps", ("Step", "For", "Rule", "Amount"), [_step(step) for step in view.steps]),
        Section("Payment", ("", "Amount", ""), list(_payment(order))),
        Section("Holds", ("Hold", "Reason", "Since", "By", "Note"), [_hold(hold) for hold in order.holds]),
        Section("Shipments", ("Shipment", "Status", "Parcels", "Units"), list(map(_shipment, order.shipments))),
        Section("Delivery", ("Time", "Status", "Place", "Description"), list(_delivery(view))),
        Section("Next", ("Status", "", "Who"), [_transition(each) for each in view.transitions]),
        Section("History", ("Time", "Version", "Event", "By", "Details"), [_event(event) for event in view.events]),
    ]


def _about(order: pb.Order) -> Iterator[Row]:
    yield "customer", " ".join(filter(None, (order.customer.customer_id, order.customer.name)))
    address = order.shipping_address
    parts = (address.name, address.street, address.postal_code, address.city, address.state, address.country)
    yield "ship to", ", ".join(filter(None, parts))
    if order.source:
        yield "source", f"{order.source} {order.external_order_id}"
    if order.HasField("cancellation"):
        yield "cancelled", f"by {order.cancellation.actor}: {order.cancellation.reason or 'no reason given'}"


def _line(item: pb.OrderItem) -> Row:
    product = "/".join(filter(None, (item.product_id or item.sku, item.variant_id)))
    return product, item.name, str(item.quantity), money_text(item.unit_price), money_text(item.total_price)


def _price(order: pb.Order) -> Iterator[Row]:
    for name in _AMOUNTS:
        if order.pricing.HasField(name):
            yield name.replace("_", " "), money_text(getattr(order.pricing, name))
    for coupon in order.pricing.applied_coupons:
        yield f"coupon {coupon.code}", money_text(coupon.discount)


def _step(step: service.PriceStep) -> Row:
    numbers = ", ".join(f"{name} {value}" for name, value in sorted(step.numbers.items()))
    rule = f"{step.rule} ({numbers})" if numbers else step.rule
    amount = money_text(step.amount) if step.HasField("amount") else ""
    return name_of(service.PriceStepType, step.type), step.subject, rule, amount


def _payment(order: pb.Order) -> Iterator[Row]:
    yield "status", "", name_of(pb.PaymentStatus, order.payment_status)
    for field, value in order.payment.ListFields():
        yield field.name.replace("_", " "), money_text(value), ""
    for payment in order.payments:
        amounts = ", ".join(
            f"{field.name.removesuffix('_amount')} {money_text(value)}"
            for field, value in payment.ListFields()
            if field.name.endswith("_amount") and (value.units or value.nanos)
        )
        yield f"payment {payment.payment_id}", amounts, name_of(pb.PaymentStatus, payment.status)
    for refund in order.refunds:
        yield f"refund {refund.refund_id}", money_text(refund.amount), name_of(pb.RefundStatus, refund.status)


def _delivery(view: OrderView) -> Iterator[Row]:
    tracking = view.tracking
    if tracking.carrier or tracking.tracking_number:
        yield "", "", "", f"{tracking.carrier} {tracking.tracking_number}"
    for event in tracking.events:
        place = event.location or ", ".join(filter(None, (event.city, event.country)))
        yield time_text(event.time), name_of(pb.TrackingStatus, event.status), place, event.description


def _hold(hold: shipments.Hold) -> Row:
    reason = name_of(shipments.HoldReason, hold.reason)
    return hold.hold_id, reason, time_text(hold.create_time), hold.actor, hold.note


def _shipment(shipment: shipments.Shipment) -> Row:
    status = name_of(shipments.ShipmentStatus, shipment.status)
    parcels = "; ".join(map(_parcel, shipment.parcels))
    units = ", ".join(f"{item.quantity} of line {item.item_id}" for item in shipment.items)
    return shipment.shipment_id, status, parcels, units


def _parcel(parcel: shipments.Parcel) -> str:
    status = name_of(shipments.ShipmentStatus, parcel.status)
    return " ".join(filter(None, (parcel.parcel_id, parcel.carrier, parcel.tracking_number, status)))


def _transition(each: service.TransitionExplanation) -> Row:
    blocked = "; ".join(blocker.explanation for blocker in each.blockers)
    return name_of(pb.OrderStatus, each.to), "possible" if each.allowed else blocked, ", ".join(each.roles)


def _event(event: pb.OrderEvent) -> Row:
    kind = name_of(pb.OrderEventType, event.type)
    return time_text(event.event_time), str(event.version), kind, event.actor, "; ".join(details(event))
