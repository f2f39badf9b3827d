"""Image files: what is accepted, in which modes, and what is refused with which words."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageOps
from support import pictures

from service.errors import InvalidImageError, PayloadTooLargeError, UnsupportedMediaError
from service.images import FORMATS, ImageLimits, decode_image, open_image
from service.images.files import Preprocess

LIMITS = ImageLimits(max_pixels=2**24)
RAMP = pictures.ramp()


def refusal(data: bytes, media_type: str | None = None, preprocess: Preprocess = "strict") -> str:
    """The detail of the InvalidImageError that these bytes meet."""
    with pytest.raises(InvalidImageError) as caught:
        decode_image(data, limits=LIMITS, media_type=media_type, preprocess=preprocess)
    return caught.value.detail


def decode(data: bytes) -> pictures.Grey:
    """The image, read strictly and without a declared media type."""
    return decode_image(data, limits=LIMITS)


@pytest.mark.parametrize("media_type", pictures.LOSSLESS)
def test_lossless_file_gives_its_pixels(media_type: str) -> None:
    """Every grey level of a lossless file arrives unchanged, with and without a declared type."""
    data = pictures.encode(RAMP, pictures.LOSSLESS[media_type])

    np.testing.assert_array_equal(RAMP, decode_image(data, limits=LIMITS, media_type=media_type))
    np.testing.assert_array_equal(RAMP, decode(data))


def test_jpeg_gives_its_pixels_as_pillow_does() -> None:
    """A grey JPEG equals what Pillow makes of it."""
    data = pictures.encode(RAMP, "JPEG")

    np.testing.assert_array_equal(
        np.asarray(Image.open(BytesIO(data))), decode_image(data, limits=LIMITS, media_type="image/jpeg")
    )


@pytest.mark.parametrize("media_type", FORMATS)
def test_cut_file_is_refused_wherever_it_is_cut(media_type: str) -> None:
    """No prefix of a file without its last 2 bytes passes; the last byte of a format may be padding."""
    data = pictures.encode(RAMP, FORMATS[media_type])

    for length in range(0, len(data) - 1, 7):
        refusal(data[:length])


@pytest.mark.parametrize("mode", ["1", "P", "RGB"])
@pytest.mark.parametrize("file_format", ["PNG", "BMP", "TIFF"])
def test_colour_becomes_luma(file_format: str, mode: str) -> None:
    """Bilevel, palette and RGB pixels give ITU-R 601 luma, as Pillow rounds it."""
    colours = np.stack([RAMP, RAMP.T, 255 - RAMP], axis=-1)
    picture = Image.fromarray(colours).convert(mode)

    np.testing.assert_array_equal(
        np.asarray(picture.convert("RGB").convert("L")), decode(pictures.encode(picture, file_format))
    )


@pytest.mark.parametrize("file_format", ["JPEG", "TIFF"])
def test_cmyk_becomes_luma(file_format: str) -> None:
    """CMYK goes through RGB to luma; an unprinted white page is white."""
    white = Image.new("CMYK", (28, 28), (0, 0, 0, 0))

    assert (decode(pictures.encode(white, file_format)) == 255).all()


def test_palette_gif_becomes_luma() -> None:
    """A colour GIF of one frame is read by its palette."""
    picture = Image.fromarray(np.stack([RAMP, RAMP, 255 - RAMP], axis=-1)).quantize(64)

    np.testing.assert_array_equal(np.asarray(picture.convert("L")), decode(pictures.encode(picture, "GIF")))


@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "PPM"])
def test_16_bit_grey_is_scaled_and_not_clipped(file_format: str) -> None:
    """Level 257*k becomes k, levels between are rounded to the nearest."""
    wide = RAMP.astype(np.uint16) * 257
    wide[0, :3] = (128, 129, 65535)
    expected = RAMP.copy()
    expected[0, :3] = (0, 1, 255)

    np.testing.assert_array_equal(expected, decode(pictures.encode(wide, file_format)))


def test_float_tiff_follows_the_rule_of_arrays() -> None:
    """Float pixels in 0..1 are scaled by 255; one beyond 1 is refused."""
    np.testing.assert_array_equal(RAMP, decode(pictures.encode(RAMP.astype(np.float32) / 255, "TIFF")))

    assert "row 0, column 1: got 7.0, expected a float in 0..1" == refusal(
        pictures.encode(RAMP.astype(np.float32), "TIFF")
    )


def test_32_bit_integer_tiff_follows_the_rule_of_arrays() -> None:
    """32-bit integers in 0..255 are taken as they are; 256 is refused."""
    np.testing.assert_array_equal(RAMP, decode(pictures.encode(RAMP.astype(np.int32), "TIFF")))

    assert "row 0, column 0: got 256, expected an integer in 0..255" == refusal(
        pictures.encode(RAMP.astype(np.int32) + 256, "TIFF")
    )


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF"])
def test_transparent_paper_is_background(file_format: str) -> None:
    """Alpha weighs bright ink over the background 0."""
    ink = np.full((28, 28), 255, np.uint8)
    picture = Image.fromarray(np.stack([ink, ink, ink, RAMP], axis=-1))

    np.testing.assert_array_equal(RAMP, decode(pictures.encode(picture, file_format)))


def test_dark_ink_on_transparent_paper_is_refused_and_not_lost() -> None:
    """A black drawing on transparent paper would become blank over black, so strict refuses it; mnist reads it."""
    dark = np.zeros((28, 28), np.uint8)
    data = pictures.encode(Image.fromarray(np.stack([dark, pictures.digits(1)[0]], axis=-1)), "PNG")

    assert "dark ink on transparent paper" in refusal(data)
    assert decode_image(data, limits=LIMITS, preprocess="mnist").max() == 255


def test_fully_transparent_picture_is_blank() -> None:
    """Where everything is transparent nothing is hidden: the image is background."""
    assert not decode(pictures.encode(np.zeros((28, 28, 4), np.uint8), "PNG")).any()


def test_transparent_palette_entry_is_background() -> None:
    """The tRNS chunk of a palette PNG counts as alpha."""
    picture = Image.fromarray(np.full((28, 28), 1, np.uint8), "L").convert("P")
    picture.putpalette([200] * 6)
    pixels = picture.load()
    assert pixels is not None
    pixels[5, 3] = 0
    image = decode(pictures.encode(picture, "PNG", transparency=bytes([255, 0])))

    assert [200, 0] == [image[3, 5], image[3, 6]]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation_is_applied(file_format: str, orientation: int) -> None:
    """A picture stored turned or mirrored is read upright, as every viewer shows it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = pictures.encode(RAMP, file_format, exif=exif)

    np.testing.assert_array_equal(
        np.asarray(ImageOps.exif_transpose(Image.open(BytesIO(data))).convert("L")), decode(data)
    )


