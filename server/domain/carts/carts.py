"""Carts. A cart stores only the chosen products and the prices that the customer saw."""

from collections.abc import Mapping
from uuid import UUID, uuid5

from orders.v1.cart_service_pb2 import (
    AddCartItemRequest,
    Cart,
    CartItem,
    ClearCartRequest,
    GetCartRequest,
    RemoveCartItemRequest,
    UpdateCartItemRequest,
)
from orders.v1.error_reason_pb2 import (
    ERROR_REASON_CART_ITEM_NOT_FOUND,
    ERROR_REASON_CART_NOT_FOUND,
    ERROR_REASON_PRICE_CHANGED,
    ERROR_REASON_PRODUCT_NOT_FOUND,
)
from orders.v1.order_pb2 import Order, OrderItem
from orders.v1.order_service_pb2 import CreateOrderRequest, NewOrderItem, ReorderOrderRequest

from server.domain.base.edits import Audit
from server.domain.base.errors import Refusal, Violation, invalid, invalid_field
from server.domain.base.money import MAX_MINOR
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.records import Kind
from server.domain.base.sizes import check_content
from server.domain.base.state import State
from server.domain.carts.audit import line_changes
from server.domain.carts.estimate import notify, offer_of, price_changes, public_view, sku_of
from server.domain.catalog.backorders import for_sale
from server.domain.catalog.products import Offer, find_offer
from server.domain.catalog.stock import insufficient_stock

CartRequest = GetCartRequest | AddCartItemRequest | UpdateCartItemRequest | RemoveCartItemRequest | ClearCartRequest

MAX_LINES = 500
MAX_PIECES = 1_000_000

# The ids of current carts derive from it and the customers' ids; it must never change.
_NAMESPACE = UUID("6f8b1c0e-52a7-4d0f-9a43-0d6c7e1b94f2")


def current_cart_id(customer_id: str) -> str:
    """The id of a customer's current cart, whether it is stored or not."""
    return str(uuid5(_NAMESPACE, customer_id))


def cart_id_of(request: CartRequest | CreateOrderRequest) -> str:
    """The id of the cart that a request is about: the one it names, or the customer's current one."""
    return request.cart_id or current_cart_id(request.customer_id)


def _needs(request: CartRequest) -> Needs:
    return Needs(
        carts=[cart_id_of(request)],
        related=True,
        products=[request.product_id] if isinstance(request, AddCartItemRequest) else [],
        customers=[request.customer_id],
        zones=True,
        replaces=None if isinstance(request, GetCartRequest) else Kind.CART,
    )


@operation(GetCartRequest, needs=_needs)
def get_cart(request: GetCartRequest, state: State, audit: Audit) -> Cart:
    """The cart at current prices."""
    return public_view(_find_cart(request, state), state)


@operation(AddCartItemRequest, needs=_needs)
def add_cart_item(request: AddCartItemRequest, state: State, audit: Audit) -> Cart:
    """Adds an item, or increases the quantity of the same item."""
    cart = _find_cart(request, state)
    _check_currency(cart, request.currency_code)
    offer = _requested_offer(request, state.products.stored, currency=request.currency_code or cart.currency_code)
    cart.currency_code = offer.currency
    item = _same_line(cart, request) or _add_line(cart, request, audit)
    _set_quantity(cart, item, offer, item.quantity + request.quantity, state)
    check_content(cart, field="cart_id", advice="remove lines, or shorten their customizations")
    return _store(cart, state, audit)


@operation(UpdateCartItemRequest, needs=_needs)
def update_cart_item(request: UpdateCartItemRequest, state: State, audit: Audit) -> Cart:
    """Sets the quantity of a line."""
    cart = _find_cart(request, state)
    item = cart.items[_index_of(cart, request.item_id)]
    offer = offer_of(
        state.products.stored, product_id=item.product_id, variant_id=item.variant_id, currency=cart.currency_code
    )
    _set_quantity(cart, item, offer, request.quantity, state)
    return _store(cart, state, audit)


@operation(RemoveCartItemRequest, needs=_needs)
def remove_cart_item(request: RemoveCartItemRequest, state: State, audit: Audit) -> Cart:
    """Removes a line."""
    cart = _find_cart(request, state)
    del cart.items[_index_of(cart, request.item_id)]
    return _store(cart, state, audit)


@operation(ClearCartRequest, needs=_needs)
def clear_cart(request: ClearCartRequest, state: State, audit: Audit) -> Cart:
    """Removes every line."""
    cart = _find_cart(request, state)
    del cart.items[:]
    return _store(cart, state, audit, audited=True)


