"""Which of the inked parts of a page are the digit: not frames, edges of a scan, ruled lines or specks."""

import numpy as np
from numpy.typing import NDArray

from service.images.ink.lines import strip_lines
from service.images.ink.parts import Parts, find_parts

Mask = NDArray[np.bool_]

# Shares of the page's longer side: what is nearer to its edge touches it; what is shorter is no digit beside dirt.
_EDGE = 0.012
_MIN_SIDE = 0.1
# Along the edge of the page lies what has so much of its ink so near to it, in shares of the page; across the page what
# is so long and so flat.
_RING, _RING_SHARE = 0.15, 0.85
_SPAN, _FLAT = 0.6, 0.1
# In shares of the digit's longer side: what touches the edge and lies farther away is no part of it.
_NEAR = 0.1
# A drawn box is at most so many times as long as what it is around. Only so many are looked at, the longest: a page
# of thousands of small ones shall not take half a second.
_AROUND, _MOST_FRAMES = 5, 20
# Long parts so much thinner than the digit's strokes were drawn by another pen: that of the form.
_THIN = 0.35
# Specks: parts smaller than this share of the largest, and shorter than this share of the page.
_SPECK, _SPECK_SIDE = 0.03, 0.03


def choose_ink(mask: Mask) -> Mask:
    """The digit among inked pixels, bool (height, width); all but specks where nothing tells it from dirt."""
    chosen = _choose(mask)
    stripped = strip_lines(chosen)
    is_better = bool((stripped != chosen).any()) and bool(_find_clear(find_parts(stripped), mask.shape).any())
    return _choose(stripped) if is_better else chosen


def _choose(mask: Mask) -> Mask:
    parts = find_parts(mask)
    chosen = _leave_out_edges(parts, mask.shape)
    chosen = _leave_out_thin(parts, _leave_out_frames(parts, chosen), mask.shape)
    chosen &= _measure_sides(parts) >= _SPECK_SIDE * max(mask.shape)
    chosen &= parts.areas >= _SPECK * parts.areas[chosen].max(initial=0)
    return parts.draw(chosen, mask.shape)


def _find_clear(parts: Parts, shape: tuple[int, int]) -> Mask:
    """Parts that are as large as a digit may be, and do not touch the edge of the page."""
    return np.asarray(~_touch(parts, shape) & (_measure_sides(parts) >= _MIN_SIDE * max(shape)))


def _touch(parts: Parts, shape: tuple[int, int]) -> Mask:
    height, width = shape
    edge = round(_EDGE * max(shape))
    top, left, bottom, right = parts.boxes.T
    return np.asarray((top <= edge) | (left <= edge) | (bottom >= height - edge) | (right >= width - edge))


def _measure_sides(parts: Parts) -> NDArray[np.intp]:
    """The longer side of each part."""
    return np.asarray((parts.boxes[:, 2:] - parts.boxes[:, :2]).max(axis=1))


def _measure_pens(parts: Parts) -> NDArray[np.float64]:
    """About how thick the strokes of each part are: its area for each pixel that it is high and wide."""
    return np.asarray(parts.areas / (parts.boxes[:, 2:] - parts.boxes[:, :2]).sum(axis=1))


def _leave_out_edges(parts: Parts, shape: tuple[int, int]) -> Mask:
    """All parts, but without those at the edge of the page where there is a digit clear of it."""
    clear = _find_clear(parts, shape)
    if not clear.any():
        return np.ones(len(parts.areas), bool)
    main = np.argmax(np.where(clear, parts.areas, 0))
    box = parts.boxes[main]
    sides = (parts.boxes[:, 2:] - parts.boxes[:, :2]) / shape
    is_across = (sides.max(axis=1) >= _SPAN) & (sides.min(axis=1) <= _FLAT)
    is_far = _measure_gaps(parts, box) > _NEAR * max(box[2:] - box[:2])
    is_dirt = (
        _lie_in_rings(parts, np.array([[0, 0, *shape]])) | is_across | (is_far & (parts.areas < parts.areas[main]))
    )
    return np.asarray(~(_touch(parts, shape) & is_dirt))


def _measure_gaps(parts: Parts, box: NDArray[np.intp]) -> NDArray[np.intp]:
    """Pixels between each part's box and another one, along the axis on which they are farther apart."""
    return np.asarray(np.maximum(parts.boxes[:, :2] - box[2:], box[:2] - parts.boxes[:, 2:]).max(axis=1))


def _leave_out_frames(parts: Parts, chosen: Mask) -> Mask:
    """The chosen parts without a drawn box around others."""
    sides = _measure_sides(parts)
    rings = np.flatnonzero(chosen & _lie_in_rings(parts, parts.boxes))
    for index in rings[np.argsort(-sides[rings], kind="stable")][:_MOST_FRAMES]:
        box = parts.boxes[index]
        inside = chosen & (parts.boxes[:, :2] > box[:2]).all(axis=1) & (parts.boxes[:, 2:] < box[2:]).all(axis=1)
        if inside.any() and sides[index] <= _AROUND * sides[inside].max():
            chosen = chosen & (np.arange(len(chosen)) != index)
    return chosen


def _lie_in_rings(parts: Parts, boxes: NDArray[np.intp]) -> Mask:
    """Whether nearly all of each part's ink lies along the sides of a box, one for all or one for each."""
    margins = np.rint(_RING * (boxes[:, 2:] - boxes[:, :2])).astype(np.intp)
    cores = np.broadcast_to(np.hstack([boxes[:, :2] + margins, boxes[:, 2:] - margins]), parts.boxes.shape)
    return np.asarray(parts.measure_within(cores) <= (1 - _RING_SHARE) * parts.areas)


def _leave_out_thin(parts: Parts, chosen: Mask, shape: tuple[int, int]) -> Mask:
    """The chosen parts without long ones that another pen has drawn."""
    sides, pens = _measure_sides(parts), _measure_pens(parts)
    large = chosen & (sides >= _MIN_SIDE * max(shape))
    if not large.any():
        return chosen
    main = np.argmax(np.where(large, pens, 0))
    return np.asarray(chosen & ~((pens < _THIN * pens[main]) & (sides > sides[main] / 2)))
