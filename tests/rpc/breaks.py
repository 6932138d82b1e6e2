"""Every way in which a request can break the rules of its proto."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from buf.validate import validate_pb2
from google.api import field_behavior_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money

from tests.methods import METHODS


class Break(NamedTuple):
    """A way to make a valid request break one rule, and the field that the refusal has to name."""

    name: str
    apply: Callable[[Any], None]
    field: str

    def applied_to(self, request: Message) -> Message:
        broken = type(request)()
        broken.CopyFrom(request)
        self.apply(broken)
        return broken


class Bad(NamedTuple):
    """A value that breaks a rule, and what it adds to the field's path."""

    name: str
    value: Any
    suffix: str = ""


Reach = Callable[[Any], Any]
Find = Callable[[FieldDescriptor], Iterator[Break]]


def breaks_of_rules(method: str) -> list[Break]:
    """Everything that breaks a rule of the method's proto."""
    return list(_walk(METHODS[method].input_type, lambda request: request, "", _breaks_of_rules))


def breaks_of_money(method: str) -> list[Break]:
    """Everything that can be wrong with an amount that the caller sets."""
    return list(_walk(METHODS[method].input_type, lambda request: request, "", _breaks_of_money))


def free_texts(method: str, text: str) -> list[Break]:
    """The text in every field that takes any text."""

    def find(field: FieldDescriptor) -> Iterator[Break]:
        rules = _rules(field)
        if is_map(field):
            yield Break("text as a key", lambda m: getattr(m, field.name).update({text[:64]: "value"}), "")
            yield Break("text as a value", lambda m: getattr(m, field.name).update({"key": text}), "")
        elif field.type == field.TYPE_STRING and not field.is_repeated and not rules.string.pattern:
            yield Break("text", _setter(field, text[: rules.string.max_len or None]), "")

    return list(_walk(METHODS[method].input_type, lambda request: request, "", find))


def texts(method: str, text: str) -> list[Break]:
    """The text in every field for text, whether it may be there or not."""

    def find(field: FieldDescriptor) -> Iterator[Break]:
        if is_map(field):
            yield Break("text as a key", lambda m: getattr(m, field.name).update({text: "value"}), "")
            yield Break("text as a value", lambda m: getattr(m, field.name).update({"key": text}), "")
        elif field.type == field.TYPE_STRING and field.is_repeated:
            yield Break("text", lambda m: getattr(m, field.name).append(text), "")
        elif field.type == field.TYPE_STRING:
            yield Break("text", _setter(field, text), "")

    return list(_walk(METHODS[method].input_type, lambda request: request, "", find))


def _walk(descriptor: Any, reach: Reach, path: str, find: Find) -> Iterator[Break]:
    """What `find` finds in a message's fields and in those of the messages in it; in lists, in the second element."""
    for field in descriptor.fields:
        for found in find(field):
            where = f"{path}{field.name}{found.field}"
            yield Break(f"{path}{field.name} {found.name}", _applied(found, reach), where)
        inner = field.message_type
        if inner is not None and inner.file.package == "orders.v1" and not is_map(field) and not _is_output(field):
            index = "[1]" if field.is_repeated else ""
            yield from _walk(inner, _reach_into(field, reach), f"{path}{field.name}{index}.", find)


def _applied(found: Break, reach: Reach) -> Callable[[Any], None]:
    return lambda request: found.apply(reach(request))


def _reach_into(field: FieldDescriptor, reach: Reach) -> Reach:
    def into(request: Any) -> Any:
        value = getattr(reach(request), field.name)
        if field.is_repeated:
            if len(value) == 1:
                value.add().CopyFrom(value[0])
            return value[1]
        value.SetInParent()
        return value

    return into


def is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def _rules(field: FieldDescriptor) -> Any:
    return field.GetOptions().Extensions[validate_pb2.field]


def _is_output(field: FieldDescriptor) -> bool:
    behaviours = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    return field_behavior_pb2.OUTPUT_ONLY in behaviours


def _breaks_of_rules(field: FieldDescriptor) -> Iterator[Break]:
    rules = _rules(field)
    if rules.required:
        yield Break("missing", lambda message: message.ClearField(field.name), "")
    if is_map(field):
        yield from _breaks_of_map(field, rules.map)
    elif field.is_repeated:
        yield from _breaks_of_list(field, rules.repeated)
    else:
        for bad in _bad_values(field, rules):
            yield Break(bad.name, _setter(field, bad.value), bad.suffix)


# A field, with the one in place of which it can be set.
_INSTEAD_OF = {"orders.v1.UpsertOrderItem.total_price": "unit_price"}


