"""The temporary log level that a caller has set for all processes."""

from datetime import UTC, datetime, timedelta

from orders.v1.server_service_pb2 import LogLevel, LogLevelOverride, SetLogLevelRequest

from server.domain.base.edits import Audit
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.state import State

# The name of the setting.
LOG_LEVEL = "log_level"
_DURATION = timedelta(hours=1)


def _needs(_: SetLogLevelRequest) -> Needs:
    return Needs(runtime_settings=[LOG_LEVEL])


@operation(SetLogLevelRequest, needs=_needs)
def set_log_level(request: SetLogLevelRequest, state: State, audit: Audit) -> LogLevelOverride:
    """Sets the level until it expires; without a level, the processes return to their settings."""
    override = LogLevelOverride(level=request.level)
    if request.level:
        duration = request.duration.ToTimedelta() if request.HasField("duration") else _DURATION
        override.expire_time.FromDatetime(audit.time.ToDatetime(UTC) + duration)
    state.runtime_settings.upsert(LOG_LEVEL, override.SerializeToString(deterministic=True))
    return override


def current_level(override: LogLevelOverride, now: datetime) -> str:
    """The level of an override at a time, in the setting's notation; '' if there is none."""
    if not override.level or override.expire_time.ToDatetime(UTC) <= now:
        return ""
    return str(LogLevel.Name(override.level)).removeprefix("LOG_LEVEL_").lower()
