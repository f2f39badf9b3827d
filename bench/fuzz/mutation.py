"""Small damage to bytes, JSON documents and protobuf messages, by chance; knows no protocol."""

import json
import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from random import Random
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

_EDGES = (
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\x00\x00\x00",
    bytes(4),
    b"\x00\x00\x00\x01",
    b"\r\n",
    b"%",
    b'"',
)
# Light damage gets further into a parser than heavy damage.
_COUNTS = (1, 1, 1, 2, 3, 6)
_MAX_CUT, _MAX_DOUBLED, _MAX_TAIL = 20, 40, 300

ODD_TEXTS = (
    *("", "x", " ", "0", "-1", "1", "01", "1.0", "1e3", "nan", "inf", "null", "true", "digits", "stable", "mnist"),
    *("\x00", "\x1f\x7f", "\u00e9", "\U0001d518", "\u202e", "a,b", "a;b=c", "../..", "%00", "%s%n", "{}", "A" * 300),
    *("9" * 18, "9" * 19, "9" * 400, "1" * 5000),
)
"""Texts that parsers of names, numbers and versions may trip over."""

_ODD_NUMBERS = (0, -1, 1, 27, 28, 255, 256, 784, 2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**63, 2**64, -(2**63), 10**400)
_ODD_FLOATS = (0.0, -0.0, 0.5, 1.0, 1.5, -1.0, 1e-320, 1e39, 1e308, math.nan, math.inf, -math.inf)
_ODD_CONTAINERS: tuple[Any, ...] = ([], {}, [[]], [{}], {"": 0}, [0] * 784, [[0] * 28] * 28, [None] * 5)
_ODD_VALUES = (None, True, False, *_ODD_NUMBERS, *_ODD_FLOATS, *ODD_TEXTS, *_ODD_CONTAINERS)

# The deepest that is tried; parsers that recurse give up at a thousand or so.
_MAX_DEPTH = 100_000
# As protobuf's own limit of nesting is 100, more would only be refused by its parser.
_MAX_MESSAGE_DEPTH = 8
_MAX_REPEATS = 5


def mutate_bytes(data: bytes, chance: Random, *, others: Sequence[bytes] = (b"",)) -> bytes:
    """The data with up to six places changed, cut out, doubled or made extreme; now and then cut short or spliced.

    Args:
        data: What is damaged.
        chance: Decides where and how.
        others: Where the tail may come from when it is spliced.
    """
    mutated = bytearray(data)
    for _ in range(chance.choice(_COUNTS)):
        chance.choice(_DAMAGES)(mutated, chance)
    if chance.random() < 0.1:
        other = chance.choice(others)
        mutated[chance.randint(0, len(mutated)) :] = other[chance.randint(0, len(other)) :] or random_bytes(chance)
    return bytes(mutated)


def random_bytes(chance: Random, limit: int = _MAX_TAIL) -> bytes:
    """Up to so many bytes."""
    return chance.randbytes(chance.randint(0, limit))


def _flip(data: bytearray, chance: Random) -> None:
    if data:
        data[chance.randrange(len(data))] = chance.randrange(256)


def _overwrite(data: bytearray, chance: Random) -> None:
    edge, place = chance.choice(_EDGES), chance.randint(0, len(data))
    data[place : place + len(edge)] = edge


def _cut(data: bytearray, chance: Random) -> None:
    place = chance.randint(0, len(data))
    del data[place : place + chance.randint(1, _MAX_CUT)]


def _double(data: bytearray, chance: Random) -> None:
    place = chance.randint(0, len(data))
    data[place:place] = data[place : place + chance.randint(1, _MAX_DOUBLED)]


def _truncate(data: bytearray, chance: Random) -> None:
    if chance.random() < 0.2:
        del data[chance.randint(0, len(data)) :]


_DAMAGES: tuple[Callable[[bytearray, Random], None], ...] = (_flip, _flip, _overwrite, _cut, _double, _truncate)


def mutate_json(document: Any, chance: Random) -> bytes:
    """A JSON document with up to three values replaced, removed, doubled or renamed; now and then broken as text."""
    copy = [json.loads(json.dumps(document))]
    for _ in range(chance.choice(_COUNTS[:-1])):
        _change_value(copy, chance)
    text = json.dumps(copy[0] if copy else None).encode()
    kind = chance.random()
    if kind < 0.2:
        return mutate_bytes(text, chance)
    return _nest(text, chance) if kind < 0.22 else text


