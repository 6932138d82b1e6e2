"""`orders report`: revenue, taxes, refunds and payments of a period, from a running server."""

import csv
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from server.cli.client import call, with_client
from server.cli.options import Failure

if TYPE_CHECKING:
    from server.transfer.client import Client

_NANOS = Decimal(1_000_000_000)


class Format(StrEnum):
    """The form of the output."""

    table = "table"
    csv = "csv"
    json = "json"


class Row(NamedTuple):
    """A line of the report: a section, a subject and amounts."""

    section: str
    subject: str
    currency: str
    number: int
    amount: Decimal
    tax: Decimal | None = None


@with_client
def report(
    *,
    client: "Client",
    start: Annotated[str, typer.Option("--from", help="First day (UTC). [default: first day of this month]")] = "",
    end: Annotated[str, typer.Option("--to", help="Day after the last one (UTC). [default: tomorrow]")] = "",
    form: Annotated[Format, typer.Option("--format", help="Format of the output.")] = Format.table,
) -> None:
    """Report revenue, tax by rate, refunds by day and provider, and invoices against payments."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first = _day(start, "--from") if start else today.replace(day=1)
    last = _day(end, "--to") if end else today + timedelta(days=1)
    _print(list(_rows(client, first, last)), form)


def _day(text: str, flag: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise Failure(f"{flag} {text}: write a day as 2026-01-31") from error


def _rows(client: "Client", start: datetime, end: datetime) -> Iterator[Row]:
    documents = call(client, "ListInvoices", issue_time_from=start, issue_time_to=end, show_sums=True, page_size=1).sums
    times = {"time_from": start, "time_to": end}
    payments = call(client, "ListPayments", **times, show_sums=True, page_size=1).sums
    yield from _revenue(documents)
    yield from _taxes(documents)
    yield from _refunds(_all(client, "ListRefunds", "refunds", **times))
    yield from _payments(payments)
    yield from _balance(documents, payments)


def _all(client: "Client", method: str, field: str, **fields: Any) -> Iterator[Any]:
    token = ""
    while True:
        page = call(client, method, page_size=1000, page_token=token, **fields)
        yield from getattr(page, field)
        token = page.next_page_token
        if not token:
            return


def _revenue(documents: Iterable[Any]) -> Iterator[Row]:
    """Invoices, credit notes, and the difference."""
    net: defaultdict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for found in documents:
        sign = 1 if _is_invoice(found) else -1
        amount, tax, currency = sign * _decimal(found.amount), sign * _decimal(found.tax), found.amount.currency_code
        yield Row("revenue", "invoices" if sign > 0 else "credit notes", currency, found.count, amount, tax)
        net[currency][0] += amount
        net[currency][1] += tax
    for currency, (amount, tax) in sorted(net.items()):
        yield Row("revenue", "net", currency, 0, amount, tax)


def _taxes(documents: Iterable[Any]) -> Iterator[Row]:
    """The taxed amounts and taxes by rate, credit notes deducted."""
    sums: defaultdict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for found in documents:
        sign = 1 if _is_invoice(found) else -1
        for tax in found.tax_totals:
            name = f"{tax.name or 'tax'} {tax.rate.value} %"
            total = sums[name, tax.amount.currency_code]
            total[0] += sign * _decimal(tax.taxable_amount)
            total[1] += sign * _decimal(tax.amount)
    for (name, currency), (taxable, tax) in sorted(sums.items()):
        yield Row("tax by rate", name, currency, 0, taxable, tax)


def _refunds(refunds: Iterable[Any]) -> Iterator[Row]:
    """Refunds by day, provider and status."""
    sums: defaultdict[tuple[str, str], list[Decimal]] = defaultdict(list)
    for entry in refunds:
        from orders.v1.order_pb2 import RefundStatus

        status = RefundStatus.Name(entry.refund.status).removeprefix("REFUND_STATUS_").lower()
        subject = f"{entry.time.ToDatetime():%Y-%m-%d} {entry.provider or '(no provider)'} {status}"
        sums[subject, entry.refund.amount.currency_code].append(_decimal(entry.refund.amount))
    for (subject, currency), amounts in sorted(sums.items()):
        yield Row("refunds", subject, currency, len(amounts), sum(amounts, Decimal(0)))


def _payments(payments: Iterable[Any]) -> Iterator[Row]:
    """Captured amounts by provider and status."""
    from orders.v1.order_pb2 import PaymentStatus

    for found in payments:
        status = PaymentStatus.Name(found.status).removeprefix("PAYMENT_STATUS_").lower()
        currency = _currency(found)
        yield Row("payments", f"{found.provider} {status}", currency, found.count, _decimal(found.captured_amount))


def _balance(documents: Iterable[Any], payments: Iterable[Any]) -> Iterator[Row]:
    """Invoiced less credited, against captured less refunded."""
    invoiced: defaultdict[str, Decimal] = defaultdict(Decimal)
    paid: defaultdict[str, Decimal] = defaultdict(Decimal)
    for found in documents:
        invoiced[found.amount.currency_code] += _decimal(found.amount) * (1 if _is_invoice(found) else -1)
    for found in payments:
        paid[_currency(found)] += _decimal(found.captured_amount) - _decimal(found.refunded_amount)
    for currency in sorted({*invoiced, *paid} - {""}):
        yield Row("invoices against payments", "invoiced less credited", currency, 0, invoiced[currency])
        yield Row("invoices against payments", "captured less refunded", currency, 0, paid[currency])
        yield Row("invoices against payments", "difference", currency, 0, invoiced[currency] - paid[currency])


def _is_invoice(found: Any) -> bool:
    from orders.v1.accounting_pb2 import INVOICE_TYPE_INVOICE

    return bool(found.type == INVOICE_TYPE_INVOICE)


def _currency(found: Any) -> str:
    amounts = (found.captured_amount, found.authorized_amount, found.refunded_amount)
    return next((amount.currency_code for amount in amounts if amount.currency_code), "")


def _decimal(money: Any) -> Decimal:
    """The exact amount."""
    return Decimal(money.units) + Decimal(money.nanos) / _NANOS


def _print(rows: list[Row], form: Format) -> None:
    cells = [
        [*row[:3], row.number or "", f"{row.amount:.2f}", "" if row.tax is None else f"{row.tax:.2f}"] for row in rows
    ]
    if form is Format.json:
        print(json.dumps([dict(zip(Row._fields, map(str, row), strict=True)) for row in cells], indent=2))
    elif form is Format.csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows([Row._fields, *cells])
    else:
        from rich.console import Console
        from rich.table import Table

        table = Table(*Row._fields[:3], box=None)
        for name in Row._fields[3:]:
            table.add_column(name, justify="right")
        for row in cells:
            table.add_row(*map(str, row))
        Console(width=None if Console().is_terminal else 160).print(table)
