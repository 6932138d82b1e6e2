"""The paths of dialects: each is served below its number, and at the root unless the API has the same path."""

from collections.abc import Iterator, Sequence

from server.gateway.bindings import Binding
from server.gateway.calls import Calls
from server.gateway.dialects import document_000, document_001, document_002, document_003, document_004
from server.gateway.dialects.app import DialectApp
from server.gateway.dialects.dialect import Dialect
from server.gateway.options import Options

_BY_SETTING = {
    dialect.name: dialect
    for dialect in (document_000.DOCUMENT, document_001.DOCUMENT, document_002.DOCUMENT, document_003.DOCUMENT)
}


def dialect_apps(options: Options, calls: Calls, bindings: Sequence[Binding]) -> list[DialectApp]:
    """The applications of the selected dialects. 004 is always included, because its only path is unique."""
    return [
        DialectApp(dialect, calls, bindings, below=below) for dialect in _chosen(options) for below in _places(dialect)
    ]


def _chosen(options: Options) -> Iterator[Dialect]:
    yield document_004.document(options.dialect_currency)
    yield from (_BY_SETTING[name] for name in options.dialects)


def _places(dialect: Dialect) -> list[str]:
    return [f"/{dialect.name}", ""] if dialect.at_root else [f"/{dialect.name}"]
