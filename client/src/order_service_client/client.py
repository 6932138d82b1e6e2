"""The client for threads."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar, cast

import grpc
from google.protobuf.descriptor import MethodDescriptor
from order_service_client import services
from order_service_client.channel import Metadata, Methods, authorization, credentials, methods_of, options
from order_service_client.errors import OrderServiceError
from order_service_client.positions import ListPosition, WatchPosition
from order_service_client.retries import delay, is_repeatable, with_request_ids
from orders.v1.order_change_pb2 import OrderChange
from orders.v1.order_pb2 import Order
from orders.v1.order_service_pb2 import ListOrdersRequest, WatchOrdersRequest

Item = TypeVar("Item")


class Stream(Generic[Item]):
    """A stream that resumes if it breaks. `resume_token` continues it in another process, after the last complete message."""

    def __init__(self, call: Callable[..., Any], position: Any, metadata: Metadata) -> None:
        self._call, self._position, self._metadata = call, position, metadata

    @property
    def resume_token(self) -> str:
        return str(self._position.resume_token)

    def __iter__(self) -> Iterator[Item]:
        failures = 0
        while not self._position.is_finished:
            stream = self._call(self._position.request, metadata=self._metadata)
            try:
                for message in stream:
                    failures = 0
                    yield from self._position.take(message)
            except grpc.RpcError as broken:
                failures += 1
                _pause_or_raise(OrderServiceError(broken), failures)
            finally:
                stream.cancel()


class Client:
    """The services of an order service, and streams that resume. Close it, or use it in `with`."""

    def __init__(
        self,
        target: str,
        *,
        key: str = "",
        plaintext: bool = False,
        ca: bytes | None = None,
        certificate: bytes | None = None,
        certificate_key: bytes | None = None,
        channel_options: Sequence[tuple[str, Any]] = (),
    ) -> None:
        """`key` is an API key or a token; `ca`, `certificate` and `certificate_key` are PEM."""
        self._metadata, self._calls = authorization(key), dict[str, Callable[..., Any]]()
        if plaintext:
            self.channel = grpc.insecure_channel(target, options=options(channel_options))
        else:
            secure = credentials(ca=ca, certificate=certificate, certificate_key=certificate_key)
            self.channel = grpc.secure_channel(target, secure, options=options(channel_options))
        self.orders = cast(services.OrderService, self._service("OrderService"))
        self.catalog = cast(services.CatalogService, self._service("CatalogService"))
        self.carts = cast(services.CartService, self._service("CartService"))
        self.customers = cast(services.CustomerService, self._service("CustomerService"))
        self.fulfilment = cast(services.FulfilmentService, self._service("FulfilmentService"))
        self.consumers = cast(services.ConsumerService, self._service("ConsumerService"))
        self.webhooks = cast(services.WebhookService, self._service("WebhookService"))
        self.api_keys = cast(services.ApiKeyService, self._service("ApiKeyService"))
        self.server = cast(services.ServerService, self._service("ServerService"))
        self.audit = cast(services.AuditService, self._service("AuditService"))

    def list_orders(self, request: ListOrdersRequest) -> Stream[Order]:
        """All matching orders, each once."""
        return Stream(self._calls["orders.v1.OrderService.ListOrders"], ListPosition(request), self._metadata)

    def watch_orders(self, request: WatchOrdersRequest) -> Stream[OrderChange]:
        """All matching changes, each once, until the caller stops iterating."""
        return Stream(self._calls["orders.v1.OrderService.WatchOrders"], WatchPosition(request), self._metadata)

    def close(self) -> None:
        self.channel.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _service(self, name: str) -> object:
        found = list(methods_of(services.SERVICES[name], self.channel))
        self._calls.update({str(method.full_name): call for method, call in found})
        return Methods({str(method.name): self._method(method, call) for method, call in found})

    def _method(self, method: MethodDescriptor, call: Callable[..., Any]) -> Callable[..., Any]:
        def stream(request: Any, *, timeout: float | None = None, metadata: Metadata = ()) -> Iterator[Any]:
            return _errors_of(call(request, timeout=timeout, metadata=(*self._metadata, *metadata)))

        def run(request: Any, *, timeout: float | None = None, metadata: Metadata = ()) -> Any:
            request, attempt = with_request_ids(request), 0
            while True:
                attempt += 1
                try:
                    return call(request, timeout=timeout, metadata=(*self._metadata, *metadata))
                except grpc.RpcError as failed:
                    error = OrderServiceError(failed)
                    _pause_or_raise(error, attempt if is_repeatable(request) else None)

        return stream if method.server_streaming else run


def _errors_of(stream: Any) -> Iterator[Any]:
    try:
        yield from stream
    except grpc.RpcError as failed:
        raise OrderServiceError(failed) from failed


def _pause_or_raise(error: OrderServiceError, attempt: int | None) -> None:
    """Waits until the next attempt, or raises the error if there is none."""
    seconds = None if attempt is None else delay(error, attempt)
    if seconds is None:
        raise error
    time.sleep(seconds)
