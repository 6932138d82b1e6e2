"""The handlers of a service: those of its servicer, and one for all operations."""

from collections.abc import Awaitable, Callable, Mapping

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message

from server.domain.operations import OPERATIONS, Answer, Command
from server.rpc.endpoint import Call, Handler
from server.rpc.replays import Orders, answer_again

Execute = Callable[[Command], Awaitable[Answer]]


def handlers_of(
    service: ServiceDescriptor, servicer: object, execute: Execute, orders: Orders
) -> Mapping[str, Handler]:
    """A handler for each method: an operation is executed, every other method is the servicer's own."""
    requests = {getattr(request, "DESCRIPTOR", None) for request in OPERATIONS}
    run = _operation_handler(execute, orders)
    return {
        method.name: run if method.input_type in requests else getattr(servicer, method.name)
        for method in service.methods
    }


def _operation_handler(execute: Execute, orders: Orders) -> Handler:
    async def handle(request: Message, call: Call) -> bytes:
        command = Command(request, call.caller, explain=call.effects is not None)
        answer = await execute(command)
        if call.effects is not None and answer.effects is not None:
            call.effects.MergeFrom(answer.effects)
        return answer.body if answer.replayed is None else await answer_again(command, answer, call, orders)

    return handle
