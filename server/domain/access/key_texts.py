"""The format of an API key's text: `ord_`, an id, `_`, a secret, and a checksum that reveals typos."""

import hmac
import re
import secrets
from hashlib import sha256
from string import ascii_letters, digits
from typing import NamedTuple
from zlib import crc32

PREFIX = "ord_"

_BASE62 = digits + ascii_letters
# Two digits at a time: every call with a key computes a checksum.
_PAIRS = [high + low for high in _BASE62 for low in _BASE62]

_ID_LENGTH = 12
# 43 characters of 62 hold 256 bits, 6 hold a CRC-32.
_SECRET_LENGTH = 43
_CHECKSUM_LENGTH = 6

_ID = re.compile(rf"[0-9A-Za-z]{{{_ID_LENGTH}}}")
_KEY = re.compile(rf"{PREFIX}({_ID.pattern})_[0-9A-Za-z]{{{_SECRET_LENGTH + _CHECKSUM_LENGTH}}}")


class NewKey(NamedTuple):
    """A key's text, which is shown once, and the parts of it that are stored."""

    key_id: str
    text: str
    digest: bytes


class Presented(NamedTuple):
    """A caller's key: the id to look up, and the digest to compare."""

    key_id: str
    digest: bytes


def generate(key_id: str | None = None) -> NewKey:
    """A new key, with the given id or a random one. Raises ValueError if the id has another format."""
    if key_id is None:
        key_id = _random(_ID_LENGTH)
    elif not _ID.fullmatch(key_id):
        raise ValueError(f"an id of an API key has {_ID_LENGTH} letters and digits")
    body = f"{PREFIX}{key_id}_{_random(_SECRET_LENGTH)}"
    text = body + _checksum(body)
    return NewKey(key_id, text, _digest(text))


def parse(text: str) -> Presented | None:
    """The parts of a key; None if the text is no key, or has a typo."""
    found = _KEY.fullmatch(text)
    if found is None or text[-_CHECKSUM_LENGTH:] != _checksum(text[:-_CHECKSUM_LENGTH]):
        return None
    return Presented(found[1], _digest(text))


def matches(digest: bytes, stored: bytes | None) -> bool:
    """Whether a digest equals the stored one, if any, compared in constant time."""
    return hmac.compare_digest(digest, stored or b"")


def _random(length: int) -> str:
    return "".join(secrets.choice(_BASE62) for _ in range(length))


def _checksum(text: str) -> str:
    rest, low = divmod(crc32(text.encode()), len(_PAIRS))
    high, middle = divmod(rest, len(_PAIRS))
    return _PAIRS[high] + _PAIRS[middle] + _PAIRS[low]


def _digest(text: str) -> bytes:
    # 256 random bits cannot be guessed, so a slow hash would only slow down callers.
    return sha256(text.encode()).digest()
