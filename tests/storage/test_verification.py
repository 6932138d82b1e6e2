"""What `orders verify` makes of damage to events, stock, coupons, points, payments and documents. Damage to orders is in test_order_damage."""

import re
from collections.abc import Callable

import pytest
from orders.v1.catalog_service_pb2 import BatchUpsertCouponsRequest
from orders.v1.customer_service_pb2 import AdjustPointsRequest
from orders.v1.order_pb2 import (
    COUPON_TYPE_PERCENTAGE,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_EVENT_TYPE_REFUNDED,
    Order,
    OrderEvent,
)
from orders.v1.order_service_pb2 import RecordPaymentRequest, TransitionOrderRequest
from psycopg import AsyncConnection

from server.domain.base.event_values import StoredEvent
from server.domain.base.hash_chain import START, hash_of, seal
from server.storage.projections import event_row
from server.storage.queue_repair import queue_missing
from server.storage.write.statements import EVENT_COLUMNS
from tests.conftest import new_order, usd
from tests.storage.helpers import (
    Row,
    Store,
    database,
    disagreements,
    imported,
    keep,
    mend,
    restore,
    session,
    storing,
    upserts,
)

_TABLES = (
    "products", "inventory", "stock_adjustments", "orders", "order_items", "order_events", "coupons", "coupon_uses",
    "points_accounts", "points_entries", "payments", "document_numbers", "documents", "fulfilments",
    "order_terms",
)  # fmt: skip


async def _pay(store: Store, order: Order, *, delivered: bool = False) -> None:
    """Pays for an order and pays some of it back, twice; then perhaps brings it to the end."""
    events = [{"event_id": f"{order.order_number}-paid", "type": PAYMENT_EVENT_TYPE_PAID}]
    for number in (1, 2):
        refund = {
            "event_id": f"{order.order_number}-{number}",
            "type": PAYMENT_EVENT_TYPE_REFUNDED,
            "amount": usd(number),
        }
        events.append(refund)
    for event in events:
        await store.execute(RecordPaymentRequest(order_id=order.order_id, event=event))
    for status in (ORDER_STATUS_PROCESSING, ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED) if delivered else ():
        shipped = {"carrier": "UPS", "tracking_number": "1"} if status == ORDER_STATUS_SHIPPED else {}
        await store.execute(TransitionOrderRequest(order_id=order.order_id, status=status, **shipped))


@pytest.fixture(scope="module")
async def kept(new_database: Callable[[], str]) -> str:
    """A small sound shop in which everything has happened, with a copy of every table."""
    async with storing(new_database()) as store:
        coupon = {"code": "WELCOME", "type": COUPON_TYPE_PERCENTAGE, "basis_points": 1000}
        await store.execute(BatchUpsertCouponsRequest(coupons=[coupon]))
        for customer_id in ("jane", "john"):
            await store.execute(AdjustPointsRequest(customer_id=customer_id, delta=500, reason="gift"))
            whole = new_order(customer_id, quantity=4, coupon_code="welcome", loyalty_points_to_use=100)
            await _pay(store, await store.order(whole), delivered=customer_id == "jane")
            await store.order(new_order(customer_id, product_id="lamp"))
        for cents in (100, 200, 300, 400):
            await store.execute(upserts("shop", imported("1", cents=cents), imported("2", "john", cents=cents)))
        await keep(store.url, _TABLES)
        return store.url


@pytest.fixture
async def sound(kept: str) -> str:
    """The shop as it was, whatever the test before did to it."""
    await restore(kept, _TABLES)
    return kept


# Jane's order, which was delivered, and its number.
_JANES = "(SELECT order_id FROM orders WHERE customer_id = 'jane' AND status = 5)"
_NUMBER = r"ORD-\d+-000001"
_NOBODYS = "'018f0000-0000-7000-8000-000000000001'"


def _unlinked(*versions: int, number: str = _NUMBER) -> list[str]:
    return [
        f"{number}: the hash of event {version} does not follow from the event and the one before"
        for version in versions
    ]


def _flipped(bit: str) -> str:
    return f"set_bit(event, {bit}, 1 - get_bit(event, {bit}))"


