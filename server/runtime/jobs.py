"""The background jobs."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from server.config import ConfigError, Settings
from server.domain.base.caller import Caller, Role
from server.domain.operations import Command
from server.domain.orders.backorders import AllocateBackorder
from server.payments.expiry import cancel_unpaid
from server.runtime import broker
from server.runtime.background import Job
from server.runtime.wiring import Components
from server.storage.backorders import arrived
from server.storage.errors import HEALTH_CAUSES, WRITE_CAUSES
from server.storage.housekeeping import (
    forget_idle_limits,
    forget_old_carts,
    forget_old_deliveries,
    forget_old_mails,
    forget_old_requests,
)
from server.storage.queue_repair import queue_missing
from server.telemetry.log import fields
from server.telemetry.metrics import Lag

log = logging.getLogger(__name__)

_HOUR = 3600.0
_ALLOCATOR = Caller(subject="allocate_backorders", roles=frozenset({Role.ADMIN}))
# Consumers with metrics.
_MEASURED = 1_000
# Lag in seconds after which an outbound channel is unhealthy.
_LATE = 60.0
_IDLE_LIMITS = timedelta(hours=1)


async def end_overdue_calls(components: Components, _: Settings) -> None:
    """Ends calls that exceed their time limit."""
    components.gate.in_flight.end_overdue()


async def check_database(components: Components, _: Settings) -> None:
    """Checks whether the database is readable and writable, and sets the server's health."""
    health, cause = components.health, await components.probe.check()
    if cause != health.cause:
        if cause is None:
            log.warning("the database reads and writes again")
        else:
            log.warning("the database has failed", extra=fields(cause=cause))
    health.cause = cause
    health.set_ready(cause is None, reads=cause is None or cause in WRITE_CAUSES)


async def record_key_uses(components: Components, _: Settings) -> None:
    """Records when API keys were last used."""
    if components.authenticator is not None:
        await components.api_keys.note_uses(components.authenticator.take_uses())


async def set_gauges(components: Components, _: Settings) -> None:
    """Sets the gauges among the metrics."""
    components.metrics.set_use(
        calls=components.gate.in_flight.count,
        commands=components.writer.waiting(),
        **components.database.use()._asdict(),
        is_ready=components.health.ready,
        failing={cause: cause == components.health.cause for cause in HEALTH_CAUSES},
    )


async def delete_expired_rows(components: Components, settings: Settings) -> None:
    """Deletes old request ids, unchanged carts, and the rate limits of inactive callers."""
    database, now = components.database, datetime.now(UTC)
    requests = await forget_old_requests(database, before=now - timedelta(days=settings.idempotency_days))
    carts = await forget_old_carts(database, before=now - timedelta(days=settings.cart_days))
    limits = await forget_idle_limits(database, before=now - _IDLE_LIMITS)
    log.debug("deleted old request ids, carts and limits", extra=fields(requests=requests, carts=carts, limits=limits))


async def cancel_unpaid_orders(components: Components, settings: Settings) -> None:
    """Cancels orders that are not paid within `ORDERS_UNPAID_HOURS`."""
    if settings.unpaid_hours:
        before = datetime.now(UTC) - timedelta(hours=settings.unpaid_hours)
        count = await cancel_unpaid(components.checkout, components.orders, before=before)
        log.info("cancelled orders that were not paid in time", extra=fields(count=count))


async def measure_feed(components: Components, settings: Settings) -> None:
    """Sets the gauges of the feed: its watchers, and the lag of durable consumers. Sets the health of `broker`."""
    consumers = await components.consumers.page(after="", limit=_MEASURED)
    lags = {each.consumer_id: Lag(each.lag_events, each.lag.total_seconds()) for each in consumers}
    components.metrics.set_feed(watchers=components.feed_reader.watchers, lags=lags)
    if _has_broker(settings):
        lag = lags.get(broker.CONSUMER)
        components.health.set_channel("broker", keeps_up=lag is None or lag.seconds < _LATE)


async def report_to_registry(components: Components, _: Settings) -> None:
    """Reports this process to the database, and reads the log level."""
    await components.registry.report()


async def append_to_feed(components: Components, _: Settings) -> None:
    """Appends committed events to the feed, as the sequencer."""
    await components.sequencer.run()


async def read_feed(components: Components, _: Settings) -> None:
    """Reads the feed for the callers that watch it."""
    await components.feed_reader.run()


async def queue_webhooks(components: Components, _: Settings) -> None:
    """Queues the deliveries of changes to webhook endpoints."""
    await components.webhooks.fan_out.run()


async def deliver_webhooks(components: Components, _: Settings) -> None:
    """Sends webhooks that are due."""
    await components.webhooks.worker.run()


async def measure_webhooks(components: Components, _: Settings) -> None:
    """Sets the gauges of webhooks: failing and disabled endpoints, and the most overdue delivery."""
    components.webhooks.metrics.set_queue(**(await components.webhooks.repository.health())._asdict())


async def publish_events(components: Components, _: Settings) -> None:
    """Publishes changes to the message broker, if there is one."""
    if components.publishing is not None:
        await components.publishing.consumer.run()


