"""Requests over HTTP with one odd part each: a file, a body, a header or the path; the framing is right."""

import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from random import Random
from typing import Any
from urllib.parse import quote

from bench.fuzz import seeds
from bench.fuzz.cases import Headers, HttpCase
from bench.fuzz.mutation import ODD_TEXTS, mutate_bytes, mutate_json, random_bytes

_IMAGE_PATHS = (b"/encode", b"/reconstruct", b"/score", b"/score?preprocess=mnist", b"/encode?preprocess=mnist")
_ACCEPTS = (
    b"*/*",
    b"application/json",
    b"application/x-npy, */*;q=0.1",
    b"image/png, */*;q=0.1",
    b"image/*, a/b;q=0.5",
)
_JSON = (b"content-type", b"application/json")
_OCTETS = (b"content-type", b"application/octet-stream")
_MODELS = (b"digits", b"digits-encode", b"digits-decode", b"digits-reconstruct")
_SIGNATURES = ("encode", "decode", "reconstruct", "serving_default")
_PATHS = (
    *(
        b"/",
        b"/docs",
        b"/openapi.json",
        b"/livez",
        b"/readyz",
        b"/startupz",
        b"/models",
        b"/models/digits",
        b"/metrics",
    ),
    *(b"/v2", b"/v2/health/live", b"/v2/models/digits/versions/1", b"/v2/models/digits/ready", b"/v2/repository/index"),
    *(b"/v1/models/digits", b"/v1/models/digits/versions/1/metadata", b"/v1/models/digits/labels/stable:predict"),
    *(b"/v1/models/digits:predict", b"/v1/models/digits:classify", b"/v2/models/digits/infer", b"/encode", b"/score"),
)
_METHODS = (b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"PATCH", b"TRACE", b"PROPFIND")
_NAMES = (b"version", b"label", b"threshold", b"preprocess", b"x", b"")
_HEADER_VALUES: Mapping[bytes, tuple[bytes, ...]] = {
    b"content-type": (
        b"image/png",
        b"multipart/form-data; boundary=fuzz",
        b"application/x-npy",
        b"text/plain;charset=x",
    ),
    b"accept": _ACCEPTS,
    b"accept-encoding": (b"gzip", b"identity;q=0"),
    b"content-encoding": (b"gzip", b"deflate", b"identity", b"br", b"gzip, gzip"),
    b"x-request-id": (b"abc-1", b"a" * 129),
    b"x-request-timeout": (b"1", b"0.5", b"1e-3", b"60", b".5", b"1e400"),
    b"traceparent": (b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", b"00-0-0-0"),
    b"host": (b"localhost:8000", b"[::1]:8000", b"[::1", b"[", b"a b", b"", b"@:", b"x" * 300, b"h:99999", b"h:port"),
    b"x-forwarded-for": (b"1.2.3.4", b"[::1]:5"),
    b"x-forwarded-proto": (b"https", b"wss"),
    b"authorization": (b"Bearer x", b"Basic !", b"Bearer"),
    b"x-api-key": (b"x",),
    b"origin": (b"http://localhost", b"null"),
    b"access-control-request-method": (b"POST",),
    b"cookie": (b"a=b; c",),
    b"range": (b"bytes=0-1",),
    b"expect": (b"100-continue", b"x"),
    b"upgrade": (b"h2c", b"websocket"),
    b"connection": (b"close", b"upgrade", b"keep-alive, x"),
    seeds.HEADER_LENGTH: (b"0", b"5", b"-1", b"9" * 30, b"1_0", b"\xb2"),
}

Maker = Callable[[Random], HttpCase]


def _post(target: bytes, body: bytes, *headers: tuple[bytes, bytes]) -> HttpCase:
    return HttpCase(b"POST", target, headers, body)


def _accept(chance: Random) -> tuple[bytes, bytes]:
    return b"accept", chance.choice(_ACCEPTS)


def make_image(chance: Random) -> HttpCase:
    """A damaged image file as a whole body, under its own type or another."""
    files = seeds.picture_files()
    media_type, data = chance.choice(files)
    body = mutate_bytes(data, chance, others=[other for _, other in files])
    declared = chance.choice(files)[0] if chance.random() < 0.05 else media_type
    return _post(chance.choice(_IMAGE_PATHS), body, (b"content-type", declared.encode()), _accept(chance))


def make_npy(chance: Random) -> HttpCase:
    """A damaged array, often damaged in its header."""
    data = chance.choice(seeds.npy_files())
    cut = data.index(b"\n") + 1 if chance.random() < 0.7 else len(data)
    body = mutate_bytes(data[:cut], chance, others=seeds.npy_files()) + data[cut:]
    path = chance.choice((*_IMAGE_PATHS[:3], b"/decode", b"/decode"))
    return _post(path, body, (b"content-type", b"application/x-npy"), _accept(chance))


def make_form(chance: Random) -> HttpCase:
    """A form whose files are whole and whose framing is damaged, or the other way round."""
    files = [chance.choice(seeds.picture_files()) for _ in range(chance.randint(0, 3))]
    boundary, kind = seeds.BOUNDARY, chance.random()
    if kind < 0.4 and files:
        files[0] = files[0][0], mutate_bytes(files[0][1], chance)
    body = seeds.form(*files)
    if kind >= 0.4:
        body = mutate_bytes(body[: chance.choice((200, len(body)))], chance) + body[200:]
    if kind > 0.9:
        boundary = mutate_bytes(boundary, chance)
    content_type = _clean(b"multipart/form-data; boundary=" + boundary)
    return _post(chance.choice(_IMAGE_PATHS), body, (b"content-type", content_type), _accept(chance))


def make_json(chance: Random) -> HttpCase:
    """A damaged JSON body of our own routes."""
    path, document = chance.choice(list(seeds.json_documents().items()))
    return _post(path.encode(), mutate_json(document, chance), _JSON, _accept(chance))


def make_octets(chance: Random) -> HttpCase:
    """Raw rows of the wrong length or right one."""
    body = mutate_bytes(seeds.images().tobytes(), chance) if chance.random() < 0.7 else random_bytes(chance)
    return _post(chance.choice(_IMAGE_PATHS), body, _OCTETS, _accept(chance))


def make_infer_json(chance: Random) -> HttpCase:
    """A damaged JSON request of the Open Inference Protocol."""
    document = seeds.infer_document(chance.choice(_SIGNATURES[:3]))
    if chance.random() < 0.3:
        document["outputs"] = [{"name": "codes", "parameters": {"binary_data": True}}]
    return _post(_infer_path(chance), mutate_json(document, chance), _JSON)


def make_infer_binary(chance: Random) -> HttpCase:
    """The binary tensor extension: the JSON, its length or the bytes behind it are damaged."""
    files = tuple(data for _, data in chance.sample(seeds.picture_files(), 2)) if chance.random() < 0.4 else ()
    document, data = seeds.binary_document(chance.choice(_SIGNATURES[:2]), files)
    headers, body = seeds.binary_body(document, data)
    kind = chance.randrange(4)
    if kind == 0:
        head = mutate_json(document, chance)
        headers, body = ((seeds.HEADER_LENGTH, b"%d" % len(head)),), head + data
    elif kind == 1:
        headers = ((seeds.HEADER_LENGTH, _clean(mutate_bytes(headers[0][1], chance))),)
    elif kind == 2:
        body = body[: -_size_of(data, chance)] + mutate_bytes(data, chance)
    else:
        headers, body = ((seeds.HEADER_LENGTH, b"0"),), _whole_body(chance)
    return _post(_infer_path(chance), body, _OCTETS, *headers)


def _size_of(data: bytes, chance: Random) -> int:
    return chance.choice((len(data), len(data) // 2, 1))


def _whole_body(chance: Random) -> bytes:
    data = chance.choice((seeds.images().tobytes(), seeds.codes().tobytes(), chance.choice(seeds.picture_files())[1]))
    return mutate_bytes(data, chance)


def _infer_path(chance: Random) -> bytes:
    version = chance.choice((b"", b"", b"/versions/1", b"/versions/2", b"/versions/stable"))
    return b"/v2/models/%s%s/infer" % (chance.choice(_MODELS), version)


def make_predict(chance: Random) -> HttpCase:
    """A damaged request of TensorFlow Serving's REST API, in rows or in columns."""
    document = seeds.predict_document(chance.choice(_SIGNATURES), by_rows=chance.random() < 0.5)
    if chance.random() < 0.3 and "instances" in document:
        document["instances"] = [{"images": row} for row in document["instances"]]
    path = chance.choice((b"/v1/models/digits", b"/v1/models/digits/versions/1", b"/v1/models/digits/labels/x"))
    return _post(path + b":predict", mutate_json(document, chance), _JSON)


def make_compressed(chance: Random) -> HttpCase:
    """A compressed body of the two protocols that take it: damaged, not compressed at all, or a bomb."""
    document: Any = chance.choice((seeds.infer_document(), seeds.predict_document()))
    path = b"/v1/models/digits:predict" if "instances" in document else b"/v2/models/digits/infer"
    body = json.dumps(document).encode() if chance.random() < 0.6 else mutate_json(document, chance)
    body, encoding = _compress(body, chance)
    if chance.random() < 0.6:
        body = mutate_bytes(body, chance)
    return _post(path, body, _JSON, (b"content-encoding", encoding))


def _compress(body: bytes, chance: Random) -> tuple[bytes, bytes]:
    kind = chance.random()
    if kind < 0.02:
        body += b" " * 2**25  # with it the document is larger than the limit of bodies
    if kind < 0.5:
        return gzip.compress(body, 1, mtime=0), b"gzip"
    return (zlib.compress(body, 1), b"deflate") if kind < 0.8 else (body, chance.choice((b"gzip", b"deflate")))


def make_head(chance: Random) -> HttpCase:
    """A good request whose method, path, query or headers are odd."""
    path, document = chance.choice(list(seeds.json_documents().items()))
    method, target, body = b"POST", path.encode(), json.dumps(document).encode()
    if chance.random() < 0.5:
        method, target = chance.choice(_METHODS), chance.choice(_PATHS)
        body = b"{}" if method in {b"POST", b"PUT", b"PATCH"} else b""
    if chance.random() < 0.3:
        target = _clean(mutate_bytes(target, chance), is_target=True) or b"/"
    if chance.random() < 0.5:
        target += b"?" + _make_query(chance)
    return HttpCase(method, target, _make_headers(chance), body)


def _make_query(chance: Random) -> bytes:
    pairs = []
    for _ in range(chance.randint(1, 3)):
        value = chance.choice(ODD_TEXTS)[:1500].encode()
        shown = quote(value).encode() if chance.random() < 0.7 else _clean(value, is_target=True)
        pairs.append(chance.choice(_NAMES) + b"=" + shown)
    return b"&".join(pairs)


def _make_headers(chance: Random) -> Headers:
    headers = {b"content-type": b"application/json"}
    for _ in range(chance.randint(1, 4)):
        name = chance.choice(list(_HEADER_VALUES))
        value = chance.choice(_HEADER_VALUES[name])
        headers[name] = _clean(mutate_bytes(value, chance)) if chance.random() < 0.5 else value
    if chance.random() < 0.1:
        name = chance.choice(list(_HEADER_VALUES))
        return (*headers.items(), (name, chance.choice(_HEADER_VALUES[name])))
    return tuple(headers.items())


def _clean(value: bytes, *, is_target: bool = False) -> bytes:
    """The value without what would end its line; a target has no spaces either."""
    lowest = 0x21 if is_target else 0x20
    return bytes(byte for byte in value if byte >= lowest and byte != 0x7F)


HTTP_TARGETS: Mapping[str, Maker] = {
    "image files": make_image,
    "npy": make_npy,
    "multipart": make_form,
    "JSON": make_json,
    "octet-stream": make_octets,
    "compressed bodies": make_compressed,
    "headers, query, path": make_head,
    "OIP JSON": make_infer_json,
    "OIP binary": make_infer_binary,
    "TF Serving REST": make_predict,
}
"""Makers of cases by the name of what is odd in them."""
