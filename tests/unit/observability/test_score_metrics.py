"""Scores, versions and readiness, and two services side by side."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, Histogram
from support.fakes import FakeBackend, count_images, fake_errors, fake_scores
from support.http_door import build_codec, build_context, open_client
from support.scrape import Scrape

from service.codec import Codec
from service.domain import NEWEST, Deadline, VersionStatus
from service.doors import build_gateway_app
from service.observability.histogram import ArrayHistogram
from service.observability.metrics import Metrics

FAR = Deadline.after(600)


async def test_scores_are_counted_as_numpy_counts_them() -> None:
    """Scores, errors and anomalies of every request, by the threshold of each."""
    metrics, images = Metrics(), count_images(300)
    images[::3] = 255
    scores, errors = fake_scores(images).astype(float), fake_errors(images).astype(float)
    codec = build_codec(FakeBackend(), metrics=metrics)
    for threshold, part in ((0.3, slice(0, 1)), (0.5, slice(1, 6)), (0.3, slice(6, 300))):
        await codec.score(images[part], NEWEST, FAR, threshold)
    scrape = Scrape(metrics)

    for name, values in (("digitcodec_anomaly_score", scores), ("digitcodec_reconstruction_error", errors)):
        assert [(bound, (values <= bound).sum()) for bound, _ in scrape.read_buckets(name)] == scrape.read_buckets(name)
        assert 300 == scrape.find(f"{name}_count")
        assert pytest.approx(values.sum()) == scrape.find(f"{name}_sum")
    thresholds = np.full(300, np.float32(0.3))
    thresholds[1:6] = 0.5
    assert (fake_scores(images) > thresholds).sum() == scrape.find("digitcodec_anomalies_total") > 0


@pytest.mark.parametrize("size", [0, 1, 8, 9, 1000])
def test_array_counts_as_its_values_one_by_one(size: int) -> None:
    """On a bound, below the first and above the last of them too."""
    bounds = (0.25, 0.5, 0.75)
    values = np.random.default_rng(size).choice(np.array([-1, 0, 0.1, 0.25, 0.3, 0.5, 0.75, 0.8, 9], np.float32), size)
    at_once, one_by_one = CollectorRegistry(), CollectorRegistry()
    ArrayHistogram("it", "It.", registry=at_once, buckets=bounds).observe_all(values)
    single = Histogram("it", "It.", registry=one_by_one, buckets=bounds)
    for value in values:
        single.observe(value)

    assert read_samples(one_by_one) == read_samples(at_once)


def read_samples(registry: CollectorRegistry) -> list[tuple[Any, ...]]:
    """Name, labels and value of all samples but the time of their making."""
    samples = [sample for family in registry.collect() for sample in family.samples]
    return [(each.name, each.labels, pytest.approx(each.value)) for each in samples if each.name != "it_created"]


async def test_predictions_of_other_protocols_are_scored_too() -> None:
    """Whatever outputs were asked for, by the default threshold; codes alone are no verdict."""
    metrics, bright = Metrics(), np.full((2, 28, 28), 255, np.uint8)
    codec = build_codec(FakeBackend(), metrics=metrics)
    await codec.predict("reconstruct", ("reconstructions",), bright, NEWEST, FAR)
    await codec.predict("encode", ("codes",), bright, NEWEST, FAR)
    scrape = Scrape(metrics)

    assert (2, (fake_scores(bright) > 0.99).sum()) == (
        scrape.find("digitcodec_anomaly_score_count"),
        scrape.find("digitcodec_anomalies_total"),
    )


class ListedBackend(FakeBackend):
    """Has the versions that a test gives it.

    Attributes:
        listed: What it says of them.
    """

    listed: Sequence[VersionStatus] = ()

    def describe(self) -> list[VersionStatus]:
        """Those."""
        return list(self.listed)


def read_versions(*listed: VersionStatus) -> Scrape:
    """What is told of these versions."""
    backend, metrics = ListedBackend(), Metrics()
    backend.listed = listed
    build_codec(backend, metrics=metrics)
    return Scrape(metrics)


def test_versions_are_told_by_state() -> None:
    """Each is in one, and a version that was refused is told too."""
    scrape = read_versions(VersionStatus(3, "END", error="damaged"), VersionStatus(1, "AVAILABLE"))
    states = {
        (sample.labels["version"], sample.labels["state"])
        for sample in scrape.families["digitcodec_model_state"].samples
        if sample.value
    }

    assert {("1", "AVAILABLE"), ("3", "END")} == states
    assert {"LOADING", "AVAILABLE", "UNLOADING", "END"} == scrape.list_values("digitcodec_model_state", "state")


@pytest.mark.parametrize(
    ("card", "recipe"),
    [
        (None, ""),
        ({}, ""),
        ({"recipe": "pca-32"}, "pca-32"),
        ({"recipe": {"name": "denoising-32", "fit": {"steps": 1}}}, "denoising-32"),
        ({"recipe": 'a"b\\ c'}, 'a"b\\ c'),
        ({"recipe": "a\nb"}, ""),
        ({"recipe": "\ud800"}, ""),
        ({"recipe": {"name": 7}}, ""),
        ({"recipe": ["x"]}, ""),
        ({"recipe": "x" * 65}, ""),
    ],
)
def test_recipe_is_the_name_in_the_model_card(card: dict[str, Any] | None, recipe: str) -> None:
    """The card is a file from elsewhere: what is no short word is left out."""
    scrape = read_versions(VersionStatus(1, "AVAILABLE", card=card))

    assert 1 == scrape.find("digitcodec_model_info", model="digits", version="1", recipe=recipe)


async def test_readiness_follows_the_service() -> None:
    """Loading, serving, draining."""
    backend, metrics, seen = FakeBackend(), Metrics(), []
    codec: Codec = build_codec(backend, metrics=metrics)
    for versions in ([], [1]):
        backend.versions = versions
        seen.append(Scrape(metrics).find("digitcodec_ready"))
    codec.drain()

    assert [0.0, 1.0, 0.0] == [*seen, Scrape(metrics).find("digitcodec_ready")]


async def test_two_services_in_one_process_do_not_clash() -> None:
    """Each counts its own requests."""
    first, second = Metrics(), Metrics()
    async with open_client(build_gateway_app(build_context(metrics=first))) as client:
        await client.get("/models")
    build_context(metrics=second)
    named = {"door": "http", "operation": "models", "code": "200"}

    assert (1, 0) == tuple(Scrape(each).find("digitcodec_requests_total", **named) for each in (first, second))