def _setter(field: FieldDescriptor, value: Any) -> Callable[[Any], None]:
    def apply(message: Any) -> None:
        if field.full_name in _INSTEAD_OF:
            message.ClearField(_INSTEAD_OF[field.full_name])
        if isinstance(value, Message):
            getattr(message, field.name).CopyFrom(value)
        else:
            setattr(message, field.name, value)

    return apply


def _breaks_of_map(field: FieldDescriptor, rules: Any) -> Iterator[Break]:
    _expect_only(rules, {"max_pairs", "keys", "values"}, field)
    for count in (rules.max_pairs + 1, 10_000):
        pairs = {f"key {number}": "" for number in range(count)}
        yield Break(f"has {count} pairs", lambda message, pairs=pairs: getattr(message, field.name).update(pairs), "")
    for bad in _bad_texts(rules.keys.string):
        pair = {bad.value: "value"}
        put = Break(f"key {bad.name}", lambda m, pair=pair: getattr(m, field.name).update(pair), f'["{bad.value}"]')
        yield put
    for bad in _bad_texts(rules.values.string):
        pair = {"key": bad.value}
        yield Break(f"value {bad.name}", lambda m, pair=pair: getattr(m, field.name).update(pair), '["key"]')


def _breaks_of_list(field: FieldDescriptor, rules: Any) -> Iterator[Break]:
    _expect_only(rules, {"min_items", "max_items", "unique", "items"}, field)
    if rules.min_items:
        yield Break("is empty", lambda message: message.ClearField(field.name), "")
    for count in (rules.max_items + 1, max(5_000, rules.max_items + 1)) if rules.max_items else ():
        yield Break(f"has {count} elements", lambda message, count=count: _fill(message, field, count), "")
    if rules.unique:
        yield Break("has one twice", lambda message: _set_second(message, field, getattr(message, field.name)[0]), "")
    for bad in _bad_values(field, rules.items) if rules.items.WhichOneof("type") else ():
        yield Break(f"element {bad.name}", lambda m, bad=bad: _set_second(m, field, bad.value), f"[1]{bad.suffix}")


def _fill(message: Any, field: FieldDescriptor, count: int) -> None:
    values = getattr(message, field.name)
    # Only the server sets some lists; the sample has nothing in them.
    first = values[0] if values else _element(field)
    values.extend([first] * (count - len(values)))


def _element(field: FieldDescriptor) -> Any:
    return "x" if field.message_type is None else field.message_type._concrete_class()


def _set_second(message: Any, field: FieldDescriptor, value: Any) -> None:
    getattr(message, field.name)[1] = value


def _bad_values(field: FieldDescriptor, rules: Any) -> Iterator[Bad]:
    kind = rules.WhichOneof("type")
    if field.message_type is not None and field.message_type.full_name == "google.protobuf.Timestamp":
        yield from _bad_times(rules.timestamp, field)
    elif kind == "duration":
        _expect_only(rules.duration, {"gte", "lte"}, field)
        for seconds in (rules.duration.gte.seconds - 1, rules.duration.lte.seconds + 1, 300_000_000_000):
            yield Bad(f"of {seconds} s", Duration(seconds=seconds))
    elif kind == "string":
        _expect_only(rules.string, {"min_len", "max_len", "pattern"}, field)
        yield from _bad_texts(rules.string)
    elif kind == "bytes":
        _expect_only(rules.bytes, {"max_len"}, field)
        yield Bad("too long", bytes(rules.bytes.max_len + 1))
    elif kind == "enum":
        yield from _bad_enums(field, rules.enum)
    elif kind in ("int32", "int64"):
        yield from _bad_numbers(kind, getattr(rules, kind), field)
    else:
        assert kind is None, f"there are no cases for the {kind} rules of {field.full_name}"


def _expect_only(rules: Any, known: set[str], field: FieldDescriptor) -> None:
    unknown = {rule.name for rule, _ in rules.ListFields()} - known
    assert not unknown, f"there are no cases for the rules {unknown} of {field.full_name}"


CONTROL_CHARACTERS = ("a\0b", "a\nb", "a\r\n", "\x1b[31mred", "a\x7fb", "a\u0085b")


def _bad_texts(rules: Any) -> Iterator[Bad]:
    if rules.max_len:
        yield Bad("too long", "x" * (rules.max_len + 1))
        yield (
            Bad("far too long", "x" * 100_000) if rules.pattern else Bad("too long in CJK", "漢" * (rules.max_len + 1))
        )
    if rules.min_len:
        yield Bad("empty", "")
    for text in (*CONTROL_CHARACTERS, "tab\t", "blank here", "Übergröße", "漢字", "A"):
        if rules.pattern and not re.fullmatch(rules.pattern, text):
            yield Bad(repr(text), text)


