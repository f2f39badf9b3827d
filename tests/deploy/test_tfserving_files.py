"""deploy/tfserving: TensorFlow Serving could read every file, and the files fit the model and the gateway."""

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.text_format import ParseError
from support.compose_files import read_compose
from support.manifests import NEEDS_KUBECTL, build, find_one, read_files
from support.metric_names import REPOSITORY
from support.serving_files import FLAGS, parse_batching, parse_models, parse_monitoring

from service.api.http.metrics import METRICS_PATHS
from service.core import _REMOTE_BATCHES
from service.settings import Settings

FOLDER = REPOSITORY / "deploy" / "tfserving"
BATCHING = ("batching.config", "batching-gpu.config")
# Whose batches each file is for.
BULK_ROWS = {"batching.config": Settings().bulk.max_batch_rows, "batching-gpu.config": 1024}
# The most that the autoscaler makes, before the two model servers that there are at least.
GATEWAYS = 20 / 2
# DIGITCODEC_BULK__MAX_BATCHES of every deployment.
BULK_BATCHES = 2


def read_warmup_rows() -> Sequence[int]:
    """The batch sizes of the warm-up requests, from the source: to import it costs TensorFlow."""
    source = ast.parse((REPOSITORY / "training" / "export" / "warmup.py").read_text(encoding="utf-8"))
    (found,) = [
        ast.literal_eval(each.value)
        for each in source.body
        if isinstance(each, ast.Assign)
        and isinstance(each.targets[0], ast.Name)
        and each.targets[0].id == "WARMUP_ROWS"
    ]
    return list(found)


@pytest.mark.parametrize("name", BATCHING)
def test_batching_file_says_what_the_server_takes(name: str) -> None:
    """Sizes that increase up to that of an execution, and splitting, without which a larger request is an error."""
    said = parse_batching(FOLDER / "server" / name)
    sizes = list(said.allowed_batch_sizes)

    assert sorted(set(sizes)) == sizes
    assert said.max_execution_batch_size.value == sizes[-1]
    assert said.enable_large_batch_splitting.value
    assert said.max_execution_batch_size.value <= said.max_batch_size.value
    assert 0 == said.batch_timeout_micros.value


@pytest.mark.parametrize("name", BATCHING)
def test_batches_are_warmed_up_and_take_the_largest_of_a_gateway(name: str) -> None:
    """The warm-up requests bring the smallest sizes, on processors all of them."""
    said = parse_batching(FOLDER / "server" / name)
    warm = read_warmup_rows()

    assert warm == list(said.allowed_batch_sizes)[: len(warm)]
    assert ("gpu" in name) == (len(warm) < len(said.allowed_batch_sizes))
    assert BULK_ROWS[name] == said.max_batch_size.value


@pytest.mark.parametrize("name", BATCHING)
def test_queue_holds_what_gateways_have_under_way(name: str) -> None:
    """Else a bulk batch would be refused while the gateway still has room."""
    said = parse_batching(FOLDER / "server" / name)
    small = _REMOTE_BATCHES * Settings().batching.max_batch_rows
    under_way = GATEWAYS * (small + BULK_BATCHES * BULK_ROWS[name])

    assert under_way <= said.max_enqueued_batches.value * said.max_execution_batch_size.value


def test_misspelt_field_is_found(tmp_path: Path) -> None:
    """As the server would refuse it at its start."""
    path = tmp_path / "batching.config"
    path.write_text("max_batch_sise { value: 1 }")

    with pytest.raises(ParseError, match="max_batch_sise"):
        parse_batching(path)


def test_models_file_names_the_default_model_and_labels_versions_that_there_are() -> None:
    """Loaded from where compose and Kubernetes mount the models; all versions, so that labels keep theirs."""
    (model,) = parse_models(FOLDER / "models" / "models.config").model_config_list.config
    name = Settings().model.name

    assert (name, f"/models/{name}", "tensorflow") == (model.name, model.base_path, model.model_platform)
    assert "all" == model.model_version_policy.WhichOneof("policy_choice")
    assert [] == [n for n in model.version_labels.values() if not (REPOSITORY / "models" / name / str(n)).is_dir()]


def test_monitoring_file_turns_metrics_on_where_they_are_scraped() -> None:
    """On the path that our own server has too."""
    said = parse_monitoring(FOLDER / "server" / "monitoring.config").prometheus_config
    monitor = find_one(read_files(), "ServiceMonitor", "serving")

    assert said.enable
    assert said.path in METRICS_PATHS
    assert [said.path] == [each["path"] for each in monitor["spec"]["endpoints"]]


@NEEDS_KUBECTL
@pytest.mark.parametrize(
    ("overlay", "files"), [("cpu", ["compose.yaml"]), ("gpu", ["compose.yaml", "compose.gpu.yaml"])]
)
def test_server_has_the_same_flags_in_compose_and_kubernetes(overlay: str, files: list[str]) -> None:
    """But for the age of connections, which only a headless service needs; and the server knows them all."""
    service = read_compose(*files)["services"]["serving"]
    container = find_serving(overlay)
    in_compose = [*service["entrypoint"], *service["command"]]
    in_cluster = [*container["command"], *container["args"]]
    (ages,) = set(in_cluster) - set(in_compose)

    assert in_compose == [each for each in in_cluster if each != ages]
    assert "--grpc_channel_arguments=grpc.max_connection_age_ms=30000" == ages
    assert set() == {flag.removeprefix("--").partition("=")[0] for flag in in_cluster[1:]} - FLAGS


@NEEDS_KUBECTL
@pytest.mark.parametrize("overlay", ["cpu", "gpu"])
def test_files_that_flags_name_are_mounted(overlay: str) -> None:
    """From the generated ConfigMaps, whose folders here are those that compose mounts."""
    container = find_serving(overlay)
    named = [flag.partition("=")[2] for flag in [*container["command"], *container["args"]] if "_file=" in flag]
    folders = {each["mountPath"] for each in container["volumeMounts"]}

    assert 3 == len(named)
    for file in map(Path, named):
        assert (FOLDER / file.relative_to("/serving")).is_file()
        assert str(file.parent) in folders
    assert "./deploy/tfserving:/serving:ro" in read_compose("compose.yaml")["services"]["serving"]["volumes"]


def find_serving(overlay: str) -> Any:
    """The model server's container."""
    deployment = find_one(build(f"overlays/{overlay}"), "Deployment", "serving")
    return deployment["spec"]["template"]["spec"]["containers"][0]
