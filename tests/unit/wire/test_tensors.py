"""TensorProto both ways: packed and typed, repeated values, halves, and what makes no tensor."""

import time
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from service.wire.tensorflow_serving import TensorProto
from service.wire.tensors import (
    MAX_DIMENSIONS,
    MalformedTensorError,
    describe_type,
    find_type,
    parse_tensor,
    render_tensor,
)

FLOATS = ("float16", "float32", "float64")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool")
TYPES = FLOATS + INTEGERS
FLOAT, UINT8, STRING, BFLOAT16 = 1, 4, 7, 14


def tensor(dtype: int, shape: list[int], **fields: Any) -> Any:
    """A TensorProto with these fields."""
    made = TensorProto(dtype=dtype, **fields)
    for size in shape:
        made.tensor_shape.dim.add(size=size)
    return made


@pytest.mark.parametrize("packed", [True, False], ids=["packed", "typed"])
@pytest.mark.parametrize("name", TYPES)
def test_array_comes_back_as_it_went(name: str, *, packed: bool) -> None:
    """Every type of number, in both forms, over the wire."""
    array = np.array([[0, 1, 2], [3, 100, 1]]).astype(name)
    sent = TensorProto.FromString(render_tensor(array, packed=packed).SerializeToString())
    came = parse_tensor(sent)

    assert (array.dtype, array.tolist()) == (came.dtype, came.tolist())
    assert packed == bool(sent.tensor_content)


@given(st.lists(st.floats(width=32), max_size=20), st.booleans())
def test_any_floats_come_back(values: list[float], packed: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    """To the bit, nan and infinities too."""
    array = np.array(values, np.float32)

    assert array.tobytes() == parse_tensor(render_tensor(array, packed=packed)).tobytes()


@pytest.mark.parametrize("packed", [True, False], ids=["packed", "typed"])
def test_empty_tensor_comes_back(*, packed: bool) -> None:
    """No rows, and a shape all the same."""
    assert (0, 28, 28) == parse_tensor(render_tensor(np.zeros((0, 28, 28), np.uint8), packed=packed)).shape


def test_last_value_is_repeated() -> None:
    """As tensor.proto has it for fewer values than the shape needs."""
    assert [[1, 2], [2, 2]] == parse_tensor(tensor(FLOAT, [2, 2], float_val=[1, 2])).tolist()


def test_scalar_has_no_dimension() -> None:
    """One value and an empty shape."""
    assert 3.0 == parse_tensor(tensor(FLOAT, [], float_val=[3])).item()


def test_bfloat16_becomes_float32() -> None:
    """In both forms; 0x3F80 is one, 0xC000 minus two."""
    assert [1.0, -2.0] == parse_tensor(tensor(BFLOAT16, [2], half_val=[0x3F80, 0xC000])).tolist()
    assert [1.0] == parse_tensor(tensor(BFLOAT16, [1], tensor_content=b"\x80\x3f")).tolist()


def test_strings_come_as_bytes() -> None:
    """What they hold is for others to know."""
    assert [b"a", b"\xff"] == parse_tensor(tensor(STRING, [2], string_val=[b"a", b"\xff"])).tolist()


@pytest.mark.parametrize(
    ("broken", "word"),
    [
        (tensor(FLOAT, [2], tensor_content=bytes(7)), "7 bytes"),
        (tensor(FLOAT, [2], float_val=[1, 2, 3]), "3 values"),
        (tensor(FLOAT, [2]), "0 values"),
        (tensor(FLOAT, [-1], float_val=[1]), "not fully known"),
        (tensor(FLOAT, [2**62, 2**62], float_val=[1]), "too many"),
        (tensor(FLOAT, [2**62] * (MAX_DIMENSIONS + 1), float_val=[1]), "9 dimensions came, the limit is 8"),
        (tensor(UINT8, [0, 2**62, 2**62]), "too large"),
        (tensor(FLOAT, [2**40], tensor_content=b"1234"), "4 bytes"),
        (tensor(UINT8, [1], int_val=[256]), "out of the range of uint8"),
        (tensor(UINT8, [1], int_val=[-1]), "out of the range"),
        (tensor(8, [1]), "data type 8"),
        (tensor(0, [1]), "data type 0"),
    ],
)
def test_what_makes_no_tensor_is_told(broken: Any, word: str) -> None:
    """What came and what was expected, without the memory that a shape promises."""
    with pytest.raises(MalformedTensorError, match=word):
        parse_tensor(broken)


def test_many_dimensions_are_refused_at_once() -> None:
    """Their product would take a quarter of a minute, and no error may print it."""
    broken = tensor(UINT8, [2**62] * 100_000, int_val=[1])
    began_s = time.perf_counter()
    with pytest.raises(MalformedTensorError) as caught:
        parse_tensor(broken)

    assert time.perf_counter() - began_s < 0.1
    assert len(str(caught.value)) < 100


class Unreadable:
    """Values that can be counted, and nothing else."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        """How many there are."""
        return self._count

    def __iter__(self) -> Any:
        """Not to be done."""
        raise AssertionError("the values were read")


@pytest.mark.parametrize("count", [0, 3])
@pytest.mark.parametrize(
    ("dtype", "field"), [(UINT8, "int_val"), (FLOAT, "float_val"), (STRING, "string_val"), (BFLOAT16, "half_val")]
)
def test_values_are_counted_before_they_are_read(dtype: int, field: str, count: int) -> None:
    """Millions of them for a small shape cost nothing."""
    shape = tensor(dtype, [2]).tensor_shape
    values: dict[str, Any] = {field: Unreadable(count)}
    with pytest.raises(MalformedTensorError, match=rf"{count} values came, the shape \[2\] has 2"):
        parse_tensor(SimpleNamespace(dtype=dtype, tensor_content=b"", tensor_shape=shape, **values))


@pytest.mark.parametrize(("dtype", "field"), [(STRING, "string_val"), (BFLOAT16, "half_val")])
def test_memory_of_repeated_values_is_that_of_the_array(dtype: int, field: str) -> None:
    """Pointers to strings, and the float32 that a bfloat16 becomes: 2**27 elements are too many of each."""
    shape = tensor(dtype, [2**27]).tensor_shape
    values: dict[str, Any] = {field: Unreadable(1)}
    with pytest.raises(MalformedTensorError, match="too many for a repeated value"):
        parse_tensor(SimpleNamespace(dtype=dtype, tensor_content=b"", tensor_shape=shape, **values))


@given(st.binary(max_size=200))
def test_random_messages_do_no_harm(data: bytes) -> None:
    """Whatever parses as a message is a tensor or a clear error."""
    made = TensorProto()
    with suppress(DecodeError):
        made.ParseFromString(data)
    with suppress(MalformedTensorError):
        assert parse_tensor(made).ndim == len(made.tensor_shape.dim)


@pytest.mark.parametrize("name", TYPES)
def test_types_have_numpy_names(name: str) -> None:
    """Both ways."""
    assert name == describe_type(find_type(name))


def test_unknown_type_has_a_number() -> None:
    """For the message that refuses it."""
    assert "DT_8" == describe_type(8)