_DAMAGE = {
    "queue row lost": ("DELETE FROM fulfilments", [r"ORD-\d+-\d+: its row in fulfilments is None"]),
    "terms lost": ("DELETE FROM order_terms", 2 * [r"ORD-\d+-\d+: order_terms lacks terms that the snapshot has"]),
    "terms made": (
        f"INSERT INTO order_terms VALUES ('x', {_NOBODYS}), ('x', {_JANES})",
        ["order_terms: 2 rows are of no order, or of an order without that term"],
    ),
    "queue row changed": ("UPDATE fulfilments SET zone_id = 'x'", [r"ORD-\d+-\d+: its row in fulfilments is EntryRow"]),
    "reserved made": (
        "UPDATE inventory SET reserved = reserved + 1 WHERE product_id = 'mug'",
        ["product mug: inventory has 5 reserved; orders that are not shipped hold 4"],
    ),
    "reserved lost": (
        "UPDATE inventory SET reserved = 0 WHERE product_id = 'lamp'",
        ["product lamp: inventory has 0 reserved; orders that are not shipped hold 2"],
    ),
    "coupon uses made": (
        "UPDATE coupon_uses SET used = used + 1 WHERE customer_id = ''",
        ["coupon WELCOME: coupon_uses has 3 in total; orders use it 2 times"],
    ),
    "coupon uses lost": (
        "DELETE FROM coupon_uses WHERE customer_id = ''",
        ["coupon WELCOME: coupon_uses has 0 in total; orders use it 2 times"],
    ),
    "coupon use of a customer made": (
        "UPDATE coupon_uses SET used = used + 1 WHERE customer_id = 'jane'",
        ["coupon WELCOME: coupon_uses by customer are not those of their orders"],
    ),
    "coupon use of somebody else": (
        "UPDATE coupon_uses SET customer_id = 'jack' WHERE customer_id = 'jane'",
        ["coupon WELCOME: coupon_uses by customer are not those of their orders"],
    ),
    "uses of another coupon": (
        "INSERT INTO coupon_uses VALUES ('OTHER', '', 1), ('OTHER', 'jane', 1)",
        [
            "coupon OTHER: coupon_uses has 1 in total; orders use it 0 times",
            "coupon OTHER: coupon_uses by customer are not",
        ],
    ),
    "points made": (
        "UPDATE points_accounts SET balance = balance + 1 WHERE customer_id = 'john'",
        ["customer john: has 401 points; the entries sum to 400"],
    ),
    "balances of entries changed": (
        "UPDATE points_entries SET balance = balance + 1 WHERE order_id IS NULL AND customer_id = 'john'",
        ["customer john: has entries of points whose balances do not follow from each other"],
    ),
    "points account lost": (
        "DELETE FROM points_accounts WHERE customer_id = 'john'",
        ["customer john: has 0 points; the entries sum to 400"],
    ),
    "gift lost": (
        "DELETE FROM points_entries WHERE order_id IS NULL AND customer_id = 'john'",
        ["customer john: has 400 points; the entries sum to -100"],
    ),
    "entry of an order lost": (
        f"DELETE FROM points_entries WHERE order_id = {_JANES} AND delta = -100",
        [rf"{_NUMBER}: its entries of points sum to \d+; it earned less what it used is -\d+", "customer jane: has"],
    ),
    "entry of an order without it": (
        f"UPDATE points_entries SET order_id = NULL WHERE order_id = {_JANES} AND delta = -100",
        [rf"{_NUMBER}: its entries of points sum to"],
    ),
    "entry of no order": (
        f"UPDATE points_entries SET order_id = {_NOBODYS} WHERE order_id IS NULL AND customer_id = 'jane'",
        ["points entry [0-9a-f-]{36}: its order does not exist"],
    ),
    "payment lost": (
        f"DELETE FROM payments WHERE order_id = {_JANES} AND type = 2",
        [f"{_NUMBER}: payments has 2 rows that are not the 3 payment events of its history"],
    ),
    "payment made": (
        "INSERT INTO payments SELECT provider, event_id || 'x', order_id, type, amount_minor, refund_id, event_time, event"
        f" FROM payments WHERE order_id = {_JANES} AND amount_minor = 100",
        [f"{_NUMBER}: payments has 4 rows"],
    ),
    "payment changed": (
        f"UPDATE payments SET refund_id = 'x' WHERE order_id = {_JANES} AND amount_minor = 100",
        [f"{_NUMBER}: payments has 3 rows that are not the 3 payment events of its history"],
    ),
    "amount paid back changed": (
        f"UPDATE payments SET amount_minor = 101 WHERE order_id = {_JANES} AND amount_minor = 100",
        [f"{_NUMBER}: payments has 3 rows"],
    ),
    "payment of no order": (
        "INSERT INTO payments SELECT provider, 'lost', '018f0000-0000-7000-8000-000000000001'::uuid, type, amount_minor,"
        " refund_id, event_time, event FROM payments LIMIT 1",
        ["payment lost: its order does not exist"],
    ),
    "event that cannot be read": (
        rf"UPDATE order_events SET event = '\xff' WHERE order_id = {_JANES} AND version = 1",
        [f"{_NUMBER}: event 1 cannot be read", *_unlinked(1, 2)],
    ),
    "a bit of an event changed": (
        f"UPDATE order_events SET event = {_flipped('8 * (octet_length(event) - 35)')}"
        f" WHERE order_id = {_JANES} AND version = 6",
        _unlinked(6),
    ),
    "a bit of a hash changed": (
        f"UPDATE order_events SET event = {_flipped('8 * octet_length(event) - 1')}"
        f" WHERE order_id = {_JANES} AND version = 3",
        _unlinked(3, 4),
    ),
    "history of another order": (
        "UPDATE order_events SET event = other.event FROM orders, order_events AS other, orders AS another"
        " WHERE order_events.order_id = orders.order_id AND orders.external_order_id = '1'"
        " AND other.order_id = another.order_id AND another.external_order_id = '2' AND other.version = order_events.version",
        [
            *(rf"ORD-\d+-\d+: the columns of event {version} are not the event's" for version in (1, 2, 3, 4)),
            r"ORD-\d+-\d+: the last event's hash is not the order's",
        ],
    ),
    "invoice lost": (
        f"DELETE FROM documents WHERE order_id = {_JANES} AND prefix = 'INV'",
        [rf"{_NUMBER}: document INV-\d+-000001 does not exist", r"documents INV-\d+: 1 numbers are from 2 to 2"],
    ),
    "last credit note lost": (
        "DELETE FROM documents WHERE prefix = 'CN' AND number = 4",
        [
            r"ORD-\d+-000003: document CN-\d+-000004 does not exist",
            r"documents CN-\d+: document_numbers has 4 as the last one; it is 3",
        ],
    ),
    "document made": (
        "INSERT INTO documents SELECT 'CN-2000-000001', prefix, 2000, 1, order_id, issue_time, snapshot"
        f" FROM documents WHERE order_id = {_JANES} AND prefix = 'CN' LIMIT 1",
        [
            f"{_NUMBER}: document CN-2000-000001 is not named by the order",
            "documents CN-2000: document_numbers has 0 as the last one; it is 1",
        ],
    ),
    "document of another order": (
        f"UPDATE documents SET order_id = (SELECT order_id FROM orders WHERE customer_id = 'john' AND status = 2)"
        f" WHERE order_id = {_JANES} AND prefix = 'INV'",
        [
            rf"{_NUMBER}: document INV-\d+-000001 does not exist",
            r"ORD-\d+-000003: document INV-\d+-000001 is not named by the order",
        ],
    ),
    "document of no order": (
        f"UPDATE documents SET order_id = {_NOBODYS} WHERE order_id = {_JANES} AND prefix = 'INV'",
        [rf"{_NUMBER}: document INV-\d+-000001 does not exist", r"document INV-\d+-000001: its order does not exist"],
    ),
    "document that cannot be read": (
        rf"UPDATE documents SET snapshot = '\xff' WHERE order_id = {_JANES} AND prefix = 'INV'",
        [rf"{_NUMBER}: document INV-\d+-000001 cannot be read, or is not what its columns say"],
    ),
    "document of another day": (
        f"UPDATE documents SET issue_time = issue_time + interval '1 day' WHERE order_id = {_JANES} AND prefix = 'INV'",
        [rf"{_NUMBER}: document INV-\d+-000001 cannot be read, or is not what its columns say"],
    ),
    "document numbers ahead": (
        "UPDATE document_numbers SET last = last + 1 WHERE prefix = 'INV'",
        [r"documents INV-\d+: document_numbers has 3 as the last one; it is 2"],
    ),
    "document numbers lost": (
        "DELETE FROM document_numbers WHERE prefix = 'CN'",
        [r"documents CN-\d+: document_numbers has 0 as the last one; it is 4"],
    ),
}


