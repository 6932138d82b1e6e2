import json
from decimal import Decimal
from pathlib import Path

import pytest
from google.protobuf import json_format
from google.type.money_pb2 import Money
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from orders.v1.order_pb2 import (
    Address,
    Customer,
    Order,
    OrderItem,
    OrderStatus,
    Payment,
    PaymentStatus,
    Pricing,
)
from orders.v1.order_service_pb2 import UpsertOrder, UpsertOrderItem, UpsertPayment

from server.transfer.csv_columns import neutralized, restored
from server.transfer.dialect import Dialect
from server.transfer.export_lines import COLUMNS, csv_rows, header, json_lines
from server.transfer.lines import Record
from server.transfer.records import Format, read_records
from server.transfer.shapes import order_from_json
from server.transfer.values import FieldError, amount, decimal_text

SEED = {
    "name": "Abhay",
    "email": "abhay@example.com",
    "phone": "7666804987",
    "address": "address 1",
    "products": [
        {"product_sku_id": "sss1", "amount": "25", "qty": "1"},
        {"product_sku_id": "sss2", "amount": "25.10", "qty": "2"},
    ],
    "order_id": "ID-01",
    "total_amount": "5000",
    "discount": "15",
    "total_qty": "45",
    "refferral_code": "EV78G55H",
    "user_id": "99",
}


def usd(units: int, nanos: int = 0) -> Money:
    return Money(currency_code="USD", units=units, nanos=nanos)


SEED_ORDER = UpsertOrder(
    external_order_id="ID-01",
    customer=Customer(customer_id="99", name="Abhay", email="abhay@example.com", phone="7666804987"),
    items=[
        UpsertOrderItem(sku="sss1", quantity=1, unit_price=usd(25)),
        UpsertOrderItem(sku="sss2", quantity=2, unit_price=usd(25, 100_000_000)),
    ],
    address_text="address 1",
    total=usd(5000),
    discount=usd(15),
    total_quantity=45,
    referral_code="EV78G55H",
)
CSV_HEADER = (
    "order_id,user_id,name,email,phone,address,product_sku_id,qty,amount,total_amount,discount,total_qty,refferral_code"
)
CSV_ROWS = (
    "ID-01,99,Abhay,abhay@example.com,7666804987,address 1,sss1,1,25,5000,15,45,EV78G55H",
    "ID-01,,,,,,sss2,2,25.10,,,,",
)

# Currencies are one an order, a message that is present says something, and UTF-8 has no surrogates.
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
names = texts.filter(bool)
moneys = st.builds(
    lambda nanos: Money(
        currency_code="USD",
        units=(abs(nanos) // 10**9) * (-1 if nanos < 0 else 1),
        nanos=(abs(nanos) % 10**9) * (-1 if nanos < 0 else 1),
    ),
    st.integers(-(10**27), 10**27),
)
maybe_money = st.none() | moneys
items = st.builds(
    OrderItem,
    sku=names.filter(lambda name: name == name.strip()),
    product_id=texts,
    name=texts,
    quantity=st.integers(0, 2**31 - 1),
    unit_price=maybe_money,
)
money_names = ("discount", "total", "tax", "shipping", "installation", "included_tax", "loyalty_points_value")
points = st.integers(0, 2**63 - 1)
prices = st.builds(
    Pricing,
    loyalty_points_used=points,
    loyalty_points_earned=points,
    **dict.fromkeys(money_names, maybe_money),
)
payments = st.builds(
    Payment,
    payment_id=texts,
    provider=texts,
    provider_payment_id=texts,
    method=texts,
    status=st.sampled_from(PaymentStatus.values()),
    captured_amount=maybe_money,
    refunded_amount=maybe_money,
    voided_amount=maybe_money,
)
# Blanks around an id are no part of it.
ids = names.filter(lambda name: name == name.strip())
orders = st.builds(
    Order,
    order_id=names,
    order_number=ids,
    external_order_id=texts.filter(lambda name: name == name.strip()),
    customer=st.none() | st.builds(Customer, customer_id=ids, name=texts, email=texts, phone=texts),
    status=st.sampled_from(OrderStatus.values()),
    items=st.lists(items, max_size=4),
    shipping_address=st.none() | st.builds(Address, street=names, name=texts, city=texts, phone=texts, country=texts),
    pricing=st.none() | prices,
    payments=st.lists(payments, max_size=2),
    total_quantity=st.integers(0, 2**63 - 1),
    referral_code=texts,
    metadata=st.dictionaries(texts, texts, max_size=3),
)


def payment_of(payment: Payment) -> UpsertPayment:
    expected = UpsertPayment()
    for field in UpsertPayment.DESCRIPTOR.fields:
        value = getattr(payment, field.name)
        if isinstance(value, str):
            setattr(expected, field.name, value)
        elif payment.HasField(field.name):
            getattr(expected, field.name).CopyFrom(value)
    return expected


def upsert_of(order: Order) -> UpsertOrder:
    expected = UpsertOrder(
        external_order_id=order.external_order_id or order.order_number,
        items=[UpsertOrderItem(sku=i.sku, name=i.name, quantity=i.quantity) for i in order.items],
        total_quantity=order.total_quantity,
        referral_code=order.referral_code,
        status=order.status,
        metadata=order.metadata,
        loyalty_points_used=order.pricing.loyalty_points_used,
        loyalty_points_earned=order.pricing.loyalty_points_earned,
        payments=[payment_of(payment) for payment in order.payments],
    )
    for item, source in zip(expected.items, order.items, strict=True):
        if source.HasField("unit_price"):
            item.unit_price.CopyFrom(source.unit_price)
    for name, source in (
        ("customer", order),
        ("shipping_address", order),
        *((name, order.pricing) for name in money_names),
    ):
        if source.HasField(name):
            getattr(expected, name).CopyFrom(getattr(source, name))
    return expected


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("records")


def read(folder: Path, data: bytes | str, *, format: Format = "auto", currency: str = "USD") -> list[Record]:
    path = folder / "orders"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return list(read_records(path, format=format, currency=currency))


def reasons(records: list[Record]) -> list[tuple[int, str]]:
    return [(record.line, record.reason) for record in records]


# Money


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.integers(0, 10**9 - 1))
def test_money_reads_back_from_its_decimal_text(units: int, nanos: int) -> None:
    nanos = -nanos if units < 0 else nanos
    assert amount(decimal_text(units, nanos)) == (units, nanos)