def test_damaged_exif_does_not_harm_the_picture() -> None:
    """Exif that cannot be read is ignored: the pixels do not depend on it."""
    chunk = pictures.png_chunk(b"eXIf", b"II*\x00\xff\xff\xff\xff")
    rows = np.pad(RAMP, ((0, 0), (1, 0))).tobytes()
    plain = pictures.plain_grey_png(rows)

    np.testing.assert_array_equal(RAMP, decode(plain[:33] + chunk + plain[33:]))


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "TIFF", "PNG"])
@pytest.mark.parametrize("preprocess", ["strict", "mnist"])
def test_animation_is_refused_with_its_frames(file_format: str, preprocess: Preprocess) -> None:
    """Several frames are several images; the message says how many came."""
    assert "the file holds 3 frames, expected 1" == refusal(pictures.animate(file_format, 3), preprocess=preprocess)


def test_other_sizes_are_refused_by_name() -> None:
    """27x28 is refused in strict, and the message tells width from height."""
    data = pictures.encode(pictures.ramp(height=28, width=27), "PNG")

    assert "27 pixels wide and 28 high, expected 28x28" in refusal(data)


@pytest.mark.parametrize(
    ("data", "media_type", "words"),
    [
        (b"", "image/png", "got an empty file, expected image/png"),
        (b"hello, world", "image/png", "got 12 bytes of text, expected image/png"),
        (b"\x00\x01\x02\x03", None, "got 4 bytes of an unknown kind, expected one of image/png"),
        (pictures.encode(RAMP, "JPEG"), "image/png", "the content is image/jpeg, declared as image/png"),
        (pictures.encode(RAMP, "PNG"), "image/jpeg", "the content is image/png, declared as image/jpeg"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 28 28\n", None, "bytes of text"),
        (b"P6 28 28 255\n" + bytes(3 * 784), None, "of an unknown kind"),
    ],
)
def test_other_content_is_refused_by_name(data: bytes, media_type: str | None, words: str) -> None:
    """The message says what came and what was declared; formats that are not listed are never opened."""
    assert words in refusal(data, media_type)


def test_unlisted_media_type_is_unsupported() -> None:
    """A media type that is not in FORMATS is another error than bad content."""
    with pytest.raises(UnsupportedMediaError, match="got image/svg"):
        decode_image(b"<svg/>", limits=LIMITS, media_type="image/svg+xml")


@pytest.mark.parametrize("preprocess", ["strict", "mnist"])
def test_bomb_is_refused_from_its_header(preprocess: Preprocess) -> None:
    """20000x20000 pixels in 50 kB are too large; Pillow's own limit, whose warning is an error here, takes no part."""
    with pytest.raises(PayloadTooLargeError, match="20000x20000"):
        decode_image(pictures.bomb_png(), limits=LIMITS, preprocess=preprocess)


def huge_headers() -> dict[str, bytes]:
    """Small files of every format that claim 16000x16000 pixels."""
    gif = bytearray(pictures.encode(RAMP, "GIF"))
    gif[6:10] = struct.pack("<HH", 16000, 16000)
    bmp = bytearray(pictures.encode(RAMP, "BMP"))
    bmp[18:26] = struct.pack("<ii", 16000, -16000)
    jpeg = bytearray(pictures.encode(RAMP, "JPEG"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", 16000, 16000)
    webp = bytearray(pictures.encode(RAMP, "WEBP"))
    webp[21:25] = struct.pack("<I", 15999 | 15999 << 14)
    canvas = b"VP8X" + struct.pack("<IIHBHB", 10, 0, 15999, 0, 15999, 0)
    return {
        "GIF": bytes(gif),
        "BMP": bytes(bmp),
        "JPEG": bytes(jpeg),
        "WEBP": bytes(webp),
        "WEBP extended": b"RIFF" + struct.pack("<I", 4 + len(canvas)) + b"WEBP" + canvas,
        "TIFF": pictures.tiff([(256, 4, 1, 16000), (257, 4, 1, 16000)]),
        "PGM": b"P5 16000 16000 255\n",
    }


@pytest.mark.parametrize("name", huge_headers())
def test_every_format_is_refused_from_its_header(name: str) -> None:
    """The pixel limit is applied before a decoder sees the file."""
    with pytest.raises(PayloadTooLargeError, match="16000x16000"):
        decode_image(huge_headers()[name], limits=LIMITS, preprocess="mnist")


def test_pixel_limit_itself_is_accepted() -> None:
    """A picture of exactly the limit is read, one more pixel is too large."""
    data = pictures.encode(RAMP, "PNG")

    np.testing.assert_array_equal(RAMP, decode_image(data, limits=ImageLimits(max_pixels=784)))
    with pytest.raises(PayloadTooLargeError, match="limit is 783"):
        decode_image(data, limits=ImageLimits(max_pixels=783))


def test_pixels_are_known_before_they_are_decoded() -> None:
    """A file whose pixels are damaged can be opened, and says how many there would be."""
    file = open_image(pictures.png((28, 30, 8, 0, 0, 0, 0), b"no deflate"), limits=LIMITS, preprocess="mnist")

    assert 28 * 30 == file.pixels
    with pytest.raises(InvalidImageError, match="damaged"):
        file.decode()


@pytest.mark.parametrize(
    ("side", "tile", "expected"),
    [(28, (2048, 2048), 2048**2), (33, (32, 16), 64 * 48), (28, (16, 0), 28 * 28), (32, (16, 16), 32 * 32)],
)
def test_pixels_of_tiles_count_beyond_the_picture(side: int, tile: tuple[int, int], expected: int) -> None:
    """A small TIFF in large tiles costs its tiles, because the decoder makes them whole."""
    data = pictures.tiff([(256, 4, 1, side), (257, 4, 1, side), (322, 4, 1, tile[0]), (323, 4, 1, tile[1])])

    assert expected == open_image(data, limits=LIMITS, preprocess="mnist").pixels


def test_header_that_disagrees_with_its_pixels_is_refused() -> None:
    """A GIF whose first frame is larger than its screen is not silently enlarged."""
    data = bytearray(pictures.encode(pictures.ramp(40, 40), "GIF"))
    data[6:10] = struct.pack("<HH", 28, 28)

    assert "(40, 40) pixels, its header says (28, 28)" in refusal(bytes(data))


def test_lab_has_no_agreed_grey() -> None:
    """A mode that Pillow cannot turn to grey is refused by name."""
    assert "mode LAB" in refusal(pictures.encode(Image.new("LAB", (28, 28)), "TIFF"))


def test_transparent_level_in_16_bit_grey_is_refused() -> None:
    """A 16-bit PNG with a tRNS chunk is the one PNG that is not read."""
    data = pictures.png(
        (28, 28, 16, 0, 0, 0, 0),
        zlib.compress(bytes(28 * 57)),
        before=(pictures.png_chunk(b"tRNS", b"\x00\x00"),),
    )

    assert "16-bit grey image with a transparent level" in refusal(data)


class TestHostileStructure:
    """Files that are cheap to send and dear to read are refused by their structure."""

    def test_tiff_directory_of_many_entries(self) -> None:
        """65,000 entries would each be a Python object."""
        assert "65000 entries, the limit is 512" in refusal(pictures.tiff([(700, 1, 1, 0)] * 65000))

    def test_tiff_value_outside_the_file(self) -> None:
        """A tag may not point behind the end."""
        size = [(256, 4, 1, 28), (257, 4, 1, 28)]

        assert "truncated" in refusal(pictures.tiff([*size, (273, 4, 50, 10**6)]))
        assert "values, the limit" in refusal(pictures.tiff([*size, (273, 4, 10**9, 8)]))
        assert "unknown type 99" in refusal(pictures.tiff([*size, (273, 99, 1, 8)]))

    def test_tiff_of_huge_tiles(self) -> None:
        """The TIFF library would allocate the whole tile for a picture of 28x28."""
        tiles = [(256, 4, 1, 28), (257, 4, 1, 28), (322, 4, 1, 60000), (323, 4, 1, 60000)]

        assert "tiles of (60000, 60000)" in refusal(pictures.tiff(tiles))

    def test_tiff_whose_directories_run_in_a_circle(self) -> None:
        """A directory that follows itself stops at the limit of what is counted."""
        size = [(256, 4, 1, 28), (257, 4, 1, 28)]

        assert "1000 frames" in refusal(pictures.tiff(size, following=8))

    def test_jpeg_of_many_scans(self) -> None:
        """Each scan is a pass over all pixels."""
        data = pictures.encode(RAMP, "JPEG", progressive=True)
        scan = data.index(b"\xff\xda")

        assert "scans, the limit is 64" in refusal(data[:-2] + data[scan : scan + 10] * 65 + data[-2:])

    def test_jpeg_of_many_segments(self) -> None:
        """Empty comments cost four bytes each."""
        assert "more than 20000 parts" in refusal(b"\xff\xd8" + b"\xff\xfe\x00\x02" * 30_000)

    @pytest.mark.parametrize(
        ("segments", "words"),
        [
            (b"\xff\xe0\x00\x01", "segment of 1 bytes"),
            (b"\xff\xd9", "no segment at byte 2"),
            (b"\xff\xda\x00\x02", "no frame header"),
            (b"\xff\xc0\x00\x08\x08\x00\x1c\x00\x1c\x00" * 2, "more than one frame header"),
            (b"\xff\xe1\x00\x02garbage", "no segment at byte 6"),
        ],
    )
    def test_jpeg_of_bad_segments(self, segments: bytes, words: str) -> None:
        """The segments before the first scan must be whole and single."""
        assert words in refusal(b"\xff\xd8" + segments)

    def test_gif_of_many_blocks(self) -> None:
        """A comment in blocks of one byte costs more time than its bytes are worth."""
        data = pictures.encode(RAMP, "GIF")

        assert "more than 262144 blocks" in refusal(data[:-1] + b"\x21\xfe" + b"\x01\x00" * 150_000 + b"\x01" * 300_000)

    def test_gif_of_an_unknown_block(self) -> None:
        """Bytes between blocks are damage."""
        assert "unknown block 0x00" in refusal(pictures.encode(RAMP, "GIF")[:-1] + b"\x00;")

    def test_gif_without_a_picture(self) -> None:
        """A GIF of nothing but a header holds no frame."""
        assert "0 frames" in refusal(b"GIF89a" + struct.pack("<HHBBB", 28, 28, 0, 0, 0) + b";")

    def test_png_of_many_chunks(self) -> None:
        """Empty chunks cost twelve bytes each."""
        chunks = (pictures.png_chunk(b"teXt", b""),) * 21_000

        assert "more than 20000 parts" in refusal(pictures.png((28, 28, 8, 0, 0, 0, 0), b"", before=chunks))

    def test_webp_of_many_chunks(self) -> None:
        """Empty chunks cost eight bytes each."""
        body = pictures.encode(RAMP, "WEBP")[8:] + b"JUNK\x00\x00\x00\x00" * 21_000

        assert "more than 20000 parts" in refusal(b"RIFF" + struct.pack("<I", len(body)) + body)

    def test_webp_of_an_unknown_first_chunk(self) -> None:
        """The size stands in the first chunk, so it must be one of three."""
        assert "expected VP8, VP8L or VP8X" in refusal(b"RIFF\x10\x00\x00\x00WEBPJUNK\x00\x00\x00\x00")

    def test_compressed_bmp(self) -> None:
        """Run-length BMP is decoded by Python loops, so it is refused."""
        data = bytearray(pictures.encode(RAMP, "BMP"))
        data[30] = 1

        assert "BMP file with compression 1" in refusal(bytes(data))

    def test_picture_without_pixels(self) -> None:
        """A side of 0 is refused in any mode."""
        assert "0x28 pixels" in refusal(b"P5 0 28 255\n", preprocess="mnist")


def test_old_bmp_header_is_read() -> None:
    """The 12-byte header of OS/2 bitmaps holds its size in 16 bits."""
    rows = np.flipud(np.repeat(RAMP[:, :, None], 3, axis=2)).tobytes()
    header = b"BM" + struct.pack("<IIIIHHHH", 26 + len(rows), 0, 26, 12, 28, 28, 1, 24)

    np.testing.assert_array_equal(RAMP, decode(header + rows))


def test_lossy_webp_is_read() -> None:
    """The VP8 kind of WebP is read too, close to its pixels."""
    smooth = np.add.outer(np.arange(28), np.arange(28)).astype(np.uint8) * 4
    image = decode(pictures.encode(np.repeat(smooth[:, :, None], 3, axis=2), "WEBP", lossless=False, quality=90))

    assert np.abs(image.astype(int) - smooth).mean() < 4


class TestPgm:
    """PGM is read by our own code, binary and plain."""

    def test_plain_file_with_comments(self) -> None:
        """P2 is text; comments may stand in the header."""
        text = "\n".join(" ".join(map(str, row)) for row in RAMP.tolist())

        np.testing.assert_array_equal(RAMP, decode(f"P2 # made by hand\n28 28\n# white\n255\n{text}\n".encode()))

    @pytest.mark.parametrize("file_format", ["P2", "P5"])
    def test_other_white_level_is_scaled(self, file_format: str) -> None:
        """The white level of the header becomes 255."""
        levels = RAMP % 16
        raster = " ".join(map(str, levels.ravel())).encode() if file_format == "P2" else levels.tobytes()

        np.testing.assert_array_equal(levels * 17, decode(f"{file_format} 28 28 15\n".encode() + raster))

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (b"P5 28 28\n", "header is damaged"),
            (b"P5 28 28 0\n" + bytes(784), "white level 0"),
            (b"P5 28 28 65536\n" + bytes(1568), "white level 65536"),
            (b"P5 28 28 9\n" + b"\x0a" * 784, "a pixel of 10, its white level is 9"),
            (b"P5 28 28 255\n" + bytes(785), "785 bytes of pixels, its header says 784"),
            (b"P2 28 28 255\n" + b"1 " * 783, "fewer than 784 pixels"),
            (b"P2 28 28 255\n" + b"1 " * 785, "more than 784 pixels"),
            (b"P2 28 28 255\n" + b"-1 " * 784, "something else than numbers"),
            (b"P2 28 28 255\n" + b"#\n" * 10_000, "something else than numbers"),
            (b"P2 28 28 255\n" + b"256 " * 784, "a pixel of 256"),
            (b"P2 28 28 255\n" + b"9999999 " * 784, "more than 5 digits"),
        ],
    )
    def test_damage_is_refused(self, data: bytes, words: str) -> None:
        """Header, count and levels must agree."""
        assert words in refusal(data)

    def test_large_plain_file_is_too_large(self) -> None:
        """Plain files have a lower limit, because each pixel is read as a Python object."""
        with pytest.raises(PayloadTooLargeError, match="plain PGM file of 4000x4000"):
            decode_image(b"P2 4000 4000 255\n1 ", limits=LIMITS, preprocess="mnist")
