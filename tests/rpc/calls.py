"""Calls of any method with any bytes, and how they are refused."""

from collections.abc import Sequence

import grpc
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status

from tests.conftest import RefusedCall, Service, refusal_of
from tests.methods import METHODS, method_of, path_of
from tests.samples import SAMPLES, Subject
from tests.shop import new_order


async def call(
    service: Service, method: str, request: Message | bytes, metadata: Sequence[tuple[str, str]] = ()
) -> list[bytes]:
    """The serialized answers of a call, made with serialized bytes, well formed or not."""
    descriptor = METHODS[method]
    path = path_of(descriptor)
    data = request if isinstance(request, bytes) else request.SerializeToString()
    if descriptor.server_streaming:
        return [answer async for answer in service.channel.unary_stream(path)(data, timeout=300, metadata=metadata)]
    return [await service.channel.unary_unary(path)(data, timeout=300, metadata=metadata)]


async def outcome(
    service: Service, method: str, request: Message | bytes, metadata: Sequence[tuple[str, str]] = ()
) -> RefusedCall | None:
    """How a call was refused; None if it was not."""
    try:
        await call(service, method, request, metadata)
    except grpc.aio.AioRpcError as error:
        return refusal_of(error)
    return None


async def new_subject(service: Service, method: str) -> Subject:
    """A new order, and what else must exist before the method's sample request succeeds."""
    order = await service.orders.CreateOrder(new_order())
    subject = Subject(order.order_id)
    before = SAMPLES[method].before
    for index in range(len(before(subject))):
        # Those that follow may name what the ones before them answered.
        request = before(subject)[index]
        (answer,) = await call(service, method_of(request).name, request)
        subject = subject.after(request, answer)
    return subject


def fields_of(status: Status) -> set[str]:
    """The fields that a status blames."""
    details = [BadRequest.FromString(detail.value) for detail in status.details if detail.Is(BadRequest.DESCRIPTOR)]
    return {violation.field for detail in details for violation in detail.field_violations}
