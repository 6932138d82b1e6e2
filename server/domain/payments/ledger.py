"""The ledger: an order's payments and refunds, computed from the set of its payment events.

The result does not depend on the order of arrival. Events are sorted by time, and events of the same time by type.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from orders.v1.order_pb2 import (
    PAYMENT_EVENT_TYPE_AUTHORIZED,
    PAYMENT_EVENT_TYPE_DISPUTE_LOST,
    PAYMENT_EVENT_TYPE_DISPUTE_OPENED,
    PAYMENT_EVENT_TYPE_DISPUTE_WON,
    PAYMENT_EVENT_TYPE_FAILED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_EVENT_TYPE_REFUND_FAILED,
    PAYMENT_EVENT_TYPE_REFUNDED,
    PAYMENT_EVENT_TYPE_VOIDED,
    PAYMENT_STATUS_AUTHORIZED,
    PAYMENT_STATUS_DISPUTED,
    PAYMENT_STATUS_FAILED,
    PAYMENT_STATUS_PAID,
    PAYMENT_STATUS_PARTIALLY_REFUNDED,
    PAYMENT_STATUS_REFUNDED,
    PAYMENT_STATUS_UNPAID,
    PAYMENT_STATUS_VOIDED,
    Payment,
    PaymentEvent,
    PaymentStatus,
)

from server.domain.base.money import from_minor, minor_of

REFUNDS = (PAYMENT_EVENT_TYPE_REFUND_FAILED, PAYMENT_EVENT_TYPE_REFUNDED)
DISPUTES = (PAYMENT_EVENT_TYPE_DISPUTE_OPENED, PAYMENT_EVENT_TYPE_DISPUTE_WON, PAYMENT_EVENT_TYPE_DISPUTE_LOST)

# The order of events of the same time: an attempt, its payment, and what follows from it.
_MEANING = {
    kind: rank
    for rank, kind in enumerate(
        (
            PAYMENT_EVENT_TYPE_FAILED,
            PAYMENT_EVENT_TYPE_AUTHORIZED,
            PAYMENT_EVENT_TYPE_PAID,
            PAYMENT_EVENT_TYPE_VOIDED,
            *REFUNDS,
            *DISPUTES,
        )
    )
}

# A provider, and its id for a payment; '' if its events name none.
ProviderPayment = tuple[str, str]


class Outcome(NamedTuple):
    """The outcome of a refund, or of a dispute that was lost at least once."""

    payment_id: str
    # The refund's id in the order, or the provider's id for it.
    key: str
    # The event that decided it.
    event: PaymentEvent
    amount: int

    @property
    def succeeded(self) -> bool:
        """Whether the amount went back to the customer."""
        return self.event.type in (PAYMENT_EVENT_TYPE_REFUNDED, PAYMENT_EVENT_TYPE_DISPUTE_LOST)


class Ledger(NamedTuple):
    """The payments of an order, by the time of their first event, and the outcomes of its refunds and disputes."""

    payments: list[Payment]
    outcomes: list[Outcome]
    # The payments of which more is known than that they were released.
    listed: list[Payment]


def ledger_of(events: Iterable[PaymentEvent], *, currency: str) -> Ledger:
    """The ledger of an order's events."""
    ledger = Ledger([], [], [])
    for (provider, provider_payment_id), own in by_payment(events).items():
        payment_id = payment_id_of(provider, provider_payment_id)
        outcomes = list(_outcomes(payment_id, own))
        account = _Account(named=bool(provider_payment_id))
        account.post(own, outcomes)
        ledger.outcomes.extend(outcomes)
        payment = account.payment(currency)
        payment.payment_id = payment_id
        payment.provider, payment.provider_payment_id = provider, provider_payment_id
        payment.method = next((event.method for event in reversed(own) if event.method), "")
        ledger.payments.append(payment)
        if any(event.type != PAYMENT_EVENT_TYPE_VOIDED for event in own):
            ledger.listed.append(payment)
    return ledger


def payment_id_of(provider: str, provider_payment_id: str) -> str:
    """The id of a payment within its order."""
    return f"{provider}:{provider_payment_id}" if provider_payment_id else provider


def by_payment(events: Iterable[PaymentEvent]) -> dict[ProviderPayment, list[PaymentEvent]]:
    """The events of each payment in the order in which they count.

    Events that name no payment belong to their provider's first payment that is named, if there is one.
    """
    in_order = sorted(events, key=_counting_order)
    first: dict[str, str] = {}
    for event in in_order:
        if event.payment_id:
            first.setdefault(event.provider, event.payment_id)
    found: dict[ProviderPayment, list[PaymentEvent]] = {}
    for event in in_order:
        payment_id = event.payment_id or first.get(event.provider, "")
        found.setdefault((event.provider, payment_id), []).append(event)
    return found


def same_payment(event: PaymentEvent, earlier: Iterable[PaymentEvent]) -> list[PaymentEvent]:
    """The earlier events of the payment that an event is about."""
    (own,) = (group for group in by_payment([*earlier, event]).values() if any(one is event for one in group))
    return [one for one in own if one is not event]


def _counting_order(event: PaymentEvent) -> tuple[int, int, int, str, str]:
    time = event.time
    return time.seconds, time.nanos, _MEANING[event.type], event.provider, event.event_id


