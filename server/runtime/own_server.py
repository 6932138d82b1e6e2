"""The connection from this machine to the server with these settings."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from server.config import ConfigError, Settings
from server.identity.addresses import local_address


def connection(settings: Settings, *, given: Collection[str] = ()) -> dict[str, Any]:
    """The parameters of a client that are not given. Raises ConfigError."""
    if settings.port == 0:
        raise ConfigError("ORDERS_PORT is 0, which selects a free port; name the server with --target")
    if settings.tls_client_ca and "tls_certificate" not in given:
        raise ConfigError("the server requires client certificates; name one with --tls-certificate and --tls-key")
    found: dict[str, Any] = {"target": local_address(settings.host, settings.port)}
    if settings.tls_certificate and not set(given) & {"tls", "tls_ca"}:
        found |= {"tls_ca": settings.tls_certificate, "tls_name": _name_in(settings.tls_certificate)}
    return found


def _name_in(certificate: Path) -> str:
    """A name or address that a server's certificate is valid for."""
    from cryptography import x509

    try:
        alternatives = (
            x509.load_pem_x509_certificate(certificate.read_bytes())
            .extensions.get_extension_for_class(x509.SubjectAlternativeName)
            .value
        )
        names = alternatives.get_values_for_type(x509.DNSName)
        return names[0] if names else str(alternatives.get_values_for_type(x509.IPAddress)[0])
    except (OSError, ValueError, x509.ExtensionNotFound, IndexError) as error:
        raise ConfigError(f"cannot read the name in {certificate}: {error}; set it with --tls-name") from error