@given(st.decimals(min_value=-(10**15), max_value=10**15, places=9, allow_nan=False))
def test_money_is_exactly_the_decimal_it_was_read_from(value: Decimal) -> None:
    units, nanos = amount(value)
    assert Decimal(units) + Decimal(nanos).scaleb(-9) == value
    assert amount(str(value)) == (units, nanos)


@pytest.mark.parametrize(
    "value",
    [
        "12.3.4",
        "NaN",
        "1e999",
        "1e999999999",
        "",
        "1,5",
        "1_0",
        "0x1",
        "١٢",
        "0.0000000001",
        str(2**63),
        True,
        None,
        [],
        1.5,
        Decimal("NaN"),
        Decimal("Infinity"),
        2**63,
        Decimal("1e99"),
    ],
)
def test_what_is_no_amount_is_refused(value: object) -> None:
    with pytest.raises(FieldError):
        amount(value)


@pytest.mark.parametrize(
    ("value", "expected"), [(25, (25, 0)), ("-0.5", (0, -500_000_000)), ("1e2", (100, 0)), (" 7 ", (7, 0))]
)
def test_numbers_and_decimal_texts_are_amounts(value: object, expected: tuple[int, int]) -> None:
    assert amount(value) == expected


# JSON


def test_an_order_in_the_integration_shape_is_read_with_every_field() -> None:
    assert order_from_json(SEED, currency="USD") == SEED_ORDER


def test_numbers_may_be_json_numbers_and_the_referral_code_spelt_right(folder: Path) -> None:
    line = json.dumps(SEED).replace('"25.10"', "25.10").replace('"45"', "45").replace("refferral", "referral")
    assert [record.order for record in read(folder, line.replace('"99"', "99"))] == [SEED_ORDER]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_document_gives_each_of_its_orders_with_its_own_text(folder: Path, indent: int | None) -> None:
    second = {**SEED, "order_id": "ID-02"}
    records = read(folder, json.dumps({"data": [SEED, second]}, indent=indent))
    assert [record.order.external_order_id for record in records if record.order] == ["ID-01", "ID-02"]
    assert [json.loads(record.raw) for record in records] == [SEED, second]
    assert [record.line for record in records] == ([1, 1] if indent is None else [3, 27])


def test_documents_and_orders_may_be_mixed_line_by_line(folder: Path) -> None:
    lines = (json.dumps({"data": [SEED]}), json.dumps({"data": []}), json.dumps(SEED))
    assert [record.line for record in read(folder, "\n".join(lines)) if record.order] == [1, 3]


