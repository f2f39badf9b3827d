"""Our own Python client against a running service, sync and async, over both protocols; and docs/client.md."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from support.client_gateway import Driven, driving
from support.snippets import REPOSITORY, check_output, find_programs, run_program

from bench.running import RunningService
from bench.sameness import are_close, are_same
from service import client as exported
from service.client import ClientError, NotFoundError, RefusedError, Retries
from service.domain import Codes, Images
from service.images import parse_codes_npy, render_npy

pytestmark = pytest.mark.tensorflow

PAGE = "docs/client.md"


@pytest.fixture(params=["http", "grpc"])
def address(request: pytest.FixtureRequest, service: RunningService) -> str:
    """Of the running service, for either protocol."""
    return service.url if request.param == "http" else f"grpc://{service.grpc}"


@pytest.fixture(params=["sync", "async"])
async def client(request: pytest.FixtureRequest, address: str) -> AsyncIterator[Driven]:
    """Both clients."""
    async with driving(request.param, address, retries=Retries()) as driven:
        yield driven


@dataclass(frozen=True)
class Expected:
    """What plain HTTP answers to 100 real digits.

    Attributes:
        images: The digits.
        verdicts: The answer of `/score`.
        codes: float32 (100, 32).
    """

    images: Images
    verdicts: dict[str, Any]
    codes: Codes


@pytest.fixture
def expected(http: httpx.Client, digits: NDArray[np.uint8]) -> Expected:
    """Asked without the client."""
    images = digits[:100]
    headers = {"content-type": "application/x-npy"}
    verdicts = http.post("/score", content=render_npy(images), headers=headers)
    codes = http.post("/encode", content=render_npy(images), headers={**headers, "accept": "application/x-npy"})
    return Expected(images, verdicts.json(), parse_codes_npy(codes.content))


async def test_answers_are_those_of_the_http_door(client: Driven, expected: Expected) -> None:
    """In one call and as a set."""
    images, verdicts = expected.images, expected.verdicts
    whole = await client.call("reconstruct", images)
    parts = await client.list_all("reconstruct_many", images, batch_rows=30)
    encoded = await client.call("encode", images)
    decoded = await client.call("decode", encoded)

    for name in ("errors", "anomaly_scores"):
        assert are_same(name, np.array(verdicts[name], np.float32), getattr(whole, name))
        assert are_same(name, getattr(whole, name), np.concatenate([getattr(part, name) for part in parts]))
    assert are_close("codes", expected.codes, encoded.codes)
    assert are_same("reconstructions", whole.reconstructions, decoded.images)
    assert verdicts["anomalies"] == whole.anomalies.tolist()


async def test_whole_set_is_answered(client: Driven, digits: NDArray[np.uint8]) -> None:
    """More rows than one request may have, as single images out of an iterator."""
    images = np.resize(digits, (5000, 28, 28))
    answers = await client.list_all("score_many", iter(images), batch_rows=500)
    whole = await client.call("score", images)

    assert [500] * 10 == [len(answer) for answer in answers]
    assert are_same("errors", whole.errors, np.concatenate([answer.errors for answer in answers]))


async def test_crops_come_back_as_the_model_saw_them(client: Driven, digits: NDArray[np.uint8]) -> None:
    """Dark on light and large; what the model made of them is what it makes of the pictures shown."""
    large = np.pad(np.kron(digits[0], np.ones((4, 4), np.uint8)), 20)
    crops = [235 - large // 5 * 4, np.full((50, 50), 235, np.uint8)]
    answer = await client.call("reconstruct", crops, preprocess="mnist", include_normalised=True)
    shown = await client.call("reconstruct", answer.normalised)

    assert ((None, "no_ink"), (None, None)) == (answer.notes, shown.notes)
    assert not answer.anomalies[0]
    assert are_same("anomaly_scores", answer.anomaly_scores, shown.anomaly_scores)
    assert are_same("reconstructions", answer.reconstructions, shown.reconstructions)


async def test_models_and_readiness(client: Driven) -> None:
    """Of the default model."""
    (model,) = await client.call("models")

    assert ("digits", True, [(1, "AVAILABLE")]) == (
        model.name,
        model.is_ready,
        [(version.version, version.state) for version in model.versions],
    )
    assert await client.call("is_ready")


async def test_failures_are_the_clients_own(client: Driven) -> None:
    """With the service's sentence."""
    with pytest.raises(NotFoundError, match="version 9 of digits is not loaded"):
        await client.call("encode", np.zeros((28, 28)), version=9)


@pytest.mark.parametrize(("program", "output"), find_programs(PAGE))
def test_example_prints_what_the_page_says(program: str, output: str, address: str, tmp_path: Path) -> None:
    """Over HTTP and over gRPC, whichever the page shows."""
    local = re.sub(r"(http|grpc)://127\.0\.0\.1:\d+", address, program)

    assert local != program
    check_output(output, run_program(local, tmp_path))


def test_page_has_its_examples() -> None:
    """The first is the one of three lines."""
    programs = find_programs(PAGE)

    assert len(programs) >= 6
    assert 3 == len([line for line in programs[0][0].splitlines() if line.strip()])


def test_page_names_every_error() -> None:
    """With its reason, and whether it is tried again."""
    rows = re.findall(
        r"^\| `(\w+Error)`(?:, below it)? \| (?:`(\w+)`|none).* \| ?(.*?) ?\|$", read_page(), re.MULTILINE
    )
    errors = {
        name: kind
        for name in exported.__all__
        if isinstance(kind := getattr(exported, name), type) and issubclass(kind, ClientError)
    }
    expected = {
        (name, kind.reason, "in halves" if kind.reason == "too_large" else "yes" if kind.may_retry else "")
        for name, kind in errors.items()
        if kind not in {ClientError, RefusedError}
    }

    assert expected == set(rows)


def read_page() -> str:
    """The text of the page."""
    return (REPOSITORY / PAGE).read_text()
