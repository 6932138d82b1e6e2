"""The gate that every call passes first: capacity, authentication, authorization and rate limit."""

import asyncio
import re
from collections.abc import Sequence

import grpc

from server.domain.base.caller import ANONYMOUS, Caller
from server.domain.base.errors import unauthenticated
from server.identity.authenticator import Authenticator
from server.rpc.access import MethodAccess
from server.rpc.admission import InFlight
from server.rpc.certificate_names import certificate_names
from server.rpc.limits import RateLimiter

_CREDENTIALS = frozenset({"authorization", "token"})
_VISIBLE = re.compile("[!-~]+")


class Gate:
    """Admits callers. An open gate grants every caller all permissions."""

    def __init__(
        self,
        *,
        authenticator: Authenticator | None,
        limiter: RateLimiter | None,
        in_flight: InFlight,
        takes_certificates: bool = False,
    ) -> None:
        """Without an authenticator the gate is open."""
        self._authenticator, self.limiter, self._takes_certificates = authenticator, limiter, takes_certificates
        self.in_flight = in_flight
        # Held while a large request is decoded and checked.
        self.large_request = asyncio.Lock()

    async def admit(self, context: grpc.aio.ServicerContext, access: MethodAccess) -> Caller:
        """The caller, as the method sees it. Raises UNAUTHENTICATED, SCOPE_MISSING, ROLE_MISSING, ORDER_ACCESS_DENIED, RATE_LIMITED."""
        caller = access.admit(await self.identify(context))
        limiter = self.limiter
        if limiter is not None and not limiter.try_take(caller.subject, access.method_class):
            await limiter.take(caller.subject, access.method_class)
        return caller

    async def identify(self, context: grpc.aio.ServicerContext) -> Caller:
        """The caller. Raises UNAUTHENTICATED."""
        if self._authenticator is None:
            return ANONYMOUS
        return await self._authenticator.authenticate(_bearer_of(context), self._names_of(context))

    async def drain(self) -> None:
        """Waits until no lease request is in flight."""
        if self.limiter is not None:
            await self.limiter.drain()

    def _names_of(self, context: grpc.aio.ServicerContext) -> Sequence[str]:
        return certificate_names(context.auth_context()) if self._takes_certificates else ()


def _bearer_of(context: grpc.aio.ServicerContext) -> str:
    """The caller's credential: the bearer of `authorization`, or `token`; '' if neither is sent."""
    sent = [(name, str(value)) for name, value in context.invocation_metadata() or () if name in _CREDENTIALS]
    if not sent:
        return ""
    if len(sent) > 1:
        # A proxy may have checked only one of them.
        raise unauthenticated("malformed", "send only one of `authorization` and `token`")
    name, text = sent[0]
    if name == "authorization":
        scheme, _, text = text.partition(" ")
        if scheme.lower() != "bearer":
            raise unauthenticated("malformed", "`authorization` must be `Bearer`, a space, and the key or token")
    text = text.strip(" ")
    if not _VISIBLE.fullmatch(text):
        raise unauthenticated(
            "malformed", f"`{name}` has no key or token, or one with spaces or control characters in it"
        )
    return text
