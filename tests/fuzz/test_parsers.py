"""Every parser of text, JSON, forms and tensors alone: whatever comes, it answers or raises what it documents."""

import gzip
import zlib
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import numpy as np
import orjson
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.fuzz import seeds
from bench.fuzz.mutation import ODD_TEXTS, mutate_json, mutate_message
from service.access.keys import UnusableKeysError, make_key, parse_keys
from service.api.credentials import find_secret
from service.api.http.inflate import ENCODINGS, inflate
from service.api.http.media import JSON, NPY, PNG, choose_format, parse_media_type
from service.api.http.multipart import parse_files
from service.api.http.problems import NotAcceptableError
from service.api.http.query import parse_options, parse_timeout
from service.api.inference.datatypes import NUMBERS
from service.api.inference.json_request import parse_request
from service.api.inference.models import parse_version
from service.api.inference.routes import find_route as find_inference_route
from service.api.tfserving.labels import reload_labels
from service.api.tfserving.routes import find_route as find_serving_route
from service.api.tfserving.rows import parse_predict_body
from service.domain import VersionStatus
from service.errors import (
    DigitCodecError,
    InvalidImageError,
    MalformedRequestError,
    NotFoundError,
    PayloadTooLargeError,
)
from service.images import parse_nested
from service.wire import tensorflow_serving as serving
from service.wire.tensors import MalformedTensorError, parse_tensor, render_tensor

MUTATIONS = 400
LIMIT_BYTES = 10_000

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=100)

texts = st.sampled_from(ODD_TEXTS) | st.text(max_size=40)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts
documents = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=20)
OPTIONS = frozenset({"version", "label", "threshold", "preprocess"})
names = st.sampled_from(sorted(OPTIONS)) | texts
queries = st.lists(st.tuples(names, texts), max_size=4).map(
    lambda pairs: "&".join(f"{name}={value}" for name, value in pairs).encode()
)
ranges = st.sampled_from(["*/*", "image/*", JSON, NPY, "text/html", "", ";", "q=1"])
accepts = st.lists(st.tuples(ranges, texts), max_size=4).map(
    lambda pairs: ",".join(f"{media};q={weight}" for media, weight in pairs).encode()
)
form_pieces = st.sampled_from(
    [
        *(b"--fuzz", b"--fuzz--", b"--", b"\r\n", b"\r\n\r\n", b":", b"\n", b"--fuzz\r\n"),
        *(
            b"content-disposition: form-data; name=f; filename=f",
            b"content-type: image/png",
            b'filename="',
            b"\x00\xff",
        ),
    ]
) | st.binary(max_size=20)
forms = st.lists(form_pieces, max_size=12).map(b"".join)


@repeatable
@given(queries | st.binary(max_size=60))
def test_any_query(query: bytes) -> None:
    """A query is options or malformed."""
    with suppress(MalformedRequestError):
        options = parse_options(query, OPTIONS)
        assert 0 <= options.threshold <= 1


@repeatable
@given(st.binary(max_size=40) | texts.map(str.encode))
def test_any_timeout(header: bytes) -> None:
    """A time is a finite number above zero or malformed."""
    with suppress(MalformedRequestError):
        seconds = parse_timeout(header)
        assert seconds is not None
        assert 0 < seconds < np.inf


@repeatable
@given(accepts | st.binary(max_size=60))
def test_any_accept(header: bytes) -> None:
    """What is accepted is one of the formats that are offered, or none."""
    with suppress(MalformedRequestError, NotAcceptableError):
        assert choose_format(header, (JSON, NPY, PNG)) in {JSON, NPY, PNG}


@repeatable
@given(forms, st.sampled_from([b"multipart/form-data; boundary=fuzz"]) | st.binary(max_size=60))
def test_any_form(body: bytes, content_type: bytes) -> None:
    """A form is a few files, malformed, or has too many; its type is a text whatever it is."""
    assert isinstance(parse_media_type(content_type), str)
    with suppress(MalformedRequestError, PayloadTooLargeError):
        assert len(parse_files(body, content_type, max_files=3)) <= 3


@repeatable
@given(st.binary(max_size=200), st.integers(0, 300), st.integers(0, 3 * LIMIT_BYTES), st.sampled_from(ENCODINGS))
def test_any_compressed_body(tail: bytes, kept: int, size: int, encoding: str) -> None:
    """No more comes of a compressed body than the limit."""
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    with suppress(MalformedRequestError, PayloadTooLargeError):
        assert len(inflate(pack(bytes(size))[:kept] + tail, encoding, LIMIT_BYTES)) <= LIMIT_BYTES


@repeatable
@given(documents)
def test_any_nested_value(value: Any) -> None:
    """A nested value is an image or an invalid one."""
    with suppress(InvalidImageError):
        assert (28, 28) == parse_nested(value).shape


