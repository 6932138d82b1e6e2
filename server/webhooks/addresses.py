"""The addresses that webhooks may be sent to: public ones, unless a setting allows others."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address

# Addresses that reach IPv4 addresses, which may be private: NAT64, 6to4.
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("2002::/16"))


class AllowedAddresses:
    """All global unicast addresses, and those of the given networks."""

    def __init__(self, networks: Sequence[str] = ()) -> None:
        self._networks = [ip_network(network) for network in networks]

    def __contains__(self, text: object) -> bool:
        address = _plain(ip_address(str(text).partition("%")[0]))
        return any(address in network for network in self._networks) or _is_public(address)


def _plain(address: Address) -> Address:
    """The IPv4 address that an IPv6 address maps to on this machine."""
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def _is_public(address: Address) -> bool:
    is_translated = isinstance(address, IPv6Address) and any(address in network for network in _TRANSLATED)
    is_site_local = isinstance(address, IPv6Address) and address.is_site_local
    special = (address.is_multicast, address.is_reserved, address.is_unspecified, is_translated, is_site_local)
    return address.is_global and not any(special)