def test_a_document_is_read_up_to_where_it_is_broken(folder: Path) -> None:
    text = json.dumps({"data": [SEED, SEED]}, indent=1)
    first, second = read(folder, text[: text.rindex('"user_id"')])
    assert first.order == SEED_ORDER
    assert second.reason.startswith("not JSON")


@pytest.mark.parametrize("camel", [True, False])
def test_our_own_shape_is_read_in_both_spellings(camel: bool) -> None:
    record = json_format.MessageToDict(SEED_ORDER, preserving_proto_field_name=not camel)
    assert order_from_json(record, currency="") == SEED_ORDER


@given(orders)
def test_our_own_shape_is_read_as_the_protobuf_library_reads_it(order: Order) -> None:
    upsert = upsert_of(order)
    record = json.loads(json_format.MessageToJson(upsert))
    assert order_from_json(record, currency="") == json_format.ParseDict(record, UpsertOrder())


def test_an_item_without_a_sku_goes_by_its_product() -> None:
    order = Order(order_number="ORD-2026-000001", order_id="1", items=[OrderItem(product_id="p1", quantity=1)])
    assert order_from_json(json.loads(json_lines([order])), currency="").items[0].sku == "p1"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"total_amount": "12.3.4"}, "total_amount: is not an amount of money: '12.3.4'"),
        ({"total_amount": True}, "total_amount: is not an amount of money: a boolean"),
        ({"discount": "1e999"}, "discount: is too large or has more than nine decimal places: '1e999'"),
        ({"total_qty": "many"}, "total_qty: is not a whole number: 'many'"),
        ({"total_qty": 2**63}, "total_qty: is too large: 9223372036854775808"),
        ({"email": {}}, "email: must be text, not an object"),
        ({"name": "\ud800"}, "name: is not valid Unicode"),
        ({"products": {}}, "products: must be a list, not an object"),
        ({"products": ["x"]}, "products[0]: must be an object, not text"),
        ({"products": [{"product_sku_id": "a", "qty": 1.5}]}, "products[0].qty: is not a whole number: 1.5"),
        ({"products": [{"product_sku_id": "a", "qty": 2**31}]}, "products[0].qty: is too large: 2147483648"),
        ({"products": [{"product_sku_id": "a", "colour": "red"}]}, "products[0].colour: unknown field"),
        ({"colour": "red"}, "colour: unknown field"),
        ({"referral_code": "x"}, "referral_code: is given twice, under two names"),
        ({"order_id": ""}, "external_order_id: is missing"),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_field(folder: Path, change: dict[str, object], reason: str) -> None:
    good, bad = json.dumps({**SEED, "order_id": "ID-02"}), json.dumps({**SEED, **change})
    records = read(folder, f"{bad}\n{good}\n")
    assert reasons(records) == [(1, reason), (2, "")]
    assert records[0].raw == bad


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"order_id": "1"', "not JSON"),
        (b"[1, 2]", "must be an object, not a list"),
        (b"3", "must be an object, not a number"),
        (b'{"name": "\xff"}', "not UTF-8 text: byte 11 of the line"),
        (b"[" * 100_000, "not JSON that can be read: too deep"),
        (b'{"user_id": 1e99999999999999999999999}', "not JSON that can be read: a number is too large"),
        (b'{"user_id": ' + b"9" * 5000 + b"}", "not JSON that can be read: a number is too large"),
        (b'{"total_amount": NaN}', "total_amount: is not an amount of money: 'NaN'"),
        (b'{"data": [1', "not JSON"),
        (b'{"order_id": "1"}', "external_order_id: is missing, and so is order_number"),
        (b'{"external_order_id": "1", "status": "LOST"}', "status: is not an order status: 'LOST'"),
        (b'{"external_order_id": "1", "total": {"units": "x"}}', "total.units: is not a whole number: 'x'"),
    ],
)
def test_a_line_that_cannot_be_read_does_not_hold_up_the_next(folder: Path, line: bytes, reason: str) -> None:
    good = json.dumps(SEED).encode()
    first, second, third = read(folder, b"\n".join((good, line, good)), format="jsonl")
    assert (first.order, third.order) == (SEED_ORDER, SEED_ORDER)
    assert second.reason.startswith(reason)
    assert second.line == 2


def test_a_refused_record_says_its_id_where_it_has_one(folder: Path) -> None:
    assert read(folder, json.dumps({**SEED, "discount": "x"}))[0].external_order_id == "ID-01"


