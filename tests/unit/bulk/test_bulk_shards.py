"""Sources are cut into the same shards every time, and the last one of each says that it is."""

from collections.abc import Iterator

import numpy as np
import pytest
from support.bulk_files import pixels

from service.bulk.output import PartName
from service.bulk.reading import Item
from service.bulk.shards import Shard, cut_shards
from service.domain import Images
from service.errors import InvalidImageError


def make_items(count: int, log: list[int] | None = None) -> Iterator[Item]:
    """Images whose pixels all have their row's number; the log gets those that are read."""

    def read(row: int) -> Images:
        if log is not None:
            log.append(row)
        return np.full((28, 28), row, np.uint8)

    for row in range(count):
        yield Item("a.tar", f"{row}.png", row, lambda row=row: read(row))  # type: ignore[misc]


def cut(count: int, done: set[int] | None = None) -> list[Shard]:
    """Shards of four rows of source 7."""
    return list(cut_shards(make_items(count), 7, 4, done or set()))


@pytest.mark.parametrize(("count", "rows"), [(0, [0]), (1, [1]), (4, [4]), (5, [4, 1]), (8, [4, 4])])
def test_the_last_shard_is_known_as_such(count: int, rows: list[int]) -> None:
    """Also where it is full, and where there is nothing at all."""
    shards = cut(count)

    assert rows == [shard.table.num_rows for shard in shards]
    assert [PartName(7, chunk, chunk == len(rows) - 1) for chunk in range(len(rows))] == [
        shard.part for shard in shards
    ]


@pytest.mark.parametrize("done", [{0}, {1}, {0, 1}, {0, 2}, {2}])
def test_what_is_done_is_passed_over(done: set[int]) -> None:
    """The others are what they are without that, whatever is missing."""
    expected = [shard for shard in cut(10) if shard.part.chunk not in done]

    assert expected == list(cut(10, done))


def test_nothing_is_decoded_that_is_done() -> None:
    """A resumed job reads on, which is cheap, but does not work twice."""
    log: list[int] = []
    list(cut_shards(make_items(10, log), 0, 4, {0, 1}))

    assert [8, 9] == log


def test_images_are_those_of_the_good_rows() -> None:
    """A row without pixels has a reason and a problem."""

    def fail() -> Images:
        raise InvalidImageError("no digit")

    items = [*make_items(2), Item("a.tar", "2.png", 2, fail)]
    (shard,) = cut_shards(iter(items), 0, 4, set())

    assert [True, True, False] == shard.is_good().tolist()
    assert [0, 1] == shard.images()[:, 0, 0].tolist()
    last = {"source": "a.tar", "name": "2.png", "row": 2, "reason": "invalid_image", "problem": "no digit"}
    assert {**last, "pixels": None} == shard.table.to_pylist()[2]


def test_a_shard_without_good_rows_has_no_images() -> None:
    """It is a shard all the same."""
    assert (0, 28, 28) == cut(0)[0].images().shape
    assert 784 == len(pixels(0)[0])
