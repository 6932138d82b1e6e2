"""The methods of the API, by name: tests that iterate over these cover every new one."""

from typing import Any

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from server.domain.base.methods import SERVICES, MethodClass, class_of

METHODS: dict[str, MethodDescriptor] = {method.name: method for service in SERVICES for method in service.methods}
# The methods that take a request id of their own.
WRITES = [
    name
    for name, method in METHODS.items()
    if "request_id" in method.input_type.fields_by_name and class_of(method) is not MethodClass.READ
]

# The methods that succeed only with a payment provider of the server's own: test_payment_ledger calls them.
OF_PROVIDER = {"CapturePayment", "VoidPayment"}

_BY_REQUEST = {method.input_type.full_name: method for method in METHODS.values()}


def method_of(request: Message) -> MethodDescriptor:
    """The method that takes a request."""
    return _BY_REQUEST[request.DESCRIPTOR.full_name]


def path_of(method: MethodDescriptor) -> str:
    """The path of a method, as gRPC calls it."""
    return f"/{method.containing_service.full_name}/{method.name}"


def names_order(method: MethodDescriptor) -> bool:
    """Whether the request names one order."""
    order = method.input_type.fields_by_name.get("order")
    messages = (method.input_type, order.message_type if order is not None else None)
    return any(message is not None and "order_id" in message.fields_by_name for message in messages)


def name_order(request: Any, order_id: str) -> None:
    """Makes a request that names one order be about the order with this id or number."""
    target = request if "order_id" in request.DESCRIPTOR.fields_by_name else request.order
    target.order_id = order_id
