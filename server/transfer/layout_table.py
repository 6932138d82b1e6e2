"""Orders from the columns of another system, by its layout."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Literal

from google.type.money_pb2 import Money
from orders.v1.order_service_pb2 import UpsertOrder, UpsertPayment

from server.transfer.csv_rows import Row
from server.transfer.dialect import Dialect
from server.transfer.layout_cells import Cells
from server.transfer.layouts import ORDER_TEXTS, Layout
from server.transfer.shapes import AMOUNTS, Values, build, nest
from server.transfer.values import FieldError, amount, int32, status, timestamp_of

Returns = Literal["refund", "refuse"]

_ADDED = ("shipping", "installation")
_DEDUCTED = ("discount", "loyalty_points_value")
_ZEROS = re.compile(r"\.0+$")
_NOT_IN_METHODS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutOptions:
    """The values that a file's columns do not contain."""

    # The zone of times without an offset.
    zone: tzinfo = UTC
    # Whether lines with a negative quantity or amount become a refund, or refuse their order.
    returns: Returns = "refund"
    # Whether prices include the tax. By default they do if only then the amounts add up to the total.
    tax_included: bool = False


class LayoutTable:
    """The columns of a header. Raises FieldError if one that every order needs is missing."""

    def __init__(
        self, header: Sequence[str], layout: Layout, dialect: Dialect, *, currency: str, options: LayoutOptions
    ) -> None:
        self.names = tuple(name.strip() for name in header)
        self._layout, self._currency, self._options = layout, currency, options
        self._cells = Cells(self.names, layout, dialect, options.zone)

    @property
    def unused(self) -> list[str]:
        """The columns that fill no field."""
        return [name for name in self.names if name and name not in self._layout.columns]

    def key(self, row: Row) -> str:
        """The id of a row's order."""
        return self._cells.text("external_order_id", row)

    def order(self, rows: list[Row]) -> UpsertOrder:
        """The order. Its first row holds everything except the items and the amounts that are added up."""
        cells, first = self._cells, rows[0]
        currency = cells.text("currency", first).upper() or self._currency
        lines = [line for row in rows if (line := self._line(row))]
        bought, returned = [line for line in lines if line.total >= 0], [line for line in lines if line.total < 0]
        if returned and self._options.returns == "refuse":
            raise FieldError(
                "is negative; --returns refund imports returned lines as a refund", "quantity", returned[0].row
            )
        if returned and not bought:
            text = "is negative on all lines; leave the order out, and refund the order that was returned"
            raise FieldError(text, "quantity")
        amounts = {name: found for name in AMOUNTS if (found := cells.amount(name, rows)) is not None}
        self._place_tax(amounts, sum((line.total for line in bought), Decimal()))
        values: Values = {name: said for name in ORDER_TEXTS if (said := cells.text(name, first))}
        values |= {name: money(found, currency) for name, found in amounts.items()}
        if time := cells.time("order_time", first):
            values["order_time"] = timestamp_of(time)
        if said := cells.text("status", first):
            values["status"] = status(said)
        order = build({**nest(values), "items": [line.item(currency) for line in bought]})
        back = -sum((line.total for line in returned), Decimal())
        if payment := self._payment(rows, amounts.get("total"), back, currency):
            order.payments.append(payment)
        return order

    def _line(self, row: Row) -> "_Line | None":
        """The line item of a row; None for a row that has none."""
        cells = self._cells
        try:
            sku, said = cells.text("sku", row), cells.text("quantity", row)
            if not (sku or said):
                return None
            quantity = int32(_ZEROS.sub("", said) or "1")
            price, total = cells.amount("unit_price", [row]), cells.amount("line_total", [row])
            if price is None and total is None:
                raise FieldError("is missing", "unit_price")
            if total is None:
                assert price is not None
                total = price * quantity
            elif quantity < 0:
                total = -abs(total)
            return _Line(row.line, sku, cells.text("product_name", row), quantity, price, total)
        except FieldError as error:
            raise error.on_line(row.line) from None

    def _place_tax(self, amounts: dict[str, Decimal], subtotal: Decimal) -> None:
        """Moves the tax into the prices if they include it."""
        tax, total = amounts.get("tax"), amounts.get("total")
        without = (
            subtotal + sum(amounts.get(name, 0) for name in _ADDED) - sum(amounts.get(name, 0) for name in _DEDUCTED)
        )
        if tax and (self._options.tax_included or total == without):
            amounts["included_tax"] = amounts.pop("tax")

    def _payment(
        self, rows: list[Row], total: Decimal | None, returned: Decimal, currency: str
    ) -> UpsertPayment | None:
        cells, first = self._cells, rows[0]
        state, paid = cells.text("payment_status", first), cells.amount("paid_amount", rows)
        refunded = (cells.amount("refunded_amount", rows) or Decimal()) + returned
        if state == "REFUNDED" and not refunded:
            refunded = _known(total)
        if state == "PARTIALLY_PAID" and paid is None:
            paid = _known(total) - (cells.amount("outstanding_amount", rows) or Decimal())
        if state in ("", "UNPAID") and not paid and not refunded:
            return None
        method = _NOT_IN_METHODS.sub("_", cells.text("payment_method", first).lower()).strip("_")
        payment = UpsertPayment(
            provider=self._layout.provider,
            provider_payment_id=cells.text("payment_id", first),
            method=method[:64],
        )
        if state == "AUTHORIZED":
            payment.authorized_amount.CopyFrom(_message(_known(total), currency))
        elif paid is not None:
            payment.captured_amount.CopyFrom(_message(paid, currency))
        if refunded:
            payment.refunded_amount.CopyFrom(_message(refunded, currency))
        return payment


@dataclass(frozen=True, slots=True)
class _Line:
    row: int
    sku: str
    name: str
    quantity: int
    price: Decimal | None
    total: Decimal

    def item(self, currency: str) -> Values:
        key, found = ("unit_price", self.price) if self.price is not None else ("total_price", self.total)
        assert found is not None
        return {"sku": self.sku, "name": self.name, "quantity": self.quantity, key: money(found, currency)}


def money(found: Decimal, currency: str) -> dict[str, object]:
    """The fields of a Money."""
    if not currency:
        raise FieldError("has no column in the map, and none was given with --currency", "currency")
    units, nanos = amount(f"{found:f}")
    return {"currency_code": currency, "units": units, "nanos": nanos}


def _message(found: Decimal, currency: str) -> Money:
    return Money(**money(found, currency))


def _known(total: Decimal | None) -> Decimal:
    if total is None:
        raise FieldError("is needed to know how much was paid", "total")
    return total