def _bad_enums(field: FieldDescriptor, rules: Any) -> Iterator[Bad]:
    _expect_only(rules, {"defined_only", "not_in"}, field)
    assert rules.defined_only
    highest = max(field.enum_type.values_by_number)
    for number in (highest + 1, 99, -1, 2**31 - 1, -(2**31), *rules.not_in):
        yield Bad(f"= {number}", number)


def _bad_numbers(kind: str, rules: Any, field: FieldDescriptor) -> Iterator[Bad]:
    _expect_only(rules, {"gt", "gte", "lte", "not_in"}, field)
    largest = 2 ** (31 if kind == "int32" else 63)
    low = rules.gt if rules.HasField("gt") else rules.gte - 1
    numbers = [low, low - 1, -largest, *rules.not_in]
    if rules.HasField("lte"):
        numbers += [rules.lte + 1, largest - 1]
    for number in numbers:
        yield Bad(f"= {number}", number)


def _bad_times(rules: Any, field: FieldDescriptor) -> Iterator[Bad]:
    _expect_only(rules, {"gte", "lt"}, field)
    if rules.HasField("lt"):
        for seconds in (rules.gte.seconds - 1, rules.lt.seconds, 2**63 - 1, -(2**63)):
            yield Bad(f"at {seconds} s", Timestamp(seconds=seconds))
    for nanos in (2_000_000_000, 1_000_000_000, -1):
        yield Bad(f"with {nanos} ns", Timestamp(seconds=1, nanos=nanos), ".nanos")


def _breaks_of_money(field: FieldDescriptor) -> Iterator[Break]:
    if field.message_type is None or field.message_type.full_name != "google.type.Money" or _is_output(field):
        return
    put, index = (_put_second, "[1]") if field.is_repeated else (_setter, "")
    for code in ("ZZZ", "usd", "", "US\0"):
        bad = Money(currency_code=code, units=1)
        yield Break(f"in currency {code!r}", put(field, bad), f"{index}.currency_code")
    for bad, suffix in (
        (Money(currency_code="USD", units=-1), ""),
        (Money(currency_code="USD", nanos=-10_000_000), ""),
        (Money(currency_code="USD", units=5, nanos=-10_000_000), ""),
        (Money(currency_code="USD", units=2**63 - 1), ""),
        (Money(currency_code="USD", units=10**15), ""),
        (Money(currency_code="USD", units=-(2**63)), ""),
        (Money(currency_code="USD", units=1, nanos=5_000_000), ".nanos"),
        (Money(currency_code="USD", units=1, nanos=1), ".nanos"),
        (Money(currency_code="USD", units=1, nanos=1_000_000_000), ".nanos"),
        (Money(currency_code="USD", nanos=2**31 - 1), ".nanos"),
    ):
        yield Break(f"is {bad.units} USD {bad.nanos} nanos", put(field, bad), f"{index}{suffix}")


def _put_second(field: FieldDescriptor, bad: Money) -> Callable[[Any], None]:
    """Sets the second amount of a list; dollars become its own currency, as a list has each currency once."""

    def apply(message: Any) -> None:
        amount = getattr(message, field.name)[1]
        currency = amount.currency_code
        amount.CopyFrom(bad)
        if bad.currency_code == "USD":
            amount.currency_code = currency

    return apply


# Currencies without decimals: for single amounts, and for those in a list, which are each in another.
YEN = "JPY"
LIKE_YEN = ("KRW", "CLP")


def in_yen(request: Message) -> Message:
    """The same request with all its amounts in currencies without decimals."""
    copy = type(request)()
    copy.CopyFrom(request)
    _to_yen(copy)
    return copy


def _to_yen(message: Message) -> None:
    for field, value in message.ListFields():
        if field.message_type is None or is_map(field):
            continue
        amounts = field.message_type.full_name == "google.type.Money"
        for index, inner in enumerate(value if field.is_repeated else (value,)):
            if amounts:
                inner.currency_code = LIKE_YEN[index] if field.is_repeated else YEN
            else:
                _to_yen(inner)


def half_a_yen(method: str) -> list[Break]:
    """Half a yen in every single amount that the caller sets; for requests in yen."""
    # Amounts of a request about one order are in its currency.
    if "order_id" in METHODS[method].input_type.fields_by_name:
        return []

    def find(field: FieldDescriptor) -> Iterator[Break]:
        for _ in list(_breaks_of_money(field))[: not field.is_repeated]:
            yield Break("is half a yen", _setter(field, Money(currency_code=YEN, nanos=500_000_000)), ".nanos")

    return list(_walk(METHODS[method].input_type, lambda request: request, "", find))
