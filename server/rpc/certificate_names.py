"""The names in a client's certificate."""

from collections.abc import Iterable, Mapping

# The kinds of subjectAltName, most specific first, in gRPC's names.
_ALTERNATIVE = ("peer_uri", "peer_dns")
_COMMON = "x509_common_name"


def certificate_names(auth_context: Mapping[str, Iterable[bytes]]) -> list[str]:
    """The names in a client's verified certificate: URIs, then DNS names; the common name only if there are neither."""
    found = [name for kind in _ALTERNATIVE for name in auth_context.get(kind, ())] or auth_context.get(_COMMON, ())
    return list(dict.fromkeys(name.decode(errors="backslashreplace") for name in found))
