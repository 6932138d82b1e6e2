"""Exported orders as Parquet: a row for each line item, with the columns of CSV and their types. Needs pyarrow."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from orders.v1.order_pb2 import Order

from server.transfer.calls import TransferError
from server.transfer.export_lines import COLUMNS, order_rows
from server.transfer.shapes import AMOUNTS

_AMOUNTS = {*AMOUNTS, "unit_price"}
_NUMBERS = {"quantity", "total_quantity", "loyalty_points_used", "loyalty_points_earned"}
_TIMES = {"order_time", "create_time", "update_time"}
_ORDERS_AT_ONCE = 1000


def check_parquet(path: Path, *, overwrite: bool) -> None:
    """Refuses an output that cannot become Parquet. Raises TransferError."""
    _pyarrow()
    if str(path) == "-":
        raise TransferError("Parquet needs a file; name one with --output")
    if path.exists() and not overwrite:
        raise TransferError(f"{path} exists already: use --overwrite to replace it, or choose another file")


def write_parquet(lines: Path, path: Path) -> None:
    """Writes the orders of an export in JSON Lines as Parquet, under its name only once it is complete."""
    arrow, parquet = _pyarrow()
    schema = arrow.schema([(name, _type(arrow, name)) for name in COLUMNS])
    part = path.with_name(path.name + ".new")
    with lines.open("rb") as file, parquet.ParquetWriter(part, schema) as writer:
        for rows in _pages(file):
            columns = zip(*rows, strict=True)
            arrays = [arrow.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            writer.write_batch(arrow.record_batch(arrays, schema=schema))
    part.replace(path)


def _pages(file: Any) -> Iterator[list[list[object]]]:
    page: list[list[object]] = []
    for count, line in enumerate(file, start=1):
        page += [[_value(name, cell) for name, cell in zip(COLUMNS, row, strict=True)] for row in _rows(line)]
        if count % _ORDERS_AT_ONCE == 0:
            yield page
            page = []
    if page:
        yield page


def _rows(line: bytes) -> list[list[str]]:
    return order_rows(json_format.Parse(line, Order()))


def _value(name: str, cell: str) -> object:
    if not cell:
        return "" if name not in _AMOUNTS | _NUMBERS | _TIMES else None
    if name in _AMOUNTS:
        return Decimal(cell)
    if name in _NUMBERS:
        return int(cell)
    return datetime.fromisoformat(cell).astimezone(UTC) if name in _TIMES else cell


def _type(arrow: Any, name: str) -> Any:
    if name in _AMOUNTS:
        return arrow.decimal128(38, 9)
    if name in _NUMBERS:
        return arrow.int64()
    return arrow.timestamp("us", tz="UTC") if name in _TIMES else arrow.string()


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise TransferError("Parquet needs pyarrow: pip install 'order-service[parquet]'") from None
    return pyarrow, pyarrow.parquet
