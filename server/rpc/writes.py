"""What every write has in common."""

from collections.abc import Awaitable, Callable

from google.protobuf.message import Message

from server.domain.commands import Answer, Command
from server.rpc.endpoint import Call
from server.storage.write.writer import Writer


async def execute(writer: Writer, request: Message, call: Call) -> bytes:
    """Has the writer carry a request out and returns its answer, serialized."""
    return await carry_out(writer.execute, request, call)


async def carry_out(run: Callable[[Command], Awaitable[Answer]], request: Message, call: Call) -> bytes:
    """Carries a request out as a command and returns its answer, serialized; marks one that was given before."""
    answer = await run(Command(request, call.caller))
    if answer.replayed:
        await call.mark_replayed()
    return answer.body
