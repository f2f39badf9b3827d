"""What is done with the images, and in which order."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np

from bench.running import RunningService, behind, running_service
from deploy.images.building import Built, build_image
from deploy.images.containers import opened
from deploy.images.contents import check_common, check_gateway
from deploy.images.early import check_early_stop
from deploy.images.gateway import check_answers, check_sealed, check_stop
from deploy.images.storage import Storage
from deploy.images.trainer import check_training
from service.domain import Images

TARGETS = ("gateway", "embedded", "trainer")
"""The Dockerfile's targets, in the order in which they are tried."""

_COMMANDS = {"gateway": "service", "embedded": "service", "trainer": "training"}
_IMAGES = 96


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do.

    Attributes:
        name: What it is.
        run: Does it, and says in lines what was seen; raises if something is wrong.
    """

    name: str
    run: Callable[[], Iterator[str]]


def list_steps(storage: Storage, targets: Sequence[str], built: list[Built]) -> Iterator[Step]:
    """Build every target, look at it, and run what there is; `built` gets each image."""
    for target in targets:
        yield Step(f"build {target}", partial(_build, storage, target, built))
        yield Step(f"look at {target}", partial(_look, storage, target))
    if "gateway" in targets:
        yield Step("run gateway", partial(_run_gateway, storage, is_alone="embedded" not in targets))
        yield Step("stop gateway at its start", partial(_stop_early, storage))
    if "embedded" in targets:
        yield Step("stop embedded", partial(_stop_embedded, storage))
    if "trainer" in targets and "embedded" in targets:
        yield Step("run trainer", partial(check_training, storage, _name("trainer"), _name("embedded")))


def _name(target: str) -> str:
    return f"localhost/{target}"


def _build(storage: Storage, target: str, built: list[Built]) -> Iterator[str]:
    built.append(build_image(storage, target))
    yield from built[-1].describe()


def _look(storage: Storage, target: str) -> Iterator[str]:
    with opened(storage, _name(target)) as container:
        yield from check_common(container.root, storage.read_config(_name(target)), _COMMANDS[target])
        if target == "gateway":
            yield from check_gateway(container.root)


def _run_gateway(storage: Storage, *, is_alone: bool) -> Iterator[str]:
    images = _load_images()
    with opened(storage, _name("gateway")) as container, _model_server(storage, is_alone=is_alone) as server:
        yield from check_sealed(container)
        yield from check_answers(container, server, images)
        yield from check_stop(container, behind(server.grpc), images)
        yield "as process 1, with two workers:"
        workers = {**behind(server.grpc), "DIGITCODEC_HTTP__WORKERS": "2"}
        yield from check_stop(container, workers, images, is_init=True)


def _stop_early(storage: Storage) -> Iterator[str]:
    with opened(storage, _name("gateway")) as container:
        yield from check_early_stop(container)


@contextmanager
def _model_server(storage: Storage, *, is_alone: bool) -> Iterator[RunningService]:
    """In a container of its own, or where its image is not built out of the working tree."""
    if is_alone:
        with running_service(command="model-server") as server:
            yield server
        return
    with (
        opened(storage, _name("embedded")) as container,
        running_service(command="model-server", python=container.write_python()) as server,
    ):
        yield server


def _stop_embedded(storage: Storage) -> Iterator[str]:
    with opened(storage, _name("embedded")) as container:
        yield from check_stop(container, {}, _load_images(), is_init=True)


def _load_images() -> Images:
    """Digits of scikit-learn, enlarged; every machine has them."""
    from training.data.load import load_data

    return np.ascontiguousarray(load_data("digits").train_images[:_IMAGES])
