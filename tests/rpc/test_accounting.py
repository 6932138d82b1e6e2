"""Lists of invoices, payments and refunds over all orders, and the invoice by its number."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from orders.v1 import accounting_pb2 as pb
from orders.v1 import order_pb2
from orders.v1.order_pb2 import PAYMENT_EVENT_TYPE_PAID, PAYMENT_EVENT_TYPE_REFUNDED, Order
from orders.v1.order_service_pb2 import GetInvoiceRequest, RecordPaymentRequest, RefundOrderRequest

from tests.conftest import Service, refused
from tests.rpc.principals import bearer, closed, new_key
from tests.shop import new_order, usd


async def paid(service: Service, provider: str, **fields: Any) -> Order:
    order = await service.orders.CreateOrder(new_order(payment_method=order_pb2.PAYMENT_METHOD_BANK_TRANSFER, **fields))
    event = {"provider": provider, "event_id": f"paid-{order.order_id}", "type": PAYMENT_EVENT_TYPE_PAID}
    return await service.orders.RecordPayment(RecordPaymentRequest(order_id=order.order_id, event=event))


async def refunded(service: Service, order: Order, units: int, provider: str) -> Order:
    """The order with a refund that the provider reports without being asked."""
    event = {
        "provider": provider,
        "event_id": f"back-{order.order_id}",
        "type": PAYMENT_EVENT_TYPE_REFUNDED,
        "amount": usd(units),
    }
    return await service.orders.RecordPayment(RecordPaymentRequest(order_id=order.order_id, event=event))


@pytest.fixture(scope="module")
async def orders(service: Service) -> list[Order]:
    """Three paid orders of 12.50, 25.00 and 37.50 USD; 5 USD of the first are paid back, 3 of the second are to be."""
    found = [
        await paid(service, provider, quantity=index + 1)
        for index, provider in enumerate(("stripe", "paypal", "stripe"))
    ]
    found[0] = await refunded(service, found[0], 5, "stripe")
    asked = RefundOrderRequest(order_id=found[1].order_id, amount=usd(3), reason="late")
    found[1] = await service.orders.RefundOrder(asked)
    return found


async def test_invoices_and_credit_notes_are_listed_with_their_sums(service: Service, orders: list[Order]) -> None:
    answer = await service.orders.ListInvoices(pb.ListInvoicesRequest(show_sums=True))
    invoices = [entry for entry in answer.invoices if entry.type == pb.INVOICE_TYPE_INVOICE]
    assert [entry.number for entry in invoices] == [order.invoice_number for order in orders]
    assert [entry.order_number for entry in invoices] == [order.order_number for order in orders]
    (note,) = [entry for entry in answer.invoices if entry.type == pb.INVOICE_TYPE_CREDIT_NOTE]
    assert (note.amount, note.invoice_number, note.customer_id) == (usd(5), orders[0].invoice_number, "jane")
    sums = {found.type: (found.count, found.amount) for found in answer.sums}
    assert sums == {pb.INVOICE_TYPE_INVOICE: (3, usd(75)), pb.INVOICE_TYPE_CREDIT_NOTE: (1, usd(5))}


async def test_pages_have_every_document_once(service: Service, orders: list[Order]) -> None:
    whole = (await service.orders.ListInvoices(pb.ListInvoicesRequest())).invoices
    numbers, token = list[str](), ""
    while True:
        page = await service.orders.ListInvoices(pb.ListInvoicesRequest(page_size=1, page_token=token))
        numbers += [entry.number for entry in page.invoices]
        token = page.next_page_token
        if not token:
            break
    assert numbers == [entry.number for entry in whole]


async def test_payments_are_listed_by_provider_and_status(service: Service, orders: list[Order]) -> None:
    answer = await service.orders.ListPayments(pb.ListPaymentsRequest(provider="stripe", show_sums=True))
    assert [entry.order_id for entry in answer.payments] == [orders[0].order_id, orders[2].order_id]
    assert [entry.payment.captured_amount for entry in answer.payments] == [usd(12, 50), usd(37, 50)]
    sums = {found.status: (found.count, found.captured_amount, found.refunded_amount) for found in answer.sums}
    assert sums[order_pb2.PAYMENT_STATUS_PARTIALLY_REFUNDED] == (1, usd(12, 50), usd(5))
    assert sums[order_pb2.PAYMENT_STATUS_PAID][:2] == (1, usd(37, 50))
    wanted = pb.ListPaymentsRequest(statuses=[order_pb2.PAYMENT_STATUS_PARTIALLY_REFUNDED])
    assert [entry.order_id for entry in (await service.orders.ListPayments(wanted)).payments] == [orders[0].order_id]
    assert not (await service.orders.ListPayments(pb.ListPaymentsRequest(currency_code="EUR"))).payments


async def test_refunds_are_listed_whether_they_were_requested_or_not(service: Service, orders: list[Order]) -> None:
    answer = await service.orders.ListRefunds(pb.ListRefundsRequest(show_sums=True))
    found = [(entry.order_id, entry.provider, entry.refund.amount) for entry in answer.refunds]
    assert found == [(orders[0].order_id, "stripe", usd(5)), (orders[1].order_id, "paypal", usd(3))]
    sums = {(entry.provider, entry.status): entry.amount for entry in answer.sums}
    assert sums == {
        ("stripe", order_pb2.REFUND_STATUS_SUCCEEDED): usd(5),
        ("paypal", order_pb2.REFUND_STATUS_PENDING): usd(3),
    }
    pending = pb.ListRefundsRequest(statuses=[order_pb2.REFUND_STATUS_PENDING])
    assert [entry.order_id for entry in (await service.orders.ListRefunds(pending)).refunds] == [orders[1].order_id]


async def test_a_period_bounds_every_list(service: Service, orders: list[Order]) -> None:
    future = datetime.now(UTC) + timedelta(hours=1)
    times = {"time_from": future, "show_sums": True}
    assert not (await service.orders.ListPayments(pb.ListPaymentsRequest(**times))).sums
    assert not (await service.orders.ListRefunds(pb.ListRefundsRequest(**times))).sums
    answer = await service.orders.ListInvoices(pb.ListInvoicesRequest(issue_time_from=future, show_sums=True))
    assert not answer.sums
    answer = await service.orders.ListInvoices(pb.ListInvoicesRequest(issue_time_to=future))
    assert len(answer.invoices) == 4


async def test_pages_of_payments_and_refunds_have_each_once(service: Service, orders: list[Order]) -> None:
    for list_, request, field in (
        (service.orders.ListPayments, pb.ListPaymentsRequest, "payments"),
        (service.orders.ListRefunds, pb.ListRefundsRequest, "refunds"),
    ):
        found, token = list[str](), ""
        while True:
            page = await list_(request(page_size=1, page_token=token))
            found += [entry.order_id for entry in getattr(page, field)]
            token = page.next_page_token
            if not token:
                break
        assert found == [entry.order_id for entry in getattr(await list_(request()), field)]


async def test_an_invoice_is_found_by_its_number_and_its_credit_note(service: Service, orders: list[Order]) -> None:
    by_order = await service.orders.GetInvoice(GetInvoiceRequest(order_id=orders[0].order_id))
    for number in (orders[0].invoice_number, orders[0].refunds[0].credit_note_number):
        assert await service.orders.GetInvoice(GetInvoiceRequest(order_id=number)) == by_order
    absent = await refused(service.orders.GetInvoice(GetInvoiceRequest(order_id="INV-2026-999999")))
    assert (absent.reason, absent.metadata) == ("INVOICE_NOT_FOUND", {"invoice_number": "INV-2026-999999"})


async def test_a_customer_sees_no_invoice_of_another_by_number(service: Service, orders: list[Order]) -> None:
    async with closed(service.url) as gated:
        for customer_id, reason in (("joe", "INVOICE_NOT_FOUND"), ("jane", "")):
            key = await new_key(gated, "customer", customer_id=customer_id)
            call = gated.orders.GetInvoice(
                GetInvoiceRequest(order_id=orders[0].invoice_number), metadata=bearer(key.key)
            )
            if reason:
                assert (await refused(call)).reason == reason
            else:
                assert (await call).order_id == orders[0].order_id
