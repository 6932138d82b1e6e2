"""`orders webhooks` and `orders work`, as people run them."""

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

from tests.conftest import new_order
from tests.e2e.processes import Server, orders, serving, start, wait_until

ENVIRONMENT = {"ORDERS_WEBHOOK_ALLOW_HTTP": "true", "ORDERS_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8"}


@contextmanager
def receiver() -> Iterator[tuple[str, list[tuple[bytes, dict[str, str]]]]]:
    """A receiver's URL, and what it has received."""
    received: list[tuple[bytes, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((body, dict(self.headers)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", received
    finally:
        server.shutdown()
        thread.join()


def run(server: Server, *arguments: str) -> str:
    """Runs `orders webhooks`; returns its output."""
    finished = orders("webhooks", *arguments, "--target", server.address)
    assert finished.code == 0, finished.err
    return finished.out


def test_endpoint_is_managed_from_the_command_line(folder: Path) -> None:
    with receiver() as (url, received), serving(folder / "webhooks", env=ENVIRONMENT) as server:
        endpoint_id, secret = run(server, "create", url, "--event-type", "order.*", "--header", "X-Shop: 7").split()
        assert run(server, "test", endpoint_id).startswith("200 (")
        body, headers = received[0]
        assert Webhook(secret).verify(body, headers)["type"] == "webhook.test"
        assert headers["X-Shop"] == "7"
        assert "webhook.test" in run(server, "deliveries", endpoint_id, "--state", "succeeded")
        assert json.loads(run(server, "update", endpoint_id, "--max-rate", "5"))["max_rate"] == 5
        assert run(server, "disable", endpoint_id) == f"{endpoint_id} is disabled\n"
        assert "disabled (requested)" in run(server, "list")
        signed_id, public_key = run(server, "create", url, "--signature", "v1a").split()
        (shown,) = json.loads(run(server, "get", signed_id))["secrets"]
        assert shown["public_key"] == public_key
        run(server, "update", signed_id, "--signature", "both")
        secret, rotated_key = run(server, "rotate", signed_id).split()
        assert (secret[:6], rotated_key[:5]) == ("whsec_", "whpk_")
        run(server, "delete", endpoint_id)
        finished = orders("webhooks", "get", endpoint_id, "--target", server.address)
        assert (finished.code, "NOT_FOUND" in finished.err) == (1, True)


def test_listen_forwards_signed_events_until_it_is_interrupted(server: Server) -> None:
    with receiver() as (url, received):
        arguments = ("listen", "--forward-to", url, "--event-type", "order.created")
        listening = start("webhooks", *arguments, "--target", server.address)
        try:
            assert listening.stdout is not None
            secret = listening.stdout.readline().split()[-1]
            with server.stubs() as (stub, _):

                def arrives() -> bool:
                    # It follows the changes from the moment at which it is connected.
                    stub.CreateOrder(new_order())
                    return bool(received)

                wait_until(arrives)
        finally:
            listening.send_signal(signal.SIGINT)
            listening.communicate(timeout=60)
        assert listening.returncode in (130, -signal.SIGINT)
        body, headers = received[0]
        assert Webhook(secret).verify(body, headers)["event"] == "order.created"


def test_unknown_job_is_refused() -> None:
    finished = orders("work", "--jobs", "nope")
    assert finished.code == 1
    assert "there is no job 'nope'" in finished.err