@pytest.mark.every_postgres
async def test_a_sound_shop_has_no_disagreements(sound: str) -> None:
    assert await disagreements(sound) == []


@pytest.mark.every_postgres
async def test_an_order_that_was_overpaid_and_paid_back_whole_agrees_with_its_documents(
    new_database: Callable[[], str],
) -> None:
    async with storing(new_database()) as store:
        order = await store.order(new_order("jane", quantity=2))
        total = order.pricing.total.units
        paid, refunded = PAYMENT_EVENT_TYPE_PAID, PAYMENT_EVENT_TYPE_REFUNDED
        for number, (kind, value) in enumerate(
            ((paid, total + 5), (refunded, 2), (refunded, 4), (refunded, total - 1))
        ):
            event = {"event_id": f"{number}", "type": kind, "amount": usd(value)}
            answer = await store.execute(RecordPaymentRequest(order_id=order.order_id, event=event))
        refunds = Order.FromString(answer.body).refunds
        assert [refund.credited_amount.units for refund in refunds] == [0, 1, total - 1]
        assert [bool(refund.credit_note_number) for refund in refunds] == [False, True, True]
        assert await disagreements(store.url) == []


async def _damage(url: str, *statements: str) -> None:
    async with session(url) as connection:
        # As a superuser: else documents could not be damaged at all.
        await connection.execute("SET session_replication_role = replica")
        for statement in statements:
            assert (await connection.execute(statement.encode())).rowcount > 0


