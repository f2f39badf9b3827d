"""Images and codes through the whole command, against a gateway over a fake backend, on both protocols."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.client_gateway import ClientGateway, open_client_gateway
from support.fakes import FakeBackend, fake_codes, fake_pictures, fake_reconstructions, fake_scores
from support.key_gate import SECRET, RingGate

from service.cli.command import main
from service.domain import Images
from service.images import render_npy, render_png


class GrowingBackend(FakeBackend):
    """Has a newer version after each answer."""

    async def _wait(self) -> None:
        self.versions.append(max(self.versions) + 1)


Run = Callable[..., Coroutine[Any, Any, int]]


@pytest.fixture
async def gateway() -> AsyncIterator[ClientGateway]:
    """One that listens."""
    async with open_client_gateway() as running:
        yield running


@pytest.fixture(params=["http", "grpc"])
def run(request: pytest.FixtureRequest, gateway: ClientGateway, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command beside the gateway's event loop; its status."""
    monkeypatch.setenv("DIGITCLI_SERVER", gateway.urls[request.param])
    return run_beside


async def run_beside(*arguments: object) -> int:
    """In a thread."""
    return await asyncio.to_thread(main, [str(argument) for argument in arguments])


@pytest.fixture
def images(tmp_path: Path) -> Images:
    """Ten images, the last one the strangest, as files and as one array."""
    made = np.stack([np.full((28, 28), 20 * index, np.uint8) for index in range(1, 11)])
    for index, image in enumerate(made):
        path = tmp_path / "images" / f"{index}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(render_png(image))
    (tmp_path / "images.npy").write_bytes(render_npy(made))
    return made