@operation(
    ReorderOrderRequest,
    needs=lambda request: Needs(orders=[request.order_id], related=True, zones=True, replaces=Kind.CART),
)
def reorder(request: ReorderOrderRequest, state: State, audit: Audit) -> Cart:
    """Fills a new cart with the lines of an order, at current prices."""
    order = state.order(request.order_id, audit.caller)
    cart = Cart(customer_id=order.customer.customer_id, currency_code=order.pricing.total.currency_code)
    refusals = _add_ordered_lines(cart, order, state, audit)
    if not cart.items:
        raise invalid_field("order_id", "none of the order's products is still available")
    check_content(cart, field="order_id", advice="add its lines to several carts instead")
    cart.cart_id = state.new_id()
    # No row can have a new id.
    state.carts.stored.mark_read([cart.cart_id])
    answer = _store(cart, state, audit)
    for refusal in refusals:
        notify(answer, refusal)
    return answer


# For CreateOrder.


def checkout_lines(request: CreateOrderRequest, state: State) -> tuple[Cart, list[NewOrderItem]]:
    """The cart to order and its lines. Refuses prices that the customer has not seen, unless the request accepts them."""
    cart = _find_cart(request, state)
    if not cart.items:
        raise invalid_field("cart_id", "the cart is empty; add items to it first")
    _check_currency(cart, request.currency_code)
    changes = _price_changes(cart, state.products.stored, cart.currency_code)
    if changes and not request.accept_price_changes:
        text = "prices have changed since the cart showed them; show the cart again, or send accept_price_changes"
        raise Refusal(ERROR_REASON_PRICE_CHANGED, text, metadata={"cart_id": cart.cart_id}, violations=changes)
    return cart, [_ordered(item) for item in cart.items]


def empty(cart_id: str, state: State, audit: Audit) -> None:
    """Removes every line of a cart that was ordered."""
    snapshot = state.carts.stored.get(cart_id)
    if snapshot is not None:
        cart = Cart.FromString(snapshot)
        del cart.items[:]
        _put(cart, state, audit)


def refill(cart_id: str, order: Order, state: State, audit: Audit) -> None:
    """Returns the lines of a failed order to its cart, unless the customer has added other lines."""
    snapshot = state.carts.stored.get(cart_id)
    cart = Cart() if snapshot is None else Cart.FromString(snapshot)
    if cart.items or cart.customer_id != order.customer.customer_id:
        return
    cart.currency_code = order.pricing.total.currency_code
    for line in order.items:
        item = _add_line(cart, line, audit)
        item.quantity = line.quantity
        _see(item, line)
    _put(cart, state, audit)


def _price_changes(cart: Cart, products: Mapping[str, bytes], currency: str) -> list[Violation]:
    changes = []
    for index, item in enumerate(cart.items):
        field = f"cart.items[{index}]"
        offer = find_offer(
            products, product_id=item.product_id, variant_id=item.variant_id, currency=currency, field=field
        )
        changes += [Violation(f"{field}.{name}", text) for name, text in price_changes(item, offer)]
    return changes


def _ordered(item: CartItem) -> NewOrderItem:
    return NewOrderItem(
        product_id=item.product_id,
        variant_id=item.variant_id,
        quantity=item.quantity,
        design_project_id=item.design_project_id,
        customizations=item.customizations,
    )


# Helpers.


def _check_currency(cart: Cart, wished: str) -> None:
    if wished and cart.currency_code not in ("", wished):
        text = f"is {wished}, but the cart is in {cart.currency_code}; clear the cart to change it"
        raise invalid_field("currency_code", text)


def _find_cart(request: CartRequest | CreateOrderRequest, state: State) -> Cart:
    """A copy of the stored cart; a customer's current cart is empty if it is not stored."""
    cart_id = cart_id_of(request)
    snapshot = state.carts.stored.get(cart_id)
    if snapshot is not None:
        cart = Cart.FromString(snapshot)
        if cart.customer_id == request.customer_id:
            return cart
    elif cart_id == current_cart_id(request.customer_id):
        return Cart(cart_id=cart_id, customer_id=request.customer_id)
    # Another customer's cart looks like one that does not exist.
    text = f"customer {request.customer_id!r} has no cart {cart_id!r}"
    raise Refusal(ERROR_REASON_CART_NOT_FOUND, text, metadata={"cart_id": cart_id})


def _requested_offer(request: AddCartItemRequest, products: Mapping[str, bytes], *, currency: str) -> Offer:
    product_id, variant_id = request.product_id, request.variant_id
    try:
        return find_offer(products, product_id=product_id, variant_id=variant_id, currency=currency, field="")
    except Refusal as error:
        if not error.violations:
            raise
        # The request itself is the line: its fields have no path before them.
        raise invalid(*(Violation(field.lstrip("."), text) for field, text in error.violations)) from error