@pytest.mark.parametrize(("statement", "texts"), _DAMAGE.values(), ids=_DAMAGE)
async def test_damage_is_found_and_nothing_else_is(sound: str, statement: str, texts: list[str]) -> None:
    await _damage(sound, statement)
    found = await disagreements(sound)
    assert len(found) == len(texts), found
    for text, one in zip(sorted(texts), sorted(found), strict=True):
        assert re.match(text, one), one


async def test_rebuilding_restores_the_work_queue(sound: str) -> None:
    await _damage(sound, "DELETE FROM fulfilments")
    assert await mend(sound) == 1
    assert await disagreements(sound) == []


async def test_rebuilding_restores_the_terms_of_orders(sound: str) -> None:
    await _damage(sound, "DELETE FROM order_terms", f"INSERT INTO order_terms VALUES ('x', {_JANES})")
    assert await mend(sound) == 2
    assert await disagreements(sound) == []


async def test_the_queue_gets_what_an_older_server_confirmed(sound: str) -> None:
    await _damage(sound, "DELETE FROM fulfilments")
    async with database(sound) as opened:
        assert await queue_missing(opened) == 1
        assert await queue_missing(opened) == 0
    assert await disagreements(sound) == []


# One of each table.
_LASTING = (
    "reserved made", "coupon uses made", "points made", "gift lost", "amount paid back changed",
    "a bit of a hash changed", "invoice lost", "document numbers ahead",
)  # fmt: skip


@pytest.mark.every_postgres
async def test_rebuild_changes_only_columns_and_items_of_orders(sound: str) -> None:
    await _damage(sound, *(_DAMAGE[name][0] for name in _LASTING))
    found = await disagreements(sound)
    assert len(found) >= len(_LASTING)
    assert await mend(sound) == 0
    assert await disagreements(sound) == found


# Two imported orders of the same four events.
_IMPORTED = "SELECT snapshot FROM orders WHERE source = 'shop' ORDER BY external_order_id"
_Events = list[OrderEvent]


def _changed(events: _Events, _: _Events) -> _Events:
    events[1].actor = "somebody else"
    return events


