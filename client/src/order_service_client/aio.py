"""The client for asyncio."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
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


class AsyncStream(Generic[Item]):
    """A stream that resumes if it breaks. `resume_token` continues it in another process, after the last complete message."""

    def __init__(self, call: Callable[..., Any], position: Any, metadata: Metadata) -> None:
        self._call, self._position, self._metadata = call, position, metadata

    @property
    def resume_token(self) -> str:
        return str(self._position.resume_token)

    async def __aiter__(self) -> AsyncIterator[Item]:
        failures = 0
        while not self._position.is_finished:
            stream = self._call(self._position.request, metadata=self._metadata)
            try:
                async for message in stream:
                    failures = 0
                    for item in self._position.take(message):
                        yield item
            except grpc.RpcError as broken:
                failures += 1
                await _pause_or_raise(OrderServiceError(broken), failures)
            finally:
                stream.cancel()


class AsyncClient:
    """The services of an order service, and streams that resume. Close it, or use it in `async with`."""

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
            self.channel = grpc.aio.insecure_channel(target, options=options(channel_options))
        else:
            secure = credentials(ca=ca, certificate=certificate, certificate_key=certificate_key)
            self.channel = grpc.aio.secure_channel(target, secure, options=options(channel_options))
        self.orders = cast(services.AsyncOrderService, self._service("OrderService"))
        self.catalog = cast(services.AsyncCatalogService, self._service("CatalogService"))
        self.carts = cast(services.AsyncCartService, self._service("CartService"))
        self.customers = cast(services.AsyncCustomerService, self._service("CustomerService"))
        self.fulfilment = cast(services.AsyncFulfilmentService, self._service("FulfilmentService"))
        self.consumers = cast(services.AsyncConsumerService, self._service("ConsumerService"))
        self.webhooks = cast(services.AsyncWebhookService, self._service("WebhookService"))
        self.api_keys = cast(services.AsyncApiKeyService, self._service("ApiKeyService"))
        self.server = cast(services.AsyncServerService, self._service("ServerService"))

    def list_orders(self, request: ListOrdersRequest) -> AsyncStream[Order]:
        """All matching orders, each once."""
        return AsyncStream(self._calls["orders.v1.OrderService.ListOrders"], ListPosition(request), self._metadata)

    def watch_orders(self, request: WatchOrdersRequest) -> AsyncStream[OrderChange]:
        """All matching changes, each once, until the caller stops iterating."""
        return AsyncStream(self._calls["orders.v1.OrderService.WatchOrders"], WatchPosition(request), self._metadata)

    async def close(self) -> None:
        await self.channel.close()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _service(self, name: str) -> object:
        found = list(methods_of(services.SERVICES[name], self.channel))
        self._calls.update({str(method.full_name): call for method, call in found})
        return Methods({str(method.name): self._method(method, call) for method, call in found})

    def _method(self, method: MethodDescriptor, call: Callable[..., Any]) -> Callable[..., Any]:
        def stream(request: Any, *, timeout: float | None = None, metadata: Metadata = ()) -> AsyncIterator[Any]:
            return _errors_of(call(request, timeout=timeout, metadata=(*self._metadata, *metadata)))

        async def run(request: Any, *, timeout: float | None = None, metadata: Metadata = ()) -> Any:  # noqa: ASYNC109
            request, attempt = with_request_ids(request), 0
            while True:
                attempt += 1
                try:
                    return await call(request, timeout=timeout, metadata=(*self._metadata, *metadata))
                except grpc.RpcError as failed:
                    error = OrderServiceError(failed)
                    await _pause_or_raise(error, attempt if is_repeatable(request) else None)

        return stream if method.server_streaming else run


async def _errors_of(stream: Any) -> AsyncIterator[Any]:
    try:
        async for message in stream:
            yield message
    except grpc.RpcError as failed:
        raise OrderServiceError(failed) from failed


async def _pause_or_raise(error: OrderServiceError, attempt: int | None) -> None:
    """Waits until the next attempt, or raises the error if there is none."""
    seconds = None if attempt is None else delay(error, attempt)
    if seconds is None:
        raise error
    await asyncio.sleep(seconds)
