"""What a normalised picture shows that no digit looks like, in a word; the model scores it all the same."""

from enum import Enum

from service.domain import Images
from service.images.ink.parts import find_parts

# Edges of strokes fainter than this (of 255) do not join what they lie between.
_INK_LEVEL = 64
# The second largest part, as a share of the largest, from which two are of similar size. Of 10,000 digits of MNIST 22
# have such parts.
_SIMILAR = 0.5
# Width for each pixel of height: none of 10,000 digits of MNIST is wider.
_FLAT = 2.0


class Note(Enum):
    """Why a picture may hold no digit; docs/images.md has the table."""

    NO_INK = "no_ink"
    SEVERAL_PARTS = "several_parts"
    FLAT = "flat"


def find_notes(images: Images) -> list[Note | None]:
    """What is to be said of each image, None for nothing: uint8 (n, 28, 28) as `normalise` makes them -> n."""
    return [_find_note(image) for image in images]


def _find_note(image: Images) -> Note | None:
    parts = find_parts(image >= _INK_LEVEL)
    if not len(parts.areas):
        return Note.NO_INK
    top, left = parts.boxes[:, :2].min(axis=0)
    bottom, right = parts.boxes[:, 2:].max(axis=0)
    if right - left > _FLAT * (bottom - top):
        return Note.FLAT
    areas = sorted(parts.areas)
    return Note.SEVERAL_PARTS if len(areas) > 1 and areas[-2] >= _SIMILAR * areas[-1] else None
