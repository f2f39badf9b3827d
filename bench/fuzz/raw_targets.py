"""Bytes on the socket whose framing itself is damaged: HTTP/1.1 on the one port, HTTP/2 frames on the other."""

import json
from collections.abc import Callable, Mapping, Sequence
from random import Random

from bench.fuzz import seeds
from bench.fuzz.cases import HttpCase, RawCase
from bench.fuzz.http_targets import HTTP_TARGETS
from bench.fuzz.mutation import mutate_bytes, random_bytes

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GO_AWAY, _WINDOW, _CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
_END_STREAM, _END_HEADERS = 1, 4
_MAX_FRAME_BYTES = 16_384  # that a server must take
_FRAME_KINDS = (_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GO_AWAY, _WINDOW, _CONTINUATION, 2, 5, 10, 255)
_ODD_METADATA = (
    *((b"grpc-timeout", value) for value in (b"1S", b"0n", b"-1S", b"99999999H", b"1x", b"", b"\xff", b"9" * 20)),
    *((b"x-request-id", value) for value in (b"abc", b"\xff\xfe", b"a" * 5000, b"")),
    *((b"traceparent", value) for value in (b"00-0-0-0", b"\x80")),
    *((b"grpc-encoding", value) for value in (b"gzip", b"deflate", b"x")),
    *((b"x-api-key", value) for value in (b"\xff", b"k")),
    *((name, b"AAA=") for name in (b"x-bin", b"grpc-trace-bin", b"X-Upper", b":path", b"")),
)

RawMaker = Callable[[Random], RawCase]


def make_http1(chance: Random) -> RawCase:
    """One or two requests of any kind with damage anywhere, or chunks of a body whose sizes are odd."""
    if chance.random() < 0.3:
        return RawCase("http", _make_chunked(chance))
    cases: list[HttpCase] = [chance.choice(list(HTTP_TARGETS.values()))(chance) for _ in range(chance.randint(1, 2))]
    data = b"".join(case.to_wire() for case in cases)
    # The heads are short, and damage is wanted there.
    cut = data.find(b"\r\n\r\n") + 4 if chance.random() < 0.8 else len(data)
    return RawCase("http", mutate_bytes(data[:cut], chance) + data[cut:])


def _make_chunked(chance: Random) -> bytes:
    path, document = chance.choice(list(seeds.json_documents().items()))
    body = json.dumps(document).encode()
    step = chance.choice((1000, 5000, len(body)))
    pieces = [body[start : start + step] for start in range(0, len(body), step)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" % path.encode()
    head += chance.choice((b"", b"Content-Length: 5\r\n", b"Transfer-Encoding: gzip\r\n"))
    head += b"Transfer-Encoding: chunked\r\n\r\n"
    if chance.random() < 0.3:
        return head + chunks
    size = chance.choice((10, 2000, len(chunks)))
    return head + mutate_bytes(chunks[:size], chance) + chunks[size:]


def make_http2(chance: Random) -> RawCase:
    """A call in HTTP/2 frames with odd metadata, odd frames or damage anywhere."""
    if chance.random() < 0.05:
        return RawCase("grpc", random_bytes(chance))
    path, message = chance.choice(seeds.messages())
    metadata = chance.sample(_ODD_METADATA, chance.randint(0, 2))
    frames = [_frame(_SETTINGS, 0, 0, b""), *_frames_of_call(path.encode(), message.SerializeToString(), metadata)]
    for _ in range(chance.randint(0, 3)):
        frames.insert(chance.randint(1, len(frames)), _odd_frame(chance))
    data = b"".join(frames)
    return RawCase("grpc", _PREFACE + (mutate_bytes(data, chance) if chance.random() < 0.6 else data))


def build_http2_call(path: bytes, message: bytes, *metadata: tuple[bytes, bytes]) -> bytes:
    """All that a client sends for one call, on a fresh connection."""
    return b"".join([_PREFACE, _frame(_SETTINGS, 0, 0, b""), *_frames_of_call(path, message, metadata)])


def _frames_of_call(path: bytes, message: bytes, metadata: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
    pairs = [
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", path),
        (b":authority", b"x"),
        (b"content-type", b"application/grpc"),
        (b"te", b"trailers"),  # codespell:ignore te
        *metadata,
    ]
    block = b"".join(b"\x00" + _text(name) + _text(value) for name, value in pairs)
    body = b"\x00" + len(message).to_bytes(4, "big") + message
    pieces = [body[start : start + _MAX_FRAME_BYTES] for start in range(0, len(body), _MAX_FRAME_BYTES)]
    data = [_frame(_DATA, _END_STREAM * (piece is pieces[-1]), 1, piece) for piece in pieces]
    return [_frame(_HEADERS, _END_HEADERS, 1, block), *data]


def _odd_frame(chance: Random) -> bytes:
    flags, stream = chance.choice((0, 1, 4, 5, 8, 255)), chance.choice((0, 1, 2, 3, 2**31 - 1))
    content = chance.choice((b"", bytes(4), bytes(8), b"\xff" * 6, b"\x00\x04\x7f\xff\xff\xff", bytes(5)))
    return _frame(chance.choice(_FRAME_KINDS), flags, stream, content)


def _frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    return len(content).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + content


def _text(value: bytes) -> bytes:
    """A string as HPACK has it, without its Huffman code (RFC 7541, 5.1 and 5.2)."""
    if len(value) < 127:
        return bytes((len(value),)) + value
    rest, length = len(value) - 127, b"\x7f"
    while rest >= 128:
        length += bytes((rest % 128 + 128,))
        rest //= 128
    return length + bytes((rest,)) + value


RAW_TARGETS: Mapping[str, RawMaker] = {"raw HTTP/1.1 and chunks": make_http1, "raw HTTP/2": make_http2}
