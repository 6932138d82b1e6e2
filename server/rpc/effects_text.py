"""The effects of a dry write as text for metadata, with a limited size."""

import json

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from orders.v1.write_effects_pb2 import WriteEffects

# Bytes: headers of up to 8 KiB pass everywhere, and the call has others.
_MAX = 4000
# The entries of each list, tried until the text fits.
_MOST = (50, 20, 10, 5, 2, 1)


def effects_text(effects: WriteEffects) -> str:
    """The effects as JSON in ASCII, without the last entries of each list if they do not fit."""
    for most in _MOST:
        text = _json(_first(effects, most))
        if len(text) <= _MAX:
            break
    return text


def _first(effects: WriteEffects, most: int) -> WriteEffects:
    shown = WriteEffects(truncated=effects.truncated)
    for field, entries in effects.ListFields():
        if field.is_repeated:
            getattr(shown, field.name).extend(entries[:most])
            shown.truncated |= len(entries) > most
    return shown


def _json(message: Message) -> str:
    return json.dumps(MessageToDict(message, preserving_proto_field_name=True), separators=(",", ":"))
