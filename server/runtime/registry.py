"""The description of this process for operators and for other processes on its database."""

import json
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any, NamedTuple

from orders.v1.server_service_pb2 import LogLevelOverride, RefusedCalls, ServerInfo, ServerJob, ServerSetting, SlowCall

from server.config import PREFIX, Settings
from server.domain.servers.log_level import current_level
from server.domain.servers.warnings import warnings_about
from server.storage.schema.schema import newest_version
from server.storage.servers import ServerRepository
from server.telemetry import log as logs
from server.telemetry.log import fields
from server.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

# The settings that affect prices, which should be equal on all processes of a database.
_PRICE_SETTINGS = ("point_value", "points_per_unit")


class CallRecords(NamedTuple):
    """The calls of this process that operators look for."""

    refused: Callable[[], Iterable[RefusedCalls]]
    slow: Callable[[], Iterable[SlowCall]]


class Registry:
    """Describes this process, and reports the description to the database."""

    def __init__(
        self,
        servers: ServerRepository,
        settings: Settings,
        metrics: Metrics,
        *,
        server_id: str,
        calls: CallRecords,
    ) -> None:
        self._servers, self._settings, self._metrics, self._calls = servers, settings, metrics, calls
        self._server = ServerInfo(
            server_id=server_id,
            version=version("order-service"),
            schema_version=newest_version(),
            start_time=datetime.now(UTC),
            alive=True,
            settings=settings_of(settings),
        )
        self._jobs: dict[str, ServerJob] = {}
        # The level that a caller has set; '' while the setting applies.
        self._level = ""
        self._has_compared = False

    def start(self, address: str) -> None:
        """Records the address on which the process serves calls, or '', and logs the start."""
        self._server.address = address
        changed = {
            name: value
            for name, value in self._settings.values().items()
            if self._settings.origin_of(name) != "default"
        }
        log.info(
            "serving" if address else "working",
            extra=fields(
                version=self._server.version,
                schema=self._server.schema_version,
                address=address,
                settings=json.dumps(changed, separators=(",", ":")),
            ),
        )

    def expect_job(self, name: str, *, exclusive: bool, interval: float) -> None:
        """Lists a background job before its first success."""
        self._jobs[name] = ServerJob(name=name, exclusive=exclusive, interval=timedelta(seconds=interval))
        self._metrics.expect_job(name)

    def note_success(self, job: str) -> None:
        """Records that a run of a background job has succeeded now."""
        self._jobs[job].last_success_time.FromDatetime(datetime.now(UTC))
        self._metrics.note_success(job)

    def describe(self) -> ServerInfo:
        """The current description of this process."""
        level = f"LOG_LEVEL_{(self._level or self._settings.log_level).upper()}"
        found = ServerInfo(jobs=self._jobs.values(), log_level=level, heartbeat_time=datetime.now(UTC))
        found.MergeFrom(self._server)
        found.refused_calls.extend(self._calls.refused())
        for call in self._calls.slow():
            found.slow_calls.add(server_id=self._server.server_id).MergeFrom(call)
        return found

    async def report(self) -> None:
        """Reports to the database, and reads the log level. The first report compares the processes."""
        self.apply(await self._servers.report(self.describe()))
        if not self._has_compared:
            self._has_compared = True
            for warning in warnings_about(await self._servers.all()):
                log.warning("processes on this database differ", extra=fields(setting=warning.subject.upper()))

    def apply(self, override: LogLevelOverride) -> None:
        """Sets the log level."""
        level = current_level(override, datetime.now(UTC))
        if level != self._level:
            self._level = level
            logs.set_level(level or self._settings.log_level)
            log.warning("the log level has changed", extra=fields(log_level=level or self._settings.log_level))

    async def leave(self) -> None:
        """Removes the description of this process. If that fails, the process soon counts as dead."""
        try:
            await self._servers.leave(self._server.server_id)
        except Exception as error:
            log.warning("this process was not removed from the list of servers", extra=fields(error))


def settings_of(settings: Settings) -> list[ServerSetting]:
    """The settings, with secrets masked."""
    return [
        ServerSetting(
            name=f"{PREFIX}{name.upper()}",
            value=_text(value),
            origin=f"SETTING_ORIGIN_{settings.origin_of(name).upper()}",
            affects_prices=name in _PRICE_SETTINGS,
        )
        for name, value in settings.values().items()
    ]


def _text(value: Any) -> str:
    return "" if value is None else str(value)
