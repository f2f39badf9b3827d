"""Every refusal of contract two: its status, its reason, and that the service answers on."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.fakes import FakeBackend, fake_codes
from support.http_door import LineLog, build_door, open_client
from support.refusals import ANIMATED, IMAGES, PNG, REFUSALS, file_of, image

from service.images import render_npy
from service.settings import LimitSettings


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of the door."""
    async with open_client(build_door()) as opened:
        yield opened


@pytest.mark.parametrize(("path", "request_", "status", "reason", "word"), REFUSALS.values(), ids=REFUSALS.keys())
async def test_refusal_has_its_status_and_reason(
    client: httpx.AsyncClient, path: str, request_: dict[str, Any], status: int, reason: str, word: str
) -> None:
    """The problem document says what came, and the next request is answered."""
    answer = await client.post(path, **request_)
    problem = answer.json()

    assert (status, reason) == (answer.status_code, problem["reason"]), problem
    assert word in problem["detail"]
    assert (status, path.partition("?")[0]) == (problem["status"], problem["instance"])
    assert "application/problem+json" == answer.headers["content-type"]
    assert answer.headers["x-request-id"] == problem["request_id"]
    assert 200 == (await client.post("/encode", content=PNG, headers={"content-type": "image/png"})).status_code


async def test_every_faulty_image_is_pointed_at(client: httpx.AsyncClient) -> None:
    """Pointers lead to the image, and in nested lists to the pixel."""
    good = IMAGES[0].tolist()
    bad = [*good[:3], [0] * 5 + [300] + [0] * 22, *good[4:]]
    answer = await client.post("/encode", json={"images": [good, bad, "?", good, 7]})

    assert ["/images/1/3/5", "/images/2", "/images/4"] == [fault["pointer"] for fault in answer.json()["errors"]]


async def test_fault_list_is_bounded(client: httpx.AsyncClient) -> None:
    """A thousand bad images do not make a thousand lines."""
    answer = await client.post("/encode", json={"images": ["?"] * 1000})

    assert 16 == len(answer.json()["errors"])


async def test_broken_form_leaves_one_log_line(caplog: pytest.LogCaptureFixture) -> None:
    """The parser's own warnings stay out: strangers must not fill the log."""
    log = LineLog()
    async with open_client(build_door(log=log)) as client:
        await client.post("/encode", **image(b"-x", "multipart/form-data; boundary=b"))

    assert [] == [record for record in caplog.records if "httpx" not in record.name]
    assert 1 == len(log.lines)


async def test_form_with_too_many_files_is_refused() -> None:
    """The row limit holds before the files are decoded."""
    files = [("f", (f"{i}.png", PNG, "image/png")) for i in range(4)]
    async with open_client(build_door(limits=LimitSettings(max_rows=3))) as client:
        answers = [await client.post("/encode", files=files[:count]) for count in (3, 4)]

    assert [200, 413] == [answer.status_code for answer in answers]


SEEDS = [
    ("image/png", PNG),
    ("image/bmp", file_of((28, 28), "BMP")),
    ("image/gif", ANIMATED),
    ("application/json", b'{"images": [' + str(IMAGES[0].tolist()).encode() + b"]}"),
    ("application/x-npy", render_npy(IMAGES)),
    ("application/x-npy", render_npy(fake_codes(IMAGES))),
    ("application/json", b'{"codes": [[0.5, 1, 2e3, -4]]}'),
    (
        "multipart/form-data; boundary=b",
        b"--b\r\ncontent-disposition: form-data; name=f; filename=f\r\n\r\n" + PNG + b"\r\n--b--\r\n",
    ),
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.sampled_from(SEEDS),
    path=st.sampled_from(["/encode", "/decode", "/score", "/encode?preprocess=mnist"]),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
    cut=st.floats(0, 1),
)
async def test_mutated_bodies_never_fail_the_service(
    seed: tuple[str, bytes], path: str, changes: list[tuple[float, int]], cut: float
) -> None:
    """Whatever is done to a body, it is answered or refused, and never with 5xx."""
    media_type, data = seed
    body = bytearray(data)
    for place, value in changes:
        body[int(place * len(body))] = value
    log = LineLog()
    async with open_client(build_door(FakeBackend(), log=log)) as client:
        content = bytes(body[: int(cut * len(body)) + 1])
        answer = await client.post(path, content=content, headers={"content-type": media_type})

    assert answer.status_code in {200, 400, 413, 415, 422}, (answer.text, log.lines)
