"""Mails end to end: a real server sends them to a real SMTP server."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from orders.v1.customer_service_pb2 import UpsertCustomerRequest
from orders.v1.order_pb2 import (
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_EVENT_TYPE_REFUNDED,
    Order,
)
from orders.v1.order_service_pb2 import (
    BatchUpsertOrdersRequest,
    CancelOrderRequest,
    GetOrderRequest,
    RecordPaymentRequest,
    RefundOrderRequest,
    TransitionOrderRequest,
)
from orders.v1.webhook_service_pb2 import CreateWebhookEndpointRequest
from orders.v1.webhook_service_pb2_grpc import WebhookServiceStub

from server.config import ConfigError
from tests.conftest import Service, new_order, serving, stock_shop
from tests.mail.mailbox import Mailbox, html_of, receiving, text_of
from tests.shop import HOME, usd
from tests.storage.helpers import until
from tests.webhooks import receiver as webhooks

KINDS = "order_received order_confirmed order_shipped order_delivered order_cancelled order_refunded return_received"
SENDER = "Example Shop <orders@shop.example>"
SENT, FAILED, SKIPPED = 2, 3, 4


@asynccontextmanager
async def mailing(url: str, mailbox: Mailbox, **settings: Any) -> AsyncIterator[Service]:
    own = {"mails": KINDS, "mail_sender": SENDER, "smtp_url": mailbox.url}
    async with serving(url, **own | settings) as service:
        await stock_shop(service)

        async def has_started() -> bool:
            return bool(await service.rows("SELECT FROM consumers WHERE consumer_id = 'orders.mail'"))

        await until(has_started)
        yield service


@pytest.fixture(scope="module")
async def mailbox() -> AsyncIterator[Mailbox]:
    async with receiving() as mailbox:
        yield mailbox


@pytest.fixture(scope="module")
async def service(new_database: Callable[[], str], mailbox: Mailbox) -> AsyncIterator[Service]:
    async with mailing(new_database(), mailbox) as service:
        yield service


async def order_of(service: Service, customer_id: str, *, name: str = "Jane Doe", **fields: Any) -> Order:
    """A new order of a customer with the address `CUSTOMER@example.com`."""
    contact = {"customer_id": customer_id, "name": name, "email": f"{customer_id}@example.com"}
    await service.customers.UpsertCustomer(UpsertCustomerRequest(customer=contact))
    return await service.orders.CreateOrder(new_order(customer_id, **fields))


async def pay(service: Service, order: Order, kind: int = PAYMENT_EVENT_TYPE_PAID, **fields: Any) -> Order:
    event = {"provider": "adyen", "event_id": f"{kind}-{order.order_id}", "type": kind, **fields}
    return await service.orders.RecordPayment(RecordPaymentRequest(order_id=order.order_id, event=event))


async def move(service: Service, order: Order, status: int, **fields: Any) -> Order:
    request = TransitionOrderRequest(order_id=order.order_id, status=status, **fields)
    return await service.orders.TransitionOrder(request)


async def row_of(service: Service, order: Order, kind: str = "order_received") -> tuple[Any, ...] | None:
    query = "SELECT state, attempts, cause, next_time > now() FROM mails WHERE order_id = %s AND kind = %s"
    rows = await service.rows(query, order.order_id, kind)
    return rows[0] if rows else None


async def until_attempted(service: Service, order: Order, attempts: int = 1) -> tuple[Any, ...]:
    """The mail about a new order, once so many attempts are recorded."""

    async def is_attempted() -> bool:
        row = await row_of(service, order)
        return row is not None and row[1] >= attempts

    await until(is_attempted)
    found = await row_of(service, order)
    assert found is not None
    return found


async def make_due(service: Service) -> None:
    await service.rows("UPDATE mails SET next_time = now() WHERE state = 1 RETURNING 1")


async def test_mails_tell_the_story_of_an_order(service: Service, mailbox: Mailbox) -> None:
    order = await order_of(service, "story", name="Jane <b>Doe</b>", quantity=3)
    await pay(service, order)
    await move(service, order, ORDER_STATUS_PROCESSING)
    await move(service, order, ORDER_STATUS_SHIPPED, carrier="UPS", tracking_number="1Z999AA10123456784")
    await move(service, order, ORDER_STATUS_DELIVERED)
    refund = RefundOrderRequest(order_id=order.order_id, amount={"currency_code": "USD", "units": 10}, reason="scratch")
    requested = (await service.orders.RefundOrder(refund)).refunds[0]
    await pay(service, order, PAYMENT_EVENT_TYPE_REFUNDED, refund_id=requested.refund_id, amount=requested.amount)
    mails = await mailbox.to("story@example.com", 5)
    assert [mail["Subject"] for mail in mails] == [
        f"We have received your order {order.order_number}",
        f"Your order {order.order_number} is confirmed",
        f"Your order {order.order_number} has been shipped",
        f"Your order {order.order_number} has been delivered",
        f"Refund for your order {order.order_number}",
    ]
    assert len({mail["Message-ID"] for mail in mails}) == 5
    assert mails[0]["Message-ID"] == f"<order_received.{order.order_id}.1@shop.example>"
    assert {(mail["From"], mail["Content-Language"]) for mail in mails} == {(SENDER, "en")}
    for part in (text_of, html_of):
        assert "37.50 USD" in part(mails[0])
        assert "1Z999AA10123456784" in part(mails[2])
        assert "10.00 USD" in part(mails[4])
    assert "Jane &lt;b&gt;Doe&lt;/b&gt;" in html_of(mails[0])
    assert "Jane <b>Doe</b>" in text_of(mails[0])
    (invoice,) = mails[1].iter_attachments()
    order = await service.orders.GetOrder(GetOrderRequest(order_id=order.order_id))
    assert invoice.get_filename() == f"{order.invoice_number}.html"
    assert "37.50 USD" in invoice.get_content()
    assert [row[0] for row in await service.rows("SELECT state FROM mails WHERE order_id = %s", order.order_id)] == [
        SENT
    ] * 5


async def test_domain_outside_ascii_is_encoded(service: Service, mailbox: Mailbox) -> None:
    contact = {"customer_id": "emil", "name": "Emil", "email": "emil@bücher.example"}
    await service.customers.UpsertCustomer(UpsertCustomerRequest(customer=contact))
    await service.orders.CreateOrder(new_order("emil"))
    await mailbox.to("emil@xn--bcher-kva.example", 1)


async def test_language_follows_the_country(service: Service, mailbox: Mailbox) -> None:
    order = await order_of(service, "anna", shipping_address=HOME | {"country": "DE"})
    (mail,) = await mailbox.to("anna@example.com", 1)
    assert mail["Subject"] == f"Ihre Bestellung {order.order_number} ist eingegangen"
    assert "12,50 USD" in text_of(mail)


async def test_imported_history_is_not_written_about(service: Service, mailbox: Mailbox) -> None:
    order = {
        "external_order_id": "4711",
        "status": ORDER_STATUS_SHIPPED,
        "customer": {"customer_id": "importer", "name": "Jane Doe", "email": "importer@example.com"},
        "items": [{"sku": "A", "name": "Apple", "quantity": 2, "unit_price": usd(3)}],
        "shipping_address": HOME,
    }
    for status in (ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED):
        request = BatchUpsertOrdersRequest(source="old-shop", orders=[order | {"status": status}])
        await service.orders.BatchUpsertOrders(request)
    await order_of(service, "after")
    await mailbox.to("after@example.com", 1)
    joined = "FROM order_events JOIN orders USING (order_id) LEFT JOIN mails USING (order_id) WHERE source = 'old-shop'"
    assert await service.rows(f"SELECT count(DISTINCT order_events.version), count(mail_id) {joined}") == [(2, 0)]


async def test_refused_recipient_stops_no_other_mail(
    service: Service, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    mailbox.answers["nope@example.com"] = "550 5.1.1 nope@example.com does not exist"
    with caplog.at_level(logging.DEBUG):
        order = await order_of(service, "nope")
        await order_of(service, "next")
        await mailbox.to("next@example.com", 1)
    assert await row_of(service, order) == (FAILED, 1, "smtp_550", None)
    (record,) = [record for record in caplog.records if record.getMessage() == "a mail was not sent"]
    assert record.levelno == logging.WARNING
    assert "example.com" not in caplog.text


async def test_mail_that_is_refused_for_now_is_retried_with_the_same_id(service: Service, mailbox: Mailbox) -> None:
    mailbox.answers["grey@example.com"] = "450 4.2.0 come back later"
    order = await order_of(service, "grey")
    assert await until_attempted(service, order) == (1, 1, "smtp_450", True)
    del mailbox.answers["grey@example.com"]
    await make_due(service)
    (mail,) = await mailbox.to("grey@example.com", 1)
    assert mail["Message-ID"] == f"<order_received.{order.order_id}.1@shop.example>"
    assert (await until_attempted(service, order, 2))[0] == SENT


async def test_order_without_an_address_is_skipped(service: Service) -> None:
    order = await service.orders.CreateOrder(new_order("ghost"))
    assert (await until_attempted(service, order))[::2] == (SKIPPED, "no_recipient")


@pytest.mark.parametrize("address", ["not an address", "two@example.com, three@example.com", "@", "a@"])
async def test_bad_address_stops_no_other_mail(service: Service, address: str) -> None:
    order = await service.orders.CreateOrder(new_order("ghost"))
    await until_attempted(service, order)
    snapshot = Order.FromString(
        (await service.rows("SELECT snapshot FROM orders WHERE order_id = %s", order.order_id))[0][0]
    )
    snapshot.customer.email = address
    # As orders from before the address was checked have it.
    query = "UPDATE orders SET snapshot = %s WHERE order_id = %s RETURNING 1"
    await service.rows(query, snapshot.SerializeToString(), order.order_id)
    await service.rows("UPDATE mails SET state = 1, next_time = now() WHERE order_id = %s RETURNING 1", order.order_id)
    assert (await until_attempted(service, order, 2))[::2] == (FAILED, "address")


async def test_wrong_template_stops_no_other_mail_and_can_be_corrected(
    new_database: Callable[[], str], mailbox: Mailbox, tmp_path: Path
) -> None:
    template = tmp_path / "en" / "order_received.j2"
    template.parent.mkdir()
    template.write_text("{% extends layout %}{% block subject %}{{ order.nope.nope }}{% endblock %}")
    async with mailing(new_database(), mailbox, mail_templates=tmp_path) as service:
        order = await order_of(service, "own")
        await service.orders.CancelOrder(CancelOrderRequest(order_id=order.order_id, reason="changed my mind"))
        (mail,) = await mailbox.to("own@example.com", 1)
        assert mail["Subject"] == f"Your order {order.order_number} has been cancelled"
        assert await until_attempted(service, order) == (1, 1, "template_UndefinedError", True)
        template.write_text("{% extends layout %}{% block subject %}Mine{% endblock %}")
        await make_due(service)
        assert (await mailbox.to("own@example.com", 2))[1]["Subject"] == "Mine"


async def test_server_that_is_down_delays_mails_and_counts_no_attempt(new_database: Callable[[], str]) -> None:
    async with receiving() as mailbox:
        pass
    port = int(mailbox.url.rpartition(":")[2])
    async with mailing(new_database(), mailbox) as service:
        order = await order_of(service, "patient")
        await service.orders.CancelOrder(CancelOrderRequest(order_id=order.order_id, reason="changed my mind"))

        async def is_queued() -> bool:
            return await row_of(service, order, "order_cancelled") is not None

        await until(is_queued)
        async with receiving(port, mailbox):
            first, second = await mailbox.to("patient@example.com", 2)
            assert (first["Subject"], second["Subject"]) == (
                f"We have received your order {order.order_number}",
                f"Your order {order.order_number} has been cancelled",
            )
            assert (await until_attempted(service, order))[1] == 1


async def test_operator_is_told_once_of_a_disabled_endpoint(new_database: Callable[[], str], mailbox: Mailbox) -> None:
    own = {"mails": "endpoint_disabled", "mail_operator": "ops@shop.example", **webhooks.LOOPBACK}
    async with webhooks.receiving() as receiver, mailing(new_database(), mailbox, **own) as service:
        receiver.answers["/gone"] = lambda _: web.Response(status=410)
        endpoint = {"url": f"{receiver.url}/gone"}
        stub = WebhookServiceStub(service.channel)
        made = await stub.CreateWebhookEndpoint(CreateWebhookEndpointRequest(endpoint=endpoint))
        await service.orders.CreateOrder(new_order())
        (mail,) = await mailbox.to("ops@shop.example", 1)
        assert f"orders webhooks enable {made.endpoint.endpoint_id}" in text_of(mail)
        assert "410" in text_of(mail)
        assert await service.rows("SELECT kind FROM mails") == [("endpoint_disabled",)]


SMTP = {"smtp_url": "smtp://127.0.0.1:1"}


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"mails": "nope"}, "there is no mail 'nope'"),
        ({"mails": "order_received"}, "ORDERS_SMTP_URL"),
        ({"mails": "order_received", **SMTP}, "ORDERS_MAIL_SENDER"),
        ({"mails": "order_received", "mail_sender": "Shop", **SMTP}, "ORDERS_MAIL_SENDER"),
        ({"mails": "all", "mail_sender": SENDER, **SMTP}, "ORDERS_MAIL_OPERATOR"),
        ({"mails": "order_received", "mail_sender": SENDER, "mail_languages": "fr", **SMTP}, "fr/order_received.j2"),
    ],
)
async def test_missing_setting_is_named(
    new_database: Callable[[], str], settings: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem):
        async with serving(new_database(), **settings):
            pytest.fail("the server started")


async def test_template_error_is_told_at_startup(new_database: Callable[[], str], tmp_path: Path) -> None:
    template = tmp_path / "en" / "order_received.j2"
    template.parent.mkdir()
    template.write_text("{% extends layout %}\n{% block subject %}{{ order. }}{% endblock %}")
    with pytest.raises(ConfigError, match=r"en/order_received\.j2, line 2"):
        async with serving(new_database(), mails="order_received", mail_sender=SENDER, mail_templates=tmp_path, **SMTP):
            pytest.fail("the server started")
