"""The values of another system's rows, by the choices of its layout."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, tzinfo
from decimal import Decimal

from server.transfer.csv_columns import restored
from server.transfer.csv_rows import Row
from server.transfer.dialect import Dialect
from server.transfer.layouts import Choice, Layout
from server.transfer.values import FieldError, amount, text

# Signs of currencies before or after an amount, which has its currency elsewhere.
_SIGNS = re.compile(r"[$€£¥₹\u00a0\u202f ]|^[A-Z]{1,3}(?=[-+\d$])")
_TEXT_MARK = re.compile(r"'(?=\d)")
_SPACE_BEFORE_OFFSET = re.compile(r" (?=[+-]\d\d:?\d\d$)")


class Cells:
    """The cells of a header's columns. Raises FieldError if a column that every order needs is missing."""

    def __init__(self, names: Sequence[str], layout: Layout, dialect: Dialect, zone: tzinfo) -> None:
        self._layout, self._dialect, self._zone = layout, dialect, zone
        self._at = {name: index for index, name in reversed(list(enumerate(names)))}
        missing = sorted(layout.required - self._at.keys())
        if missing:
            advice = "correct or remove the columns of the map" if layout.exact else f"it is not that of {layout.name}"
            raise FieldError(f"missing in the header; {advice}", ", ".join(missing))

    def text(self, field: str, row: Row) -> str:
        """The field's text; '' if no choice has one."""
        return next((found for choice in self._choices(field) if (found := self._chosen(choice, row))), "")

    def amount(self, field: str, rows: Sequence[Row]) -> Decimal | None:
        """The field's amount, of the first row unless the layout adds all; None if no choice has one."""
        for choice in self._choices(field):
            of = rows if choice.of_all_rows else rows[:1]
            found = [each for row in of for each in self._amounts(choice, row)]
            if found:
                return sum(found, Decimal())
        return None

    def time(self, field: str, row: Row) -> datetime | None:
        """The field's time; one without an offset is in the file's zone."""
        said = self.text(field, row)
        if not said:
            return None
        for form in ("", *self._layout.dates):
            with suppress(ValueError):
                time = datetime.strptime(said, form) if form else _iso(said)
                return time if time.tzinfo else time.replace(tzinfo=self._zone)
        raise FieldError(f"is not a date that {self._layout.name} writes: {said!r}", field)

    def _choices(self, field: str) -> Sequence[Choice]:
        return self._layout.fields.get(field, ())

    def _chosen(self, choice: Choice, row: Row) -> str:
        if choice.value:
            return choice.value
        said = " ".join(filter(None, (self._cell(name, row) for name in choice.columns)))
        if choice.any:
            return choice.any if said else ""
        if not choice.meanings or not said:
            return said
        if said.lower() not in choice.meanings:
            known = ", ".join(sorted(choice.meanings))
            raise FieldError(f"has no meaning in the map: {said!r}; known are {known}", choice.columns[0])
        return choice.meanings[said.lower()]

    def _amounts(self, choice: Choice, row: Row) -> Iterator[Decimal]:
        if choice.value:
            yield Decimal(choice.value)
        for name in choice.columns:
            cell = _SIGNS.sub("", self._cell(name, row))
            if cell:
                yield self._decimal(cell, name)

    def _decimal(self, cell: str, name: str) -> Decimal:
        try:
            digits = self._dialect.number(cell)
            amount(digits)
        except FieldError as error:
            raise error.within(name) from None
        return Decimal(digits)

    def _cell(self, name: str, row: Row) -> str:
        at = self._at.get(name)
        if at is None:
            return ""
        try:
            return text(_TEXT_MARK.sub("", restored(row.cells[at]).strip(), count=1))
        except FieldError as error:
            raise error.within(name) from None


def _iso(said: str) -> datetime:
    return datetime.fromisoformat(_SPACE_BEFORE_OFFSET.sub("", said))
