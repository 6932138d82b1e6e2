"""The metadata about the call itself, and the call's id for the log and the response."""

import re
from typing import NamedTuple

import grpc
from uuid_utils import uuid4

REQUEST_ID = "x-request-id"
_DEBUG = "x-debug"
EXPLAIN = "x-explain"
_READ = frozenset({REQUEST_ID, _DEBUG, EXPLAIN})
_VISIBLE = re.compile("[!-~]{1,128}")


class CallMetadata(NamedTuple):
    """The call's id, and whether the caller requests timings and the effects of a dry write."""

    request_id: str
    debug: bool = False
    explain: bool = False


def metadata_of(context: grpc.aio.ServicerContext) -> CallMetadata:
    """The call's metadata. A missing or invalid id is replaced by a new one."""
    sent = {name: value for name, value in context.invocation_metadata() or () if name in _READ}
    if not sent:
        return CallMetadata(str(uuid4()))
    given = str(sent.get(REQUEST_ID, ""))
    call_id = given if _VISIBLE.fullmatch(given) else str(uuid4())
    return CallMetadata(call_id, sent.get(_DEBUG) == "1", sent.get(EXPLAIN) == "1")


def request_id_trailer(context: grpc.aio.ServicerContext) -> tuple[tuple[str, str], ...]:
    """The trailer of a call that has no others."""
    return ((REQUEST_ID, metadata_of(context).request_id),)