@repeatable
@given(texts, st.sampled_from(["GET", "POST", "PUT"]))
def test_any_path(text: str, method: str) -> None:
    """A path of another protocol is routed or refused, and so is a version."""
    for path in (f"/v1/{text}", f"/v1/models/{text}:predict", f"/v1/models/digits/versions/{text}"):
        with suppress(NotFoundError, MalformedRequestError):
            find_serving_route(method, path)
    for path in (f"/v2/{text}", f"/v2/models/digits/versions/{text}/infer", f"/v2/models/{text}"):
        with suppress(NotFoundError):
            find_inference_route(path)
    with suppress(NotFoundError):
        parse_version(text)


def _parse_infer(body: bytes) -> None:
    request, _ = parse_request(memoryview(body), None, "digits", "")
    for tensor in request.inputs:
        if tensor.datatype in NUMBERS:
            tensor.elements.read_numbers(tensor.datatype, tensor.shape)
        else:
            tensor.elements.read_strings(tensor.shape)


@pytest.mark.parametrize(
    ("parse", "document"),
    [
        (_parse_infer, seeds.infer_document()),
        (
            _parse_infer,
            seeds.infer_document("decode", outputs=[{"name": "images", "parameters": {"binary_data": True}}]),
        ),
        (lambda body: parse_predict_body(body, 100), seeds.predict_document()),
        (lambda body: parse_predict_body(body, 100), seeds.predict_document("decode", by_rows=False)),
    ],
)
def test_damaged_documents(parse: Callable[[bytes], object], document: Any) -> None:
    """A damaged JSON document of another protocol is refused in our own words."""
    parse(orjson.dumps(document))
    for index in range(MUTATIONS):
        with suppress(DigitCodecError):
            parse(mutate_json(document, Random(index)))  # noqa: S311 - repeatable damage, no secret


@repeatable
@given(documents)
def test_any_document(document: Any) -> None:
    """Any other one is, too."""
    body = orjson.dumps(str(document)) if _is_beyond_json(document) else orjson.dumps(document)
    with suppress(DigitCodecError):
        _parse_infer(body)
    with suppress(DigitCodecError):
        parse_predict_body(body, 100)


def _is_beyond_json(document: Any) -> bool:
    try:
        orjson.dumps(document)
    except TypeError:  # an integer of more than 64 bits, or half of a character
        return True
    return False


@pytest.mark.parametrize("dtype", ["u1", "f4", "f2", "i8", "?"])
@pytest.mark.parametrize("packed", [True, False])
def test_damaged_tensors(dtype: str, packed: bool) -> None:  # noqa: FBT001 - a parameter of a test
    """A damaged TensorProto is an array of its shape, or malformed."""
    whole = render_tensor(np.arange(12).astype(dtype).reshape(3, 4), packed=packed)
    for index in range(MUTATIONS):
        data = mutate_message(whole, Random(index))  # noqa: S311 - repeatable damage, no secret
        tensor = serving.TensorProto()
        with suppress(MalformedTensorError, DecodeError):
            tensor.ParseFromString(data)
            assert tuple(dim.size for dim in tensor.tensor_shape.dim) == parse_tensor(tensor).shape


@repeatable
@given(st.binary(max_size=60) | st.binary(max_size=40).map(lambda tail: b"Bearer " + tail))
def test_any_secret(value: bytes) -> None:
    """What a stranger shows opens nothing, whatever it is."""
    ring = parse_keys(make_key("friend")[1])
    for header in (b"authorization", b"x-api-key"):
        assert ring.find(find_secret({header: value}) or b"") is None


@repeatable
@given(texts | st.tuples(texts, texts).map(lambda pair: f"[keys.{pair[0]}]\nsha256 = [{pair[1]}]\n"))
def test_any_file_of_keys(text: str) -> None:
    """A file of keys is usable, or a named mistake."""
    with suppress(UnusableKeysError):
        parse_keys(text)


def test_damaged_labels() -> None:
    """A damaged configuration moves labels to versions that answer, or is refused."""
    request = serving.ReloadConfigRequest()
    model = request.config.model_config_list.config.add(name="digits", model_platform="tensorflow")
    model.version_labels["stable"] = 1
    moved: list[Any] = []
    for index in range(MUTATIONS):
        data = mutate_message(request, Random(index))  # noqa: S311 - repeatable damage, no secret
        with suppress(DigitCodecError, DecodeError):
            config = serving.ReloadConfigRequest.FromString(data).config
            reload_labels(config, "digits", [VersionStatus(1, "AVAILABLE")], moved.append)

    assert moved
    assert {1} >= {version for labels in moved for version in labels.values()}
