"""Recognizes card numbers in texts."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import accumulate

SHORTEST, LONGEST = 13, 19

# The prefixes and lengths of known issuers' numbers.
_ISSUED = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12,15}"  # Discover
    r"|35(?:2[89]|[3-8]\d)\d{12,15}"  # JCB
    r"|3(?:0[0-5]|[68]\d)\d{11,16}"  # Diners Club
    r"|62\d{14,17}"  # UnionPay
    r"|220[0-4]\d{12,15}"  # Mir
    r"|(?:60|8[12])\d{14}"  # RuPay
    r"|9(?:682|792)\d{12}"  # mada, Troy
)
# Maestro numbers begin like phone numbers and have any length, so only their grouping identifies them.
_MAESTRO = re.compile(r"(?:50|5[6-8]|6[37])\d{11,17}")
_MAESTRO_UNGROUPED = 16

_DIGITS = re.compile(r"\d+")
# Between any two digits of a number: one of these. Between the groups that are printed on a card: a few of the others.
_TIGHT_GAP = r"[ \u00a0\u202f\u2010-\u2015\u2212-]"
_LOOSE_GAP = r"[\s\u00a0\u00ad\u2000-\u2015\u202f\u2212.,:_/+*|-]"
_ENOUGH_DIGITS = re.compile(rf"\d(?:{_LOOSE_GAP}{{0,3}}\d){{{SHORTEST - 1}}}")
# Each starts with a group of digits, has the maximum length of a number, and one more digit if its last group continues.
_TIGHT = re.compile(rf"(?<!\d)(?=([2-689](?:{_TIGHT_GAP}?\d){{{SHORTEST - 1},{LONGEST - 1}}}\d?))")
_FOURS = rf"\d{{4}}(?:{_LOOSE_GAP}{{1,3}}\d{{4}}){{2}}{_LOOSE_GAP}{{1,3}}\d{{1,4}}(?:{_LOOSE_GAP}{{1,3}}\d{{1,3}})?"
_FOUR_SIX = rf"3\d{{3}}{_LOOSE_GAP}{{1,3}}\d{{6}}{_LOOSE_GAP}{{1,3}}\d{{4,5}}"
_PRINTED = re.compile(rf"(?<!\d)(?=((?:{_FOURS}|{_FOUR_SIX})(?!\d)))")
# UUIDs and hex digests, in which digits come together by chance.
_HEX = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{24,})(?![0-9A-Za-z])", re.IGNORECASE
)
# An order of Amazon's, in groups that no card has.
_AMAZON_ORDER = re.compile(r"(?<![0-9A-Za-z-])\d{3}-\d{7}-\d{7}(?![0-9A-Za-z-])")
# An account number, printed in groups of four as a card's is. Its length follows from its country.
_IBAN = re.compile(r"(?<![0-9A-Za-z])[A-Z]{2}\d\d(?: ?[0-9A-Z]{4}){2,7}(?: ?[0-9A-Z]{1,3})?(?![0-9A-Za-z])")
_IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL", 19: "MK SI", 20: "AT BA EE KZ LT LU XK", 21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST", 26: "IS TR", 27: "FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB PL SV", 29: "BR EG PS QA UA",
        30: "JO KW MU", 31: "MT SC", 32: "LC",
    }.items()
    for country in countries.split()
}  # fmt: skip
_DOUBLED = {"0": 0, "1": 2, "2": 4, "3": 6, "4": 8, "5": 1, "6": 3, "7": 5, "8": 7, "9": 9}


def candidates(text: str) -> Iterator[str]:
    """The candidates for `is_card_number`: each place where a number may begin, with its gaps and the text after it."""
    if not _ENOUGH_DIGITS.search(text):
        return
    if not text.isascii():
        text = "".join(str(unicodedata.decimal(letter)) if letter.isdecimal() else letter for letter in text)
    text = _IBAN.sub(_without_iban, _AMAZON_ORDER.sub("x", _HEX.sub(_without_hex, text)))
    yield from (found[1] for found in _TIGHT.finditer(text))
    yield from (found[1] for found in _PRINTED.finditer(text))


def _without_hex(found: re.Match[str]) -> str:
    """Removes hex digests and UUIDs, except for runs of digits only, which may be a card number."""
    return "x" if any(map(str.isalpha, found[0])) else found[0]


def _without_iban(found: re.Match[str]) -> str:
    """Removes account numbers: texts with the length and check digits of their country's IBANs."""
    iban = found[0].replace(" ", "")
    if len(iban) != _IBAN_LENGTHS.get(iban[:2]):
        return found[0]
    return found[0] if int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97 != 1 else "x"


def is_card_number(candidate: str) -> bool:
    """Whether the candidate's groups of digits, all or the first ones, are a card number."""
    groups = _DIGITS.findall(candidate)
    return any(
        SHORTEST <= len(digits) <= LONGEST and _is_number(digits, groups[:count])
        for count, digits in enumerate(accumulate(groups), start=1)
    )


def _is_number(digits: str, groups: list[str]) -> bool:
    issued = _ISSUED.fullmatch(digits) or (_MAESTRO.fullmatch(digits) and _is_written_as_maestro(groups))
    return bool(issued) and _is_luhn_valid(digits)


def _is_written_as_maestro(groups: list[str]) -> bool:
    """Whether it is written in groups of four, or as one sufficiently long group."""
    if len(groups) == 1:
        return len(groups[0]) >= _MAESTRO_UNGROUPED
    return all(len(group) == 4 for group in groups[:-1])


def _is_luhn_valid(digits: str) -> bool:
    return (sum(map(int, digits[-1::-2])) + sum(_DOUBLED[digit] for digit in digits[-2::-2])) % 10 == 0
