"""Credentials that were checked a moment ago."""

import time
from dataclasses import dataclass

from server.domain.base.caller import Caller
from server.identity.credential_cache import CredentialCache, Verified

CALLER = Caller("key:1", frozenset())


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_text_that_was_right_is_known_for_a_moment() -> None:
    clock = Clock()
    recent = CredentialCache(seconds=5, clock=clock)
    assert recent.find("secret") is None
    recent.keep("secret", Verified(CALLER, None))
    clock.now += 4.9
    assert recent.find("secret") is CALLER
    assert recent.find("secre") is None
    clock.now += 0.1
    assert recent.find("secret") is None


def test_nothing_is_known_for_longer_than_it_is_valid() -> None:
    clock = Clock()
    recent = CredentialCache(seconds=3600, clock=clock)
    recent.keep("late", Verified(CALLER, time.time() - 20))
    recent.keep("good", Verified(CALLER, time.time() + 60))
    assert recent.find("late") is None
    assert recent.find("good") is CALLER
    clock.now += 60
    assert recent.find("good") is None


def test_only_so_many_are_known_the_last_used_ones() -> None:
    recent = CredentialCache(seconds=5, size=2)
    recent.keep("one", Verified(CALLER, None))
    recent.keep("two", Verified(CALLER, None))
    assert recent.find("one")
    recent.keep("three", Verified(CALLER, None))
    assert [bool(recent.find(text)) for text in ("one", "two", "three")] == [True, False, True]
