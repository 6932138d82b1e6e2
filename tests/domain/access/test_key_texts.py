"""API keys: made once, told from typos, and compared by digest."""

import re
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.access.key_texts import generate, matches, parse

BASE62 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
IDS = st.text(BASE62, min_size=12, max_size=12)


@given(IDS)
def test_a_key_says_its_id_and_its_digest(key_id: str) -> None:
    key = generate(key_id)
    presented = parse(key.text)
    assert presented is not None
    assert presented.key_id == key.key_id == key_id
    assert presented.digest == key.digest == sha256(key.text.encode()).digest()
    assert matches(presented.digest, key.digest)


@given(IDS, st.integers(0, 65), st.one_of(st.sampled_from(BASE62), st.characters()))
def test_any_one_changed_character_is_noticed(key_id: str, place: int, letter: str) -> None:
    text = generate(key_id).text
    changed = text[:place] + letter + text[place + 1 :]
    assert (parse(changed) is None) == (changed != text)


@given(IDS, st.integers(0, 64))
def test_two_swapped_characters_are_noticed(key_id: str, place: int) -> None:
    text = generate(key_id).text
    swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    assert (parse(swapped) is None) == (swapped != text)


@given(st.one_of(st.text(), st.from_regex(r"ord_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}", fullmatch=True)))
def test_no_other_text_is_a_key(text: str) -> None:
    assert parse(text) is None


def test_every_key_has_an_id_and_a_secret_of_its_own() -> None:
    keys = [generate() for _ in range(1000)]
    assert len({key.key_id for key in keys}) == len({key.digest for key in keys}) == 1000


def test_a_rotated_key_keeps_its_id_and_no_more() -> None:
    old = generate()
    new = generate(old.key_id)
    assert new.key_id == old.key_id
    assert not matches(new.digest, old.digest)


def test_a_scanner_finds_keys_by_one_expression() -> None:
    text = generate().text
    log = f"authorization: Bearer {text}\n"
    assert re.findall(r"\bord_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}\b", log) == [text]


@pytest.mark.parametrize("key_id", ["", "short", "a" * 13, "a" * 11 + "_", "a" * 11 + "é", "a" * 12 + "\n"])
def test_no_key_is_made_for_what_is_no_id(key_id: str) -> None:
    with pytest.raises(ValueError, match="12 letters and digits"):
        generate(key_id)
