"""Composition of a server from its components."""

import math
from dataclasses import dataclass
from decimal import Decimal

import grpc
from orders.v1.order_pb2 import Support

from server.config import Settings
from server.currency_rates import rates_by_currency
from server.domain.base import places
from server.domain.base.values import PointTerms, Terms
from server.feed.reader import FeedReader
from server.feed.sequencer import Sequencer
from server.feed.signals import FeedSignals
from server.identity.authenticator import Authenticator
from server.identity.loopback import is_loopback
from server.payments.checkout import Checkout
from server.payments.provider import PaymentProvider
from server.rpc.accounting import Accounting
from server.rpc.api_key_service import ApiKeyServicer
from server.rpc.audit_service import AuditServicer
from server.rpc.batch_writes import BatchWrites
from server.rpc.cart_service import CartServicer
from server.rpc.catalog_service import CatalogServicer
from server.rpc.change_messages import entry_of
from server.rpc.consumer_service import ConsumerServicer
from server.rpc.customer_service import CustomerServicer
from server.rpc.endpoint import Bounds
from server.rpc.errors import Refuser
from server.rpc.fulfilment_service import ClaimedOrders, FulfilmentServicer
from server.rpc.gate import Gate
from server.rpc.health import Health
from server.rpc.order_service import OrderServicer
from server.rpc.refusal_log import RefusalLog
from server.rpc.server import SERVICE_NAMES, Connections, build_server
from server.rpc.server_service import ServerServicer
from server.rpc.slow_calls import SlowCalls
from server.rpc.tracing import Tracing
from server.rpc.validation import violations_of
from server.rpc.waiting import Waiting
from server.rpc.watching import Watching
from server.rpc.webhook_service import WebhookServicer
from server.rpc.zone_preview import ZonePreview
from server.runtime import payment_provider, security
from server.runtime.broker import Publishing, build_publishing
from server.runtime.mail import Mail, build_mail
from server.runtime.registry import CallRecords, Registry
from server.runtime.webhooks import Webhooks, build_webhooks
from server.storage.consumers import ConsumerRepository
from server.storage.database import Database
from server.storage.job_leases import JobLeases
from server.storage.probe import Probe
from server.storage.read.accounting import AccountingRepository
from server.storage.read.api_keys import ApiKeyRepository
from server.storage.read.audit import AuditRepository
from server.storage.read.carts import CartRepository
from server.storage.read.catalog import CatalogRepository
from server.storage.read.customer_data import CustomerDataRepository
from server.storage.read.customers import CustomerRepository
from server.storage.read.feed import FeedRepository
from server.storage.read.fulfilments import FulfilmentRepository
from server.storage.read.history import HistoryRepository
from server.storage.read.invoices import InvoiceRepository
from server.storage.read.lists import ListRepository
from server.storage.read.order_versions import OrderVersions
from server.storage.read.orders import OrderRepository
from server.storage.read.requests import RequestRepository
from server.storage.read.states import StateRepository
from server.storage.read.stock_movements import StockMovementRepository
from server.storage.read.summaries import SummaryRepository
from server.storage.servers import ServerRepository
from server.storage.write.erasure import Erasure
from server.storage.write.writer import Watch, Writer
from server.tasks import Tasks
from server.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Components:
    """The components of a server."""

    database: Database
    probe: Probe
    writer: Writer
    orders: OrderRepository
    catalog: CatalogRepository
    customers: CustomerRepository
    api_keys: ApiKeyRepository
    checkout: Checkout
    # None if an external payment service reports by RecordPayment.
    provider: PaymentProvider | None
    # None if the server does not authenticate callers.
    authenticator: Authenticator | None
    gate: Gate
    health: Health
    metrics: Metrics
    job_leases: JobLeases
    registry: Registry
    sequencer: Sequencer
    feed_reader: FeedReader
    consumers: ConsumerRepository
    webhooks: Webhooks
    # None without a message broker.
    publishing: Publishing | None
    # None if no mails are selected.
    mail: Mail | None
    # Those of the background jobs.
    tasks: Tasks
    server: grpc.aio.Server


