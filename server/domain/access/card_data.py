"""Finds card numbers and security codes in requests, so that they are refused before anything stores or logs them.

Two steps: `may_hold_card_data` looks at the bytes of every request and takes microseconds; only where it finds something does
`card_violations` walk the fields. Neither its texts nor its paths ever hold the values themselves.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from orders.v1.customer_service_pb2 import SavedPaymentMethod

from server.domain.access.card_numbers import SHORTEST, candidates, is_card_number
from server.domain.base.errors import Violation, invalid_field

# Replaces card data that `conceal` has removed, and is refused like it.
CONCEALED = "[card data removed]"

_ADVICE = "which is never stored here; remove it"
NUMBER_TEXT = f"contains what looks like a card number, {_ADVICE}"
CODE_TEXT = f"contains what looks like a card's security code, {_ADVICE}"
# Only payment methods have a token.
TOKEN_ADVICE = "; send the payment provider's token of the card as provider_token instead"

# Each digit becomes a 0, each letter lower case. So do the first bytes, in UTF-8, of Arabic, Persian and full-width digits. Removes
# separators that may occur between the digits of a number: blanks, dashes, dots and the like, and bytes that start no letter.
_PLAIN = bytes.maketrans(b"123456789\xd9\xdb\xef" + bytes(range(65, 91)), b"0" * 12 + bytes(range(97, 123)))
_GAPS = b" \t\r\n.,:_/+*|-\xc2\xe2" + bytes(range(0x80, 0xC0))
_ENOUGH_DIGITS = b"0" * SHORTEST
_WORDS = re.compile(
    rb"card[^a-z]{0,3}(?:dataremoved|n|pan|cid|csc|security|verification)"
    rb"|security[^a-z]{0,3}code|(?<![a-z])(?:csc(?:code|number|num|no|value)?|pan(?:number)?)(?![a-z])"
)

# Keys of maps, without all but their letters: what they hold is card data if it is digits.
_CARD = r"(?:(?:credit|debit|bank|payment)?card)"
_NUMBER_KEY = re.compile(rf"{_CARD}(?:number|num|no|nr|pan)|pan(?:number)?")
_CODE_KEY = re.compile(
    rf"{_CARD}?(?:cvc|cvv|csc)(?:code|number|num|no|value)?|{_CARD}?securitycode"
    rf"|{_CARD}(?:cid|verification(?:code|number|value))"
)
_DIGITS_ONLY = re.compile(r"[\d\s-]*\d[\d\s-]*")
# A card's last digits are not secret.
_SHOWN_DIGITS = 4
# These fields contain article numbers, some of which look like card numbers.
_ARTICLE_KEYS = frozenset({"ean", "gtin", "barcode", "upc", "isbn", "jan"})
_ARTICLE_NUMBER = re.compile(r"\d{8,14}")

_CODE_WORD = r"(?:(?:card[\W_]{0,2})?cv[cv]2?|card[\W_]{0,2}(?:security|verification)[\W_]{0,2}(?:code|number|value))"
_CODE_IN_TEXT = re.compile(
    rf"(?<![^\W_]){_CODE_WORD}(?:[\W_]{{0,3}}(?:code|number|no|nr|is)(?![^\W_])){{0,3}}[\W_]{{0,5}}\d{{3,4}}(?!\d)"
    rf"|(?<![^\W_])\d{{3,4}}[\W_]{{1,3}}{_CODE_WORD}(?![^\W_])"
)

# Fields that hold ids, which sometimes look like a card number.
_IDENTIFIERS = frozenset(
    {"id", "source", "etag", "tracking_number", "sku", "phone", "order_number", "invoice_number", "credit_note_number"}
)
_IDENTIFIER_ENDINGS = ("_id", "_ids", "_token", "_uri")
# Identifiers that callers choose freely, or that a card number is likely to be put into.
_SEARCHED = frozenset(
    {"payment_method_id", "address_id", "shipping_address_id", "billing_address_id", "design_project_id"}
)

# Digits of a telephone number at most, by E.164.
_LONGEST_PHONE = 15

# Characters that are searched of a text at least, and of one whose field has no rule: no request holds a longer one.
_SHORTEST_SEARCH, _LONGEST_SEARCH = 128, 4_096

# Candidates that are looked at in one request, some 5 microseconds each. Only texts made to keep the server busy have more.
_MAX_CANDIDATES = 20_000


def may_hold_card_data(data: bytes) -> bool:
    """Whether to search a serialized message: it has enough digits for a card number, or a word that names card data."""
    plain = data.translate(_PLAIN, _GAPS)
    if _ENOUGH_DIGITS in plain:
        return True
    # A key can name card data even if it contains digits, as in `card2number`.
    words = plain.replace(b"0", b"")
    if b"cvc" in words or b"cvv" in words:
        return True
    named = b"card" in words or b"pan" in words or b"csc" in words or b"security" in words
    return named and (_WORDS.search(plain) is not None or _WORDS.search(words) is not None)


def card_violations(message: Message) -> list[Violation]:
    """A violation for each text of a message that looks like card data."""
    return [violation for violation in CardSearch().look_through(message) if violation is not None]


class CardSearch:
    """The search of one request, in parts if needed. It is bounded: it refuses a request with too many candidates."""

    def __init__(self) -> None:
        self._left = _MAX_CANDIDATES

    def look_through(self, message: Message) -> Iterator[Violation | None]:
        """Yields for each text of a message, with a violation if it looks like card data."""
        for text in _texts(message, "", saved=False):
            description = self._describe(text.value, key=text.key)
            advice = TOKEN_ADVICE if text.saved else ""
            yield Violation(self._path(text), description + advice) if description else None

    def conceal(self, message: Message) -> Iterator[None]:
        """Replaces card data in a message by a marker that a later search still finds. Yields after each text."""
        replaced: list[tuple[_Text, str]] = []
        for text in _texts(message, "", saved=False):
            if self._describe(text.value, key=text.key):
                replaced.append((text, CONCEALED))
            elif text.is_cut:
                # The rest was not searched. The text still exceeds its maximum length.
                replaced.append((text, text.value))
            yield
        for text, value in replaced:
            _put(text, value)

    def _path(self, text: "_Text") -> str:
        """The path, without the key if the key itself is card data."""
        return text.path if not text.key or self._describe(text.key) else f'{text.path}["{text.key}"]'

    def _describe(self, value: str, *, key: str = "") -> str:
        """The violation of a text; '' if there is none. `key` is its key in a map."""
        name = "".join(filter(str.isalpha, key)).casefold()
        if name in _ARTICLE_KEYS and _ARTICLE_NUMBER.fullmatch(value):
            return ""
        if value == CONCEALED or self._holds_number(value) or _is_named_number(name, value):
            return NUMBER_TEXT
        return CODE_TEXT if _holds_code(value) or _is_named_code(name, value) else ""

    def _holds_number(self, value: str) -> bool:
        for candidate in candidates(value):
            self._left -= 1
            if self._left < 0:
                text = "the request has too many numbers to be searched for card data; send it in smaller parts"
                raise invalid_field("", text)
            if is_card_number(candidate):
                return True
        return False


def _is_named_number(name: str, value: str) -> bool:
    if not name or not _NUMBER_KEY.fullmatch(name) or not _DIGITS_ONLY.fullmatch(value):
        return False
    return sum(map(str.isdecimal, value)) > _SHOWN_DIGITS


def _is_named_code(name: str, value: str) -> bool:
    return bool(name and _CODE_KEY.fullmatch(name) and _DIGITS_ONLY.fullmatch(value))


def _holds_code(value: str) -> bool:
    lower = value.lower()
    return ("cv" in lower or "card" in lower) and _CODE_IN_TEXT.search(lower) is not None


class _Text(NamedTuple):
    """A text in a message, and where: in a field, in a list, or as a key or a value in a map."""

    path: str
    value: str
    # The message, list or map that holds it, and under what.
    holder: Any
    slot: Any
    # Under what key a map has it.
    key: str = ""
    # Whether `value` is only the beginning of it.
    is_cut: bool = False
    # Whether it is in a payment method.
    saved: bool = False


def _put(text: _Text, value: str) -> None:
    if isinstance(text.holder, Message):
        setattr(text.holder, text.slot, value)
    elif isinstance(text.slot, int) or text.key:
        text.holder[text.slot] = value
    else:
        # A key of a map. Its value is dropped, because it may be card data that the key names.
        del text.holder[text.slot]
        text.holder[value] = ""


def _texts(message: Message, prefix: str, *, saved: bool) -> Iterator[_Text]:
    """The texts of a message that are searched. With `saved`, all texts: it is a saved payment method."""
    for field, value in message.ListFields():
        path = prefix + field.name
        if field.message_type is not None:
            yield from _texts_within(field, value, path)
        elif field.type == FieldDescriptor.TYPE_STRING and (saved or _is_searched(field.name, value)):
            rules = _rules_of(field)
            if field.is_repeated:
                for index, text in enumerate(value):
                    yield _cut(_Text(f"{path}[{index}]", text, value, index, saved=saved), rules.repeated.items)
            else:
                yield _cut(_Text(path, value, message, field.name, saved=saved), rules)
        elif field.type == FieldDescriptor.TYPE_BYTES:
            # A byte a character. What is a hash has no such row of digits.
            yield _cut(_Text(path, value.decode("latin-1"), message, field.name), _rules_of(field))


def _cut(text: _Text, rules: Any) -> _Text:
    """The text, cut after its maximum length: longer texts are refused anyway, so the rest need not be searched."""
    limit = max(_SHORTEST_SEARCH, rules.string.max_len or _LONGEST_SEARCH) + 1
    if len(text.value) <= limit:
        return text
    return text._replace(value=text.value[:limit], is_cut=True)


@lru_cache(maxsize=1024)
def _rules_of(field: FieldDescriptor) -> Any:
    return field.GetOptions().Extensions[validate_pb2.field]  # type: ignore[index]


def _texts_within(field: FieldDescriptor, value: Any, path: str) -> Iterator[_Text]:
    saved = field.message_type is SavedPaymentMethod.DESCRIPTOR
    if not field.is_repeated:
        yield from _texts(value, f"{path}.", saved=saved)
    elif _is_map(field.message_type):
        yield from _texts_of_map(field, value, path)
    else:
        for index, element in enumerate(value):
            yield from _texts(element, f"{path}[{index}].", saved=saved)


def _texts_of_map(field: FieldDescriptor, texts: Any, path: str) -> Iterator[_Text]:
    """The texts of a map, whose keys and values are texts. A value precedes its key; empty keys are skipped."""
    rules = _rules_of(field).map
    for key, text in sorted(texts.items()):
        yield _cut(_Text(path, text, texts, key, key=key[:_SHORTEST_SEARCH]), rules.values)
        if key:
            yield _cut(_Text(path, key, texts, key), rules.keys)


@lru_cache(maxsize=256)
def _is_map(descriptor: Descriptor) -> bool:
    return bool(descriptor.GetOptions().map_entry)


def _is_searched(name: str, value: Any) -> bool:
    # Telephone numbers are shorter than most card numbers.
    if not _is_identifier(name):
        return True
    return name == "phone" and sum(map(str.isdecimal, value[:_SHORTEST_SEARCH])) > _LONGEST_PHONE


@lru_cache(maxsize=1024)
def _is_identifier(name: str) -> bool:
    return (name in _IDENTIFIERS or name.endswith(_IDENTIFIER_ENDINGS)) and name not in _SEARCHED