async def queue_mails(components: Components, _: Settings) -> None:
    """Queues mails about changes, if any are selected."""
    if components.mail is not None:
        await components.mail.queueing.run()


async def send_mails(components: Components, _: Settings) -> None:
    """Sends mails that are due."""
    if components.mail is not None:
        await components.mail.worker.run()


async def measure_mails(components: Components, _: Settings) -> None:
    """Sets the gauges of mails, and the health of `mail`."""
    if components.mail is not None:
        backlog = await components.mail.repository.backlog()
        seconds = backlog.overdue.total_seconds()
        components.mail.metrics.set_backlog(waiting=backlog.waiting, overdue_seconds=seconds)
        components.health.set_channel("mail", keeps_up=seconds < _LATE)


async def delete_old_mails(components: Components, settings: Settings) -> None:
    """Deletes the records of mails that were finished `ORDERS_MAIL_DAYS` ago."""
    count = await forget_old_mails(components.database, before=datetime.now(UTC) - timedelta(days=settings.mail_days))
    log.debug("deleted old mails", extra=fields(count=count))


async def delete_old_webhooks(components: Components, settings: Settings) -> None:
    """Deletes webhook deliveries that were finished `ORDERS_WEBHOOK_DAYS` ago, and those of deleted endpoints."""
    before = datetime.now(UTC) - timedelta(days=settings.webhook_days)
    count = await forget_old_deliveries(components.database, before=before)
    log.debug("deleted old webhook deliveries", extra=fields(count=count))


async def allocate_backorders(components: Components, _: Settings) -> None:
    """Allocates arrived stock to the orders that wait for it, in order of creation."""
    async for order_id in arrived(components.database):
        await components.writer.execute(Command(AllocateBackorder(order_id), _ALLOCATOR))


async def queue_missing_orders(components: Components, _: Settings) -> None:
    """Adds orders to the work queue that servers of an earlier version have confirmed."""
    count = await queue_missing(components.database)
    log.debug("added orders to the work queue", extra=fields(count=count))


def _has_broker(settings: Settings) -> bool:
    return settings.broker_url is not None


def _sends_mails(settings: Settings) -> bool:
    return bool(settings.mails.strip())


def _every(seconds: float) -> Callable[[Settings], float]:
    return lambda _: seconds


def _health_interval(settings: Settings) -> float:
    """The interval of health checks. A check takes up to half the database's timeout, so health is current within it."""
    return min(settings.health_interval, settings.database_timeout / 2)


JOBS = (
    Job("end_overdue_calls", _every(0.5), end_overdue_calls, local=True),
    Job("check_database", _health_interval, check_database, local=True, measures=True),
    # A rotated key's old text is accepted until a use of the new one is recorded.
    Job("record_key_uses", _every(5.0), record_key_uses, local=True),
    Job("measure_feed", _every(5.0), measure_feed, local=True, measures=True),
    Job("measure_webhooks", _every(5.0), measure_webhooks, local=True, measures=True),
    Job("read_feed", _every(0.0), read_feed, local=True),
    Job("set_gauges", _every(1.0), set_gauges, local=True, measures=True),
    Job("report_to_registry", _every(5.0), report_to_registry, local=True, measures=True),
    Job("delete_expired_rows", _every(_HOUR), delete_expired_rows, exclusive=True),
    Job("append_to_feed", _every(0.0), append_to_feed, exclusive=True, lease=3.0),
    Job("cancel_unpaid_orders", _every(_HOUR), cancel_unpaid_orders, exclusive=True),
    Job("queue_webhooks", _every(0.0), queue_webhooks, exclusive=True, lease=5.0),
    Job("deliver_webhooks", _every(0.0), deliver_webhooks),
    Job("publish_events", _every(0.0), publish_events, applies=_has_broker, exclusive=True, lease=5.0),
    Job("measure_mails", _every(5.0), measure_mails, applies=_sends_mails, local=True, measures=True),
    Job("queue_mails", _every(0.0), queue_mails, applies=_sends_mails, exclusive=True, lease=5.0),
    Job("send_mails", _every(0.0), send_mails, applies=_sends_mails, exclusive=True),
    Job("delete_old_mails", _every(_HOUR), delete_old_mails, exclusive=True),
    Job("delete_old_webhooks", _every(_HOUR), delete_old_webhooks, exclusive=True),
    Job("allocate_backorders", _every(1.0), allocate_backorders, exclusive=True, lease=5.0),
    Job("queue_missing_orders", _every(_HOUR), queue_missing_orders, exclusive=True),
)


def selected(settings: Settings) -> list[Job]:
    """The jobs that ORDERS_JOBS selects, without those that serve the process's own calls. Raises ConfigError."""
    jobs = {job.name: job for job in JOBS if not job.local}
    names = {"all": list(jobs), "none": []}.get(settings.jobs.strip(), settings.jobs.split())
    if unknown := [name for name in names if name not in jobs]:
        raise ConfigError(f"ORDERS_JOBS (--jobs): there is no job {unknown[0]!r}; use all, none or {', '.join(jobs)}")
    return [jobs[name] for name in dict.fromkeys(names) if jobs[name].applies(settings)]
