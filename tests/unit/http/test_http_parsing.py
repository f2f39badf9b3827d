"""Bodies of many image files: what they may cost, and for how long."""

import json
from base64 import b64encode
from collections.abc import Callable

import numpy as np
import pytest
from support import pictures
from support.fakes import count_images

from service.api.http.parsing import IMAGE_PARSERS, find_parser, parse_body
from service.api.reading import ReadContext, UndecodedRows
from service.domain import Deadline
from service.errors import DeadlineExceededError, InvalidImageError, PayloadTooLargeError
from service.images import ImageLimits, render_png

Build = Callable[[list[bytes]], bytes]

FAR = Deadline.after(3600)
IMAGES = count_images(3)
DAMAGED = pictures.png((28, 28, 8, 0, 0, 0, 0), b"no deflate")
JSON = b"application/json"
FORM = b"multipart/form-data; boundary=b"


class CountedDeadline(Deadline):
    """A deadline that passes once it was looked at so many times."""

    looks = 0

    def check(self) -> float:
        """Take one look away."""
        if not self.looks:
            raise DeadlineExceededError("no look is left")
        self.looks -= 1
        return self.looks


def allow_looks(count: int) -> CountedDeadline:
    """A deadline that may be looked at so many times."""
    deadline = CountedDeadline(0.0)
    deadline.looks = count
    return deadline


def as_json(files: list[bytes]) -> bytes:
    """A JSON body of these files."""
    return json.dumps({"images": [b64encode(file).decode() for file in files]}).encode()


def as_form(files: list[bytes]) -> bytes:
    """A form of these files."""
    head = b"--b\r\ncontent-disposition: form-data; name=f; filename=f\r\n\r\n"
    return b"".join(head + file + b"\r\n" for file in files) + b"--b--\r\n"


BODIES = pytest.mark.parametrize(("content_type", "build"), [(JSON, as_json), (FORM, as_form)], ids=["json", "form"])


def parse(content_type: bytes, body: bytes, *, max_pixels: int = 2**24, deadline: Deadline = FAR) -> UndecodedRows:
    """The body as the door parses it."""
    context = ReadContext("strict", 4096, ImageLimits(max_pixels), deadline, content_type)
    return parse_body(find_parser(IMAGE_PARSERS, {b"content-type": content_type}), [body], context)


@BODIES
def test_files_up_to_the_pixel_limit_together_are_taken(content_type: bytes, build: Build) -> None:
    """Three files of 784 pixels are no more than 2352."""
    body = parse(content_type, build([render_png(image) for image in IMAGES]), max_pixels=2352)

    assert (3, 2352) == (body.images, body.pixels)
    np.testing.assert_array_equal(IMAGES, body.decode())


@BODIES
def test_files_are_too_large_together_before_one_is_decoded(content_type: bytes, build: Build) -> None:
    """The sum is refused by the headers alone: decoding these files would fail in another way."""
    with pytest.raises(PayloadTooLargeError, match="of 2352 pixels together came, the limit of a request is 2351"):
        parse(content_type, build([DAMAGED] * 3), max_pixels=2351)
    with pytest.raises(InvalidImageError, match="image 0"):
        parse(content_type, build([DAMAGED] * 3), max_pixels=2352).decode()


def test_nested_lists_promise_no_pixels() -> None:
    """They are in the body as they are: its own limit bounds them."""
    body = parse(JSON, json.dumps({"images": IMAGES.tolist()}).encode(), max_pixels=1)

    np.testing.assert_array_equal(IMAGES, body.decode())


def test_single_file_counts_its_tiles() -> None:
    """One file is a request too: the tile that its decoder makes is larger than its picture."""
    tiled = pictures.tiff([(tag, 4, 1, side) for tag, side in ((256, 28), (257, 28), (322, 64), (323, 64))])

    with pytest.raises(PayloadTooLargeError, match="of 4096 pixels"):
        parse(b"image/tiff", tiled, max_pixels=4095)


@BODIES
def test_deadline_is_looked_at_before_each_image(content_type: bytes, build: Build) -> None:
    """Time that is up stops the reading of headers at the next file, and the decoding at the next image."""
    data = build([render_png(image) for image in IMAGES])

    with pytest.raises(DeadlineExceededError):
        parse(content_type, data, deadline=allow_looks(2))
    body = parse(content_type, data, deadline=allow_looks(5))
    with pytest.raises(DeadlineExceededError):
        body.decode()
    np.testing.assert_array_equal(IMAGES, parse(content_type, data, deadline=allow_looks(6)).decode())
