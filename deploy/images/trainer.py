"""The trainer's image at work: a short training into a volume, and the service that takes what it published."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx

from bench.running import running_service
from deploy.images.containers import opened
from deploy.images.failures import expect
from deploy.images.storage import Storage

_USER = 10001
_STEPS = 40


def check_training(storage: Storage, trainer: str, embedded: str) -> Iterator[str]:
    """A version appears in the volume, and the embedded image serves it.

    Raises:
        CheckFailedError: If it does not.
        CommandFailedError: If the training fails.
    """
    models = storage.folder / "models"
    models.mkdir()
    os.chown(models, _USER, _USER)
    _train(storage, trainer, models)
    with (
        opened(storage, embedded, {"/srv/models": models}) as container,
        running_service(python=container.write_python()) as service,
    ):
        versions = httpx.get(f"{service.url}/models/digits").raise_for_status().json()["versions"]
    expect([1], [each["version"] for each in versions], "versions that are served from the volume")
    yield f"{_STEPS} steps on scikit-learn's digits, published in a volume and served from there"


def _train(storage: Storage, trainer: str, models: Path) -> None:
    with opened(storage, trainer, {"/models": models}) as container:
        fit = ["fit", "--data", "digits", "--models", "/models", "--steps", str(_STEPS)]
        container.run("python3", "-m", "training", *fit)