@pytest.mark.parametrize("format", ["auto", "jsonl"])
def test_a_byte_order_mark_blank_lines_and_crlf_do_not_matter(folder: Path, format: Format) -> None:
    line = json.dumps(SEED).encode()
    records = read(folder, b"\xef\xbb\xbf" + line + b"\r\n\r\n" + line + b"\r\n", format=format)
    assert [(record.line, record.order) for record in records] == [(1, SEED_ORDER), (3, SEED_ORDER)]


def test_the_last_record_ends_where_the_file_ends(folder: Path) -> None:
    data = json.dumps(SEED) + "\n"
    assert [record.end for record in read(folder, data * 2)] == [len(data), 2 * len(data)]


def test_amounts_without_a_currency_are_refused(folder: Path) -> None:
    expected = "products[0].amount: has no currency, and none was given for the file"
    assert read(folder, json.dumps(SEED), currency="")[0].reason == expected


def test_a_currency_that_is_none_is_refused_at_once(folder: Path) -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        read_records(folder / "orders", currency="dollars")


# CSV


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_rows_below_each_other_make_an_order(folder: Path, newline: str, mark: bytes) -> None:
    other = CSV_ROWS[0].replace("ID-01", "ID-02")
    text = newline.join((CSV_HEADER, *CSV_ROWS, "", other, ""))
    first, second = read(folder, mark + text.encode())
    assert (first.line, first.order) == (2, SEED_ORDER)
    assert (second.line, second.order.external_order_id if second.order else "") == (5, "ID-02")


def test_a_row_may_name_its_currency(folder: Path) -> None:
    text = "external_order_id,sku,quantity,unit_price,currency\n1,a,1,5,EUR\n2,a,1,5,\n"
    orders = [record.order for record in read(folder, text) if record.order]
    assert [order.items[0].unit_price.currency_code for order in orders] == ["EUR", "USD"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("2,a,x,5,", [(3, "quantity: is not a whole number: 'x'")]),
        ("2,a,1,5,NO WAY", [(3, "status: is not an order status: 'NO WAY'")]),
        (",a,1,5,", [(3, "external_order_id: is missing")]),
        ("2,a,1,5,PENDING\n2,b,1,5,SHIPPED", [(4, "status: differs from that on line 3, for the same order")]),
        ("2,a,1,5,\n2,b,1,5.x,", [(4, "unit_price: is not an amount of money: '5.x'")]),
    ],
)
def test_a_bad_row_refuses_its_order_by_the_line_of_the_row(
    folder: Path, row: str, expected: list[tuple[int, str]]
) -> None:
    text = f"external_order_id,sku,quantity,unit_price,status\n1,a,1,5,\n{row}\n3,a,1,5,\n"
    records = read(folder, text)
    assert [found for found in reasons(records) if found[1]] == expected
    assert [record.order.external_order_id for record in records if record.order] == ["1", "3"]


@pytest.mark.parametrize("row", ["1,b,1", '1,"b"x,1,5', "1,b,1,5,6"])
def test_orders_next_to_a_row_that_cannot_be_read_are_refused_for_they_may_lack_it(folder: Path, row: str) -> None:
    rows = ("external_order_id,sku,quantity,unit_price", "0,a,1,5", "1,a,1,5", row, "2,a,1,5", "3,a,1,5")
    records = read(folder, "\n".join(rows))
    assert [record.order.external_order_id for record in records if record.order] == ["0", "3"]
    assert [record.line for record in records if record.reason] == [3, 4, 5]
    assert "line 4" in records[1].reason


def test_bytes_that_are_not_utf8_are_refused_by_their_column(folder: Path) -> None:
    records = read(folder, b"external_order_id,name,sku\n1,\xff,a\n2,b,a\n")
    assert reasons(records) == [(2, "name: is not valid Unicode"), (3, "")]
    assert "\\xff" in records[0].raw


def test_a_quote_that_is_never_closed_is_reported(folder: Path) -> None:
    records = read(folder, 'external_order_id,sku\n1,a\n2,"a\n3,a\n')
    assert [record.line for record in records if record.reason.startswith("not CSV")] == [3]


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ("external_order_id,colour", "colour: unknown column in the header"),
        ("external_order_id,colour,size", "colour, size: unknown columns in the header"),
        ("sku,quantity", "external_order_id: is missing in the header"),
        ("external_order_id,sku,product_sku_id", "product_sku_id: is in the header twice, or under two names"),
    ],
)
def test_a_header_that_is_not_understood_refuses_the_file(folder: Path, names: str, reason: str) -> None:
    [(line, found)] = reasons(read(folder, f"{names}\n1,2\n", format="csv"))
    assert (line, found.partition(";")[0]) == (1, reason)
    assert "CSV separated by commas, in UTF-8" in found


