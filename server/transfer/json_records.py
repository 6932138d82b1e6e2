"""Orders from JSON Lines, or from one document `{"data": [...]}` of any number of lines."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal, DecimalException

from server.transfer.lines import Line, Record
from server.transfer.shapes import order_from_json
from server.transfer.values import FieldError

_DOCUMENT = re.compile(r'\s*\{\s*"data"\s*:\s*\[')
_DOCUMENT_OPENS = re.compile(rb'\s*\{\s*("data"\s*(:\s*(\[.*)?)?)?', re.DOTALL)
_DOCUMENT_ENDS = re.compile(r"\s*\]\s*\}\s*")
_GAP = re.compile(r"\s*")
_COMMA = re.compile(r"\s*,")
# Decimal for floats, so that no amount is rounded, and for NaN and the like, which then fail in their field.
_JSON = json.JSONDecoder(parse_float=Decimal, parse_constant=Decimal)
_BAD_JSON = (ValueError, RecursionError, DecimalException)
_SHOWN = 1000  # The most characters kept of text that cannot be parsed.


def json_records(lines: Iterator[Line], *, currency: str) -> Iterator[Record]:
    """The orders of the lines, or of the document that they form."""
    first = next(lines, None)
    if first is None:
        return
    if _DOCUMENT_OPENS.fullmatch(first.data) and not _is_whole(first.data):
        rest = list(lines)
        data = b"".join(line.data for line in (first, *rest))
        yield from _of_line(Line(first.number, rest[-1].end if rest else first.end, data), currency=currency)
        return
    yield from _of_line(first, currency=currency)
    for line in lines:
        if not line.data.isspace():
            yield from _of_line(line, currency=currency)


def _is_whole(data: bytes) -> bool:
    try:
        _JSON.decode(data.decode())
    except _BAD_JSON:
        return False
    return True


def _of_line(line: Line, *, currency: str) -> Iterator[Record]:
    try:
        raw = line.data.decode()
    except UnicodeDecodeError as error:
        shown = line.data.decode(errors="backslashreplace")[:_SHOWN]
        yield Record(line.number, line.end, shown, None, f"not UTF-8 text: byte {error.start + 1} of the line")
        return
    if _DOCUMENT.match(raw):
        yield from _of_document(raw, line, currency=currency)
        return
    try:
        value = _JSON.decode(raw)
    except _BAD_JSON as error:
        shown = raw[:_SHOWN] if "\n" in raw.strip() else raw.strip()
        yield Record(line.number, line.end, shown, None, _not_json(error))
        return
    yield _of_value(value, raw.strip(), number=line.number, end=line.end, currency=currency)


def _of_document(text: str, line: Line, *, currency: str) -> Iterator[Record]:
    """Decodes one order at a time, so that each has its own text and line, and only one is in memory."""
    position = _past(_GAP, text, _past(_DOCUMENT, text, 0))
    number = line.number + text.count("\n", 0, position)
    while not _DOCUMENT_ENDS.fullmatch(text, position):
        try:
            value, end = _JSON.raw_decode(text, position)
            following = _following(text, end)
        except _BAD_JSON as error:
            yield Record(number, line.end, text[position : position + _SHOWN], None, _not_json(error))
            return
        yield _of_value(value, text[position:end], number=number, end=line.end, currency=currency)
        number += text.count("\n", position, following)
        position = following


def _following(text: str, end: int) -> int:
    """The position of the next order, or the end of the list."""
    comma = _COMMA.match(text, end)
    if comma is None and not _DOCUMENT_ENDS.fullmatch(text, end):
        raise json.JSONDecodeError("Expecting ',' or the end of the document", text, end)
    return _past(_GAP, text, comma.end() if comma else end)


def _past(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def _of_value(value: object, raw: str, *, number: int, end: int, currency: str) -> Record:
    try:
        return Record(number, end, raw, order_from_json(value, currency=currency))
    except FieldError as error:
        return Record(number, end, raw, None, str(error), _key(value))


def _key(value: object) -> str:
    """The id of a refused record, under any of its names; '' if it has none."""
    if not isinstance(value, dict):
        return ""
    keys = (value.get(name) for name in ("external_order_id", "externalOrderId", "order_id", "order_number"))
    return next((str(key) for key in keys if isinstance(key, (str, int)) and key), "")


def _not_json(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg} at column {error.colno}"
    return f"not JSON that can be read: {'too deep' if isinstance(error, RecursionError) else 'a number is too large'}"