async def build(settings: Settings, database: Database, *, tracing: Tracing | None = None) -> Components:
    """A server, not yet listening, on a database that is open. Raises ConfigError if it would be exposed without protection."""
    metrics, signals, feed = Metrics(), FeedSignals(), FeedRepository(database)
    consumers = ConsumerRepository(database)
    reader = FeedReader(feed, signals, encode=entry_of)
    places.load()
    writer = Writer(
        database,
        validate=violations_of,
        terms=_terms(settings),
        max_batch=settings.max_batch,
        max_queue=settings.max_queue,
        watch=_watch(metrics, signals),
    )
    orders, customers = OrderRepository(database), CustomerRepository(database)
    history = HistoryRepository(database, orders)
    catalog, api_keys = CatalogRepository(database), ApiKeyRepository(database)
    provider = payment_provider.build(settings)
    checkout = Checkout(
        writer=writer,
        orders=orders,
        customers=customers,
        provider=provider,
        timeout=settings.payment_timeout,
    )
    webhooks = build_webhooks(settings, database, feed=feed, writer=writer, metrics=metrics, tracer=tracing)
    versions = OrderVersions(database, history)
    invoices = InvoiceRepository(database)
    mail = build_mail(
        settings, database, feed=feed, invoices=invoices, webhooks=webhooks, metrics=metrics, tracer=tracing
    )
    publishing = build_publishing(settings, database, feed=feed, orders=versions, metrics=metrics, tracer=tracing)
    authenticator = await _authenticator(settings, api_keys)
    gate = security.build_gate(settings, authenticator=authenticator, database=database)
    tasks, leases, servers = Tasks(), JobLeases(database), ServerRepository(database)
    health = Health(SERVICE_NAMES, is_alive=lambda: writer.is_alive and tasks.is_alive)
    refuser = Refuser(settings.error_docs_url, RefusalLog(metrics.count_caller))
    slow_calls = SlowCalls(settings.slow_call_seconds or math.inf)
    calls = CallRecords(refuser.refusals.table.listed, slow_calls.listed)
    registry = Registry(servers, settings, metrics, server_id=leases.holder, calls=calls)
    server = build_server(
        servicers={
            "OrderService": OrderServicer(
                orders=orders,
                history=history,
                requests=RequestRepository(database),
                invoices=invoices,
                accounting=Accounting(AccountingRepository(database)),
                lists=ListRepository(database),
                watching=Watching(feed=feed, reader=reader, versions=versions, consumers=consumers),
                consumers=consumers,
                states=StateRepository(database),
                summaries=SummaryRepository(database),
                batch_writes=BatchWrites(checkout.execute, orders=orders, refuser=refuser),
                waiting=Waiting(orders=orders, reader=reader),
                support=_support(settings),
            ),
            "CatalogService": CatalogServicer(catalog=catalog, movements=StockMovementRepository(database)),
            "CartService": CartServicer(carts=CartRepository(database)),
            "CustomerService": CustomerServicer(
                customers=customers,
                data=CustomerDataRepository(database, customers=customers, orders=orders),
                erasure=Erasure(database, writer=writer, customers=customers),
            ),
            "ConsumerService": ConsumerServicer(consumers=consumers, feed=feed),
            "FulfilmentService": FulfilmentServicer(orders=orders, fulfilments=FulfilmentRepository(database)),
            "WebhookService": WebhookServicer(webhooks=webhooks.repository),
            "ApiKeyService": ApiKeyServicer(api_keys=api_keys),
            "AuditService": AuditServicer(audit=AuditRepository(database), api_keys=api_keys, feed=feed),
            "ServerService": ServerServicer(servers=servers, describe=registry.describe, limiter=gate.limiter),
        },
        execute=ClaimedOrders(
            ZonePreview(checkout.execute, orders=orders, catalog=catalog).execute, orders=orders
        ).execute,
        orders=orders,
        health=health,
        gate=gate,
        bounds=_bounds(settings, slow_calls),
        metrics=metrics,
        refuser=refuser,
        connections=_connections(settings),
        reflect=settings.reflection,
        reflect_to_all=authenticator is None or is_loopback(settings.host),
        tracing=tracing,
    )
    return Components(
        database=database,
        probe=Probe(database),
        writer=writer,
        orders=orders,
        catalog=catalog,
        customers=customers,
        api_keys=api_keys,
        checkout=checkout,
        provider=provider,
        authenticator=authenticator,
        gate=gate,
        health=health,
        metrics=metrics,
        job_leases=leases,
        registry=registry,
        sequencer=Sequencer(database, signals),
        feed_reader=reader,
        consumers=consumers,
        webhooks=webhooks,
        publishing=publishing,
        mail=mail,
        tasks=tasks,
        server=server,
    )


async def _authenticator(settings: Settings, api_keys: ApiKeyRepository) -> Authenticator | None:
    closed = await security.needs_credentials(settings, api_keys)
    security.check_exposure(settings, closed=closed)
    return security.build_authenticator(settings, api_keys) if closed else None


def _watch(metrics: Metrics, signals: FeedSignals) -> Watch:
    """Counts each batch, and notifies the sequencer of batches that may have written orders."""

    def watch(lane: str, size: int, seconds: float) -> None:
        metrics.count_batch(lane, size, seconds)
        if lane in ("single", "bulk"):
            signals.committed.set()

    return watch


def _terms(settings: Settings) -> Terms:
    """The terms of points by currency, and the settings that rules depend on."""
    values, rates = rates_by_currency(settings.point_value), rates_by_currency(settings.points_per_unit)
    points = {code: PointTerms(value, rates.get(code, Decimal(0))) for code, value in values.items()}
    return Terms(
        points,
        plain_webhooks=settings.webhook_allow_http,
        error_docs=settings.error_docs_url,
        return_days=settings.return_days,
    )


def _support(settings: Settings) -> Support:
    return Support(
        email=settings.support_email,
        phone=settings.support_phone,
        uri=settings.support_url,
        hours=settings.support_hours,
    )


def _bounds(settings: Settings, slow_calls: SlowCalls) -> Bounds:
    return Bounds(
        settings.max_request_bytes,
        settings.max_call_seconds,
        settings.max_stream_seconds,
        slow_calls,
    )


def _connections(settings: Settings) -> Connections:
    return Connections(
        max_age=settings.max_connection_age,
        max_idle=settings.max_connection_idle,
        min_ping_interval=settings.min_ping_interval,
        max_streams=settings.max_concurrent_streams,
        share_port=settings.workers > 1,
    )
