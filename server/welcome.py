"""What a started server says: commands to paste."""

_SERVED = "Orders are served on {address}, kept in {where}. Stop with Ctrl-C."

_COMMANDS = """
With grpcurl (each line is a whole command):

  grpcurl -plaintext {address} list
  grpcurl -plaintext -d '{create}' {address} orders.v1.OrderService/CreateOrder
  grpcurl -plaintext -d '{{"order_id":"{number}"}}' {address} orders.v1.OrderService/GetOrder
  grpcurl -plaintext -d '{{"filter":{{"customer_id":"jane"}}}}' {address} orders.v1.OrderService/ListOrders
  grpcurl -plaintext -d '{{"order_id":"{number}"}}' {address} orders.v1.OrderService/TrackOrder
  grpcurl -plaintext -d '{{"order_id":"{number}","reason":"changed my mind"}}' {address} orders.v1.OrderService/CancelOrder

With buf curl, which `make serve` has installed:

  .venv/bin/buf curl --protocol grpc --http2-prior-knowledge -d '{create}' http://{address}/orders.v1.OrderService/CreateOrder
  .venv/bin/buf curl --protocol grpc --http2-prior-knowledge -d '{{"order_id":"{number}"}}' http://{address}/orders.v1.OrderService/GetOrder
  .venv/bin/buf curl --protocol grpc --http2-prior-knowledge -d '{{"filter":{{"customer_id":"jane"}}}}' http://{address}/orders.v1.OrderService/ListOrders
  .venv/bin/buf curl --protocol grpc --http2-prior-knowledge -d '{{"order_id":"{number}"}}' http://{address}/orders.v1.OrderService/TrackOrder
  .venv/bin/buf curl --protocol grpc --http2-prior-knowledge -d '{{"order_id":"{number}","reason":"changed my mind"}}' http://{address}/orders.v1.OrderService/CancelOrder
"""

_CREATE = (
    '{"customer_id":"jane","items":[{"product_id":"mug","quantity":2},{"product_id":"sofa","variant_id":"blue","quantity":1}],'
    '"shipping_address":{"name":"Jane Doe","street":"123 Main St","city":"New York","state":"NY","postal_code":"10001","country":"US"}}'
)


# What a server listens on to be reached from everywhere, and what a client on the same machine calls it.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def welcome(*, host: str, port: int, embedded: bool, number: str) -> str:
    """The text for a server on an address. With the embedded database come commands to try it; `number` is the next order's."""
    where = "the embedded PostgreSQL" if embedded else "your PostgreSQL"
    text = _SERVED.format(address=_address(host, port), where=where)
    if not embedded:
        return text
    address = _address(_EVERYWHERE.get(host, host), port)
    return text + "\n" + _COMMANDS.format(address=address, create=_CREATE, number=number)


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
