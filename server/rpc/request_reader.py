"""Decodes and checks requests."""

from functools import partial

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from server.domain.base.caller import Caller
from server.domain.base.errors import Refusal, invalid_field
from server.rpc.access import MethodAccess
from server.rpc.gate import Gate
from server.rpc.request_bounds import SMALL, scan
from server.rpc.validation import check, check_in_steps, decode
from server.storage.fairness import Yielder, run_in_turns

# The most seconds for which a large request yields to all others; after that, it yields one turn at a time.
_COURTESY = 1.0


class RequestReader:
    """Decodes and checks the requests of one method. A large one yields to other calls while it is checked."""

    def __init__(self, method: MethodDescriptor, *, access: MethodAccess, gate: Gate, max_bytes: int) -> None:
        self._descriptor, self._type = method.input_type, GetMessageClass(method.input_type)
        self._access, self._gate, self._max_bytes = access, gate, max_bytes

    async def read(self, data: bytes, caller: Caller) -> Message:
        """The request. Raises INVALID_ORDER_DATA, CUSTOMER_ACCESS_DENIED."""
        if len(data) > self._max_bytes:
            raise _too_large(len(data), self._max_bytes)
        if len(data) <= SMALL:
            request = self._decode(data, caller)
            check(request, data)
            return request
        # One at a time: together, they would delay other calls, and their memory would add up.
        async with self._gate.large_request:
            in_turns = partial(run_in_turns, pause=Yielder(_COURTESY).pause)
            await in_turns(scan(self._descriptor, data))
            request = self._decode(data, caller)
            await in_turns(check_in_steps(request, data))
        return request

    def _decode(self, data: bytes, caller: Caller) -> Message:
        request = decode(self._type, data)
        self._access.confine(request, caller)
        return request


def _too_large(size: int, limit: int) -> Refusal:
    return invalid_field("", f"the request has {size:,} bytes, the limit is {limit:,}; send it in smaller parts")
