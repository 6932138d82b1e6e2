"""The handlers of a service: those of its servicer, and one for all operations."""

from collections.abc import Awaitable, Callable, Mapping

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message

from server.domain.operations import OPERATIONS, Answer, Command
from server.rpc.endpoint import Call, Handler

Execute = Callable[[Command], Awaitable[Answer]]


def handlers_of(service: ServiceDescriptor, servicer: object, execute: Execute) -> Mapping[str, Handler]:
    """A handler for each method: an operation is executed, every other method is the servicer's own."""
    requests = {getattr(request, "DESCRIPTOR", None) for request in OPERATIONS}
    run = _operation_handler(execute)
    return {
        method.name: run if method.input_type in requests else getattr(servicer, method.name)
        for method in service.methods
    }


def _operation_handler(execute: Execute) -> Handler:
    async def handle(request: Message, call: Call) -> bytes:
        answer = await execute(Command(request, call.caller))
        if answer.replayed:
            await call.mark_replayed()
        return answer.body

    return handle
