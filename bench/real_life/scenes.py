"""A 28x28 digit -> an image file from real life: drawn with some pen on some paper, and badly scanned. Seeded."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Grey = NDArray[np.uint8]
Floats = NDArray[np.float64]
Random = np.random.Generator

_ENLARGERS = (
    Image.Resampling.NEAREST,
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)
# Paper and ink, RGB.
_DARK_ON_LIGHT = (
    ((250, 248, 240), (25, 25, 30)),
    ((238, 224, 190), (30, 40, 110)),
    ((205, 205, 205), (70, 70, 75)),
    ((190, 220, 200), (120, 20, 30)),
    ((255, 245, 150), (20, 70, 40)),
)
_LIGHT_ON_DARK = (
    ((25, 60, 45), (225, 230, 220)),
    ((10, 10, 12), (200, 200, 205)),
    ((40, 50, 90), (250, 240, 200)),
)
_LIGHT_ON_DARK_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Page:
    """A page before its colours are known.

    Attributes:
        ink: Share of ink in each pixel, [0, 1], (height, width).
        digit: Top, left, bottom and right of the digit.
    """

    ink: Floats
    digit: tuple[int, int, int, int]


def draw_scene(digit: Grey, seed: int) -> bytes:
    """One image file.

    Args:
        digit: uint8 (28, 28), bright on dark.
        seed: Two scenes of one seed are equal but for the digit.
    """
    random = np.random.default_rng(seed)
    page = _place(_bend(_enlarge(digit, random), random), random)
    page = _PRINTS[random.integers(len(_PRINTS))](page, random)
    colours = _light(_paint(page.ink, random), random)
    return _save(_spoil(colours, random), random)


def _enlarge(digit: Grey, random: Random) -> Floats:
    side = int(random.integers(40, 320))
    return np.asarray(Image.fromarray(digit).resize((side, side), random.choice(_ENLARGERS)), float) / 255


def _bend(ink: Floats, random: Random) -> Floats:
    """Turned by up to 8 degrees, and seen aslant: each corner moves by up to 5 % of the side."""
    side = len(ink)
    room = side // 4
    canvas = np.pad(ink, room)
    angle = np.deg2rad(random.uniform(-8, 8))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * side / 2
    moved = corners @ turn.T + random.uniform(-0.05, 0.05, (4, 2)) * side
    middle = len(canvas) / 2
    picture = Image.fromarray(np.rint(canvas * 255).astype(np.uint8))
    coefficients = _find_perspective(corners + middle, moved + middle)
    bent = picture.transform(picture.size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC)
    return np.asarray(bent, float) / 255


def _find_perspective(targets: Floats, sources: Floats) -> list[float]:
    """The eight numbers by which Pillow finds the source of each target pixel, from four pairs of points."""
    rows, values = [], []
    for (x, y), (u, v) in zip(targets, sources, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    solution: list[float] = np.linalg.solve(np.array(rows), np.array(values)).tolist()
    return solution


def _place(ink: Floats, random: Random) -> Page:
    """Somewhere on a page that is up to three times as large."""
    rows, columns = (np.flatnonzero(ink.max(axis=axis) > 0.1) for axis in (1, 0))
    digit = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    side = max(digit.shape)
    top, bottom, left, right = (int(share * side) for share in random.uniform(0.15, 1, 4))
    page = np.pad(digit, ((top, bottom), (left, right)))
    return Page(page, (top, left, top + digit.shape[0], left + digit.shape[1]))


def _print_nothing(page: Page, _: Random) -> Page:
    return page


def _print_box(page: Page, random: Random) -> Page:
    """The box of a form around the digit."""
    top, left, bottom, right = page.digit
    side = max(bottom - top, right - left)
    gap = 0.12 * side
    picture = Image.fromarray(np.rint(page.ink * 255).astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    width = max(1, round(random.uniform(0.015, 0.03) * side))
    pen.rectangle(
        (left - gap, top - gap, right + gap, bottom + gap), outline=int(random.integers(120, 255)), width=width
    )
    return Page(np.maximum(page.ink, np.asarray(picture, float) / 255), page.digit)


def _print_rule(page: Page, random: Random) -> Page:
    """A ruled line under the digit, from edge to edge, a little aslant."""
    height, width = page.ink.shape
    bottom = page.digit[2]
    row = bottom + 0.08 * (bottom - page.digit[0])
    slope = random.uniform(-0.02, 0.02) * width
    picture = Image.fromarray(np.zeros_like(page.ink, dtype=np.uint8))
    thickness = max(1, round(0.01 * height))
    ImageDraw.Draw(picture).line((0, row - slope, width, row + slope), int(random.integers(100, 200)), thickness)
    return Page(np.maximum(page.ink, np.asarray(picture, float) / 255), page.digit)


def _print_scan_edge(page: Page, random: Random) -> Page:
    """What lies beside the sheet on a scanner's glass: a band along one or two sides."""
    ink = page.ink.copy()
    height, width = ink.shape
    thickness = max(1, int(random.uniform(0.02, 0.06) * min(height, width)))
    for turns in random.choice(4, int(random.integers(1, 3)), replace=False):
        np.rot90(ink, turns)[:thickness] = 1
    return Page(ink, page.digit)


_PRINTS: tuple[Callable[[Page, Random], Page], ...] = (_print_nothing, _print_box, _print_rule, _print_scan_edge)


def _paint(ink: Floats, random: Random) -> Floats:
    """RGB levels, (height, width, 3)."""
    choices = _LIGHT_ON_DARK if random.random() < _LIGHT_ON_DARK_SHARE else _DARK_ON_LIGHT
    paper, pen = (np.array(colour, float) for colour in choices[random.integers(len(choices))])
    share = ink[:, :, np.newaxis] * random.uniform(0.75, 1)
    return paper * (1 - share) + pen * share


def _light(colours: Floats, random: Random) -> Floats:
    """Light from one side, down to between a half and nine tenths at the other, and darker corners."""
    height, width = colours.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    angle = random.uniform(0, 2 * np.pi)
    slope = (1 + (x * np.cos(angle) + y * np.sin(angle)) / np.sqrt(2)) / 2
    light = 1 - random.uniform(0.1, 0.5) * slope - random.uniform(0, 0.15) * (x**2 + y**2) / 2
    return np.asarray(colours * light[:, :, np.newaxis])


def _spoil(colours: Floats, random: Random) -> Image.Image:
    """Blur, noise of the sensor, and specks of dust."""
    picture = Image.fromarray(np.clip(np.rint(colours), 0, 255).astype(np.uint8))
    picture = picture.filter(ImageFilter.GaussianBlur(random.uniform(0, 0.006) * max(picture.size)))
    levels = np.asarray(picture, float)
    levels = levels + random.normal(0, random.uniform(0, 12), levels.shape)
    dust = random.random(levels.shape[:2]) < random.uniform(0, 0.002)
    levels[dust] = random.integers(0, 256, (int(dust.sum()), 1))
    return Image.fromarray(np.clip(np.rint(levels), 0, 255).astype(np.uint8))


def _save(picture: Image.Image, random: Random) -> bytes:
    stream = io.BytesIO()
    file_format = random.choice(["JPEG", "JPEG", "WEBP", "PNG"])
    options = {} if file_format == "PNG" else {"quality": int(random.integers(30, 90))}
    picture.save(stream, file_format, **options)
    return stream.getvalue()