def _hash_changed(events: _Events, _: _Events) -> _Events:
    events[3].hash = bytes(32)
    return events


def _without_hash(events: _Events, _: _Events) -> _Events:
    events[2].ClearField("hash")
    return events


def _removed(events: _Events, _: _Events) -> _Events:
    return [events[0], *events[2:]]


def _last_removed(events: _Events, _: _Events) -> _Events:
    return events[:-1]


def _first_removed(events: _Events, _: _Events) -> _Events:
    return events[1:]


def _inserted(events: _Events, others: _Events) -> _Events:
    return [*events[:2], others[2], *events[2:]]


def _appended(events: _Events, others: _Events) -> _Events:
    return [*events, others[3]]


def _swapped(events: _Events, _: _Events) -> _Events:
    return [events[0], events[2], events[1], events[3]]


def _replaced(_: _Events, others: _Events) -> _Events:
    return others


def _changed_and_chained(events: _Events, _: _Events) -> _Events:
    previous = START
    for event in _changed(events, []):
        event.ClearField("hash")
        event.hash = previous = hash_of(seal(event.SerializeToString(deterministic=True), previous))
    return events


async def _forge(url: str, rewrite: Callable[[_Events, _Events], _Events], *, hash_too: bool = False) -> Order:
    """Writes an order's history anew, with everything that goes by it but the hashes; returns the order as it was."""
    async with session(url, autocommit=False) as connection:
        first, second = [Order.FromString(row[0]) for row in await (await connection.execute(_IMPORTED)).fetchall()]
        events, others = [await _history(connection, order) for order in (first, second)]
        first.event_hash = events[-1].hash
        before = Order.FromString(first.SerializeToString())
        events = rewrite(events, others)
        first.version, first.etag = len(events), str(len(events))
        first.event_hash = events[-1].hash if hash_too else first.event_hash
        snapshot = first.SerializeToString(deterministic=True)
        await connection.execute(
            "UPDATE orders SET version = %s, snapshot = %s WHERE order_id = %s",
            [first.version, snapshot, first.order_id],
        )
        await connection.execute("DELETE FROM order_events WHERE order_id = %s", [first.order_id])
        columns = ", ".join(column.name for column in EVENT_COLUMNS)
        places = ", ".join(["%s"] * len(EVENT_COLUMNS))
        insert = f"INSERT INTO order_events ({columns}) VALUES ({places})".encode()
        for version, event in enumerate(events, start=1):
            event.order_id, event.version = first.order_id, version
            await connection.execute(insert, event_row(first, event, StoredEvent(_sealed(event))))
        return before


def _sealed(event: OrderEvent) -> bytes:
    """The event as it is stored: with its hash, if it has one, as the last field."""
    bare = OrderEvent()
    bare.CopyFrom(event)
    bare.ClearField("hash")
    hash_field = OrderEvent(hash=event.hash).SerializeToString() if event.hash else b""
    return bare.SerializeToString(deterministic=True) + hash_field


async def _history(connection: AsyncConnection[Row], order: Order) -> _Events:
    query = "SELECT event FROM order_events WHERE order_id = %s ORDER BY version"
    rows = await (await connection.execute(query, [order.order_id])).fetchall()
    assert len(rows) == 4
    events, previous = [OrderEvent.FromString(event) for (event,) in rows], START
    for event in events:
        # As they were before values were recorded.
        event.ClearField("values_digest")
        event.ClearField("hash")
        event.hash = previous = hash_of(seal(event.SerializeToString(deterministic=True), previous))
    return events


@pytest.mark.parametrize(
    ("rewrite", "broken", "last_is_another"),
    [
        (_changed, [2], False),
        (_hash_changed, [4], True),
        (_without_hash, [3, 4], False),
        (_removed, [2, 3], False),
        (_last_removed, [], True),
        (_first_removed, [1, 2, 3], False),
        (_inserted, [3, 4, 5], False),
        (_appended, [5], True),
        (_swapped, [2, 3, 4], False),
        (_replaced, [1, 2, 3, 4], True),
        (_changed_and_chained, [], True),
    ],
)
async def test_a_history_that_was_rewritten_with_all_that_goes_by_it_is_found(
    sound: str, rewrite: Callable[[_Events, _Events], _Events], broken: list[int], last_is_another: bool
) -> None:
    number = (await _forge(sound, rewrite)).order_number
    last = [f"{number}: the last event's hash is not the order's"] if last_is_another else []
    assert await disagreements(sound) == _unlinked(*broken, number=number) + last
    assert await mend(sound) == 0


