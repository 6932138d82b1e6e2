"""Bytes with holes, each as long as what fills it: the quickest way to many messages and rows that differ in a few places."""

import re
from operator import itemgetter

from google.protobuf.message import Message


class Template:
    """An example in which some values stand, once or more often, to be replaced by others."""

    def __init__(self, example: bytes, *holes: bytes) -> None:
        pieces = re.split(b"(" + b"|".join(map(re.escape, holes)) + b")", example, flags=re.DOTALL)
        missing = [hole for hole in holes if hole not in pieces]
        assert not missing, f"{missing} do not stand in the example"
        self._format = b"".join(b"%b" if piece in holes else piece.replace(b"%", b"%%") for piece in pieces)
        self._holes = len(holes)
        self._in_order = itemgetter(*(holes.index(piece) for piece in pieces if piece in holes))

    @classmethod
    def of(cls, message: Message, *holes: str) -> "Template":
        """A serialized message with texts to be replaced."""
        return cls(message.SerializeToString(deterministic=True), *(hole.encode() for hole in holes))

    def fill(self, *values: str) -> bytes:
        return self.fill_bytes(*(value.encode() for value in values))

    def fill_bytes(self, *values: bytes) -> bytes:
        assert len(values) == self._holes, f"{self._holes} holes, {len(values)} values"
        filled: bytes = self._format % self._in_order(values)
        return filled
