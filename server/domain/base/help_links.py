"""The links of a refusal: the section about its reason, and the command that helps next."""

import re
import shlex

from google.rpc.error_details_pb2 import Help
from orders.v1.error_reason_pb2 import ErrorReason, next_command

from server.domain.base.errors import Refusal

# The page of the repository.
DOCS = "docs/errors.md"

# Commands are pasted into a shell, and their values come from requests.
_PASTABLE = re.compile(r"[ -~]{1,128}")
NEXT_COMMANDS: dict[int, str] = {
    reason.number: reason.GetOptions().Extensions[next_command]  # type: ignore[index]
    for reason in ErrorReason.DESCRIPTOR.values
}


def help_of(error: Refusal, *, docs: str) -> Help:
    """The links of a refusal. `docs` is the address of the page about errors."""
    url = f"{docs}#{error.reason.lower()}"
    links = [Help.Link(description=f"{error.reason}: its meaning and what to do", url=url)]
    if command := _command_of(error):
        links.append(Help.Link(description=command, url=url))
    return Help(links=links)


def _command_of(error: Refusal) -> str:
    """The next command; '' if there is none, or the error lacks a value that it takes."""
    values = {name: shlex.quote(text) for name, text in error.metadata.items() if _PASTABLE.fullmatch(text)}
    try:
        return NEXT_COMMANDS.get(error.error_reason, "").format_map(values)
    except KeyError:
        return ""
