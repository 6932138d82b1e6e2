"""Converters from JSON and CSV values to those of message fields; each raises FieldError, which names the field."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation
from functools import lru_cache
from typing import Any, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1 import order_pb2, order_return_pb2, shipment_pb2

_T = TypeVar("_T")
Convert = Callable[[object], object]
Fields = Mapping[
    str, tuple[str, Convert | None]
]  # input name -> (field name, converter; None: known, but of no use here)

_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_NANO = Decimal("1e-9")
# 19 digits of units and 9 of nanos. A digit that does not fit is an error, never rounded away.
_EXACT = Context(prec=28, traps=[Inexact, InvalidOperation])
_KINDS = {dict: "an object", list: "a list", str: "text", bool: "a boolean", type(None): "null"}


def _numbers(enum: Any, prefix: str) -> dict[str, int]:
    """The numbers of an enum's values by their names, with and without the prefix."""
    return {name: number for full, number in enum.items() for name in (full, full.removeprefix(prefix))}


_STATUSES = _numbers(order_pb2.OrderStatus, "ORDER_STATUS_")
_SHIPMENT_STATUSES = _numbers(shipment_pb2.ShipmentStatus, "SHIPMENT_STATUS_")
_RETURN_STATUSES = _numbers(order_return_pb2.ReturnStatus, "RETURN_STATUS_")
_RETURN_REASONS = _numbers(order_return_pb2.ReturnReason, "RETURN_REASON_")
_DISPOSITIONS = _numbers(order_return_pb2.ReturnDisposition, "RETURN_DISPOSITION_")
_MAX_SHOWN = 60


class FieldError(ValueError):
    """A value that cannot be converted, with its path in the input's names, and its line if that is known."""

    def __init__(self, reason: str, path: str = "", line: int = 0) -> None:
        super().__init__(reason, path)
        self.reason = reason
        self.path = path
        self.line = line

    def within(self, outer: str) -> "FieldError":
        """The same error, with the path from the enclosing object or list."""
        dot = "." if self.path and not self.path.startswith("[") else ""
        return FieldError(self.reason, f"{outer}{dot}{self.path}", self.line)

    def on_line(self, line: int) -> "FieldError":
        """The same error, of a value on that line."""
        return FieldError(self.reason, self.path, line)

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


def text(value: object) -> str:
    """Text; a whole number, as ids and phone numbers sometimes are, becomes its digits."""
    if type(value) is int:
        return str(value)
    if type(value) is not str:
        raise FieldError(f"must be text, not {_kind(value)}")
    if not value.isascii():
        _require_unicode(value)
    return value


def trimmed(value: object) -> str:
    """The text of an id, without the blanks around it."""
    return text(value).strip()


def currency_code(value: object) -> str:
    """A currency, in capitals."""
    return trimmed(value).upper()


def timestamp(value: object) -> Timestamp:
    """A time in RFC 3339, as in JSON; one without an offset is in UTC."""
    try:
        time = datetime.fromisoformat(text(value).strip())
        return timestamp_of(time if time.tzinfo else time.replace(tzinfo=UTC))
    except ValueError:
        raise FieldError(f"is not a time such as 2025-03-02T14:00:01Z: {_shown(value)}") from None


def timestamp_of(time: datetime) -> Timestamp:
    """The message of a time with a zone."""
    stamp = Timestamp()
    stamp.FromDatetime(time.astimezone(UTC).replace(tzinfo=None))
    return stamp


def int32(value: object) -> int:
    """A whole number of 32 bits, as a number or in digits."""
    return _integer(value, bits=31)


def int64(value: object) -> int:
    """A whole number of 64 bits, as a number or in digits."""
    return _integer(value, bits=63)


def status(value: object) -> int:
    """An order status by its name, with or without the prefix, or by its number."""
    return _enum(value, _STATUSES, "an order status")


def shipment_status(value: object) -> int:
    """A shipment's status, likewise."""
    return _enum(value, _SHIPMENT_STATUSES, "a shipment status")


def return_status(value: object) -> int:
    """A return's status, likewise."""
    return _enum(value, _RETURN_STATUSES, "a status of a return")


def return_reason(value: object) -> int:
    """The reason of a return, likewise."""
    return _enum(value, _RETURN_REASONS, "a reason of a return")


def disposition(value: object) -> int:
    """The disposition of returned units, likewise."""
    return _enum(value, _DISPOSITIONS, "a disposition")


def _enum(value: object, numbers: Mapping[str, int], kind: str) -> int:
    if type(value) is not str:
        return int32(value)
    number = numbers.get(value.upper())
    if number is None:
        raise FieldError(f"is not {kind}: {_shown(value)}")
    return number


