"""A bar that shows how far a large set is; tqdm is imported only if one is wanted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[int], object]


@contextmanager
def open_bar(total: int | None, *, is_wanted: bool) -> Iterator[Advance]:
    """A bar on the standard error stream for as long as the block: what is given moves it on by some images.

    Raises:
        ModuleNotFoundError: If one is wanted and tqdm is not installed.
    """
    if not is_wanted:
        yield lambda _: None
        return
    try:
        from tqdm import tqdm
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("a progress bar needs tqdm: pip install 'digitcodec[client]'") from error
    with tqdm(total=total, unit="image") as bar:
        yield bar.update
