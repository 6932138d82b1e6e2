"""Creates an order that is safe to repeat, lists orders over a break, and takes an error apart: caller.py TARGET."""

import sys

from order_service_client import Client, OrderServiceError
from orders.v1.order_pb2 import OrderStatus
from orders.v1.order_service_pb2 import CreateOrderRequest, ListOrdersRequest

HOME = {"street": "123 Main St", "city": "New York", "state": "NY", "postal_code": "10001", "country": "US"}


def main(target: str) -> None:
    with Client(target, plaintext=True) as client:
        order = CreateOrderRequest(
            request_id="example-python",
            customer_id="jane",
            items=[{"product_id": "mug", "quantity": 1}],
            shipping_address=HOME,
            payment_method="PAYMENT_METHOD_CASH_ON_DELIVERY",
        )
        # The client retries failed calls. A request that arrives twice is executed once.
        created, again = client.orders.CreateOrder(order), client.orders.CreateOrder(order)
        print("created", OrderStatus.Name(created.status), "again" if again.order_id == created.order_id else "anew")

        # A broken list resumes after the last order. With the token, another process could resume it too.
        first = client.list_orders(ListOrdersRequest(page_size=1))
        seen = []
        for listed in first:
            if first.resume_token:
                break
            seen.append(listed.order_id)
        rest = client.list_orders(ListOrdersRequest(page_size=1, resume_token=first.resume_token))
        seen += [listed.order_id for listed in rest]
        print("listed", created.order_id in seen, "repeated", len(seen) - len(set(seen)))

        order.items[0].product_id = "nothing"
        order.request_id = "example-python-2"
        try:
            client.orders.CreateOrder(order)
        except OrderServiceError as error:
            print("refused", error.reason, error.metadata["product_id"])


if __name__ == "__main__":
    main(sys.argv[1])
