"""What every write has in common."""

from google.protobuf.message import Message

from server.domain.commands import Command
from server.rpc.endpoint import Call
from server.storage.writer import Writer


async def execute(writer: Writer, request: Message, call: Call) -> bytes:
    """Carries a request out as a command and returns its answer, serialized; marks one that was given before."""
    answer = await writer.execute(Command(request, call.caller))
    if answer.replayed:
        await call.mark_replayed()
    return answer.body
