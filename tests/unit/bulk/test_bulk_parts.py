"""A part is a table whose rows stay in order, with nulls for what is missing, and carries its own tally."""

import tarfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet
from support.bulk_files import pixels
from support.pictures import digits

from service.bulk.engines import Outputs
from service.bulk.output import PartName
from service.bulk.parts import build_table, count, read_tally, render_cleaned, render_part
from service.bulk.picture import draw_summary
from service.bulk.shards import SCHEMA, Shard
from service.bulk.tally import BINS, MOST_STRANGE, Tally, find_high, parse_tally, render_tally


@pytest.fixture
def shard() -> Shard:
    """Two digits with a broken file between them."""
    first, second = pixels(0, 1)
    columns = [
        ["a.tar!0.png", "a.tar!1.png", "a.tar!../2.jpg"],
        ["0.png", "1.png", "../2.jpg"],
        [0, 1, 2],
        [None, "invalid_image", None],
        [None, "no digit", None],
        [first, None, second],
    ]
    return Shard(PartName(0, 0, is_last=True), pa.table(columns, SCHEMA))


@pytest.fixture
def outputs() -> Outputs:
    """What the model says of them; the second is strange."""
    return {
        "codes": np.arange(4, dtype=np.float32).reshape(2, 2),
        "errors": np.array([0.1, 0.2], np.float32),
        "anomaly_scores": np.array([0.5, 0.995], np.float32),
        "reconstructions": digits()[2:4],
    }


def test_rows_stay_in_order_with_nulls_for_what_is_missing(shard: Shard, outputs: Outputs) -> None:
    """The verdict is the service's: strictly above the threshold."""
    rows = build_table(shard, outputs, 3, 0.99).to_pylist()

    assert [[0, 1], None, [2, 3]] == [row["code"] for row in rows]
    assert [False, None, True] == [row["anomaly"] for row in rows]
    assert [None, "invalid_image", None] == [row["reason"] for row in rows]
    assert [3, 3, 3] == [row["version"] for row in rows]
    assert np.float32(0.2) == np.float32(rows[2]["error"])


def test_only_what_was_wanted_is_a_column(shard: Shard, outputs: Outputs) -> None:
    """An encoding job has no scores, and is not told of strange images."""
    encoded = {"codes": outputs["codes"]}

    assert ["source", "row", "version", "code", "reason", "problem"] == build_table(shard, encoded, 1, 0.5).column_names
    assert Tally(rows=3, problems=count(shard, outputs, 0.5).problems) == count(shard, encoded, 0.5)


def test_a_part_carries_its_tally(shard: Shard, outputs: Outputs, tmp_path: Path) -> None:
    """So that a resumed job can tell of the rows that it did not write itself."""
    tally = count(shard, outputs, 0.99)
    (tmp_path / "part").write_bytes(render_part(build_table(shard, outputs, 1, 0.99), tally))

    assert tally == read_tally(str(tmp_path / "part")) == parse_tally(render_tally(tally))
    assert (3, 1, {"invalid_image": 1}) == (tally.rows, tally.anomalies, tally.problems)
    assert ["a.tar!../2.jpg", "a.tar!0.png"] == [strange.source for strange in tally.strangest]
    assert 3 == parquet.read_table(tmp_path / "part").num_rows


def test_the_same_rows_give_the_same_bytes(shard: Shard, outputs: Outputs) -> None:
    """A job that was killed is compared by them."""
    first, second = (render_part(build_table(shard, outputs, 1, 0.99), count(shard, outputs, 0.99)) for _ in range(2))

    assert first == second


def test_cleaned_images_keep_their_names_below_the_folder(shard: Shard, outputs: Outputs) -> None:
    """Good rows only; a name that leads outside is led back."""
    with tarfile.open(fileobj=BytesIO(render_cleaned(shard, outputs["reconstructions"]))) as archive:
        members = {member.name: archive.extractfile(member) for member in archive}

    assert ["0.png", "2.jpg.png"] == list(members)
    file = members["2.jpg.png"]
    assert file is not None
    assert np.array_equal(digits()[3], np.asarray(Image.open(file)))


def test_tallies_add_up_whatever_came_first(shard: Shard, outputs: Outputs) -> None:
    """No more strange images are kept than are shown."""
    one, other = count(shard, outputs, 0.99), count(shard, outputs, 0.4)
    sums = []
    for parts in ([one, other] * 9, [other, one] * 9):
        total = Tally()
        for part in parts:
            total.add(part)
        sums.append(total)

    assert sums[0] == sums[1]
    assert (54, 27, {"invalid_image": 18}, MOST_STRANGE) == (
        sums[0].rows,
        sums[0].anomalies,
        sums[0].problems,
        len(sums[0].strangest),
    )
    assert (BINS, 36) == (len(sums[0].histogram), sum(sums[0].histogram))


def test_the_summary_is_a_picture(shard: Shard, outputs: Outputs) -> None:
    """Also of a job in which nothing could be read."""
    for tally in (count(shard, outputs, 0.99), Tally()):
        assert "PNG" == Image.open(BytesIO(draw_summary(tally, 0.99))).format


@pytest.mark.parametrize("count_of_levels", [1, 3, 1000])
def test_the_strangest_are_found_among_many(count_of_levels: int) -> None:
    """Also where many scores are equal."""
    scores = np.random.default_rng(1).integers(0, count_of_levels, 200).astype(np.float32)
    high = find_high(scores)

    expected = sorted(scores, reverse=True)[:MOST_STRANGE]
    assert expected == sorted(scores[high], reverse=True)[:MOST_STRANGE]
    assert {index for index, score in enumerate(scores) if score == expected[-1]} <= set(high.tolist())
