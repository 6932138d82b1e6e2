"""The pure rules of webhooks: types, retries, signatures."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orders.v1 import order_pb2 as pb
from standardwebhooks import Webhook

from server.domain.webhooks.event_types import TYPES, choose, is_known, names_of
from server.domain.webhooks.retries import SCHEDULE, delay_after, retry_after_of
from server.domain.webhooks.signatures import headers_of, new_secret

PENDING, SHIPPED, CANCELLED = pb.ORDER_STATUS_PENDING, pb.ORDER_STATUS_SHIPPED, pb.ORDER_STATUS_CANCELLED
MOVED, TRACKED = pb.ORDER_EVENT_TYPE_STATUS_CHANGED, pb.ORDER_EVENT_TYPE_TRACKING


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ((pb.ORDER_EVENT_TYPE_CREATED, 0, PENDING), ("order.created",)),
        ((pb.ORDER_EVENT_TYPE_UPDATED, PENDING, PENDING), ("order.updated",)),
        ((MOVED, PENDING, CANCELLED), ("order.cancelled", "order.updated")),
        ((TRACKED, PENDING, SHIPPED), ("order.shipped", "order.tracking", "order.updated")),
        ((TRACKED, SHIPPED, SHIPPED), ("order.tracking", "order.updated")),
    ],
)
def test_change_has_specific_names_first(change: tuple[int, int, int], names: tuple[str, ...]) -> None:
    assert names_of(*change) == names


@pytest.mark.parametrize(
    ("selected", "chosen"),
    [
        ((), "order.shipped"),
        (("*",), "order.shipped"),
        (("order.*",), "order.shipped"),
        (("order.updated",), "order.updated"),
        (("order.updated", "order.shipped"), "order.shipped"),
        (("order.created", "return.*", "orders.*"), None),
    ],
)
def test_endpoint_gets_the_most_specific_name_it_selects(selected: tuple[str, ...], chosen: str | None) -> None:
    assert choose(selected, names_of(MOVED, PENDING, SHIPPED)) == chosen


def test_every_type_can_be_selected_and_nothing_else() -> None:
    assert all(map(is_known, (*TYPES, "*", "order.*", "return.*")))
    assert not any(map(is_known, ("", "order", "order.", "order.nope", "*.*", "webhook.test", "order.status_changed")))


@given(st.integers(1, 30), st.sampled_from([0, 400, 410, 429, 500, 503]), st.none() | st.integers(0, 10**9))
def test_delay_follows_the_schedule(attempts: int, status: int, retry_after: int | None) -> None:
    delay = delay_after(attempts, status=status, retry_after=retry_after)
    if attempts > len(SCHEDULE):
        assert delay is None
        return
    base = max(SCHEDULE[attempts - 1], 60 if status in (0, 429) else 0)
    assert delay is not None
    if retry_after is None:
        assert abs(10 * (delay - base)) <= 2 * base
    else:
        assert base <= delay <= 2 * base
        assert delay == retry_after or retry_after < base or retry_after > 2 * base


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("9" * 400, 999_999_999),
        ("Mon, 30 Nov 2026 00:01:00 GMT", 60),
        ("Mon, 30 Nov 2020 00:01:00 GMT", 0),
        ("", None),
        ("-5", None),
        ("²", None),
        ("soon", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str, seconds: int | None) -> None:
    assert retry_after_of(header, now=datetime(2026, 11, 30, tzinfo=UTC)) == seconds


@given(st.text(), st.integers(1, 3))
def test_each_secret_verifies_a_request(body: str, count: int) -> None:
    secrets = [new_secret() for _ in range(count)]
    headers = headers_of("evt_1", int(datetime.now(UTC).timestamp()), body.encode(), secrets)
    for secret in secrets:
        _verify(secret, body, headers)


def _verify(secret: str, body: str, headers: dict[str, str]) -> None:
    """Raises unless the signature is the one that the specification's own library makes."""
    time = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    assert Webhook(secret).sign(headers["webhook-id"], time, body) in headers["webhook-signature"].split(" ")