def _same_line(cart: Cart, request: AddCartItemRequest) -> CartItem | None:
    return next((item for item in cart.items if _choice(item) == _choice(request)), None)


def _choice(line: CartItem | AddCartItemRequest) -> tuple[str, str, str, dict[str, str]]:
    return line.product_id, line.variant_id, line.design_project_id, dict(line.customizations)


def _add_line(cart: Cart, chosen: AddCartItemRequest | OrderItem, audit: Audit) -> CartItem:
    """Appends a line without quantity and price."""
    if len(cart.items) == MAX_LINES:
        raise invalid_field(
            "cart_id", f"the cart has {MAX_LINES} lines, the most that an order can have; remove one first"
        )
    return cart.items.add(
        item_id=str(max((int(item.item_id) for item in cart.items), default=0) + 1),
        product_id=chosen.product_id,
        variant_id=chosen.variant_id,
        design_project_id=chosen.design_project_id,
        customizations=chosen.customizations,
        add_time=audit.time,
    )


def _set_quantity(cart: Cart, item: CartItem, offer: Offer, quantity: int, state: State) -> None:
    """Sets the quantity of a line at the current price. Refuses a quantity that cannot be ordered."""
    if quantity > MAX_PIECES:
        raise invalid_field("quantity", f"makes {quantity:,} units; a line has at most {MAX_PIECES:,}")
    if (offer.unit_minor + offer.installation_minor) * quantity > MAX_MINOR:
        raise invalid_field("quantity", "makes the line's total too large")
    item.quantity = quantity
    _see(item, offer.line)
    sku = sku_of(item)
    total = sum(other.quantity for other in cart.items if sku_of(other) == sku)
    available = for_sale(sku, total, state)
    if total > available:
        raise insufficient_stock(sku, requested=total, available=available)


def _see(item: CartItem, line: OrderItem) -> None:
    """Stores the current prices as seen by the customer."""
    item.unit_price.CopyFrom(line.unit_price)
    item.ClearField("installation_price")
    if line.HasField("installation_price"):
        item.installation_price.CopyFrom(line.installation_price)


def _index_of(cart: Cart, item_id: str) -> int:
    for index, item in enumerate(cart.items):
        if item.item_id == item_id:
            return index
    text = f"there is no line {item_id!r} in cart {cart.cart_id!r}"
    raise Refusal(ERROR_REASON_CART_ITEM_NOT_FOUND, text, metadata={"cart_id": cart.cart_id, "item_id": item_id})


def _add_ordered_lines(cart: Cart, order: Order, state: State, audit: Audit) -> list[Refusal]:
    """Adds the order's lines that are still available; returns the refusals of the others."""
    refusals = []
    for line in order.items:
        try:
            offer = _offer_again(line, state.products.stored, cart.currency_code)
        except Refusal as error:
            refusals.append(error)
            continue
        item = _add_line(cart, line, audit)
        item.quantity = line.quantity
        _see(item, offer.line)
    return refusals


def _offer_again(line: OrderItem, products: Mapping[str, bytes], currency: str) -> Offer:
    if not line.product_id:
        text = f"{line.name or line.sku!r} was imported and is not in the catalogue, so it is left out"
        raise Refusal(ERROR_REASON_PRODUCT_NOT_FOUND, text)
    return offer_of(products, product_id=line.product_id, variant_id=line.variant_id, currency=currency)


def _store(cart: Cart, state: State, audit: Audit, *, audited: bool = False) -> Cart:
    """Stores a cart if it has changed; returns its public view. The change is audited if the caller is not the customer."""
    stored = _put(cart, state, audit)
    if audited or audit.caller.acts_for(cart.customer_id):
        change = line_changes(stored, cart)
        if change is not None:
            state.resource_changes.append(change)
    return public_view(cart, state)


def _put(cart: Cart, state: State, audit: Audit) -> Cart:
    """Stores a cart if it has changed; returns the previous version."""
    if not cart.items:
        cart.ClearField("currency_code")
    snapshot = state.carts.stored.get(cart.cart_id)
    stored = Cart(cart_id=cart.cart_id, customer_id=cart.customer_id) if snapshot is None else Cart.FromString(snapshot)
    if cart == stored:
        return stored
    if not cart.HasField("create_time"):
        cart.create_time.CopyFrom(audit.time)
    cart.update_time.CopyFrom(audit.time)
    state.carts.put(cart.cart_id, cart.SerializeToString(deterministic=True))
    return stored
