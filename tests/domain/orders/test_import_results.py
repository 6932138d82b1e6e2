"""The results of imports change only together with IMPORT_REVISION.

An order whose source sends the same again is skipped by the hash that is stored with it. If a new version of the service would import
it differently, the hash must no longer match, and so IMPORT_REVISION must be raised.

Run `python -m tests.domain.orders.test_import_results` to write the expected results. It refuses until the revision is raised.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from orders.v1 import order_pb2 as pb
from orders.v1.order_return_pb2 import RETURN_STATUS_CLOSED
from orders.v1.order_service_pb2 import UpsertOrder, UpsertOrderItem, UpsertPayment
from orders.v1.shipment_pb2 import SHIPMENT_STATUS_SHIPPED

from server.domain.base.caller import Caller
from server.domain.base.edits import Audit
from server.domain.base.errors import Refusal
from server.domain.orders.upsert import IMPORT_REVISION, upsert_order

EXPECTED = Path(__file__).with_name("import_results.json")
AUDIT = Audit(Caller("importer", frozenset()), "BatchUpsertOrders", "request-1", Timestamp(seconds=1_780_000_000))
CUSTOMER = pb.Customer(customer_id="99", name="Ada", email="ada@example.com", phone="555")
STATUSES = [value for value in pb.OrderStatus.values() if value]


def money(units: int, nanos: int = 0, currency: str = "USD") -> Money:
    return Money(currency_code=currency, units=units, nanos=nanos)


def item(sku: str = "chair", quantity: int = 1, price: Money | None = None) -> UpsertOrderItem:
    return UpsertOrderItem(sku=sku, name=sku.title(), quantity=quantity, unit_price=price or money(25))


def sent(*items: UpsertOrderItem, **fields: Any) -> UpsertOrder:
    return UpsertOrder(external_order_id="ID-01", customer=CUSTOMER, items=items or [item()], **fields)


# What the source of one order sends, one after the other.
CASES: dict[str, list[UpsertOrder]] = {
    "only what is required": [sent()],
    "everything": [
        sent(
            item("chair", 2),
            item("desk", 1, money(199, 990_000_000)),
            shipping_address=pb.Address(street="1 Nile St", city="Giza", country="EG"),
            discount=money(9, 990_000_000),
            total=money(240),
            total_quantity=3,
            referral_code="EV78G55H",
            status=pb.ORDER_STATUS_PROCESSING,
            metadata={"channel": "web"},
        )
    ],
    "a part that has shipped": [
        sent(
            item(quantity=3),
            status=pb.ORDER_STATUS_PROCESSING,
            shipments=[
                {
                    "items": [{"item_id": "1", "quantity": 2}],
                    "status": SHIPMENT_STATUS_SHIPPED,
                    "parcels": [{"carrier": "Aramex", "tracking_number": "A1"}],
                }
            ],
        )
    ],
    "a unit that came back": [
        sent(
            item(quantity=3),
            status=pb.ORDER_STATUS_DELIVERED,
            returns=[
                {
                    "status": RETURN_STATUS_CLOSED,
                    "items": [{"item_id": "1", "quantity": 2, "received": [{"disposition": 1, "quantity": 1}]}],
                    "create_time": {"seconds": 1_700_000_000},
                }
            ],
        )
    ],
    "everything that other shops calculate": [
        sent(
            UpsertOrderItem(sku="chair", quantity=2, total_price=money(349, 990_000_000)),
            order_time=Timestamp(seconds=1_700_000_000),
            tax=money(10),
            included_tax=money(1),
            shipping=money(5),
            installation=money(3),
            discount=money(2),
            loyalty_points_used=100,
            loyalty_points_value=money(1),
            loyalty_points_earned=7,
            payments=[UpsertPayment(provider="stripe", provider_payment_id="pi_1", refunded_amount=money(3))],
        ),
        sent(UpsertOrderItem(sku="chair", quantity=3, total_price=money(0, 20_000_000))),
    ],
    "two prices": [sent(UpsertOrderItem(sku="chair", quantity=1, unit_price=money(1), total_price=money(1)))],
    "no price": [sent(UpsertOrderItem(sku="chair", quantity=1))],
    "without a customer": [UpsertOrder(external_order_id="ID-01", items=[item()])],
    "points beyond the price": [sent(loyalty_points_value=money(26))],
    "sums that are wrong": [sent(address_text="1 Nile St", total=money(5000), discount=money(15), total_quantity=45)],
    "two addresses": [sent(address_text="1 Nile St", shipping_address=pb.Address(street="2 Nile St"))],
    "no decimals": [sent(item(quantity=3, price=money(1500, currency="JPY")), discount=money(500, currency="JPY"))],
    "three decimals": [sent(item(quantity=3, price=money(1, 125_000_000, "KWD")))],
    "fractions of a cent": [sent(item(price=money(1, 125_000_000)))],
    "two currencies": [sent(item(), item("desk", 1, money(1, currency="EUR")))],
    "a discount beyond the price": [sent(discount=money(26))],
    "a price beyond all bounds": [sent(item(quantity=10**9, price=money(10**15)))],
    "sent again": [sent(), sent()],
    "other values": [
        sent(address_text="1 Nile St", referral_code="A", metadata={"a": "1"}, discount=money(5)),
        sent(item("desk", 2), address_text="2 Nile St", referral_code="B", metadata={"b": "2"}, total_quantity=3),
    ],
    "values left out": [sent(address_text="1 Nile St", referral_code="A", metadata={"a": "1"}), sent()],
    "another currency": [sent(), sent(item(price=money(25, currency="EUR")))],
    "a change to a cancelled order": [sent(status=pb.ORDER_STATUS_CANCELLED), sent(item("desk"))],
    **{
        f"{pb.OrderStatus.Name(before)}, then {pb.OrderStatus.Name(after)}": [sent(status=before), sent(status=after)]
        for before in STATUSES
        for after in STATUSES
    },
}


def results_of(wishes: list[UpsertOrder], paid: int = 0) -> Iterator[dict[str, Any]]:
    """The result of each import: its warnings, the order and its events, or the reason of its refusal."""
    before: pb.Order | None = None
    for wished in wishes:
        fresh = before or pb.Order(order_id="order-1", order_number="ORD-2026-000001", source="shop")
        try:
            change, warnings = upsert_order(before, wished, fresh=fresh, audit=AUDIT)
        except Refusal as error:
            yield {"refused": error.reason}
            continue
        yield {
            "warnings": warnings,
            "order": as_json(change.after),
            "events": [event_as_json(each) for each in change.events],
        }
        before = change.after
        if paid:
            before.payment.paid_amount.CopyFrom(money(paid))
            before.payment_status = pb.PAYMENT_STATUS_PAID


def as_json(message: pb.Order | pb.OrderEvent) -> dict[str, Any]:
    return MessageToDict(message, preserving_proto_field_name=True)


def event_as_json(event: pb.OrderEvent) -> dict[str, Any]:
    """The event without the method, which the import has no influence on."""
    return {name: value for name, value in as_json(event).items() if name != "method"}


def results() -> dict[str, Any]:
    found = {name: list(results_of(wishes)) for name, wishes in CASES.items()}
    found["a higher total of a paid order"] = list(results_of([sent(), sent(item(quantity=2))], paid=25))
    found["a lower total of a paid order"] = list(results_of([sent(item(quantity=2)), sent()], paid=50))
    return {"revision": IMPORT_REVISION, "results": found}


def changed_results() -> list[str]:
    """The cases whose results are not those that were written."""
    expected, actual = json.loads(EXPECTED.read_text(encoding="utf-8"))["results"], results()["results"]
    return [name for name, result in expected.items() if actual.get(name) != result]


def test_results_change_only_with_the_revision() -> None:
    written = json.loads(EXPECTED.read_text(encoding="utf-8"))
    advice = (
        "raise IMPORT_REVISION in server/domain/orders/upsert.py if the results of imports have changed, "
        "then run `python -m tests.domain.orders.test_import_results`"
    )
    assert (changed_results(), written["revision"]) == ([], IMPORT_REVISION), advice
    assert written == results(), advice


def test_the_cases_set_every_field() -> None:
    used = {field.name for wishes in CASES.values() for wished in wishes for field, _ in wished.ListFields()}
    assert used == {field.name for field in UpsertOrder.DESCRIPTOR.fields}


def text_of(results: dict[str, Any]) -> str:
    """The results as JSON with a line for each import, so that a difference is short."""
    cases = [
        f"{json.dumps(name)}: [\n" + ",\n".join(json.dumps(result, ensure_ascii=False) for result in found) + "\n]"
        for name, found in results["results"].items()
    ]
    return f'{{"revision": {results["revision"]}, "results": {{\n' + ",\n".join(cases) + "\n}}\n"


def main() -> None:
    if EXPECTED.exists():
        changed = changed_results()
        if changed and json.loads(EXPECTED.read_text(encoding="utf-8"))["revision"] == IMPORT_REVISION:
            sys.exit(f"raise IMPORT_REVISION first; these results change: {', '.join(changed)}")
    EXPECTED.write_text(text_of(results()), encoding="utf-8")


if __name__ == "__main__":
    main()
