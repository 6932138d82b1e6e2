"""The commands that refusals suggest."""

import re
import shlex

import pytest
import typer
from orders.v1.error_reason_pb2 import ErrorReason

from server.cli.main import app
from server.domain.base.errors import Refusal
from server.domain.base.help_links import NEXT_COMMANDS, help_of

COMMANDS = sorted({command for command in NEXT_COMMANDS.values() if command})


@pytest.mark.parametrize("text", COMMANDS)
def test_a_suggested_command_exists_and_takes_its_arguments(text: str) -> None:
    name, *arguments = shlex.split(re.sub(r"\{\w+\}", "x", text))
    assert name == "orders"
    command = typer.main.get_command(app)
    context = None
    while arguments and hasattr(command, "commands"):
        context = command.make_context(name, [], parent=context, resilient_parsing=True)
        name = arguments.pop(0)
        command = command.commands[name]
    if arguments != ["--help"]:
        command.make_context(name, arguments, parent=context)


def test_values_of_a_request_cannot_run_commands() -> None:
    error = Refusal(ErrorReason.ERROR_REASON_ETAG_MISMATCH, "", metadata={"order_id": "x; rm -rf $HOME"})
    (_, link) = help_of(error, docs="docs").links
    assert shlex.split(link.description) == ["orders", "show", "x; rm -rf $HOME"]


@pytest.mark.parametrize("metadata", [{}, {"order_id": "a\nb"}, {"order_id": "x" * 129}])
def test_without_its_values_no_command_is_suggested(metadata: dict[str, str]) -> None:
    error = Refusal(ErrorReason.ERROR_REASON_ETAG_MISMATCH, "", metadata=metadata)
    assert len(help_of(error, docs="docs").links) == 1
