"""Hostile bytes: only the documented errors leave, soon, and without memory that grows."""

import gc
import random
import resource
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import pictures

from service.domain import IMAGE_SIDE
from service.errors import (
    InvalidCodeError,
    InvalidImageError,
    MalformedRequestError,
    PayloadTooLargeError,
)
from service.images import FORMATS, ImageLimits, decode_image, parse_codes_npy, parse_npy, render_npy

LIMITS = ImageLimits(max_pixels=2**20)
DOCUMENTED = (InvalidImageError, InvalidCodeError, MalformedRequestError, PayloadTooLargeError)
MUTATIONS = 2000

SEEDS = [pictures.encode(pictures.ramp(), file_format) for file_format in FORMATS.values()]
SEEDS += [pictures.encode(pictures.ramp(40, 30), file_format) for file_format in FORMATS.values()]
SEEDS += [pictures.animate("GIF", 2), pictures.animate("WEBP", 2), pictures.animate("PNG", 2)]
SEEDS += [pictures.encode(pictures.ramp(), "JPEG", progressive=True), render_npy(pictures.digits(2))]
SEEDS += [pictures.encode(pictures.ramp(), "TIFF", compression=kind) for kind in ("tiff_lzw", "jpeg", "packbits")]


def mutate(body: bytes, chance: random.Random) -> bytes:
    """One body with a few bytes changed, cut out, doubled or made extreme."""
    data = bytearray(body)
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(data))
        kind = chance.randrange(4)
        if kind == 0:
            data[place] = chance.randrange(256)
        elif kind == 1:
            data[place : place + 4] = chance.choice(
                [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", bytes(4), b"\x00\x00\x00\x01"]
            )
        elif kind == 2:
            del data[place : place + chance.randint(1, 20)]
        else:
            data[place:place] = data[place : place + chance.randint(1, 40)]
        data = data or bytearray(b"\x00")
    return bytes(data)


def read_every_way(data: bytes) -> list[Callable[[], object]]:
    """Every reader of bytes, with these bytes."""
    return [
        lambda: decode_image(data, limits=LIMITS),
        lambda: decode_image(data, limits=LIMITS, preprocess="mnist"),
        lambda: parse_npy(data),
        lambda: parse_codes_npy(data),
    ]


def attempt(read: Callable[[], object]) -> None:
    """Read; a documented error is an answer."""
    with suppress(*DOCUMENTED):
        read()


def test_mutated_bodies_meet_only_documented_errors() -> None:
    """2,000 mutated bodies: nothing else is raised, none takes a second, memory does not grow."""
    chance = random.Random(20240607)  # noqa: S311 - a repeatable test, no secret
    bodies = [mutate(SEEDS[index % len(SEEDS)], chance) for index in range(MUTATIONS)]
    slowest_s, before_kib = 0.0, 0
    for index, body in enumerate(bodies):
        if index == MUTATIONS // 4:  # every codec has been loaded by now
            before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for read in read_every_way(body):
            began_s = time.monotonic()
            attempt(read)
            slowest_s = max(slowest_s, time.monotonic() - began_s)
    gc.collect()

    assert slowest_s < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 64 * 1024


@given(st.sampled_from(SEEDS), st.integers(0, 60), st.binary(max_size=300))
def test_any_tail_meets_only_documented_errors(seed: bytes, kept: int, tail: bytes) -> None:
    """The first bytes of a real file, then anything."""
    for read in read_every_way(seed[:kept] + tail):
        attempt(read)


@given(st.binary(max_size=300))
@pytest.mark.parametrize("media_type", FORMATS)
def test_any_bytes_under_any_type_meet_only_documented_errors(media_type: str, data: bytes) -> None:
    """Whatever is declared, bytes that are no such image are an invalid image."""
    attempt(lambda: decode_image(data, limits=LIMITS, media_type=media_type))


def test_many_threads_read_at_once() -> None:
    """Readers share nothing: eight threads find the same pixels."""
    from concurrent.futures import ThreadPoolExecutor

    files = SEEDS[: len(FORMATS)] * 30
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda data: decode_image(data, limits=LIMITS).tobytes(), files))

    assert [decode_image(data, limits=LIMITS).tobytes() for data in files] == found
    assert {IMAGE_SIDE**2} == {len(pixels) for pixels in found}
