"""The options of a gateway."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Where and how a gateway serves."""

    host: str = "127.0.0.1"
    # 0 picks a free one.
    port: int = 8080
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    # If set, every caller must present a client certificate of one of these authorities.
    tls_client_ca: Path | None = None
    # The origins whose pages may call; `*` for all.
    cors_origins: tuple[str, ...] = ()
    # The documents whose dialects are served in addition to the API.
    dialects: tuple[str, ...] = ()
    # The currency of amounts in dialects that have none.
    dialect_currency: str = "USD"
    # Whether to serve other machines without authentication or TLS.
    insecure: bool = False
    max_connections: int = 5000
    drain_delay: float = 1.0
    shutdown_grace: float = 10.0