def _outcomes(payment_id: str, events: Sequence[PaymentEvent]) -> Iterator[Outcome]:
    """The outcome of each refund and dispute, which its last event determines."""
    reported = [event for event in events if event.type in REFUNDS]
    names = {event.transaction_id: event.refund_id for event in reported if event.transaction_id and event.refund_id}
    for key, event in {_refund_key(event, names): event for event in reported}.items():
        yield Outcome(payment_id, key, event, minor_of(event.amount))
    lost = {event.transaction_id: event for event in events if event.type == PAYMENT_EVENT_TYPE_DISPUTE_LOST}
    decided = {event.transaction_id: event for event in events if event.type in DISPUTES[1:]}
    for dispute_id, event in lost.items():
        if minor_of(event.amount):
            yield Outcome(payment_id, dispute_key(event), decided[dispute_id], minor_of(event.amount))


def dispute_key(event: PaymentEvent) -> str:
    """The key of the refund for a lost dispute."""
    return f"dispute:{event.transaction_id}"


def _refund_key(event: PaymentEvent, names: Mapping[str, str]) -> str:
    """The refund that an event is about; `names` has the order's ids for the provider's."""
    theirs = event.transaction_id
    return str(event.refund_id or names.get(theirs, theirs) or event.event_id)


@dataclass(slots=True)
class _Account:
    """The amounts of one payment, in minor units."""

    # Whether its events name it. The amounts of an unnamed payment add up, because its reports cannot be matched.
    named: bool
    held: int = 0
    captured: int = 0
    refunded: int = 0
    voided: int = 0
    disputed: int = 0
    status: PaymentStatus = PAYMENT_STATUS_UNPAID
    # The amounts that were authorized and captured, and those that were released since the last authorization.
    holds: set[int] = field(default_factory=set)
    captures: set[int] = field(default_factory=set)
    releases: set[str | int] = field(default_factory=set)

    def post(self, events: Sequence[PaymentEvent], outcomes: Sequence[Outcome]) -> None:
        """Adds the events to the amounts."""
        repeated = _repeated_captures(events) if self.named else set()
        paid_back = {id(outcome.event): outcome.amount for outcome in outcomes if outcome.succeeded}
        for event in events:
            self.refunded += paid_back.get(id(event), 0)
            if id(event) not in repeated:
                self._count(event)
        opened = {event.transaction_id: event for event in events if event.type in DISPUTES[:1]}
        decided = {event.transaction_id for event in events if event.type in DISPUTES[1:]}
        self.disputed = sum(minor_of(event.amount) for key, event in opened.items() if key not in decided)
        self.status = self._status()

    def _count(self, event: PaymentEvent) -> None:
        amount = minor_of(event.amount)
        if event.type == PAYMENT_EVENT_TYPE_AUTHORIZED:
            self._authorize(amount)
        elif event.type == PAYMENT_EVENT_TYPE_PAID:
            self.captured += amount
            self.captures.add(amount)
            self.held = max(0, self.held - amount)
        elif event.type == PAYMENT_EVENT_TYPE_VOIDED:
            self._void(event)
        elif event.type == PAYMENT_EVENT_TYPE_FAILED:
            self.status = PAYMENT_STATUS_FAILED

    def _authorize(self, amount: int) -> None:
        """Adds an authorization. A named payment holds the last authorized amount, less its captures."""
        self.status = PAYMENT_STATUS_AUTHORIZED if amount else self.status
        self.releases.clear()
        if self.named:
            self.held = max(0, amount - self.captured)
            return
        # A late report of a hold that was already captured holds nothing.
        is_late = amount in self.captures and self.captured > self.refunded
        if amount not in self.holds and not is_late:
            self.holds.add(amount)
            self.held += amount

    def _void(self, event: PaymentEvent) -> None:
        amount = minor_of(event.amount)
        report = event.transaction_id or amount
        if self.named and report in self.releases:
            return
        self.releases.add(report)
        released = min(self.held, amount) if event.HasField("amount") else self.held
        self.held -= released
        self.voided += released
        self.holds.clear()
        if self.status == PAYMENT_STATUS_AUTHORIZED:
            self.status = PAYMENT_STATUS_VOIDED

    def _status(self) -> PaymentStatus:
        """The status that follows from the amounts; without any, the status of the last attempt."""
        if self.disputed:
            return PAYMENT_STATUS_DISPUTED
        if self.refunded:
            return PAYMENT_STATUS_PARTIALLY_REFUNDED if self.captured > self.refunded else PAYMENT_STATUS_REFUNDED
        if self.held:
            return PAYMENT_STATUS_AUTHORIZED
        if self.captured:
            return PAYMENT_STATUS_PAID
        return PAYMENT_STATUS_VOIDED if self.status == PAYMENT_STATUS_AUTHORIZED else self.status

    def payment(self, currency: str) -> Payment:
        return Payment(
            status=self.status,
            authorized_amount=from_minor(self.held, currency),
            captured_amount=from_minor(self.captured, currency),
            refunded_amount=from_minor(self.refunded, currency),
            voided_amount=from_minor(self.voided, currency),
            disputed_amount=from_minor(self.disputed, currency),
        )


def _repeated_captures(events: Sequence[PaymentEvent]) -> set[int]:
    """The events that repeat a capture: with the same id, or with the same amount if one of both has no id."""
    repeated: set[int] = set()
    known: set[str] = set()
    amounts: set[int] = set()
    captures = (event for event in events if event.type == PAYMENT_EVENT_TYPE_PAID)
    for event in sorted(captures, key=_has_no_transaction):
        amount = minor_of(event.amount)
        if event.transaction_id in known or (not event.transaction_id and amount in amounts):
            repeated.add(id(event))
        if event.transaction_id:
            known.add(event.transaction_id)
        amounts.add(amount)
    return repeated


def _has_no_transaction(event: PaymentEvent) -> bool:
    return not event.transaction_id
