"""Path templates of `google.api.http`: `/v1/orders/{order_id}:cancel`."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

_VERB = re.compile(r":(\w+)$")
_PART = re.compile(r"\{(?P<field>[\w.]+)(?:=(?P<inner>[^}]*))?\}|(?P<text>[^{}]+)")
_STARS = re.compile(r"(\*\*|\*)")
_PATTERNS = {"*": "[^/]+", "**": ".*"}
# In a variable of several segments, an encoded slash stays encoded: it does not separate segments.
_ENCODED_SLASH = re.compile("(%2f)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template: its custom verb, the fields that its variables set, and the pattern of its paths without the verb."""

    text: str
    verb: str
    fields: tuple[str, ...]
    pattern: re.Pattern[str]
    # The fields whose values may span several segments.
    long: frozenset[str]

    @property
    def variables(self) -> int:
        return len(self.fields)

    def match(self, path: str) -> dict[str, str] | None:
        """The values of the fields in a path that is still percent-encoded; None if it is another path."""
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        return {
            field: _decoded(value, whole=field not in self.long)
            for field, value in zip(self.fields, found.groups(), strict=True)
        }


def parse(text: str) -> Template:
    """The template of a binding."""
    found = _VERB.search(text)
    path = text[: found.start()] if found else text
    fields: list[str] = []
    long: set[str] = set()
    pattern = ""
    for part in _PART.finditer(path):
        if part["field"]:
            inner = part["inner"] or "*"
            fields.append(part["field"])
            long |= {part["field"]} if "/" in inner or "**" in inner else set()
            pattern += f"({_pattern(inner)})"
        else:
            pattern += _pattern(part["text"])
    return Template(text, found[1] if found else "", tuple(fields), re.compile(pattern), frozenset(long))


def _pattern(text: str) -> str:
    return "".join(_PATTERNS.get(piece) or re.escape(piece) for piece in _STARS.split(text))


def _decoded(value: str, *, whole: bool) -> str:
    if whole:
        return unquote(value)
    return "".join(piece if at % 2 else unquote(piece) for at, piece in enumerate(_ENCODED_SLASH.split(value)))
