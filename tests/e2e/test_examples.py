"""The examples of receivers and consumers in examples/: they run as they are."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from server.domain.webhooks.signatures import new_secret
from tests.e2e.processes import ROOT, free_port, wait_until
from tests.e2e.tools import NODE, TOOLS

EXAMPLES = ROOT / "examples" / "webhooks"
SECRET = new_secret()


def _python(_: Path) -> list[str]:
    return [sys.executable, str(EXAMPLES / "python" / "receiver.py")]


def _go(folder: Path) -> list[str]:
    if (go := shutil.which("go")) is None:
        pytest.skip("go is not installed")
    offline = os.environ | {"GOPROXY": "off", "GOFLAGS": "-mod=readonly"}
    command = [go, "build", "-o", str(folder / "receiver"), "."]
    built = subprocess.run(command, cwd=EXAMPLES / "go", env=offline, capture_output=True, text=True, check=False)
    if "GOPROXY=off" in built.stderr:
        pytest.skip("the modules are not downloaded")
    assert built.returncode == 0, built.stderr
    return [str(folder / "receiver")]


def _node(_: Path) -> list[str]:
    if NODE is None or not (TOOLS / "node_modules" / "standardwebhooks").exists():
        pytest.skip("node or standardwebhooks is not installed")
    return [NODE, str(EXAMPLES / "node" / "receiver.cjs")]


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[tuple[str, Path]]:
    """The URL of a receiver, and the file with its output."""
    port, output = free_port(), folder / "output"
    variables = {
        "WEBHOOK_SECRET": SECRET,
        "PORT": str(port),
        "DATABASE": str(folder / "webhooks.db"),
        "NODE_PATH": str(TOOLS / "node_modules"),
    }
    with output.open("w") as file:
        process = subprocess.Popen(command, env=os.environ | variables, stdout=file, cwd=folder)
    try:
        yield f"http://127.0.0.1:{port}/hooks", output
    finally:
        process.kill()
        process.wait()


def post(url: str, version: int, *, secret: str = SECRET, sent: datetime | None = None) -> int:
    """Sends a change of an order as the server does; returns the status of the answer."""
    now, event_id = sent or datetime.now(UTC), f"evt_o1_{version}"
    data = {"order_id": "o1", "status": "pending", "updated_at": now.isoformat(), "version": version}
    body = json.dumps({"type": "order.updated", "event": "order.updated", "timestamp": now.isoformat(), "data": data})
    headers = {
        "Content-Type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(event_id, now, body),
    }
    request = urllib.request.Request(url, body.encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        return error.code


def until_listening(url: str) -> None:
    def listens() -> bool:
        try:
            post(url, 1, secret=new_secret())
        except OSError:
            time.sleep(0.05)
            return False
        return True

    wait_until(listens)


@pytest.mark.parametrize("command", [_python, _go, _node], ids=["python", "go", "node"])
def test_receiver_verifies_and_handles_each_change_once(command: Callable[[Path], list[str]], tmp_path: Path) -> None:
    with running(command(tmp_path), tmp_path) as (url, output):
        until_listening(url)
        assert post(url, 1) == 204
        # Again, then a later change before an earlier one.
        assert [post(url, version) for version in (1, 3, 2)] == [204, 204, 204]
        assert post(url, 4, secret=new_secret()) == 400
        assert post(url, 4, sent=datetime.now(UTC) - timedelta(minutes=6)) == 400

        def handled() -> list[str]:
            return [line.split()[1] for line in output.read_text().splitlines()]

        wait_until(lambda: len(handled()) >= 2)
        assert handled() == ["evt_o1_1", "evt_o1_3"]
