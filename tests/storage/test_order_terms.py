from typing import Any

import pytest
from orders.v1.order_pb2 import Order

from server.storage.order_terms import HELD, coupon_term, metadata_term, payment_term, terms_of, tracking_term

ALONE: dict[str, tuple[dict[str, Any], set[bytes]]] = {
    "nothing": ({"customer": {"email": "jane@example.com"}, "delivery": {"method": "standard"}}, set()),
    "metadata": ({"metadata": {"a": "b", "c": ""}}, {metadata_term("a", "b"), metadata_term("c", "")}),
    "a coupon": ({"pricing": {"applied_coupons": [{"code": "TENTH"}]}}, {coupon_term("tenth")}),
    "a payment": ({"payments": [{"provider_payment_id": "pi_1"}, {"provider": "cash"}]}, {payment_term("pi_1")}),
    "an intent": ({"payment_intent": {"id": "pi_2"}}, {payment_term("pi_2")}),
    "a label": ({"delivery": {"tracking_number": "1Z 9"}}, {tracking_term("1z9")}),
    "parcels": (
        {"shipments": [{"parcels": [{"tracking_number": "1"}, {"carrier": "UPS"}]}]},
        {tracking_term("1")},
    ),
    "a hold": ({"holds": [{"hold_id": "1"}, {"hold_id": "2"}]}, {HELD}),
}


@pytest.mark.parametrize("name", ALONE)
def test_an_order_is_found_by_what_it_alone_has(name: str) -> None:
    fields, expected = ALONE[name]
    assert terms_of(Order(**fields)) == expected


def test_terms_of_different_fields_differ() -> None:
    terms = [metadata_term("a", "b"), metadata_term("b", "a"), coupon_term("A"), payment_term("A"), tracking_term("A")]
    assert len({*terms, HELD}) == 6
    assert {len(term) for term in (*terms, HELD)} == {16}
