"""preprocess=mnist: the digit is found on pages with light, frames, lines, edges of scans, and noise."""

import time
from collections.abc import Callable

import numpy as np
import pytest
from support import pictures

from service.images.normalise import normalise

PAPER, INK = 220, 40


def draw_page(digit: pictures.Grey) -> pictures.Grey:
    """Dark on light, five times as large, with a margin of 40 pixels."""
    page = np.pad(np.kron(digit, np.ones((5, 5), np.uint8)), 40)
    return np.rint(PAPER + page / 255 * (INK - PAPER)).astype(np.uint8)


def light(page: pictures.Grey) -> pictures.Grey:
    """Half as bright at the right as at the left."""
    return np.rint(page * np.linspace(1, 0.5, page.shape[1])).astype(np.uint8)


def frame(page: pictures.Grey) -> pictures.Grey:
    """A box of a form around the digit."""
    framed = page.copy()
    framed[20:200, 20:200] = INK
    framed[23:197, 23:197] = page[23:197, 23:197]
    return framed


def edge(page: pictures.Grey) -> pictures.Grey:
    """The dark glass of a scanner at the left and below."""
    scanned = page.copy()
    scanned[:, :12] = 15
    scanned[-9:] = 15
    return scanned


def border(page: pictures.Grey) -> pictures.Grey:
    """Dark glass all around."""
    return np.pad(page, 12, constant_values=15)


def rule(page: pictures.Grey) -> pictures.Grey:
    """A ruled line below the digit, from edge to edge."""
    ruled = page.copy()
    ruled[192:194] = 120
    return ruled


def cross(page: pictures.Grey) -> pictures.Grey:
    """A ruled line through the digit."""
    ruled = page.copy()
    ruled[109:111] = np.minimum(page[109:111], 120)
    return ruled


def add_dust(page: pictures.Grey) -> pictures.Grey:
    """Specks and the noise of a sensor."""
    random = np.random.default_rng(7)
    noisy = page + random.normal(0, 10, page.shape)
    noisy[random.random(page.shape) < 0.001] = 0
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


# Levels of 255. Beside a plain page's 2, a digit that is placed one pixel aside is 15 apart.
PAGES: dict[str, tuple[Callable[[pictures.Grey], pictures.Grey], float]] = {
    "plain": (lambda page: page, 4),
    "uneven light": (light, 6),
    "frame": (frame, 6),
    "scanner's edge": (edge, 6),
    "dark border": (border, 6),
    "ruled line": (rule, 6),
    "line through the digit": (cross, 12),
    "dust": (add_dust, 12),
    "all at once": (lambda page: add_dust(light(edge(frame(page)))), 20),
}


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("is_inverted", [False, True], ids=["dark ink", "bright ink"])
def test_digit_is_found_on_the_page(name: str, *, is_inverted: bool) -> None:
    """The median digit is so few levels from what it is without a page."""
    spoil, bar = PAGES[name]
    differences = []
    for digit in pictures.digits(20):
        page = spoil(draw_page(digit))
        found = normalise(255 - page if is_inverted else page)
        differences.append(np.abs(found.astype(int) - normalise(digit)).mean())

    assert float(np.median(differences)) < bar


@pytest.mark.parametrize("deviation", [3, 12, 25])
@pytest.mark.parametrize("side", [60, 200, 500])
def test_blank_page_of_noise_has_no_ink(deviation: float, side: int) -> None:
    """However strong the noise is."""
    noise = np.random.default_rng(7).normal(150, deviation, (side, side))

    assert not normalise(np.clip(noise, 0, 255).astype(np.uint8)).any()


def test_tight_crop_keeps_its_digit() -> None:
    """Ink that touches every edge is the digit, where there is nothing else."""
    digits = pictures.digits(20)
    differences = []
    for digit in digits:
        rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
        crop = digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        tight = normalise(np.kron(crop, np.ones((5, 5), np.uint8)))
        differences.append(np.abs(tight.astype(int) - normalise(digit)).mean())

    assert float(np.median(differences)) < 6


def test_noise_of_the_largest_page_takes_bounded_time() -> None:
    """Work has a bound whatever the pixels are: some 50 ms were measured, mostly for shrinking."""
    noise = np.random.default_rng(7).integers(0, 256, (4096, 4096), np.uint8)
    began_s = time.process_time()
    normalise(noise)

    assert time.process_time() - began_s < 2


@pytest.mark.parametrize("pitch", [5, 6])
def test_page_of_small_boxes_takes_bounded_time(pitch: int) -> None:
    """Thousands of rings, each of which may be a frame around a digit: 10 ms were measured, and 480 for all of them."""
    box = np.zeros((pitch, pitch), bool)
    box[:-1, :-1] = True
    box[1:-2, 1:-2] = False
    page = np.where(np.tile(box, (280 // pitch, 280 // pitch)), INK, PAPER).astype(np.uint8)
    began_s = time.process_time()
    normalise(page)

    assert time.process_time() - began_s < 0.2
