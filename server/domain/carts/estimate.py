"""The public view of a cart: current prices, an estimate, and notices of problems that block an order."""

from collections import Counter
from collections.abc import Mapping

from orders.v1.cart_service_pb2 import Cart, CartItem
from orders.v1.error_reason_pb2 import ERROR_REASON_PRICE_CHANGED, ERROR_REASON_PRODUCT_NOT_FOUND
from orders.v1.order_pb2 import Order, OrderItem

from server.domain.base.error_codes import cut
from server.domain.base.errors import Refusal, Violation
from server.domain.base.money import minor_of, text_of
from server.domain.base.state import State
from server.domain.base.values import Sku
from server.domain.catalog.backorders import for_sale
from server.domain.catalog.products import Offer, find_offer
from server.domain.catalog.stock import insufficient_stock
from server.domain.pricing.delivery import choose_delivery
from server.domain.pricing.order_prices import fill
from server.domain.pricing.quotes import add_line, line_of, quote
from server.domain.pricing.zones import DeliveryChoice

# The size in bytes up to which a cart is shown with pictures and attributes.
_MAX_SHOWN = 2 << 20
# Bytes of a notice's message.
_MAX_NOTICE = 300


def public_view(cart: Cart, state: State) -> Cart:
    """The public view of a stored cart, as a copy."""
    answer = Cart()
    answer.CopyFrom(cart)
    order = Order()
    offers = _fill_lines(answer, order, state)
    answer.total_quantity = sum(item.quantity for item in answer.items)
    if offers:
        _estimate(answer, order, offers, state)
    if answer.ByteSize() > _MAX_SHOWN:
        _drop_looks(answer)
    return answer


def _drop_looks(cart: Cart) -> None:
    """Omits the lines' pictures and attributes, which may be megabytes; GetProduct also returns them."""
    for item in cart.items:
        item.ClearField("image_uri")
        item.ClearField("variant_attributes")


def sku_of(item: CartItem) -> Sku:
    return item.product_id, item.variant_id


def price_changes(seen: CartItem, offer: Offer) -> list[Violation]:
    """The prices of a line that differ from those the customer saw: `was 10.00 USD, is 12.00 USD`."""
    prices = {"unit_price": offer.unit_minor, "installation_price": offer.installation_minor}
    changes = []
    for field, now in prices.items():
        was = minor_of(getattr(seen, field))
        if was != now:
            changes.append(Violation(field, f"was {text_of(was, offer.currency)}, is {text_of(now, offer.currency)}"))
    return changes


def notify(cart: Cart, error: Refusal, *, item_id: str = "") -> None:
    """Adds a refusal as a notice."""
    # The reader of a cart has sent no fields, so violations have no paths.
    message = "; ".join(violation.description for violation in error.violations) or error.message
    cart.notices.add(item_id=item_id, reason=error.error_reason, message=cut(message, _MAX_NOTICE))


def offer_of(
    products: Mapping[str, bytes], *, product_id: str, variant_id: str, currency: str, field: str = "items"
) -> Offer:
    """As `find_offer`, but every refusal is PRODUCT_NOT_FOUND."""
    try:
        return find_offer(products, product_id=product_id, variant_id=variant_id, currency=currency, field=field)
    except Refusal as error:
        if not error.violations:
            raise
        text = f"product {product_id!r}: {error.violations[0].description}"
        metadata = {"product_id": product_id, "variant_id": variant_id}
        raise Refusal(ERROR_REASON_PRODUCT_NOT_FOUND, text, metadata=metadata) from error


def _fill_lines(cart: Cart, order: Order, state: State) -> list[Offer]:
    """Fills in the current offers and adds the available lines to the order; returns their offers."""
    wanted: Counter[Sku] = Counter()
    for item in cart.items:
        wanted[sku_of(item)] += item.quantity
    offers: list[Offer] = []
    for item in cart.items:
        try:
            offer = offer_of(
                state.products.stored,
                product_id=item.product_id,
                variant_id=item.variant_id,
                currency=cart.currency_code,
            )
            line = add_line(order, offer, quantity=item.quantity, item_id=item.item_id, field=f"items[{len(offers)}]")
        except Refusal as error:
            notify(cart, error, item_id=item.item_id)
            continue
        offers.append(offer)
        _fill_line(cart, item, line, offer)
        _check_stock(cart, item, wanted.pop(sku_of(item), 0), state)
    return offers


def _fill_line(cart: Cart, item: CartItem, line: OrderItem, offer: Offer) -> None:
    for change in price_changes(item, offer):
        what = "installation " if change.field == "installation_price" else ""
        notify(cart, Refusal(ERROR_REASON_PRICE_CHANGED, what + change.description), item_id=item.item_id)
    if item.unit_price != line.unit_price:
        item.previous_unit_price.CopyFrom(item.unit_price)
    item.sku, item.name, item.variant_name = line.sku, line.name, line.variant_name
    item.image_uri = offer.image_uri
    item.variant_attributes.update(offer.attributes)
    item.unit_price.CopyFrom(line.unit_price)
    item.total_price.CopyFrom(line.total_price)
    item.requires_installation = line.requires_installation
    item.ClearField("installation_price")
    if line.HasField("installation_price"):
        item.installation_price.CopyFrom(line.installation_price)


def _check_stock(cart: Cart, item: CartItem, quantity: int, state: State) -> None:
    available = for_sale(sku_of(item), quantity, state)
    if quantity > available:
        notify(cart, insufficient_stock(sku_of(item), requested=quantity, available=available), item_id=item.item_id)


def _estimate(cart: Cart, order: Order, offers: list[Offer], state: State) -> None:
    """Prices the available lines as an order of them would be priced."""
    lines = [line_of(offer, item.quantity) for offer, item in zip(offers, order.items, strict=True)]
    choice = _service(cart, state)
    try:
        point_terms = state.terms.points_in(cart.currency_code)
        priced = quote(lines, currency=cart.currency_code, point_terms=point_terms, choice=choice)
    except Refusal as error:
        notify(cart, error)
        return
    fill(order, priced)
    cart.pricing.CopyFrom(order.pricing)


def _service(cart: Cart, state: State) -> DeliveryChoice | None:
    """Standard delivery to the customer's first address; None, with a notice, if that is not possible."""
    addresses = state.account(cart.customer_id).addresses
    if not addresses:
        return None
    try:
        return choose_delivery(state.zones.all(), addresses[0], method="", time_slot="", currency=cart.currency_code)
    except Refusal as error:
        notify(cart, error)
        return None
