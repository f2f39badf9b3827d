"""Whole jobs on Ray, as a user starts them: every input gets its row, with what the service says of it."""

from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import orjson
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from PIL import Image
from pyarrow import parquet
from support.bulk_jobs import FLAGS, run_job
from support.object_store import running_store

from bench.bulk.tables import hash_output, read_rows
from bench.running import RunningService
from bench.sameness import are_close, are_same
from service.bulk.command import main

pytestmark = pytest.mark.tensorflow

# For jobs of which the rows are compared, not the files.
_FEW_PARTS = ("--shard-rows", "512", "--workers", "1")


@pytest.fixture(scope="module")
def rows(job: Path) -> pa.Table:
    """All its rows."""
    return read_rows(job)


def test_every_image_has_one_row_in_its_order(inputs: Path, rows: pa.Table) -> None:
    """The broken ones have a reason instead of results."""
    sources = [source.removeprefix(f"{inputs}/") for source in rows["source"].to_pylist()]
    expected = [f"a/{index:03d}.png" for index in range(100)] + [f"b.tar!{index:03d}.png" for index in range(100)]

    assert expected + ["c.parquet"] * 100 + ["d.npy"] * 1500 == sources
    assert [*range(100), *range(1500)] == rows["row"].to_pylist()[200:]
    broken = [index % 4 == 0 and index < 300 for index in range(1800)]
    assert broken == rows["reason"].is_valid().to_pylist()
    assert broken == rows["code"].is_null().to_pylist() == rows["anomaly_score"].is_null().to_pylist()


def test_results_are_those_of_the_service(rows: pa.Table, http: httpx.Client, digits: NDArray[np.uint8]) -> None:
    """To the last bit, where the processor promises that."""
    body, headers = digits[:300].tobytes(), {"content-type": "application/octet-stream"}
    answer = (
        http.post("/score", content=body, headers=headers).json()
        | http.post("/encode", content=body, headers=headers).json()
    )
    ours = rows.slice(300, 300)

    codes = ours["code"].combine_chunks().flatten().to_numpy().reshape(300, -1)
    assert are_same("codes", np.array(answer["codes"], np.float32), codes)
    assert are_same("errors", np.array(answer["errors"], np.float32), ours["error"].to_numpy())
    assert are_same("anomaly_scores", np.array(answer["anomaly_scores"], np.float32), ours["anomaly_score"].to_numpy())
    assert answer["anomalies"] == ours["anomaly"].to_pylist()


def test_the_same_image_has_the_same_results_from_every_kind_of_source(rows: pa.Table) -> None:
    """The npy file holds the images of the files, the tar and the table."""
    good = [index for index in range(300) if index % 4]
    first, second = rows.take(pa.array(good)), rows.slice(300).take(pa.array(good))

    codes = [table["code"].combine_chunks().flatten().to_numpy() for table in (first, second)]
    assert are_same("codes", *codes)
    assert are_same("errors", *(table["error"].to_numpy() for table in (first, second)))


def test_a_summary_is_left(job: Path) -> None:
    """For programs and for eyes."""
    summary = orjson.loads((job / "summary.json").read_bytes())

    assert (1800, {"invalid_image": 75}, 1800) == (summary["rows"], summary["problems"], summary["last_run"]["rows"])
    assert 1725 == sum(summary["histogram"])
    assert sorted(summary["strangest"], key=lambda each: -each["score"]) == summary["strangest"]
    with Image.open(job / "summary.png") as picture:
        assert picture.width > 300


def test_the_output_does_not_depend_on_where_it_is_made(job: Path, inputs: Path, cluster: str, tmp_path: Path) -> None:
    """Reading apart from the model, as with GPUs, gives the same files."""
    done = run_job(inputs, tmp_path, "--address", cluster, "--batch-rows", "512", "--gpus-per-worker", "0.5")

    assert 0 == done.returncode, done.stderr
    assert hash_output(job) == hash_output(tmp_path)


@pytest.mark.parametrize("door", ["grpc", "http"])
def test_a_running_service_gives_the_same(
    job: Path, inputs: Path, cluster: str, service: RunningService, tmp_path: Path, door: str
) -> None:
    """Through either door."""
    url = service.grpc if door == "grpc" else service.url
    done = run_job(inputs, tmp_path, "--address", cluster, *_FEW_PARTS, "--server", url)

    assert 0 == done.returncode, done.stderr
    expected, actual = read_rows(job), read_rows(tmp_path)
    assert expected.drop_columns(["code", "error", "anomaly_score"]) == actual.drop_columns(
        ["code", "error", "anomaly_score"]
    )
    for name, column in (("errors", "error"), ("anomaly_scores", "anomaly_score")):
        values = [table[column].drop_null().to_numpy() for table in (expected, actual)]
        assert are_close(name, *values)


def test_an_object_store_is_read_and_written(inputs: Path, job: Path, cluster: str) -> None:
    """The tables are those of the same files on a disk, but for their places."""
    objects = {f"bucket/{path.relative_to(inputs)}": path.read_bytes() for path in inputs.rglob("*") if path.is_file()}
    with running_store(objects) as (options, stored):
        places = f"s3://bucket/?{options}", f"s3://made/job/?{options}"
        done = run_job(*places, "--address", cluster, *_FEW_PARTS)

    assert 0 == done.returncode, done.stderr
    prefix = "made/job/parts/"
    parts = [parquet.read_table(BytesIO(stored[name])) for name in sorted(stored) if name.startswith(prefix)]
    expected, actual = read_rows(job), pa.concat_tables(parts)
    assert expected.drop_columns(["source"]) == actual.drop_columns(["source"])
    names = [name.removeprefix("s3://bucket/") for name in actual["source"].to_pylist()]
    assert [name.removeprefix(f"{inputs}/") for name in expected["source"].to_pylist()] == names
    assert {"made/job/summary.json", "made/job/summary.png"} <= stored.keys()


def test_a_finished_job_has_nothing_to_do_and_another_is_refused(
    job: Path, inputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither needs Ray."""
    before, flags = hash_output(job), [str(inputs), "--output", str(job), *FLAGS]

    assert 0 == main(flags)
    assert "this run: 0 rows" in capsys.readouterr().out
    assert 2 == main([*flags, "--operation", "score"])
    errors = capsys.readouterr().err
    assert "holds another job: operation 'all' there and 'score' here" in errors
    assert 1 == errors.count("\n")
    assert before == hash_output(job)


def test_a_model_that_cannot_be_loaded_fails_the_job_in_one_line(inputs: Path, cluster: str, tmp_path: Path) -> None:
    """The worker finds it out, and its words reach the user."""
    version = tmp_path / "models/digits/3"
    version.mkdir(parents=True)
    (version / "saved_model.pb").write_bytes(b"no graph")
    places = ("--models", str(tmp_path / "models"), "--address", cluster, *_FEW_PARTS)
    done = run_job(inputs, tmp_path / "out", *places)

    assert 1 == done.returncode
    assert "digitcodec: version 3 of digits cannot be loaded" in done.stderr
    assert "Traceback" not in done.stderr
