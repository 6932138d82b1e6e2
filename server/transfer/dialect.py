"""The dialect of a file of orders: its encoding, delimiter and decimal separator."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO

from server.transfer.lines import Line, numbered
from server.transfer.values import FieldError

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_NAMED = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|", "point": "."}
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
# A digit, a decimal separator and one or two digits, or both separators: no other reading is possible.
_COMMA_IS_DECIMAL = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+),\d{1,2}|[+-]?\d{1,3}(\.\d{3})+,\d+", re.ASCII)
_COMMA_GROUPS = re.compile(r"[+-]?\d{1,3}(,\d{3})+\.\d+|[+-]?\d{1,3}(,\d{3}){2,}", re.ASCII)
_AMBIGUOUS = re.compile(r"[+-]?\d{1,3},\d{3}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """The encoding, delimiter and decimal separator of a file; '' is detected from the file."""

    encoding: str = ""
    delimiter: str = ""
    decimal: str = ""

    def __post_init__(self) -> None:
        if self.encoding:
            try:
                codecs.lookup(self.encoding)
            except LookupError:
                raise ValueError(f"unknown encoding {self.encoding!r}; for example utf-8, utf-16 or cp1252") from None
        if self.delimiter and len(self.delimiter) != 1:
            raise ValueError(f"the delimiter is one character, not {self.delimiter!r}")
        if self.decimal not in ("", ".", ","):
            raise ValueError(f"the decimal separator is . or , and not {self.decimal!r}")

    def number(self, cell: str) -> str:
        """The amount of a cell with a decimal point and nothing between its thousands."""
        if "," not in cell and self.decimal != ",":
            return cell
        bare = cell.strip()
        if self.decimal == "," or (not self.decimal and _COMMA_IS_DECIMAL.fullmatch(bare)):
            return bare.replace(".", "").replace(",", ".")
        if self.decimal == "." or _COMMA_GROUPS.fullmatch(bare):
            return bare.replace(",", "")
        if _AMBIGUOUS.fullmatch(bare):
            raise FieldError(f"is ambiguous: {bare!r}; set --decimal , or --decimal .")
        return cell

    def for_header(self, header: str) -> "Dialect":
        """The dialect with the delimiter that yields the most columns in a header."""
        if self.delimiter:
            return self
        widths = {delimiter: _width(header, delimiter) for delimiter in _DELIMITERS}
        return replace(self, delimiter=max(widths, key=lambda delimiter: widths[delimiter]))

    def __str__(self) -> str:
        divided = _DELIMITERS.get(self.delimiter, repr(self.delimiter))
        return f"CSV separated by {divided}, in {self.encoding or 'UTF-8'}"


def named_separator(text: str) -> str:
    """The character that a flag names: itself, or a word for it, such as `tab`."""
    return _NAMED.get(text.lower(), text)


def decoded_lines(file: IO[bytes], dialect: Dialect) -> tuple[Dialect, Iterator[Line]]:
    """The dialect with its encoding if that is not UTF-8, and the lines of a file in UTF-8."""
    head = file.peek(4) if isinstance(file, io.BufferedReader) else b""
    encoding = dialect.encoding or _detected(head)
    if codecs.lookup(encoding or "utf-8").name in ("utf-8", "utf-8-sig"):
        return replace(dialect, encoding=""), numbered(file)
    return replace(dialect, encoding=encoding), _transcoded(file, encoding)


def _detected(head: bytes) -> str:
    """The encoding that the first bytes show: a byte order mark, or the zeros of ASCII in UTF-16."""
    for mark, encoding in _BOMS.items():
        if head.startswith(mark):
            return encoding
    zeros = [byte == 0 for byte in head[:4]]
    if zeros == [False, True, False, True]:
        return "utf-16-le"
    return "utf-16-be" if zeros == [True, False, True, False] else ""


def _transcoded(file: IO[bytes], encoding: str) -> Iterator[Line]:
    """Lines whose end counts the bytes of the file, less a byte order mark."""
    counted = {"utf-16": "utf-16-le"}.get(encoding, encoding)
    end, texts = 0, io.TextIOWrapper(file, encoding, newline="\n")
    try:
        for number, text in enumerate(texts, start=1):
            end += len(text.encode(counted))
            yield Line(number, end, text.removeprefix("\ufeff").encode(errors="surrogatepass"))
    except UnicodeError as error:
        raise ValueError(f"the file is not in {encoding}: {error}; name its encoding with --encoding") from error
    finally:
        texts.detach()  # Otherwise it closes the file, which may be read again.


def _width(header: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([header], delimiter=delimiter), []))
    except csv.Error:
        return 0
