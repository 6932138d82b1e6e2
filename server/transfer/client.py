"""A command's connection to a server: address, TLS and credential."""

from dataclasses import dataclass
from pathlib import Path

import grpc

Metadata = tuple[tuple[str, str], ...]

_OPTIONS = [("grpc.max_receive_message_length", 64 << 20), ("grpc.keepalive_time_ms", 30_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """The parameters of a connection to a server."""

    target: str
    key: str = ""
    tls: bool = False
    tls_ca: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    # The name in the server's certificate, if it differs from the target's.
    tls_name: str = ""

    @property
    def metadata(self) -> Metadata:
        """The metadata of each call."""
        return (("authorization", f"Bearer {self.key}"),) if self.key else ()

    def channel(self) -> grpc.aio.Channel:
        """Raises OSError if a file cannot be read."""
        credentials = self.credentials()
        if credentials is None:
            return grpc.aio.insecure_channel(self.target, options=self.options)
        return grpc.aio.secure_channel(self.target, credentials, options=self.options)

    @property
    def options(self) -> list[tuple[str, int | str]]:
        named = [("grpc.ssl_target_name_override", self.tls_name)] if self.tls_name else []
        return [*_OPTIONS, *named]

    def credentials(self) -> grpc.ChannelCredentials | None:
        """None without TLS."""
        if not (self.tls or self.tls_ca or self.tls_certificate):
            return None
        ca, key, chain = (
            None if path is None else path.read_bytes() for path in (self.tls_ca, self.tls_key, self.tls_certificate)
        )
        return grpc.ssl_channel_credentials(ca, key, chain)