def text_map(value: object) -> dict[str, str]:
    """An object whose values are all text."""
    return {text(key): _at(key, text, item) for key, item in members(value).items()}


def members(value: object) -> dict[str, object]:
    """The members of an object."""
    if type(value) is not dict:
        raise FieldError(f"must be an object, not {_kind(value)}")
    return value


def decimal_money(currency: str, number: Callable[[str], str] = str) -> Convert:
    """A converter from a decimal amount, as text or as a number, to the fields of a Money in `currency`.

    `number` turns text into digits with a decimal point.
    """

    def convert(value: object) -> dict[str, object]:
        if not currency:
            raise FieldError("has no currency, and none was given for the file")
        units, nanos = amount(number(value) if isinstance(value, str) else value)
        return {"currency_code": currency, "units": units, "nanos": nanos}

    return convert


def amount(value: object) -> tuple[int, int]:
    """The units and nanos of a decimal amount. A float is refused: it is not exact."""
    if type(value) not in (str, int, Decimal):
        raise FieldError(f"is not an amount of money: {_kind(value)}")
    return _units_and_nanos(str(value))


@lru_cache(maxsize=65536)  # Prices repeat.
def _units_and_nanos(value: str) -> tuple[int, int]:
    digits = value.strip()
    if not _DECIMAL.fullmatch(digits):
        raise FieldError(f"is not an amount of money: {_shown(value)}")
    try:
        nanos = int(_EXACT.quantize(Decimal(digits), _NANO).scaleb(9, _EXACT))
    except DecimalException:
        raise FieldError(f"is too large or has more than nine decimal places: {_shown(value)}") from None
    units, rest = divmod(abs(nanos), 10**9)
    if units >= 2**63:
        raise FieldError(f"is too large: {_shown(value)}")
    return (-units, -rest) if nanos < 0 else (units, rest)


def decimal_text(units: int, nanos: int) -> str:
    """The shortest decimal text of an amount, with two decimal places at least."""
    digits = f"{abs(nanos):09d}".rstrip("0").ljust(2, "0")
    return f"{'-' if units < 0 or nanos < 0 else ''}{abs(units)}.{digits}"


def object_of(fields: Fields) -> Callable[[object], dict[str, object]]:
    """A converter from an object with these members, null ones left out, to the keyword arguments of a message."""

    def convert(value: object) -> dict[str, object]:
        taken: dict[str, object] = {}
        for name, item in members(value).items():
            field = fields.get(name)
            if field is None:
                raise FieldError("unknown field", name)
            target, to = field
            if to is None or item is None:
                continue
            if target in taken:
                raise FieldError("is given twice, under two names", name)
            try:
                taken[target] = to(item)
            except FieldError as error:
                raise error.within(name) from None
        return taken

    return convert


def list_of(to: Convert) -> Convert:
    """A converter for each element of a list."""

    def convert(value: object) -> list[object]:
        if type(value) is not list:
            raise FieldError(f"must be a list, not {_kind(value)}")
        return [_at(f"[{index}]", to, item) for index, item in enumerate(value)]

    return convert


def optional(to: Convert) -> Convert:
    """A converter that treats empty text as null, because many systems write missing numbers this way."""
    return lambda value: None if value == "" else to(value)


def _at(name: str, to: Callable[[object], _T], value: object) -> _T:
    try:
        return to(value)
    except FieldError as error:
        raise error.within(name) from None


def _integer(value: object, *, bits: int) -> int:
    # int() does not accept every blank that strip() removes.
    bare = value.strip() if type(value) is str else value
    if type(bare) is int:
        number = bare
    elif (type(bare) is str and _INTEGER.fullmatch(bare)) or (type(bare) is Decimal and _is_whole(bare)):
        number = int(bare)
    else:
        raise FieldError(f"is not a whole number: {_shown(value)}")
    if not -(2**bits) <= number < 2**bits:
        raise FieldError(f"is too large: {_shown(value)}")
    return number


def _is_whole(value: Decimal) -> bool:
    # Check the size first: computing with 1e999999 takes as many digits.
    return value.is_finite() and abs(value.adjusted()) < 20 and value == value.to_integral()


def _require_unicode(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise FieldError("is not valid Unicode") from None


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "a number")


def _shown(value: object) -> str:
    if isinstance(value, (dict, list, bool)):
        return _kind(value)
    shown = repr(value) if isinstance(value, str) else str(value)
    return shown if len(shown) <= _MAX_SHOWN else shown[:_MAX_SHOWN] + "…"
