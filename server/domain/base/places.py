"""Countries and their subdivisions by ISO 3166, so that different spellings of a place compare equal."""

import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

import pycountry

# An additional code that ISO 3166 reserves for a country.
_RESERVED = {"uk": "gb"}


def plain(text: str) -> str:
    """The text for comparisons: without case, blanks and hyphens."""
    return "".join(text.casefold().replace("-", "").split())


@lru_cache(maxsize=10_000)
def country_key(country: str) -> str:
    """The country's two-letter code, in lower case; the plain text if the standard does not list it."""
    return _countries().get(_letters(country)) or plain(country)


@lru_cache(maxsize=10_000)
def state_key(country: str, state: str) -> str:
    """The part of the state's ISO 3166-2 code after the country's, in lower case; the plain text if it has none."""
    key = country_key(country)
    return _states(key).get(_letters(state)) or plain(state)


def _letters(text: str) -> str:
    """The letters and digits of a text, without case and accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(filter(str.isalnum, decomposed))


@cache
def _countries() -> Mapping[str, str]:
    """The countries' keys by their codes and names."""
    names = {_letters(name): country.alpha_2.lower() for country in pycountry.countries for name in _names(country)}
    return names | _RESERVED


def _names(country: Any) -> Iterator[str]:
    for field in ("official_name", "common_name", "name", "numeric", "alpha_3", "alpha_2"):
        if name := getattr(country, field, ""):
            yield name


@cache
def _states(country: str) -> Mapping[str, str]:
    """The keys of a country's subdivisions by their codes and names, without ambiguous names."""
    found = pycountry.subdivisions.get(country_code=country.upper()) or []  # type: ignore[no-untyped-call]
    keys = [(part.code.lower().partition("-")[2], part) for part in found]
    names: dict[str, str] = {}
    for key, part in keys:
        name = _letters(part.name)
        names[name] = "" if name in names else key
    return names | {code: key for key, part in keys for code in (key, _letters(part.code))}


def load() -> None:
    """Reads the standard's tables, so that the first order does not wait for them."""
    state_key("US", "NY")
