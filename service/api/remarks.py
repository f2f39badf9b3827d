"""What an answer says of images beside the model's numbers: how they look normalised, and notes on them."""

from typing import NamedTuple

from service import images
from service.api.bulk import BulkExecutor
from service.api.reading import INLINE_NOTES
from service.domain import Images


class Remarks(NamedTuple):
    """What is said; fields that say nothing are None.

    Attributes:
        notes: What each image shows that no digit looks like, None for those of which nothing is to be said.
        normalised: The images as the model saw them, uint8 (n, 28, 28).
    """

    notes: list[images.Note | None] | None = None
    normalised: Images | None = None


async def find_remarks(
    rows: Images, preprocess: images.Preprocess, bulk: BulkExecutor, *, is_picture_wanted: bool
) -> Remarks:
    """What is to be said of a request's images: here if that is quick, else found on the bulk executor.

    Args:
        rows: The images, read.
        preprocess: How they were treated; only those of `mnist` get notes.
        bulk: Takes turns with large requests.
        is_picture_wanted: Whether the normalised images are asked for.
    """
    normalised = rows if is_picture_wanted else None
    if preprocess == "strict":
        return Remarks(None, normalised)
    is_quick = len(rows) <= INLINE_NOTES
    notes = images.find_notes(rows) if is_quick else await bulk.run(lambda: images.find_notes(rows))
    return Remarks(notes if any(notes) else None, normalised)