def test_rows_of_one_order_may_be_apart_and_too_many_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "external_order_id,sku,quantity,unit_price\n1,a,1,5\n2,a,1,5\n3,a,1,5\n1,b,1,5\n2,b,1,5\n"
    found = {record.order.external_order_id: len(record.order.items) for record in read(folder, text) if record.order}
    assert found == {"1": 2, "2": 2, "3": 1}
    monkeypatch.setattr("server.transfer.csv_groups.MAX_HELD", 1)
    records = read(folder, text)
    assert [record.order.external_order_id for record in records if record.order] == ["3", "1"]
    assert [(record.line, record.external_order_id) for record in records if record.reason] == [(3, "2"), (6, "2")]


@given(texts)
def test_a_cell_that_a_spreadsheet_would_run_is_marked_and_restored(cell: str) -> None:
    for each in (cell, f"={cell}", f"'+{cell}", f"-{cell}", f"@{cell}"):
        assert restored(neutralized(each)) == each
        assert neutralized(each)[:1] not in ("=", "+", "-", "@", "\t", "\r")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("12,50", "12.50"), ("1.024,5", "1024.5"), ("1,024.00", "1024.00"), ("-0,5", "-0.5"), ("7", "7"), ("1.5", "1.5")],
)
def test_an_amount_shows_its_decimal_separator(cell: str, expected: str) -> None:
    assert Dialect().number(cell) == expected


def test_an_amount_that_can_be_read_in_two_ways_is_refused() -> None:
    with pytest.raises(FieldError, match="--decimal"):
        Dialect().number("1,024")
    assert (Dialect(decimal=",").number("1,024"), Dialect(decimal=".").number("1,024")) == ("1.024", "1024")


# There and back


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(orders, min_size=1, max_size=3, unique_by=lambda order: order.external_order_id or order.order_number))
def test_what_is_exported_is_imported_as_it_was(folder: Path, given_orders: list[Order]) -> None:
    expected = [upsert_of(order) for order in given_orders]
    lines = read(folder, json_lines(given_orders), currency="")
    rows = read(folder, header("csv") + csv_rows(given_orders), currency="USD")
    assert reasons(lines) == [(index, "") for index in range(1, len(expected) + 1)]
    assert [record.order for record in lines] == expected
    assert [record.order for record in rows] == expected


def test_a_json_line_is_the_order_itself() -> None:
    order = Order(order_id="1", status=OrderStatus.ORDER_STATUS_CONFIRMED, customer=Customer(name="Zoë\n"))
    assert json_format.Parse(json_lines([order]), Order()) == order
    assert json_lines([order]).count(b"\n") == 1


def test_csv_has_a_header_with_the_services_own_columns() -> None:
    own = {"order_id", "order_number", "status", "payment_status", "currency", "create_time", "update_time"}
    assert own < set(COLUMNS)
    assert header("csv").decode().rstrip("\r\n").split(",") == COLUMNS


# Whatever it holds


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.sampled_from(["auto", "jsonl", "csv"]),
    st.binary(max_size=200) | st.text('{}[]":,.eE-+019 \n\r\tdata\x00é').map(str.encode),
)
def test_no_file_makes_it_crash(folder: Path, format: Format, data: bytes) -> None:
    assert all(record.order or record.reason for record in read(folder, data, format=format))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.sampled_from([json.dumps(SEED).encode(), "\n".join((CSV_HEADER, *CSV_ROWS)).encode()]),
    st.integers(0, 300),
    st.binary(max_size=3),
    st.integers(0, 5),
)
def test_no_damage_to_a_file_makes_it_crash(folder: Path, data: bytes, at: int, damage: bytes, cut: int) -> None:
    damaged = data[:at] + damage + data[at + cut :]
    assert all(record.order or record.reason for record in read(folder, damaged))


def test_a_large_file_is_not_read_before_it_is_asked_for(folder: Path) -> None:
    path = folder / "large.jsonl"
    path.write_text((json.dumps(SEED) + "\n") * 1000)
    records = read_records(path, currency="USD")
    assert next(records).end < path.stat().st_size / 100
