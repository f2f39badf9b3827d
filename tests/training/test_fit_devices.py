"""The fit on several devices: the same weights as on one; mixed precision; and what cannot work is said."""

import json
import socket
from pathlib import Path

import pytest
from support.small_fit import CONFIG, NETWORK, Recorder, finish, load_parts, start

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from training.errors import TrainingError  # noqa: E402  # beside the imports below
from training.fit.devices import open_devices  # noqa: E402  # needs TensorFlow
from training.fit.loop import FitOptions, fit  # noqa: E402  # needs TensorFlow


def find_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [held.getsockname()[1] for held in sockets]
    for held in sockets:
        held.close()
    return ports


def test_two_workers_reach_the_result_of_one_process(tmp_path: Path) -> None:
    """Each takes the gradient of half the batch; the sum makes the same model, but for the order of additions."""
    workers = [f"127.0.0.1:{port}" for port in find_ports(2)]
    processes = [
        start(
            "multiworker",
            str(tmp_path),
            TF_CONFIG=json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}),
        )
        for index in range(2)
    ]

    both = [finish(process) for process in processes]
    alone = finish(start("single"))

    assert [2, 2] == [outcome["replicas"] for outcome in both]
    assert both[0]["weights"] == both[1]["weights"]
    assert pytest.approx(alone["looks"], rel=1e-3) == both[0]["looks"]
    assert (tmp_path / "checkpoint").is_file()  # the chief's


@pytest.mark.parametrize("config", ["", "no JSON", "[]", "{}", '{"cluster": {"worker": ["127.0.0.1:1"]}}'])
def test_workers_without_a_cluster_are_told(config: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text says what is expected, and what came."""
    monkeypatch.setenv("TF_CONFIG", config)

    with pytest.raises(
        TrainingError, match=f"TF_CONFIG is {config or 'not set'}".replace("[", r"\[").replace("{", r"\{")
    ):
        open_devices("multiworker")


def test_batch_must_split_evenly() -> None:
    """A batch of 32 over 3 replicas would leave two images out."""
    devices = open_devices("mirrored")

    devices.check_batch(32)
    with pytest.raises(TrainingError, match="a batch of 32 images does not split evenly over 3 replicas"):
        type(devices)(_Three(), "float32").check_batch(32)


class _Three:
    """A strategy with three replicas."""

    num_replicas_in_sync = 3


def test_mixed_precision_fits_and_leaves_a_float32_model() -> None:
    """Products in bfloat16 change the third digit of the error; weights and exported model are float32."""
    parts = load_parts()
    errors = []
    for precision in ("float32", "mixed"):
        options = FitOptions(devices=open_devices("single", precision))
        fitted = fit(NETWORK, CONFIG, parts.fit, parts.watch, 0, Recorder(), options)
        errors.append(fitted.watched_error)

    assert errors[0] != errors[1]
    assert pytest.approx(errors[0], rel=0.02) == errors[1]
    assert {tf.float32} == {weight.dtype for weight in fitted.autoencoder.weights()}
    assert tf.float32 == fitted.autoencoder.encoder(tf.zeros((1, 28, 28))).dtype
    assert {"float32"} == {layer.compute_dtype for layer in fitted.autoencoder.decoder.layers}


def test_machine_without_a_gpu_stays_in_float32() -> None:
    """bfloat16 on a CPU is slower, so nobody gets it unasked."""
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("there is a GPU here")

    assert "float32" == open_devices().policy
