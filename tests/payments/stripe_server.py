"""A scripted HTTP server that stands for Stripe: intents, refunds, idempotency keys, and faults on request."""

import asyncio
import json
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from aiohttp import web
from stripe import WebhookSignature

SECRET = "whsec_test"
# Stripe's clock at the start; each request is a second later.
START = 1_790_000_000

Json = dict[str, Any]
Fault = Callable[[], Awaitable[web.Response | None]]


class Declined(Exception):
    """The card is declined."""


class Refused(Exception):
    """The request is refused: its code, and the parameter that is to blame."""

    def __init__(self, code: str, param: str = "") -> None:
        super().__init__(code)
        self.code, self.param = code, param


@dataclass
class StripeServer:
    """Its state. `before` and `after` hold the faults of the next requests: before or after they are carried out."""

    url: str = ""
    now: int = START
    intents: dict[str, Json] = field(default_factory=dict)
    refunds: list[Json] = field(default_factory=list)
    answers: dict[str, tuple[Json, int, Json]] = field(default_factory=dict)
    asked: list[tuple[str, Json, str]] = field(default_factory=list)
    before: deque[Fault] = field(default_factory=deque)
    after: deque[Fault] = field(default_factory=deque)
    searchable: bool = True
    refund_status: str = "succeeded"
    webhooks: int = 0

    async def handle(self, request: web.Request) -> web.Response:
        self.now += 1
        form = {**request.query, **(await request.post())}
        key = request.headers.get("Idempotency-Key", "")
        self.asked.append((f"{request.method} {request.path.removeprefix('/v1')}", form, key))
        if self.before and (response := await self.before.popleft()()):
            return response
        response = self._answer(request, form, key)
        if self.after and (fault := await self.after.popleft()()):
            return fault
        return response

    def _answer(self, request: web.Request, form: Json, key: str) -> web.Response:
        if request.method == "POST" and key in self.answers:
            params, status, body = self.answers[key]
            if params != form:
                return _response(400, _error("idempotency_error", "", "idempotency_key"), self.now)
            return _response(status, body, self.now, replayed=True)
        try:
            status, body = 200, self._execute(request.method, request.path.removeprefix("/v1/"), form)
        except Declined as error:
            status, body = 402, _error("card_error", "card_declined", "")
            body["error"]["payment_intent"] = error.args[0]
        except Refused as error:
            status, body = 400, _error("invalid_request_error", error.code, error.param)
        body = json.loads(json.dumps(body))
        # Stripe does not store what it refuses before it begins.
        if key and status != 400:
            self.answers[key] = form, status, body
        return _response(status, body, self.now)

    def _execute(self, method: str, path: str, form: Json) -> Json:
        parts = path.split("/")
        if parts[0] == "payment_methods":
            if parts[1].startswith("pm_gone"):
                raise Refused("resource_missing", "payment_method")
            return {"id": parts[1], "object": "payment_method", "customer": "cus_1" if "saved" in parts[1] else None}
        if parts[0] == "refunds":
            return self._refund(form) if method == "POST" else _list(self.refunds)
        if path == "payment_intents":
            return self._create(form)
        if path == "payment_intents/search":
            order_id = re.findall("'([^']*)'", form["query"])[1]
            found = [one for one in self.intents.values() if one["metadata"]["order_id"] == order_id]
            return _list(found[::-1] if self.searchable else [])
        if parts[1] not in self.intents:
            raise Refused("resource_missing", "intent")
        intent = self.intents[parts[1]]
        if method == "POST":
            action = parts[2] if len(parts) > 2 else "update"
            {"update": self._update, "confirm": self._confirm, "capture": self._capture, "cancel": self._cancel}[
                action
            ](intent, form)
        return intent

    def _create(self, form: Json) -> Json:
        number = len(self.intents) + 1
        intent = {
            "id": f"pi_{number}",
            "object": "payment_intent",
            "amount": int(form["amount"]),
            "amount_capturable": 0,
            "amount_received": 0,
            "currency": form["currency"],
            "customer": None,
            "client_secret": f"pi_{number}_secret_x",
            "latest_charge": None,
            "last_payment_error": None,
            "canceled_at": None,
            "metadata": _metadata(form),
            "status": "requires_payment_method",
        }
        self.intents[intent["id"]] = intent
        return intent

    def _update(self, intent: Json, form: Json) -> None:
        if intent["status"] not in ("requires_payment_method", "requires_action"):
            raise Refused("payment_intent_unexpected_state")
        intent |= {"amount": int(form["amount"]), "customer": form.get("customer", intent["customer"])}

    def _confirm(self, intent: Json, form: Json) -> None:
        if intent["status"] not in ("requires_payment_method", "requires_action"):
            raise Refused("payment_intent_unexpected_state")
        token = form["payment_method"]
        if "confirm" in token:
            intent["status"] = "requires_action"
            return
        self._charge(intent, "failed" if "decline" in token else "succeeded")
        if "decline" in token:
            intent["last_payment_error"] = {
                "message": "Your card was declined.",
                "charge": intent["latest_charge"]["id"],
            }
            raise Declined(intent)

    def _charge(self, intent: Json, status: str) -> None:
        charge = f"ch_{len(self.asked)}"
        details = {"type": "card"}
        intent["latest_charge"] = {
            "id": charge,
            "object": "charge",
            "created": self.now,
            "status": status,
            "payment_method_details": details,
        }
        if status == "succeeded":
            intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}

    def pay(self, intent: Json) -> None:
        """The customer's client pays."""
        self.now += 1
        self._charge(intent, "succeeded")

    def _capture(self, intent: Json, form: Json) -> None:
        amount = int(form["amount_to_capture"])
        if intent["status"] != "requires_capture" or amount > intent["amount_capturable"]:
            raise Refused("payment_intent_unexpected_state")
        intent |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
        intent["metadata"] |= _metadata(form)

    def _cancel(self, intent: Json, _: Json) -> None:
        if intent["status"] in ("succeeded", "canceled", "processing"):
            raise Refused("payment_intent_unexpected_state")
        intent |= {"status": "canceled", "canceled_at": self.now, "amount_capturable": 0}

    def _refund(self, form: Json) -> Json:
        intent = self.intents[form["payment_intent"]]
        refunded = sum(refund["amount"] for refund in self.refunds)
        if refunded + int(form["amount"]) > intent["amount_received"]:
            raise Refused("charge_already_refunded", "amount")
        refund = {
            "id": f"re_{len(self.refunds) + 1}",
            "object": "refund",
            "amount": int(form["amount"]),
            "currency": intent["currency"],
            "payment_intent": intent["id"],
            "metadata": _metadata(form),
            "status": self.refund_status,
        }
        self.refunds.append(refund)
        return refund

    def webhook(self, kind: str, found: Json, *, created: int | None = None) -> tuple[bytes, dict[str, str]]:
        """A signed webhook about an object as it is now: its body and its headers."""
        self.webhooks += 1
        found = json.loads(json.dumps(found))
        if isinstance(found.get("latest_charge"), dict):
            found["latest_charge"] = found["latest_charge"]["id"]
        event = {"id": f"evt_{self.webhooks}", "object": "event", "type": kind, "created": created or self.now}
        body = json.dumps(event | {"data": {"object": found}})
        return body.encode(), {"Stripe-Signature": WebhookSignature.generate_signature_header(body, SECRET)}

    def calls(self, name: str) -> list[Json]:
        """The parameters of the requests with such a path."""
        return [form for asked, form, _ in self.asked if asked == name]


