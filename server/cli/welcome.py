"""The welcome text of a started server: commands that take an order from the cart to delivery."""

from server.domain.carts.carts import current_cart_id
from server.identity import addresses
from server.runtime.app import Started

_SERVED = "Serving orders on {address}, stored in {where}.{http}{webhooks}{metrics} {who}"
_METRICS = " Metrics: {url}."
_WEBHOOKS = " Webhooks of the payment provider on {url}."
_HTTP = " HTTP/JSON on {url}, documentation on {url}/docs."
_OPEN = "Open to every caller until you create a key (`orders keys create`) and restart."
_CLOSED = "Callers need an API key (`orders keys create`), a token, or a certificate."
# The end of the text, which readers of the output can wait for.
_STOP = "Stop with Ctrl-C."

_TEXT = """{served}

Take an order from the cart to delivery. First define `call`, with grpcurl or with the buf that `make serve` installs:

{callers}

Then run these commands in order, before you create another order: they name the next one, {number}.

{steps}

All services: grpcurl -plaintext {address} list
{served} {stop}"""

# The command of each tool that calls a method.
_CALLERS = (
    'call() {{ grpcurl -plaintext -d "$2" {address} orders.v1.$1; }}',
    'call() {{ .venv/bin/buf curl --protocol grpc --http2-prior-knowledge -d "$2" http://{address}/orders.v1.$1; }}',
)

# The steps of the tour: methods and requests, in which NUMBER is the next order's and CART is the customer's cart.
_STEPS = (
    ("CartService/AddCartItem", '{"customer_id":"jane","product_id":"mug","quantity":2}'),
    ("CartService/AddCartItem", '{"customer_id":"jane","product_id":"sofa","variant_id":"blue","quantity":1}'),
    (
        "OrderService/PriceOrder",
        '{"order":{"customer_id":"jane","cart_id":"CART","shipping_address_id":"home","coupon_code":"TAKE20"}}',
    ),
    (
        "OrderService/CreateOrder",
        '{"customer_id":"jane","cart_id":"CART","shipping_address_id":"home","coupon_code":"TAKE20"}',
    ),
    (
        "OrderService/RecordPayment",
        '{"order_id":"NUMBER","event":{"provider":"test","event_id":"paid-NUMBER","type":"PAYMENT_EVENT_TYPE_PAID"}}',
    ),
    ("OrderService/GetInvoice", '{"order_id":"NUMBER"}'),
    ("OrderService/TransitionOrder", '{"order_id":"NUMBER","status":"ORDER_STATUS_PROCESSING"}'),
    (
        "OrderService/TransitionOrder",
        '{"order_id":"NUMBER","status":"ORDER_STATUS_SHIPPED","carrier":"UPS","tracking_number":"1Z999AA10123456784"}',
    ),
    (
        "OrderService/RecordTrackingEvent",
        '{"order_id":"NUMBER","event":{"status":"TRACKING_STATUS_IN_TRANSIT","city":"Newark","country":"US"}}',
    ),
    ("OrderService/TrackOrder", '{"order_id":"NUMBER"}'),
    ("OrderService/RecordTrackingEvent", '{"order_id":"NUMBER","event":{"status":"TRACKING_STATUS_DELIVERED"}}'),
    ("OrderService/GetOrder", '{"order_id":"NUMBER"}'),
    ("OrderService/ListOrders", '{"filter":{"customer_id":"jane"}}'),
)


def welcome(started: Started, *, embedded: bool) -> str:
    """The text for a started server, with commands to try if it is open and has the demo shop."""
    where = "the embedded PostgreSQL" if embedded else "your PostgreSQL"
    host, port, number = started.host, started.port, started.next_order_number
    who = _OPEN if started.is_open else _CLOSED
    metrics = _METRICS.format(url=started.metrics_url) if started.metrics_url else ""
    http = _HTTP.format(url=started.http_url) if started.http_url else ""
    url = started.payment_webhook_url
    webhooks = _WEBHOOKS.format(url=url) if url else ""
    address = addresses.address(host, port)
    served = _SERVED.format(address=address, where=where, http=http, webhooks=webhooks, metrics=metrics, who=who)
    if not number or not started.is_open or started.has_tls:
        return f"{served} {_STOP}"
    address = addresses.local_address(host, port)
    callers = [caller.format(address=address) for caller in _CALLERS]
    steps = [f"call {method} '{_filled(request, number)}'" for method, request in _STEPS]
    return _TEXT.format(
        served=served, callers=_indented(callers), steps=_indented(steps), address=address, number=number, stop=_STOP
    )


def _indented(lines: list[str]) -> str:
    return "\n".join(f"  {line}" for line in lines)


def _filled(request: str, number: str) -> str:
    return request.replace("NUMBER", number).replace("CART", current_cart_id("jane"))
