"""The bounds of fields, which protovalidate checks, in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from buf.validate import validate_pb2

# The bounds of a rule, by name.
Bounds = dict[str, Any]
# The short names of an enum's values, by number.
Names = Mapping[int, str]

PATTERNS = {
    "^[!-~]*$": "printable ASCII without spaces",
    "^[ -~]*$": "printable ASCII",
    "^[a-z0-9_-]*$": "`a`–`z`, `0`–`9`, `_` and `-`",
    "^[A-Z]*$": "`A`–`Z`",
    "^([0-9]{4})?$": "four digits",
    "^[^\\x00]*$": "no NUL",
}


def rules_in_words(rules: validate_pb2.FieldRules, names: Names) -> str:
    """Returns the bounds in words. Raises ValueError for one that has none, so that none is left out."""
    return "; ".join(_rule_words({key.name: value for key, value in rules.ListFields()}, names))


def _rule_words(rules: Bounds, names: Names) -> Iterator[str]:
    for name, value in rules.items():
        if name == "required":
            yield "must be set"
        elif name == "ignore" and value == validate_pb2.IGNORE_ALWAYS:
            yield "validated separately"
        elif name in KINDS:
            bounds = {key.name: bound for key, bound in value.ListFields()}
            yield from KINDS[name](bounds, names)
            if bounds:
                raise ValueError(f"{name} rules without words: {', '.join(bounds)}")
        else:
            raise ValueError(f"the rule {name} has no words yet")


# Each of these functions removes from the bounds those that it puts into words.


def _range_words(bounds: Bounds, low: str, high: str, unit: str = "") -> Iterator[str]:
    least, most = bounds.pop(low, None), bounds.pop(high, None)
    if least is not None and most is not None:
        yield f"{least:,} to {most:,}{unit}"
    elif most is not None:
        yield f"at most {most:,}{unit}"
    elif least is not None:
        yield f"at least {least:,}{unit}"


def _string_words(bounds: Bounds, names: Names) -> Iterator[str]:
    yield from _range_words(bounds, "min_len", "max_len", " characters")
    if pattern := bounds.pop("pattern", None):
        yield PATTERNS.get(pattern, f"matches `{pattern}`")


def _bytes_words(bounds: Bounds, names: Names) -> Iterator[str]:
    yield from _range_words(bounds, "min_len", "max_len", " bytes")


def _number_words(bounds: Bounds, names: Names) -> Iterator[str]:
    if "gt" in bounds:  # Whole numbers: more than 0 is 1 or more.
        bounds["gte"] = bounds.pop("gt") + 1
    yield from _range_words(bounds, "gte", "lte")
    yield from _forbidden_words(bounds, names)


def _enum_words(bounds: Bounds, names: Names) -> Iterator[str]:
    if bounds.pop("defined_only", False):
        yield "a value of the enum"
    yield from _forbidden_words(bounds, names)


def _forbidden_words(bounds: Bounds, names: Names) -> Iterator[str]:
    if forbidden := bounds.pop("not_in", None):
        yield "not " + " or ".join(f"`{names.get(number, number)}`" for number in forbidden)


def _time_words(bounds: Bounds, names: Names) -> Iterator[str]:
    if least := bounds.pop("gte", None):
        yield f"not before {least.ToDatetime():%Y-%m-%d}"
    if end := bounds.pop("lt", None):
        yield f"before {end.ToDatetime():%Y-%m-%d}"


def _duration_words(bounds: Bounds, names: Names) -> Iterator[str]:
    least, most = bounds.pop("gte"), bounds.pop("lte")
    yield f"{least.seconds:,} to {most.seconds:,} seconds"


def _list_words(bounds: Bounds, names: Names) -> Iterator[str]:
    yield from _range_words(bounds, "min_items", "max_items", " items")
    if bounds.pop("unique", False):
        yield "each once"
    yield from _part_words(bounds, "items", "each", names)


def _map_words(bounds: Bounds, names: Names) -> Iterator[str]:
    yield from _range_words(bounds, "min_pairs", "max_pairs", " pairs")
    yield from _part_words(bounds, "keys", "keys", names)
    yield from _part_words(bounds, "values", "values", names)


def _part_words(bounds: Bounds, part: str, name: str, names: Names) -> Iterator[str]:
    if (rules := bounds.pop(part, None)) is not None:
        yield f"{name} {', '.join(rules_in_words(rules, names).split('; '))}"


KINDS = {
    "bytes": _bytes_words,
    "string": _string_words,
    "int32": _number_words,
    "int64": _number_words,
    "enum": _enum_words,
    "timestamp": _time_words,
    "duration": _duration_words,
    "repeated": _list_words,
    "map": _map_words,
}
