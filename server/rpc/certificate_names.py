"""What a client's certificate calls its holder."""

from collections.abc import Iterable, Mapping

# As gRPC has them, the most telling first.
_NAMES = ("peer_uri", "peer_dns", "x509_common_name")


def certificate_names(auth_context: Mapping[str, Iterable[bytes]]) -> list[str]:
    """The names in a client's verified certificate: URIs, then DNS names, then the common name; none without one."""
    names = [name for kind in _NAMES for name in auth_context.get(kind, ())]
    # Each once: the common name is often one of the DNS names.
    return list(dict.fromkeys(name.decode(errors="backslashreplace") for name in names))
