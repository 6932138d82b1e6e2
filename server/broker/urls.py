"""The URLs of brokers."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit


class BrokerUrl(NamedTuple):
    """The parts of `scheme://user:password@host:port,host:port?name=value`."""

    scheme: str
    user: str | None
    password: str | None
    hosts: list[str]
    options: Mapping[str, str]


def parse(url: str) -> BrokerUrl:
    """The parts of a URL, with the user and password unquoted."""
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    return BrokerUrl(
        parts.scheme, unquote(user) or None, unquote(password) or None, hosts.split(","), dict(parse_qsl(parts.query))
    )