def _change_value(root: list[Any], chance: Random) -> None:
    """Change one value somewhere below the root."""
    parent: Any = root
    while True:
        keys = list(parent) if isinstance(parent, dict) else list(range(len(parent)))
        if not keys:
            return
        key = chance.choice(keys)
        if not isinstance(parent[key], list | dict) or not parent[key] or chance.random() < 0.3:
            break
        parent = parent[key]
    _change_at(parent, key, chance)


def _change_at(parent: Any, key: Any, chance: Random) -> None:
    kind = chance.randrange(6)
    if kind == 0:
        del parent[key]
    elif kind == 1 and isinstance(parent, dict):
        parent[chance.choice(ODD_TEXTS)] = parent.pop(key)
    elif kind == 2 and isinstance(parent, list):
        parent.extend([parent[key]] * chance.choice((1, 2, 30)))
    else:
        parent[key] = deepcopy(chance.choice(_ODD_VALUES))  # as it may be changed in its turn


def _nest(text: bytes, chance: Random) -> bytes:
    depth = chance.choice((100, 1000, _MAX_DEPTH))
    opening, closing = chance.choice(((b"[", b"]"), (b'{"a":', b"}")))
    return opening * depth + text + closing * depth


def mutate_message(message: Message, chance: Random) -> bytes:
    """The bytes of a message with some fields set to odd values; now and then damaged as bytes, or no message at all.

    Args:
        message: A valid one; not changed.
        chance: Decides.
    """
    kind = chance.random()
    if kind < 0.05:
        return random_bytes(chance)
    copy = type(message)()
    copy.CopyFrom(message)
    for _ in range(chance.randint(0, 3)):
        _change_field(copy, chance, 0)
    data = copy.SerializeToString()
    return mutate_bytes(data, chance) if kind < 0.45 else data


def _change_field(message: Message, chance: Random, depth: int) -> None:
    """Change one field, of this message or of one inside of it."""
    fields: Any = message.DESCRIPTOR.fields
    if not fields or depth > _MAX_MESSAGE_DEPTH:
        return
    field = chance.choice(fields)
    if chance.random() < 0.1:
        message.ClearField(field.name)
    elif field.is_repeated:
        _change_repeated(getattr(message, field.name), field, chance, depth)
    elif field.message_type is not None:
        child = getattr(message, field.name)
        child.SetInParent()
        _change_field(child, chance, depth + 1)
    else:
        setattr(message, field.name, _choose_scalar(field, getattr(message, field.name), chance))


def _change_repeated(container: Any, field: FieldDescriptor, chance: Random, depth: int) -> None:
    if field.message_type is None:
        container.extend(_choose_scalar(field, None, chance) for _ in range(chance.randint(1, _MAX_REPEATS)))
    elif field.message_type.GetOptions().map_entry:
        _change_map(container, field.message_type, chance, depth)
    else:
        _change_field(chance.choice(container) if container else container.add(), chance, depth + 1)


def _change_map(container: Any, entry: Any, chance: Random, depth: int) -> None:
    key_field, value_field = entry.fields_by_name["key"], entry.fields_by_name["value"]
    known = chance.random() < 0.5 and list(container)
    key = chance.choice(known) if known else _choose_scalar(key_field, None, chance)
    if value_field.message_type is None:
        container[key] = _choose_scalar(value_field, None, chance)
    else:
        _change_field(container[key], chance, depth + 1)


def _choose_scalar(field: FieldDescriptor, old: Any, chance: Random) -> Any:
    """A value that the field can hold."""
    kind = field.cpp_type
    if kind == FieldDescriptor.CPPTYPE_STRING:
        if field.type == FieldDescriptor.TYPE_BYTES:
            return mutate_bytes(old or b"", chance)
        return chance.choice(ODD_TEXTS)
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return chance.random() < 0.5
    if kind in {FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE}:
        return chance.choice(_ODD_FLOATS)
    low, high = _RANGES[kind]
    return chance.choice([number for number in (*_ODD_NUMBERS, *range(26)) if low <= number <= high])


_RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_ENUM: (-(2**31), 2**31 - 1),
}
