"""Read masks: the requested fields of an order, taken from its serialized form.

The order is parsed as a message type that is built for the mask: it has only the requested fields, and its messages and texts are
plain bytes. All other fields are skipped, so only the data that is sent is built and checked.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message_factory import GetMessageClass
from orders.v1.order_pb2 import Order

from server.domain.base.errors import invalid_field
from server.storage.read.column_bodies import columns_of

# Returns the masked part of a serialized order.
Pick = Callable[[bytes], bytes]

# The fields to keep in a message: each whole, or the fields to keep in it.
_Kept = dict[str, "_Kept | None"]

_ORDER: Any = Order.DESCRIPTOR
_MAX_PATHS = 100
_FIXED = {
    FieldDescriptor.TYPE_DOUBLE: FieldDescriptorProto.TYPE_FIXED64,
    FieldDescriptor.TYPE_FIXED64: FieldDescriptorProto.TYPE_FIXED64,
    FieldDescriptor.TYPE_SFIXED64: FieldDescriptorProto.TYPE_FIXED64,
    FieldDescriptor.TYPE_FLOAT: FieldDescriptorProto.TYPE_FIXED32,
    FieldDescriptor.TYPE_FIXED32: FieldDescriptorProto.TYPE_FIXED32,
    FieldDescriptor.TYPE_SFIXED32: FieldDescriptorProto.TYPE_FIXED32,
}
_DELIMITED = (FieldDescriptor.TYPE_MESSAGE, FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)


class ReadMask(NamedTuple):
    """The requested fields of a list: a picker unless all are requested, and their names if they are columns."""

    pick: Pick | None
    columns: tuple[str, ...]


def list_mask(mask: FieldMask) -> ReadMask:
    """The requested fields of a list. Fields that are columns are serialized by the database."""
    pick, columns = picker(mask), columns_of(mask.paths)
    return ReadMask(None if columns else pick, columns)


def picker(mask: FieldMask, *, field: str = "read_mask") -> Pick | None:
    """A picker of the mask's fields; None for an empty mask or `*`, which select all. Refuses unknown paths."""
    paths = tuple(mask.paths)
    if paths in ((), ("*",)):
        return None
    if len(paths) > _MAX_PATHS:
        raise invalid_field(f"{field}.paths", f"must contain no more than {_MAX_PATHS} item(s)")
    for index, path in enumerate(paths):
        if not FieldMask(paths=[path]).IsValidForDescriptor(_ORDER):
            raise invalid_field(f"{field}.paths[{index}]", f"{path!r} is not a field of Order")
    return _picker(frozenset(paths))


@lru_cache(maxsize=256)
def _picker(paths: frozenset[str]) -> Pick:
    parse = GetMessageClass(_masked(_tree(paths))).FromString

    def pick(order: bytes) -> bytes:
        message = parse(order)
        message.DiscardUnknownFields()
        return message.SerializeToString()

    return pick


def _tree(paths: Iterable[str]) -> _Kept:
    kept: _Kept = {}
    # Shorter paths first, because they keep their fields as a whole.
    for path in sorted(paths, key=len):
        *parents, name = path.split(".")
        within: _Kept | None = kept
        for parent in parents:
            within = None if within is None else within.setdefault(parent, {})
        if within is not None:
            within[name] = None
    return kept


def _masked(kept: _Kept) -> Descriptor:
    """The message that has only the fields to keep."""
    file = FileDescriptorProto(name="masked.proto", syntax="proto2")
    _add_message(file.message_type.add(name="Order"), _ORDER, kept, ".Order")
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindMessageTypeByName("Order")


def _add_message(message: DescriptorProto, source: Descriptor, kept: _Kept, path: str) -> None:
    for name, within in kept.items():
        field = source.fields_by_name[name]
        added = message.field.add(name=name, number=field.number)
        # Numbers in a list share one tag, and are kept unchanged.
        is_list = field.is_repeated and field.type in _DELIMITED
        added.label = FieldDescriptorProto.LABEL_REPEATED if is_list else FieldDescriptorProto.LABEL_OPTIONAL
        if within is None:
            added.type = _wire_type(field)
        elif field.message_type is not None:
            added.type, added.type_name = FieldDescriptorProto.TYPE_MESSAGE, f"{path}.{name}_"
            _add_message(message.nested_type.add(name=f"{name}_"), field.message_type, within, added.type_name)


def _wire_type(field: FieldDescriptor) -> Any:
    """The type under which a field's value is copied unchanged."""
    if field.type in _DELIMITED or field.is_repeated:
        return FieldDescriptorProto.TYPE_BYTES
    return _FIXED.get(field.type, FieldDescriptorProto.TYPE_UINT64)