def read_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The lines of JSON that were printed."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("source", ["images", "images.npy"])
async def test_every_image_is_answered_in_order(
    run: Run, images: Images, tmp_path: Path, source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In several requests."""
    status = await run("score", tmp_path / source, "--batch-rows", 3, "--json")
    lines = read_lines(capsys)

    assert 0 == status
    assert fake_scores(images).tolist() == [np.float32(line["anomaly_score"]) for line in lines]
    assert list(range(10)) == [line["row"] or int(Path(line["source"]).stem.replace("images", "0")) for line in lines]


async def test_bad_image_keeps_its_place(
    run: Run, images: Images, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """First, in the middle and last; the others are answered, and the status says so."""
    for name in ("0.png", "4.png", "9.png"):
        (tmp_path / "images" / name).write_text("no picture")
    status = await run("score", tmp_path / "images", "--batch-rows", 2, "--json")
    printed = capsys.readouterr()
    lines = [json.loads(line) for line in printed.out.splitlines()]

    assert 3 == status
    assert [0, 4, 9] == [index for index, line in enumerate(lines) if line.get("reason") == "invalid_image"]
    assert fake_scores(images)[5] == np.float32(lines[5]["anomaly_score"])
    assert 3 == printed.err.count("cannot be read: got 10 bytes of text")


async def test_nothing_readable_is_a_failure(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not a part of one."""
    (tmp_path / "bad.png").write_text("no picture")

    assert 1 == await run("encode", tmp_path / "bad.png", "--output", tmp_path / "x.csv")
    assert "1 image, 1 unreadable -> " in capsys.readouterr().err


@pytest.mark.parametrize(("threshold", "status"), [(0.3, 4), (0.9, 0)])
async def test_anomaly_can_be_a_failure(
    run: Run, images: Images, tmp_path: Path, threshold: float, status: int
) -> None:
    """By the threshold that was named."""
    flags = ("--fail-on-anomaly", "--threshold", threshold)

    assert bool(fake_scores(images)[-1] > threshold) == (status == 4)
    assert status == await run("score", tmp_path / "images.npy", *flags)


async def test_codes_come_back_as_images(run: Run, images: Images, tmp_path: Path) -> None:
    """Decoded by the version that their file names."""
    encoded = await run("encode", tmp_path / "images", "--output", tmp_path / "codes.npz")
    decoded = await run("decode", tmp_path / "codes.npz", "--batch-rows", 4, "--output", tmp_path / "images2.npy")

    assert (0, 0) == (encoded, decoded)
    assert np.array_equal(fake_codes(images), np.load(tmp_path / "codes.npz")["codes"])
    assert np.array_equal(fake_pictures(fake_codes(images)), np.load(tmp_path / "images2.npy"))


async def test_images_of_codes_are_numbered_as_the_codes(
    run: Run, images: Images, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Through all requests, and from the beginning in each file."""
    codes = tmp_path / "codes.npy"
    codes.write_bytes(render_npy(fake_codes(images)))
    await run("decode", codes, codes, "--batch-rows", 4, "--json")

    assert [*range(10), *range(10)] == [line["row"] for line in read_lines(capsys)]


async def test_version_of_the_codes_is_asked(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where the service has it no longer: another one would draw something else."""
    np.savez(tmp_path / "codes.npz", codes=np.zeros((1, 4), np.float32), version=np.array([9]))

    assert 1 == await run("decode", tmp_path / "codes.npz")
    told = capsys.readouterr().err
    assert "version 9" in told
    assert "`digitcodec models --server " in told


@pytest.mark.parametrize(("flags", "is_drawn"), [((), True), (("--json",), False)])
async def test_bar_is_drawn_where_it_disturbs_nobody(
    run: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    flags: tuple[str, ...],
    is_drawn: bool,  # noqa: FBT001 - what is expected
) -> None:
    """On a terminal, for twenty files and more, unless lines are printed on it too."""
    for index in range(20):
        (tmp_path / f"{index}.png").write_bytes(render_png(np.zeros((28, 28), np.uint8)))
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    await run("score", tmp_path, *flags)

    assert is_drawn == ("20/20" in capsys.readouterr().err)


async def test_images_are_cleaned(run: Run, images: Images, tmp_path: Path) -> None:
    """As an array and as pictures."""
    await run("reconstruct", tmp_path / "images", "--output", tmp_path / "clean.npz")
    await run("reconstruct", tmp_path / "images", "--output", tmp_path / "clean")

    assert np.array_equal(fake_reconstructions(images), np.load(tmp_path / "clean.npz")["reconstructions"])
    assert 10 == len(list((tmp_path / "clean").glob("*.png")))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"text", "is no file of codes"),
        (render_npy(np.full((1, 4), np.nan)), "holds no codes"),
        (b"PK\x03\x04", "cannot be read"),
    ],
)
async def test_bad_codes_are_refused(
    tmp_path: Path, content: bytes, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anybody is asked."""
    (tmp_path / "codes").write_bytes(content)

    assert 2 == await run_beside("decode", tmp_path / "codes", "--server", "http://127.0.0.1:1")
    assert told in capsys.readouterr().err


async def test_key_is_shown(
    images: Images, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a file or the environment; without one the line says where to name it."""
    assert len(images)
    async with open_client_gateway(gate=RingGate()) as gateway:
        monkeypatch.setenv("DIGITCLI_SERVER", gateway.urls["http"])
        refused = await run_beside("score", tmp_path / "images")
        told = capsys.readouterr().err
        (tmp_path / "key").write_text(f"{SECRET}\n")
        by_file = await run_beside("score", tmp_path / "images", "--key-file", tmp_path / "key")
        monkeypatch.setenv("DIGITCLI_KEY", SECRET)
        by_environment = await run_beside("score", tmp_path / "images")

    assert (1, 0, 0) == (refused, by_file, by_environment)
    assert told.rstrip().endswith("name the key with --key-file or DIGITCLI_KEY")


async def test_one_version_answers_all(images: Images, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also if a newer one appears after the first answer."""
    assert len(images)
    async with open_client_gateway(GrowingBackend()) as gateway:
        await run_beside("score", tmp_path / "images", "--batch-rows", 2, "--json", "--server", gateway.urls["http"])

    assert {1} == {line["version"] for line in read_lines(capsys)}


async def test_models_are_listed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """For people and as a document."""
    await run("models")
    table = capsys.readouterr().out
    await run("models", "--json")
    document = json.loads(capsys.readouterr().out)

    assert ["model", "version", "state"] == table.split()[:3]
    assert [1] == [version["version"] for version in document["models"][0]["versions"]]


async def test_address_that_is_none_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With what one looks like."""
    (tmp_path / "a.png").write_bytes(render_png(np.zeros((28, 28), np.uint8)))

    assert 2 == await run_beside("score", tmp_path / "a.png", "--server", "localhost:8000")
    assert "expected http://, https://, grpc:// or grpcs:// and a host" in capsys.readouterr().err
