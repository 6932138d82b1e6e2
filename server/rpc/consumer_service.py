"""orders.v1.ConsumerService."""

from datetime import UTC

from google.protobuf.empty_pb2 import Empty
from orders.v1.consumer_service_pb2 import (
    AckConsumerRequest,
    Consumer,
    DeleteConsumerRequest,
    GetConsumerRequest,
    ListConsumersRequest,
    ListConsumersResponse,
    SeekConsumerRequest,
    UpsertConsumerRequest,
)

from server.domain.base.errors import invalid_field
from server.domain.base.order_filters import check_filter
from server.rpc import feed_tokens
from server.rpc.endpoint import Call
from server.rpc.feed_tokens import FeedCursor
from server.rpc.paging import read_page
from server.storage.consumer_positions import PREFIX
from server.storage.consumers import ConsumerRepository
from server.storage.read.feed import FeedRepository


class ConsumerServicer:
    """The writes set absolute positions, so they can be repeated and need no request id."""

    def __init__(self, *, consumers: ConsumerRepository, feed: FeedRepository) -> None:
        self._consumers, self._feed = consumers, feed

    async def UpsertConsumer(self, request: UpsertConsumerRequest, call: Call) -> Consumer:
        _check_name(request.consumer.consumer_id, field="consumer.consumer_id")
        check_filter(request.consumer.filter, field="consumer.filter")
        stored = await self._consumers.upsert(request.consumer, caller=call.caller, dry=request.validate_only)
        return stored.message

    async def GetConsumer(self, request: GetConsumerRequest, call: Call) -> Consumer:
        return (await self._consumers.get(request.consumer_id)).message

    async def ListConsumers(self, request: ListConsumersRequest, call: Call) -> bytes:
        async def read(after: str, limit: int) -> list[Consumer]:
            return [stored.message for stored in await self._consumers.page(after=after, limit=limit)]

        return await read_page(
            request,
            ListConsumersRequest(),
            ListConsumersResponse(),
            first="",
            read=read,
            key_of=lambda consumer: str(consumer.consumer_id),
        )

    async def DeleteConsumer(self, request: DeleteConsumerRequest, call: Call) -> Empty:
        _check_name(request.consumer_id)
        await self._consumers.delete(request.consumer_id, caller=call.caller, dry=request.validate_only)
        return Empty()

    async def AckConsumer(self, request: AckConsumerRequest, call: Call) -> Consumer:
        _check_name(request.consumer_id)
        cursor = await self._cursor(request.resume_token)
        stored = await self._consumers.acknowledge(
            request.consumer_id,
            position=cursor.position,
            unseen_by=cursor.unseen_by,
            caller=call.caller.subject,
            dry=request.validate_only,
        )
        return stored.message

    async def SeekConsumer(self, request: SeekConsumerRequest, call: Call) -> Consumer:
        _check_name(request.consumer_id)
        if bool(request.resume_token) == request.HasField("start_time"):
            raise invalid_field("resume_token", "set either resume_token or start_time")
        position, unseen_by = 0, ""
        if request.resume_token:
            cursor = await self._cursor(request.resume_token)
            position, unseen_by = cursor.position, cursor.unseen_by
        else:
            position = await self._feed.position_before(request.start_time.ToDatetime(UTC))
        stored = await self._consumers.seek(
            request.consumer_id,
            position=position,
            unseen_by=unseen_by,
            caller=call.caller,
            dry=request.validate_only,
        )
        return stored.message

    async def _cursor(self, token: str) -> FeedCursor:
        cursor = feed_tokens.decode(token, field="resume_token")
        cursor.check_history(await self._feed.end(), field="resume_token")
        return cursor


def _check_name(consumer_id: str, *, field: str = "consumer_id") -> None:
    if consumer_id.startswith(PREFIX):
        raise invalid_field(field, f"is the server's own: choose an id that does not begin with {PREFIX!r}")
