"""Receives the payment provider's webhooks over HTTP on a separate port."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from server.config import ConfigError, Settings
from server.gateway.listener import GatewayError, Listener, listen
from server.gateway.options import Options
from server.identity.loopback import is_loopback
from server.runtime.preflight import StartError
from server.runtime.wiring import Components

if TYPE_CHECKING:
    from server.payments.stripe.webhooks import StripeWebhooks

log = logging.getLogger(__name__)

PATH = "/stripe"

# Far above Stripe's webhooks.
_MAX_BYTES = 1 << 20


@asynccontextmanager
async def receiving(components: Components, settings: Settings) -> AsyncIterator[str]:
    """Receives webhooks, if a port is set; yields the URL, or ''. On exit, finishes those in flight. Raises ConfigError and StartError."""
    if settings.payment_webhook_port is None:
        yield ""
        return
    webhooks, options = _webhooks(components, settings), _options(settings)
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    try:
        listening = listen(options)
        listener = Listener(_app(webhooks), options, stopping=asyncio.Event())
    except GatewayError as error:
        raise StartError(f"cannot receive the payment provider's webhooks: {error}") from error
    task = asyncio.create_task(listener.run_on(listening))
    try:
        yield _url(options, listening.getsockname()[1])
    finally:
        listener.should_exit = True
        await task


def _webhooks(components: Components, settings: Settings) -> "StripeWebhooks":
    if settings.stripe_webhook_secret is None:
        text = "ORDERS_PAYMENT_WEBHOOK_PORT needs ORDERS_STRIPE_WEBHOOK_SECRET, the signing secret of the endpoint at Stripe"
        raise ConfigError(text)
    if settings.payment_provider != "stripe":
        raise ConfigError("ORDERS_PAYMENT_WEBHOOK_PORT needs ORDERS_PAYMENT_PROVIDER=stripe")
    from server.payments.stripe.provider import StripeProvider
    from server.payments.stripe.webhooks import StripeWebhooks

    assert isinstance(components.provider, StripeProvider)
    return StripeWebhooks(
        secret=settings.stripe_webhook_secret.get_secret_value(),
        records=components.checkout,
        find_order=components.provider.order_id,
    )


def _options(settings: Settings) -> Options:
    host, port = settings.payment_webhook_host, settings.payment_webhook_port
    if not (is_loopback(host) or settings.insecure or settings.tls_certificate):
        raise ConfigError(
            f"{host} is reachable from other machines, and there is no TLS: set ORDERS_TLS_CERTIFICATE and ORDERS_TLS_KEY. "
            "Behind a proxy with TLS on a private network, --insecure allows that"
        )
    return Options(
        host=host,
        port=port or 0,
        tls_certificate=settings.tls_certificate,
        tls_key=settings.tls_key,
        drain_delay=0.0,
        shutdown_grace=settings.shutdown_grace,
    )


def _app(webhooks: "StripeWebhooks") -> Starlette:
    return Starlette(routes=[Route(PATH, _receiver(webhooks), methods=["POST"])])


def _receiver(webhooks: "StripeWebhooks") -> Callable[[Request], Awaitable[Response]]:
    async def receive(request: Request) -> Response:
        try:
            body = await _read(request)
        except ClientDisconnect:
            return Response(status_code=400)
        if body is None:
            return PlainTextResponse(f"a webhook has at most {_MAX_BYTES:,} bytes", 413)
        try:
            reply = await webhooks.handle(body, request.headers)
        except Exception:
            log.exception("a webhook of the payment provider failed")
            return PlainTextResponse("the service failed; its log says why", 500)
        wait = {"Retry-After": str(round(reply.retry_after))} if reply.retry_after else None
        return PlainTextResponse(reply.text, reply.status, wait)

    return receive


async def _read(request: Request) -> bytes | None:
    """The body; None if it is too long."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BYTES:
            return None
    return bytes(body)


def _url(options: Options, port: int) -> str:
    host = f"[{options.host}]" if ":" in options.host else options.host
    return f"{'https' if options.tls_certificate else 'http'}://{host}:{port}{PATH}"
