"""Stripe's API: requests that can be repeated, with retries."""

import time
from collections.abc import Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from stripe import AIOHTTPClient, StripeClient, StripeError, StripeObject

from server.http_client import TRANSPORT_ERRORS, proxy_for
from server.payments.provider import ProviderUnavailable
from server.payments.stripe.events import StripeJson
from server.retry import RetryPolicy

# The caller's timeout bounds all attempts together.
_RETRYING = RetryPolicy(first=0.25, longest=2.0, attempts=5)

# The statuses with which Stripe refuses the request itself, or the card.
_REFUSALS = (400, 402, 404)


class Reply(NamedTuple):
    """A response of Stripe."""

    data: StripeJson
    # When Stripe sent it, by its own clock: a Unix time.
    time: int
    # Whether it repeats the response to an earlier request with the same idempotency key, and may be outdated.
    is_replay: bool


class StripeApi:
    """Sends requests. Writes carry an idempotency key, or set a value and can be repeated without one."""

    def __init__(self, key: str, *, url: str, timeout: float) -> None:
        """`timeout` bounds each request, in seconds."""
        self._http = AIOHTTPClient(timeout=timeout, proxy=proxy_for(url))
        client = StripeClient(key, http_client=self._http, base_addresses={"api": url}, max_network_retries=0)
        self.intents = client.v1.payment_intents
        self.methods = client.v1.payment_methods
        self.refunds = client.v1.refunds

    async def send(self, request: Callable[[], Awaitable[StripeObject]]) -> Reply:
        """Sends a request and retries transient failures. Raises ProviderUnavailable, or StripeError if Stripe refuses it."""
        try:
            found = await _RETRYING.run(request, is_retryable=_is_retryable, wait=_requested_delay)
        except StripeError as error:
            if error.http_status in _REFUSALS:
                raise
            raise ProviderUnavailable(type(error).__name__) from error
        except TRANSPORT_ERRORS as error:
            raise ProviderUnavailable(type(error).__name__) from error
        headers: Mapping[str, str] = {} if found.last_response is None else found.last_response.headers
        return Reply(found.to_dict(), time=_time_of(headers), is_replay=headers.get("idempotent-replayed") == "true")

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]


def _is_retryable(error: Exception) -> bool:
    if not isinstance(error, StripeError):
        return isinstance(error, TRANSPORT_ERRORS)
    advice = _headers(error).get("stripe-should-retry")
    if advice in ("true", "false"):
        return bool(advice == "true")
    status = error.http_status
    return bool(status is None or status < 300 or status in (409, 429) or status >= 500)


def _requested_delay(error: Exception) -> float:
    """The delay in seconds that Stripe requests."""
    seconds = _headers(error).get("retry-after", "") if isinstance(error, StripeError) else ""
    return float(seconds) if seconds.isdecimal() else 0.0


def _headers(error: StripeError) -> Mapping[str, Any]:
    return error.headers or {}


def _time_of(headers: Mapping[str, str]) -> int:
    return int(parsedate_to_datetime(headers["date"]).timestamp() if "date" in headers else time.time())
