"""Files of other systems, imported into a real server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from google.type.money_pb2 import Money
from orders.v1.order_pb2 import (
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PROCESSING,
    SHIPPING_STATUS_PARTIALLY_RETURNED,
    Order,
    OrderStatus,
    PaymentStatus,
)
from orders.v1.order_return_pb2 import RETURN_DISPOSITION_DAMAGED, RETURN_REASON_DEFECTIVE, RETURN_STATUS_CLOSED
from orders.v1.order_service_pb2 import (
    BatchUpsertOrdersRequest,
    ListOrdersRequest,
    OrderFilter,
    UpsertOrder,
    UpsertOrderItem,
)
from orders.v1.shipment_pb2 import SHIPMENT_STATUS_SHIPPED
from pyarrow import parquet

from server.transfer.export_lines import json_lines
from server.transfer.exporter import export_orders
from server.transfer.importer import import_orders
from server.transfer.layout_table import LayoutOptions
from server.transfer.layouts import read_layout
from server.transfer.parquet import write_parquet
from server.transfer.records import Format, Reading, read
from server.transfer.report import ImportReport
from server.transfer.runs import list_runs
from tests.conftest import Service, serving
from tests.shop import usd

FILES = Path(__file__).with_name("files")


@pytest.fixture(scope="module")
async def shop(new_database: Callable[[], str]) -> AsyncIterator[Service]:
    async with serving(new_database()) as service:
        yield service


async def imported(
    shop: Service, name: str, format: Format = "auto", **reading: object
) -> tuple[ImportReport, list[Order]]:
    source = f"{name}-{format}"
    if (FILES / name).with_suffix(".yaml").exists():
        reading["layout"] = read_layout((FILES / name).with_suffix(".yaml"))
    report = await import_orders(
        FILES / name,
        channel=shop.channel,
        source=source,
        reading=Reading(format=format, currency="USD", **reading),  # type: ignore[arg-type]
    )
    pages = shop.orders.ListOrders(ListOrdersRequest(filter=OrderFilter(source=source)))
    return report, sorted(
        [order async for page in pages for order in page.orders], key=lambda order: order.external_order_id
    )


def amounts(order: Order) -> dict[str, str]:
    found = {}
    for field, money in order.pricing.ListFields():
        value = money.units + Decimal(money.nanos).scaleb(-9) if field.message_type is Money.DESCRIPTOR else 0
        found |= {field.name: f"{Decimal(value).normalize():f}"} if value else {}
    return found


def statuses(order: Order) -> tuple[str, str]:
    return (
        OrderStatus.Name(order.status).removeprefix("ORDER_STATUS_"),
        PaymentStatus.Name(order.payment_status).removeprefix("PAYMENT_STATUS_"),
    )


async def test_shopify(shop: Service) -> None:
    report, (first, second) = await imported(shop, "shopify.csv", "shopify")
    assert (report.inserted, report.warnings, report.rejected) == (2, 0, 0)
    assert statuses(first) == ("SHIPPED", "PARTIALLY_REFUNDED")
    assert first.order_time.ToJsonString() == "2025-05-01T07:59:58Z"
    assert [(item.sku, item.quantity) for item in first.items] == [("Kettle, 1 l", 1), ("CUP-1", 2)]
    assert (first.shipping_address.postal_code, first.customer.email) == ("01067", "nora@example.com")
    # The tax is within the prices of the first order, and added to those of the second.
    assert amounts(first)["included_tax"] == "8.33"
    assert "tax" not in amounts(first)
    assert (amounts(second)["tax"], amounts(second)["total"], statuses(second)) == ("2", "12", ("PENDING", "UNPAID"))
    assert first.payment.refunded_amount.units == 10
    assert [(payment.provider, payment.method) for payment in first.payments] == [("shopify", "shopify_payments")]


async def test_woocommerce(shop: Service) -> None:
    report, (order,) = await imported(
        shop, "woocommerce.csv", "woocommerce", options=LayoutOptions(zone=ZoneInfo("Europe/London"))
    )
    assert (report.inserted, report.warnings) == (1, 0)
    assert amounts(order) == {"subtotal": "30", "tax": "6.8", "shipping": "4", "discount": "2", "total": "38.8"}
    assert order.order_time.ToJsonString() == "2025-06-01T11:30:00Z"
    # A line's total of 20.00 for three is two lines; a SKU need not be ASCII.
    assert [(i.sku, i.quantity, i.unit_price.nanos) for i in order.items] == [
        ("SC-1", 1, 660_000_000),
        ("SC-1", 2, 670_000_000),
        ("HÜ-2", 1, 0),
    ]
    assert statuses(order) == ("DELIVERED", "PAID")


async def test_amazon(shop: Service) -> None:
    report, (order,) = await imported(shop, "amazon.txt", "amazon")
    assert (report.inserted, report.warnings) == (1, 0)
    assert amounts(order) == {"subtotal": "357.99", "tax": "3", "shipping": "19.99", "total": "380.98"}
    assert (order.external_order_id, order.pricing.total.currency_code) == ("305-1234567-7654321", "EUR")
    assert statuses(order) == ("CONFIRMED", "PAID")


async def test_etsy_magento_and_square(shop: Service) -> None:
    (etsy,) = (await imported(shop, "etsy.csv", "etsy"))[1]
    assert (amounts(etsy)["subtotal"], amounts(etsy)["total"], statuses(etsy)) == ("1100", "1095", ("SHIPPED", "PAID"))
    assert etsy.total_quantity == 3
    (magento,) = (await imported(shop, "magento.csv", "magento"))[1]
    assert (amounts(magento)["total"], magento.order_time.ToJsonString()) == ("55", "2025-03-02T14:00:01Z")
    (square,) = (await imported(shop, "square.csv", "square"))[1]
    assert amounts(square) == {"subtotal": "7", "tax": "0.63", "total": "7.63"}
    assert square.payments[0].provider_payment_id == "pay9XyZ"


async def test_returns_are_refunds_or_refused_by_choice(shop: Service) -> None:
    report, (first, anonymous) = await imported(shop, "online-retail.csv")
    assert (report.inserted, report.rejected, report.warnings) == (2, 1, 0)
    assert (amounts(first)["total"], first.payment.refunded_amount.nanos) == ("17.8", 250_000_000)
    assert (first.payment.refunded_amount.units, statuses(first)[1]) == (1, "PARTIALLY_REFUNDED")
    assert not anonymous.customer.customer_id
    layout = read_layout(FILES / "online-retail.yaml")
    reading = Reading(layout=layout, options=LayoutOptions(returns="refuse"))
    refused = [record for record in read(FILES / "online-retail.csv", reading) if record.reason]
    assert [record.line for record in refused] == [4, 5]
    assert "--returns refund" in refused[0].reason


async def test_a_map_reads_any_columns(shop: Service) -> None:
    report, (order,) = await imported(shop, "olist.csv")
    assert report.inserted == 1
    assert amounts(order) == {"subtotal": "68.9", "shipping": "16", "total": "84.9"}


def test_a_map_with_a_column_that_the_file_lacks_is_refused(tmp_path: Path) -> None:
    """Otherwise a misspelt column would lose its field in silence."""
    path = tmp_path / "map.yaml"
    path.write_text((FILES / "online-retail.yaml").read_text().replace("InvoiceDate", "InvoiceDat"))
    (refused,) = read(FILES / "online-retail.csv", Reading(layout=read_layout(path)))
    assert refused.reason.startswith("InvoiceDat: missing in the header; correct or remove the columns of the map")


async def test_the_dialect_is_told_from_the_file(shop: Service) -> None:
    (utf16,) = (await imported(shop, "utf16.csv"))[1]
    assert utf16.customer.name == "Bjørn"
    (semicolons,) = (await imported(shop, "semicolons.csv"))[1]
    assert amounts(semicolons)["total"] == "12.5"
    _, (first, second) = await imported(shop, "apart.csv")
    assert [len(first.items), len(second.items)] == [2, 1]
    assert amounts(first)["total"] == "50"


async def test_a_dry_run_shows_the_first_orders_as_they_would_be(shop: Service) -> None:
    report = await import_orders(
        FILES / "shopify.csv",
        channel=shop.channel,
        source="dry",
        reading=Reading(format="shopify"),
        validate_only=True,
    )
    assert [line for line, _ in report.preview] == [2, 4]
    assert report.preview[0][1].order.payment.refunded_amount.units == 10
    listed = shop.orders.ListOrders(ListOrdersRequest(filter=OrderFilter(source="dry")))
    assert not [order async for page in listed for order in page.orders]


async def test_an_import_again_changes_nothing_and_pays_nothing_twice(shop: Service) -> None:
    before = (await imported(shop, "shopify.csv", "shopify"))[1]
    report, after = await imported(shop, "shopify.csv", "shopify")
    assert (report.unchanged, report.updated) == (2, 0)
    assert after == before


def test_a_file_of_another_system_is_recognized_by_its_header() -> None:
    (record,) = read(FILES / "shopify.csv", Reading(currency="USD"))
    assert "use --format shopify" in record.reason


async def test_runs_are_listed_from_the_changes_that_they_made(shop: Service) -> None:
    report, _ = await imported(shop, "semicolons.csv", "csv")
    async with asyncio.timeout(30):
        while True:  # The feed follows its orders by some milliseconds.
            runs = await list_runs(shop.channel, since=datetime.now(UTC) - timedelta(days=1))
            if found := [run for run in runs if run.name == report.run]:
                break
    assert [(run.source, run.inserted, run.updated) for run in found] == [("semicolons.csv-csv", 1, 0)]


async def test_orders_keep_their_amounts_through_export_and_import(shop: Service, tmp_path: Path) -> None:
    await imported(shop, "shopify.csv", "shopify")
    for name in ("all.csv", "all.jsonl"):
        format = "csv" if name.endswith("csv") else "jsonl"
        filter = OrderFilter(source="shopify.csv-shopify")
        await export_orders(tmp_path / name, channel=shop.channel, format=format, filter=filter)
        report = await import_orders(tmp_path / name, channel=shop.channel, source=name, reading=Reading())
        assert (report.inserted, report.warnings) == (2, 0)
        pages = shop.orders.ListOrders(ListOrdersRequest(filter=OrderFilter(source=name)))
        copies = {order.external_order_id: order async for page in pages for order in page.orders}
        pages = shop.orders.ListOrders(ListOrdersRequest(filter=filter))
        for order in [order async for page in pages for order in page.orders]:
            copy = copies[order.external_order_id]
            for field in ("customer", "items", "shipping_address", "pricing", "payments", "payment", "order_time"):
                assert getattr(copy, field) == getattr(order, field), field
            assert statuses(copy) == statuses(order)


async def test_shipments_are_kept_through_export_and_import(shop: Service, tmp_path: Path) -> None:
    lines = [UpsertOrderItem(sku=sku, quantity=2, unit_price=usd(5)) for sku in ("a", "b")]
    parcels = [
        {"carrier": "DHL", "tracking_number": f"D{item_id}", "items": [{"item_id": item_id, "quantity": 1}]}
        for item_id in ("1", "2")
    ]
    units = [{"item_id": item_id, "quantity": 1} for item_id in ("1", "2")]
    shipment = {"shipment_id": "box", "items": units, "parcels": parcels, "status": SHIPMENT_STATUS_SHIPPED}
    wished = UpsertOrder(external_order_id="S-1", items=lines, shipments=[shipment], status=ORDER_STATUS_PROCESSING)
    await shop.orders.BatchUpsertOrders(BatchUpsertOrdersRequest(source="depot", orders=[wished]))
    filter = OrderFilter(source="depot")
    (original,) = [order async for order in orders_of(shop, filter)]
    assert [item.shipped_quantity for item in original.items] == [1, 1]
    for name, format in (("s.csv", "csv"), ("s.jsonl", "jsonl")):
        await export_orders(tmp_path / name, channel=shop.channel, format=format, filter=filter)
        await import_orders(tmp_path / name, channel=shop.channel, source=name, reading=Reading())
        (copy,) = [order async for order in orders_of(shop, OrderFilter(source=name))]
        assert (copy.shipments, copy.items) == (original.shipments, original.items)
        assert (copy.status, copy.shipping_status) == (original.status, original.shipping_status)


async def test_returns_are_kept_through_export_and_import(shop: Service, tmp_path: Path) -> None:
    lines = [UpsertOrderItem(sku=sku, quantity=2, unit_price=usd(5)) for sku in ("a", "b")]
    received = [{"disposition": RETURN_DISPOSITION_DAMAGED, "quantity": 1}]
    sent = {
        "return_id": "R1",
        "status": RETURN_STATUS_CLOSED,
        "items": [{"item_id": "2", "quantity": 2, "reason": RETURN_REASON_DEFECTIVE, "received": received}],
        "photo_uris": ["https://photos.example/1"],
        "reason": "it hums",
    }
    wished = UpsertOrder(external_order_id="R-1", items=lines, returns=[sent], status=ORDER_STATUS_DELIVERED)
    request = BatchUpsertOrdersRequest(source="returned", orders=[wished])
    assert (await shop.orders.BatchUpsertOrders(request)).inserted == 1
    assert (await shop.orders.BatchUpsertOrders(request)).unchanged == 1
    filter = OrderFilter(source="returned")
    (original,) = [order async for order in orders_of(shop, filter)]
    assert [item.returned_quantity for item in original.items] == [0, 1]
    assert original.shipping_status == SHIPPING_STATUS_PARTIALLY_RETURNED
    for name, format in (("r.csv", "csv"), ("r.jsonl", "jsonl")):
        await export_orders(tmp_path / name, channel=shop.channel, format=format, filter=filter)
        await import_orders(tmp_path / name, channel=shop.channel, source=name, reading=Reading())
        (copy,) = [order async for order in orders_of(shop, OrderFilter(source=name))]
        assert (copy.returns, copy.items) == (original.returns, original.items)
        assert (copy.status, copy.shipping_status) == (original.status, original.shipping_status)
    request.orders[0].returns[0].items[0].quantity = request.orders[0].returns[0].items[0].received[0].quantity = 3
    outcome = await shop.orders.BatchUpsertOrders(request)
    assert outcome.invalid == 1


async def orders_of(shop: Service, filter: OrderFilter) -> AsyncIterator[Order]:
    async for page in shop.orders.ListOrders(ListOrdersRequest(filter=filter)):
        for order in page.orders:
            yield order


async def test_an_order_of_1114_lines_is_imported(shop: Service, tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    rows = [f"L-1,S{number},1,2.55" for number in range(1114)]
    path.write_text("\n".join(("external_order_id,sku,quantity,unit_price", *rows)))
    report = await import_orders(path, channel=shop.channel, source="long", reading=Reading(currency="GBP"))
    assert (report.inserted, report.invalid) == (1, 0)


def test_parquet_has_the_rows_of_csv_with_types(tmp_path: Path) -> None:
    order = Order(external_order_id="1", order_number="ORD-1", total_quantity=2)
    order.items.add(sku="a", quantity=2, unit_price=Money(currency_code="USD", units=1, nanos=500_000_000))
    order.create_time.FromSeconds(1_700_000_000)
    lines, path = tmp_path / "orders.jsonl", tmp_path / "orders.parquet"
    lines.write_bytes(json_lines([order]))
    write_parquet(lines, path)
    (row,) = parquet.read_table(path).to_pylist()
    assert (row["sku"], row["quantity"], row["unit_price"], row["tax"]) == ("a", 2, Decimal("1.5"), None)
    assert row["create_time"] == datetime.fromtimestamp(1_700_000_000, UTC)