def fails(status: int, **headers: str) -> Fault:
    """A response with an error instead."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def fail() -> web.Response:
        return web.json_response(_error("api_error", "", ""), status=status, headers=named)

    return fail


async def vanishes() -> web.Response:
    """Instead of a response, the connection breaks."""
    raise ConnectionResetError


async def hangs() -> None:
    """No response ever comes."""
    await asyncio.Event().wait()


async def passes() -> None:
    """No fault."""


def _error(kind: str, code: str, param: str) -> Json:
    return {"error": {"type": kind, "code": code, "param": param, "message": code or kind}}


def _list(found: list[Json]) -> Json:
    return {"object": "list", "data": found, "has_more": False, "url": "/v1/things"}


def _metadata(form: Json) -> Json:
    return {name[9:-1]: value for name, value in form.items() if name.startswith("metadata[")}


def _response(status: int, body: Json, now: int, *, replayed: bool = False) -> web.Response:
    headers = {"Date": formatdate(now, usegmt=True)} | ({"Idempotent-Replayed": "true"} if replayed else {})
    return web.json_response(body, status=status, headers=headers)


@asynccontextmanager
async def stripe_server() -> AsyncIterator[StripeServer]:
    """A server that listens on localhost."""
    server = StripeServer()

    async def handle(request: web.Request) -> web.Response:
        try:
            return await server.handle(request)
        except ConnectionResetError:
            assert request.transport is not None
            request.transport.abort()
            await asyncio.sleep(0)
            raise

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()
