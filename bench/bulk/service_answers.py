"""The same digits asked of a running service: whether it says the same, and how long that takes."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pyarrow as pa

from bench.bulk.archive import Archive
from bench.bulk.tables import WrongOutputError
from bench.plain_http import render_post
from bench.running import RunningService
from bench.sameness import are_same

_ROWS = 4096
_PNG, _JSON = "image/png", "application/json"
_ROUTES = ("/encode", "/score")


def compare(archive: Archive, images: Any, table: pa.Table, service: RunningService) -> None:
    """Hold every row against what the service answers: the results of the good ones, the words for the broken ones.

    Args:
        archive: What was written.
        images: The digits before that, uint8 (n, 28, 28).
        table: The rows of the job.
        service: Has the same model.

    Raises:
        WrongOutputError: If one differs.
    """
    good = np.array([index for index in range(len(archive.files)) if index not in archive.broken])
    rows = table.take(pa.array(good))
    results = {
        "codes": np.stack(rows["code"].combine_chunks().flatten().to_numpy().reshape(len(good), -1)),
        "errors": rows["error"].to_numpy(),
        "anomaly_scores": rows["anomaly_score"].to_numpy(),
    }
    with httpx.Client(base_url=service.url, timeout=60) as client:
        for name, answers in _ask_in_bulk(client, images[good]).items():
            if not are_same(name, answers, results[name]):
                raise WrongOutputError(f"{name} differ from those of the service")
        for index in sorted(archive.broken):
            _compare_problem(client, archive.files[index], table.slice(index, 1).to_pylist()[0])


def _ask_in_bulk(client: httpx.Client, images: Any) -> dict[str, Any]:
    answers: dict[str, list[Any]] = {"codes": [], "errors": [], "anomaly_scores": []}
    for start in range(0, len(images), _ROWS):
        for route in _ROUTES:
            body = images[start : start + _ROWS].tobytes()
            answer = client.post(route, content=body, headers={"content-type": "application/octet-stream"})
            for name, values in answer.raise_for_status().json().items():
                if name in answers:
                    answers[name].append(np.array(values, np.float32))
    return {name: np.concatenate(values) for name, values in answers.items()}


def _compare_problem(client: httpx.Client, file: bytes, row: dict[str, Any]) -> None:
    """A file of no bytes is a malformed request there, before anybody looks for an image; a form takes it as one."""
    answer = client.post("/score", files={"files": ("a.png", file, "application/octet-stream")}).json()
    told = answer["detail"].partition(": ")[2] if answer["detail"].startswith("image 0: ") else answer["detail"]
    if (answer["reason"], told) != (row["reason"], row["problem"]):
        raise WrongOutputError(
            f"the service says {answer['reason']}: {told}; the table {row['reason']}: {row['problem']}"
        )


async def measure_requests(archive: Archive, port: int, connections: int) -> float:
    """Ask for the code and the score of every file, each by a request of its own; images each second.

    Args:
        archive: What is sent.
        port: Of the service on loopback.
        connections: Kept alive, each with one request under way.
    """
    files = iter(archive.files)
    began_s = time.perf_counter()
    await asyncio.gather(*[_send_all(files, port) for _ in range(connections)])
    return len(archive.files) / (time.perf_counter() - began_s)


async def _send_all(files: Iterator[bytes], port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for file in files:
            for route in _ROUTES:
                writer.write(render_post(route, file, _PNG, _JSON))
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]))
    finally:
        writer.close()
