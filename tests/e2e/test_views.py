"""`orders watch`, `orders show` and `orders top`, as people run them in pipes."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from orders.v1.order_service_pb2 import CancelOrderRequest, UpdateOrderRequest

from tests.conftest import new_order
from tests.e2e.processes import Server, orders, serving, start


def run(server: Server, *arguments: str) -> list[str]:
    finished = orders(*arguments, "--target", server.address)
    assert finished.code == 0, finished.err
    return finished.out.splitlines()


def test_changes_are_watched_with_their_values(server: Server) -> None:
    with server.stubs() as (stub, _):
        made = stub.CreateOrder(new_order("watched", special_instructions="ring once"))
        changed = {"order_id": made.order_id, "special_instructions": "ring twice"}
        stub.UpdateOrder(UpdateOrderRequest(order=changed, update_mask={"paths": ["special_instructions"]}))
        stub.CancelOrder(CancelOrderRequest(order_id=made.order_id, reason="changed my mind"))
    all_of_it = ("watch", "--customer", "watched", "--since", "2026-01-01T00:00:00", "--once")
    lines = [line.split("\t") for line in run(server, *all_of_it)]
    assert [cells[1:4] for cells in lines] == [
        [made.order_number, "1", "CREATED"],
        [made.order_number, "2", "UPDATED"],
        [made.order_number, "3", "STATUS_CHANGED"],
    ]
    assert "special_instructions: ring once → ring twice" in lines[1][5]
    assert lines[2][5].startswith("PENDING → CANCELLED; ")
    (only,) = run(server, *all_of_it, "--event-type", "updated", "--json")
    assert json.loads(only)["event"]["after"] == {"special_instructions": "ring twice"}
    history = [line for line in run(server, "show", made.order_number) if line.startswith("history\t")]
    assert "ring once → ring twice" in history[1]


def test_an_unknown_event_type_is_refused_with_the_known_ones(server: Server) -> None:
    finished = orders("watch", "--event-type", "shiped", "--target", server.address)
    assert (finished.code, "shiped: choose from created" in finished.err) == (1, True)


@contextmanager
def closed_pipe() -> Iterator[int]:
    """The writing end of a pipe that no process reads."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        yield writer
    finally:
        os.close(writer)


@pytest.mark.parametrize("command", ["show", "watch"])
def test_a_view_ends_silently_when_its_reader_has_left(server: Server, command: str) -> None:
    with server.stubs() as (stub, _):
        number = stub.CreateOrder(new_order("unread")).order_number
    arguments = {"show": [number], "watch": ["--customer", "unread", "--since", "2026-01-01T00:00:00"]}[command]
    with closed_pipe() as pipe:
        process = start(command, *arguments, "--target", server.address, stdout=pipe, stderr=subprocess.PIPE)
        assert process.communicate(timeout=60)[1] == ""


def test_a_watch_goes_on_after_its_server_was_restarted(folder: Path) -> None:
    with serving(folder / "data") as server:
        port = server.address.rpartition(":")[2]
        since = ("--since", "2026-01-01T00:00:00")
        watching = start("watch", "--json", "--customer", "follower", *since, "--target", server.address)
        assert watching.stdout is not None
        with server.stubs() as (stub, _):
            first = stub.CreateOrder(new_order("follower"))
        assert json.loads(watching.stdout.readline())["event"]["order_id"] == first.order_id
    try:
        with serving(folder / "data", "--port", port) as server, server.stubs() as (stub, _):
            second = stub.CreateOrder(new_order("follower"))
            assert json.loads(watching.stdout.readline())["event"]["order_id"] == second.order_id
    finally:
        watching.send_signal(signal.SIGINT)
        watching.communicate(timeout=60)
    assert watching.returncode in (130, -signal.SIGINT)
