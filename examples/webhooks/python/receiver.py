"""Receives webhooks, verifies them and handles each change once: pip install standardwebhooks."""

import os
import sqlite3
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

MAX_BYTES = 1 << 20

hook = Webhook(os.environ["WEBHOOK_SECRET"])
database = sqlite3.connect(os.environ.get("DATABASE", "webhooks.db"))
database.execute("CREATE TABLE IF NOT EXISTS orders (order_id TEXT PRIMARY KEY, version INTEGER, status TEXT)")


def handle(event_id: str, event: dict[str, Any]) -> None:
    """Stores the newest version of the order. A change that comes again, or after a later one, does nothing."""
    data = event["data"]
    newer = """
        INSERT INTO orders VALUES (:order_id, :version, :status)
        ON CONFLICT (order_id) DO UPDATE SET version = excluded.version, status = excluded.status
        WHERE excluded.version > orders.version"""
    # Do your own work in the same transaction.
    with database:
        if database.execute(newer, data).rowcount:
            print(event["type"], event_id, data["status"], flush=True)


class Receiver(BaseHTTPRequestHandler):
    """Answers requests."""

    def do_POST(self) -> None:
        self.send_response(self._status())
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _status(self) -> int:
        length = int(self.headers.get("Content-Length", 0))
        if length > MAX_BYTES:
            return 413
        try:
            event = hook.verify(self.rfile.read(length), {name.lower(): text for name, text in self.headers.items()})
        except WebhookVerificationError:
            return 400
        if event["type"] != "webhook.test":
            handle(self.headers["webhook-id"], event)
        return 204

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing."""


HTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Receiver).serve_forever()
