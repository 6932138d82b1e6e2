"""The sizes of messages: by default, clients accept 4 MiB."""

from google.protobuf.message import Message

from server.domain.base.errors import invalid_field

# Bytes of an answer.
MAX_ANSWER = 4 << 20
# Bytes of one message in an answer, which holds page tokens and counts besides.
MAX_READABLE = MAX_ANSWER - (64 << 10)
# Bytes of the records of a page, unless one alone has more.
MAX_PAGE = 2 << 20
# Bytes of an order, a cart or a product when its content is written. What is recorded with an order afterwards (at most 100 refunds,
# a cancellation, a carrier) adds less than a quarter of that, so every order can be read, cancelled and refunded.
MAX_CONTENT = 1 << 20

# The fields that make a message too large to read. Only messages stored before MAX_CONTENT was checked get there.
_LARGE_FIELDS = ("items", "variants")


def check_content(message: Message, *, field: str, advice: str) -> None:
    """Refuses a message that is too large to store. `advice` ends the sentence."""
    size = message.ByteSize()
    if size > MAX_CONTENT:
        kind = message.DESCRIPTOR.name.lower()
        raise invalid_field(field, f"the {kind} would have {size:,} bytes, and the limit is {MAX_CONTENT:,}; {advice}")


def check_answer(answer: Message, *, field: str) -> None:
    """Refuses a batch whose response would be too large to read; `field` is the request's field with the batch."""
    size = answer.ByteSize()
    if size > MAX_READABLE:
        text = f"the answer would have {size:,} bytes, and the limit is {MAX_READABLE:,}; send fewer {field} at once"
        raise invalid_field(field, text)


def readable(kind: type[Message], body: bytes) -> bytes:
    """A serialized message that clients can read: if it is too large, without its items or variants, which it names."""
    if len(body) <= MAX_READABLE or "omitted_fields" not in kind.DESCRIPTOR.fields_by_name:
        return body
    message = kind.FromString(body)
    omitted = [name for name in _LARGE_FIELDS if name in kind.DESCRIPTOR.fields_by_name]
    for name in omitted:
        message.ClearField(name)
    message.omitted_fields.extend(omitted)  # type: ignore[attr-defined]
    return message.SerializeToString(deterministic=True)
