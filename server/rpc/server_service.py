"""orders.v1.ServerService."""

from collections.abc import Callable, Iterable

from orders.v1.server_service_pb2 import (
    SETTING_ORIGIN_DEFAULT,
    CallerInfo,
    GetServerInfoRequest,
    ListRefusedCallsRequest,
    ListRefusedCallsResponse,
    ListServersRequest,
    ListServersResponse,
    ListSlowCallsRequest,
    ListSlowCallsResponse,
    RateLimitState,
    ServerInfo,
    ServerJob,
    SlowCall,
    WhoAmIRequest,
)

from server.domain.base.caller import Caller
from server.domain.servers.warnings import warnings_about
from server.rpc.endpoint import Call
from server.rpc.limits import LimitState, RateLimiter
from server.rpc.refused_calls import merged
from server.storage.projections import timestamp_of
from server.storage.servers import ServerRepository


class ServerServicer:
    """The reads of the service. `describe` returns the process that answers."""

    def __init__(
        self, *, servers: ServerRepository, describe: Callable[[], ServerInfo], limiter: RateLimiter | None
    ) -> None:
        self._servers, self._describe, self._limiter = servers, describe, limiter

    async def GetServerInfo(self, request: GetServerInfoRequest, call: Call) -> ServerInfo:
        own, servers = self._describe(), await self._servers.all()
        others = [server for server in servers if server.server_id != own.server_id]
        own.workers = _workers(own, [own, *others])
        jobs = _jobs([own, *others], await self._servers.holders())
        own.ClearField("jobs")
        own.jobs.extend(jobs)
        return own

    async def ListServers(self, request: ListServersRequest, call: Call) -> ListServersResponse:
        servers = await self._servers.all()
        response = ListServersResponse(servers=servers, warnings=warnings_about(servers))
        for server in response.servers:
            server.workers = _workers(server, servers)
            set_ones = [setting for setting in server.settings if setting.origin != SETTING_ORIGIN_DEFAULT]
            server.ClearField("jobs")
            server.ClearField("settings")
            server.ClearField("refused_calls")
            server.ClearField("slow_calls")
            server.settings.extend(set_ones)
        return response

    async def ListRefusedCalls(self, request: ListRefusedCallsRequest, call: Call) -> ListRefusedCallsResponse:
        servers = await self._with_own()
        groups = merged(group for server in servers for group in server.refused_calls)
        return ListRefusedCallsResponse(
            refused_calls=[
                group
                for group in groups
                if request.caller in ("", group.caller)
                if request.reason in ("", group.reason)
            ]
        )

    async def ListSlowCalls(self, request: ListSlowCallsRequest, call: Call) -> ListSlowCallsResponse:
        slow_calls: list[SlowCall] = [
            slow
            for server in await self._with_own()
            for slow in server.slow_calls
            if request.caller in ("", slow.caller)
            if request.method in ("", slow.method.rpartition(".")[2])
        ]
        slow_calls.sort(key=lambda slow: -slow.duration.ToNanoseconds())
        return ListSlowCallsResponse(slow_calls=slow_calls)

    async def _with_own(self) -> list[ServerInfo]:
        """All processes, this one as it is now."""
        own = self._describe()
        return [own, *(server for server in await self._servers.all() if server.server_id != own.server_id)]

    async def WhoAmI(self, request: WhoAmIRequest, call: Call) -> CallerInfo:
        caller = call.caller
        states = [] if self._limiter is None else await self._limiter.states(caller.subject)
        return _caller_info(caller, map(_limit_message, states))


def _workers(server: ServerInfo, servers: Iterable[ServerInfo]) -> int:
    place = (_host(server), server.address)
    return sum(other.alive and (_host(other), other.address) == place for other in servers) if server.address else 0


def _host(server: ServerInfo) -> str:
    return str(server.server_id).split(":", 1)[0]


def _jobs(servers: Iterable[ServerInfo], holders: dict[str, str]) -> list[ServerJob]:
    """The jobs of all processes, each with its last success in any of them."""
    found: dict[str, ServerJob] = {}
    for job in (job for server in servers for job in server.jobs):
        known = found.setdefault(job.name, job)
        if job.last_success_time.ToNanoseconds() > known.last_success_time.ToNanoseconds():
            known.last_success_time.CopyFrom(job.last_success_time)
    for job in found.values():
        job.holder = holders.get(job.name, "")
    return list(found.values())


def _caller_info(caller: Caller, limits: Iterable[RateLimitState]) -> CallerInfo:
    return CallerInfo(
        subject=caller.subject,
        owner=caller.owner,
        roles=sorted(f"ROLE_{role.upper()}" for role in caller.roles),
        scopes=sorted(f"SCOPE_{scope.upper().replace('.', '_')}" for scope in caller.scopes),
        customer_id=caller.customer_id,
        ignored_roles=[ignored._asdict() for ignored in caller.ignored_roles],
        limits=limits,
    )


def _limit_message(state: LimitState) -> RateLimitState:
    return RateLimitState(
        method_class=f"METHOD_CLASS_{state.method_class.upper()}",
        rate=state.rate,
        remaining=state.remaining,
        block_end_time=None if state.blocked_until is None else timestamp_of(state.blocked_until),
    )