async def test_a_history_that_was_rewritten_hashes_and_all_is_found_by_whoever_kept_a_hash(sound: str) -> None:
    before = await _forge(sound, _changed_and_chained, hash_too=True)
    assert await disagreements(sound) == []
    async with session(sound, autocommit=False) as connection:
        events = await _history(connection, before)
    assert events[before.version - 1].hash != before.event_hash


def _paid(order: Order) -> None:
    order.payment.paid_amount.units += 1


def _refunded(order: Order) -> None:
    order.payment.refunded_amount.units += 1


def _payment_voided(order: Order) -> None:
    order.payments[0].voided_amount.units += 1


def _due(order: Order) -> None:
    order.payment.refund_due_amount.units += 1


def _refund_of_another(order: Order) -> None:
    order.refunds[0].payment_id = "adyen"


def _paid_unlisted(order: Order) -> None:
    del order.payments[:]
    order.payment.paid_amount.units += 1


def _held_unlisted(order: Order) -> None:
    del order.payments[:]
    order.payment.authorized_amount.units += 777


def _invoice_number(order: Order) -> None:
    order.invoice_number = ""


def _credit_note(order: Order) -> None:
    order.refunds[0].credited_amount.units += 1


def _held(order: Order) -> None:
    order.payment.authorized_amount.units += 777


def _total(order: Order) -> None:
    order.pricing.total.units += 1


def _coupon(order: Order) -> None:
    del order.pricing.applied_coupons[:]


def _points(order: Order) -> None:
    order.pricing.loyalty_points_used += 1


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (_paid, "payment of the order is not what its payment events say"),
        (_refunded, "payment of the order is not what its payment events say"),
        (_held, "payment of the order is not what its payment events say"),
        (_due, "payment of the order is not what its payment events say"),
        (_payment_voided, "payments of the order is not what its payment events say"),
        (_refund_of_another, "refunds of payment external sum to 200 in minor units; its events say 300"),
        (_paid_unlisted, r"payments sum to \d+ paid in minor units; the order says"),
        (_held_unlisted, "payments hold 0 at most in minor units; the order says 77700"),
        (_invoice_number, r"document INV-\d+-000001 is not named by the order"),
        (_credit_note, r"document CN-\d+-000001 is over 100 in minor units; the order says 200"),
        (_total, r"document INV-\d+-000001 is over \d+ in minor units; the order says"),
        (_coupon, "coupon WELCOME: coupon_uses has 2 in total; orders use it 1 times"),
        (_coupon, "coupon WELCOME: coupon_uses by customer"),
        (_points, "its entries of points sum to"),
    ],
)
async def test_an_order_that_says_something_else_is_found(
    sound: str, change: Callable[[Order], None], text: str
) -> None:
    async with session(sound) as connection:
        query = f"SELECT order_id, snapshot FROM orders WHERE order_id = {_JANES}"
        ((order_id, snapshot),) = await (await connection.execute(query.encode())).fetchall()
        order = Order.FromString(snapshot)
        change(order)
        await connection.execute(
            "UPDATE orders SET snapshot = %s WHERE order_id = %s", [order.SerializeToString(), order_id]
        )
    assert re.search(text, "\n".join(await disagreements(sound)))


@pytest.mark.every_postgres
async def test_an_order_that_is_lost_leaves_what_it_moved(sound: str) -> None:
    async with session(sound) as connection:
        await connection.execute(f"DELETE FROM orders WHERE order_id = {_JANES}".encode())
    found = "\n".join(await disagreements(sound))
    for text in (
        "product mug: inventory has",
        "coupon WELCOME: coupon_uses has 2 in total; orders use it 1 times",
        r"payment ORD-\d+-000001-paid: its order does not exist",
        r"document INV-\d+-000001: its order does not exist",
        "points entry .* its order does not exist",
    ):
        assert re.search(text, found), text
