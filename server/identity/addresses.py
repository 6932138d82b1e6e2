"""Addresses of servers, as clients write them."""

# Wildcard addresses that a server listens on, and the address by which a client on the same machine reaches it.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def address(host: str, port: int) -> str:
    """The address of a host, with brackets for IPv6."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def local_address(host: str, port: int) -> str:
    """The address by which this machine reaches a server that listens on a host and port."""
    return address(_EVERYWHERE.get(host, host), port)
