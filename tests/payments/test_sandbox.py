"""The provider to try things with: the token says what happens, and the same question has the same answer."""

import pytest
from orders.v1.order_pb2 import Order, PaymentEventType, PaymentIntentStatus, Refund

from server.payments.provider import Opened, PaymentProvider, ProviderUnavailable
from server.payments.sandbox import SandboxProvider
from tests.domain.builders import money


def order_of(total: str = "10.00", order_id: str = "0190-ab-01") -> Order:
    order = Order(order_id=order_id)
    order.pricing.total.CopyFrom(money(total))
    return order


async def opened(token: str, order: Order | None = None) -> Opened:
    provider: PaymentProvider = SandboxProvider()
    return await provider.open_intent(order or order_of(), token=token)


@pytest.mark.parametrize(
    ("token", "status", "event"),
    [
        ("", "REQUIRES_PAYMENT_METHOD", ""),
        ("tok_decline", "REQUIRES_PAYMENT_METHOD", "FAILED"),
        ("tok_decline_no_funds", "REQUIRES_PAYMENT_METHOD", "FAILED"),
        ("tok_authorize", "REQUIRES_CAPTURE", "AUTHORIZED"),
        ("tok_confirm", "REQUIRES_CONFIRMATION", ""),
        ("tok_visa", "SUCCEEDED", "PAID"),
    ],
)
async def test_the_token_says_what_happens(token: str, status: str, event: str) -> None:
    intent, happened = await opened(token)
    assert PaymentIntentStatus.Name(intent.status) == f"PAYMENT_INTENT_STATUS_{status}"
    assert (happened is not None) == bool(event)
    if happened is not None:
        assert PaymentEventType.Name(happened.type) == f"PAYMENT_EVENT_TYPE_{event}"
        assert happened.amount == money("10.00")


async def test_the_reason_of_a_decline_comes_with_the_token() -> None:
    for token, reason in (("tok_decline", "declined by the bank"), ("tok_decline_no_funds", "no funds")):
        _, event = await opened(token)
        assert event is not None
        assert event.description == reason


async def test_a_token_can_make_it_unavailable() -> None:
    with pytest.raises(ProviderUnavailable):
        await opened("tok_unavailable")


async def test_another_instance_gives_the_same_answer() -> None:
    assert await opened("tok_visa") == await opened("tok_visa")
    intent, _ = await opened("")
    assert intent.id == "pi_test_0190ab01"
    assert intent.client_secret.startswith("pi_test_0190ab01_secret_")


async def test_every_payment_has_an_event_id_of_its_own() -> None:
    questions = [
        ("tok_visa", order_of()),
        ("tok_other", order_of()),
        ("tok_visa", order_of("11.00")),
        ("tok_visa", order_of(order_id="0190-ab-02")),
        ("tok_authorize", order_of()),
        ("tok_decline", order_of()),
    ]
    answers = [await opened(token, order) for token, order in questions]
    assert len({event.event_id for _, event in answers if event is not None}) == len(questions)
    assert len({intent.client_secret for intent, _ in answers}) == 2


async def test_cancelling_gives_a_hold_back_and_nothing_else() -> None:
    order = order_of()
    assert await SandboxProvider().cancel_intent(order) is None
    order.payment.authorized_amount.CopyFrom(money("10.00"))
    event = await SandboxProvider().cancel_intent(order)
    assert event is not None
    assert PaymentEventType.Name(event.type) == "PAYMENT_EVENT_TYPE_VOIDED"


async def test_a_refund_succeeds_unless_the_order_is_labelled() -> None:
    order, first, second = order_of(), Refund(refund_id="1", amount=money("4")), Refund(refund_id="2")
    made = await SandboxProvider().refund(order, first)
    assert PaymentEventType.Name(made.type) == "PAYMENT_EVENT_TYPE_REFUNDED"
    assert made == await SandboxProvider().refund(order, first)
    assert made.event_id != (await SandboxProvider().refund(order, second)).event_id
    order.metadata["test_refund"] = "fails"
    refused = await SandboxProvider().refund(order, first)
    assert PaymentEventType.Name(refused.type) == "PAYMENT_EVENT_TYPE_REFUND_FAILED"
