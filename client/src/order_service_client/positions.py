"""The positions at which broken streams resume, so that nothing is lost or repeated."""

from collections.abc import Iterator

from orders.v1.order_change_pb2 import OrderChange
from orders.v1.order_pb2 import Order
from orders.v1.order_service_pb2 import ListOrdersRequest, ListOrdersResponse, WatchOrdersRequest, WatchOrdersResponse


class ListPosition:
    """The position in a list: the token of its last message."""

    def __init__(self, request: ListOrdersRequest) -> None:
        self.request = ListOrdersRequest()
        self.request.CopyFrom(request)
        self.is_finished = False

    @property
    def resume_token(self) -> str:
        return str(self.request.resume_token)

    def take(self, message: ListOrdersResponse) -> Iterator[Order]:
        """Yields the message's orders. The position moves after them once all are consumed."""
        yield from message.orders
        if message.resume_token:
            self.request.resume_token = message.resume_token
        self.is_finished = not message.truncated and (message.complete or message.limit_reached)


class WatchPosition:
    """The position in the feed: the token of the last message, or the position of the last change of a consumer."""

    def __init__(self, request: WatchOrdersRequest) -> None:
        self.request = WatchOrdersRequest()
        self.request.CopyFrom(request)
        self.resume_token = str(request.resume_token)
        self.is_finished = False
        self._last = 0

    def take(self, message: WatchOrdersResponse) -> Iterator[OrderChange]:
        """Yields the message's changes, without those that a consumer got before the stream broke."""
        for change in message.changes:
            if change.position > self._last:
                yield change
                self._last = change.position
        if message.resume_token:
            self.resume_token = str(message.resume_token)
            if not self.request.consumer_id:
                self.request.ClearField("start_time")
                self.request.resume_token = self.resume_token
        self.is_finished = message.caught_up and self.request.end_when_caught_up
