"""What every call passes before anything is done for it: room on the server, a known caller, the right to call, and a limit."""

from collections.abc import Sequence

import grpc

from server.domain.api_keys import unauthenticated
from server.domain.caller import ANONYMOUS, Caller
from server.identity.authenticator import Authenticator
from server.rpc.access import MethodAccess
from server.rpc.admission import InFlight
from server.rpc.certificate_names import certificate_names
from server.rpc.limits import RateLimiter


class Gate:
    """Lets callers in. Open, it takes everybody for one who may do everything."""

    def __init__(
        self,
        *,
        authenticator: Authenticator | None,
        limiter: RateLimiter | None,
        in_flight: InFlight,
        takes_certificates: bool = False,
    ) -> None:
        """Without an authenticator the gate is open."""
        self._authenticator, self._limiter, self._takes_certificates = authenticator, limiter, takes_certificates
        self.in_flight = in_flight

    async def admit(self, context: grpc.aio.ServicerContext, access: MethodAccess) -> Caller:
        """The caller, as the method sees it. Raises UNAUTHENTICATED, SCOPE_MISSING, ROLE_MISSING, ORDER_ACCESS_DENIED, RATE_LIMITED."""
        caller = access.admit(await self.identify(context))
        limiter = self._limiter
        if limiter is not None and not limiter.try_take(caller.subject, access.method_class):
            await limiter.take(caller.subject, access.method_class)
        return caller

    async def identify(self, context: grpc.aio.ServicerContext) -> Caller:
        """The caller. Raises UNAUTHENTICATED."""
        if self._authenticator is None:
            return ANONYMOUS
        return await self._authenticator.authenticate(_bearer_of(context), self._names_of(context))

    async def drain(self) -> None:
        """Waits until nothing is asked of the database any more."""
        if self._limiter is not None:
            await self._limiter.drain()

    def _names_of(self, context: grpc.aio.ServicerContext) -> Sequence[str]:
        return certificate_names(context.auth_context()) if self._takes_certificates else ()


def _bearer_of(context: grpc.aio.ServicerContext) -> str:
    """What the caller presents: the bearer of `authorization`, or `token`."""
    presented = ""
    for name, value in context.invocation_metadata() or ():
        if name == "authorization":
            scheme, _, text = str(value).partition(" ")
            if scheme.lower() != "bearer" or not text.strip():
                raise unauthenticated("malformed", "`authorization` must be `Bearer`, a blank, and the key or token")
            return text.strip()
        if name == "token":
            presented = str(value)
    return presented
