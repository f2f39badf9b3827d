"""compose.yaml and its overlay: valid, contained, limited, and with healthchecks that tell sick from well."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.compose_files import list_defaults, merge, read_compose, read_example
from support.metric_names import REPOSITORY

from bench.running import RunningService

FILES = ("compose.yaml", "compose.gpu.yaml")
ALONE, WITH_GPU = read_compose(FILES[0]), read_compose(*FILES)
# What ends by itself.
ONCE = {"models", "cuda-cache", "train"}
PROFILES = {"embedded": {"embedded"}, "train": {"train"}, "monitoring": {"prometheus", "grafana"}}


@pytest.mark.parametrize("name", FILES)
def test_file_is_valid(name: str) -> None:
    """By the Compose specification's schema."""
    check_schema(REPOSITORY / name)


def test_overlay_on_top_is_valid(tmp_path: Path) -> None:
    """The two as one, as Compose takes them."""
    merged = tmp_path / "compose.yaml"
    merged.write_text(yaml.safe_dump(dict(WITH_GPU)), encoding="utf-8")

    check_schema(merged)


def check_schema(path: Path) -> None:
    """Fail with what the validator says."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert 0 == answer.returncode, answer.stdout


def test_files_are_merged_as_compose_does() -> None:
    """Maps key by key, lists end to end, but commands as a whole."""
    below = {"command": ["a"], "volumes": ["x"], "environment": {"A": "1", "B": "1"}}
    above = {"command": ["b"], "volumes": ["y"], "environment": {"B": "2"}}

    assert {"command": ["b"], "volumes": ["x", "y"], "environment": {"A": "1", "B": "2"}} == merge(below, above)


def test_services_without_a_profile_are_the_production_shape() -> None:
    """What `docker compose up` starts; the others want to be named."""
    profiles = {name: set(each.get("profiles", [])) for name, each in ALONE["services"].items()}

    assert {"models", "serving", "gateway"} == {name for name, each in profiles.items() if not each}
    assert PROFILES == {name: {who for who, each in profiles.items() if name in each} for name in PROFILES}


@pytest.mark.parametrize("name", WITH_GPU["services"])
def test_service_is_contained_and_limited(name: str) -> None:
    """A root file system that is read only, no rights to gain, bounds on processors, memory and processes."""
    service = WITH_GPU["services"][name]

    assert service["read_only"]
    assert ["ALL"] == service["cap_drop"]
    assert ["no-new-privileges:true"] == service["security_opt"]
    assert {"cpus", "memory", "pids"} == service["deploy"]["resources"]["limits"].keys()
    assert (name in ONCE) == ("restart" not in service)
    assert "0:0" != service.get("user") or service["network_mode"] == "none"


@pytest.mark.parametrize("name", sorted(WITH_GPU["services"].keys() - ONCE))
def test_lasting_service_has_a_healthcheck(name: str) -> None:
    """Its own, or that of our image."""
    service = WITH_GPU["services"][name]

    assert "healthcheck" in service or "build" in service


def test_no_two_builds_have_one_name() -> None:
    """They run at the same time, and the second to be stored would fail."""
    names = [each["image"] for each in WITH_GPU["services"].values() if "build" in each]

    assert sorted(set(names)) == sorted(names)


def test_ports_are_published_on_loopback_unless_told_otherwise() -> None:
    """And none of the model server's."""
    ports = [port for each in WITH_GPU["services"].values() for port in each.get("ports", [])]

    assert {"127.0.0.1"} == {port.split(":")[0] for port in ports}
    assert "ports" not in WITH_GPU["services"]["serving"]
    assert ["model"] == WITH_GPU["services"]["serving"]["networks"]
    assert WITH_GPU["networks"]["model"]["internal"]


def test_example_of_the_variables_is_complete() -> None:
    """Every variable with its default, and no other; none looks like a setting, which Compose would not hand on."""
    asked = {name: value for file in FILES for name, value in list_defaults(file).items()}

    assert asked == read_example()
    assert [] == [name for name in asked if name.startswith("DIGITCODEC")]


def test_folders_that_are_mounted_exist() -> None:
    """A missing one would be made, empty and root's; and named volumes are declared."""
    mounts = [mount for each in WITH_GPU["services"].values() for mount in each.get("volumes", [])]
    sources = {mount.split(":")[0] for mount in mounts}
    folders = {source for source in sources if source.startswith(".")}

    assert [] == [each for each in folders if not (REPOSITORY / each).is_dir()]
    assert sources - folders == WITH_GPU["volumes"].keys()
    assert {"ro"} == {mount.split(":")[2] for mount in mounts if mount.startswith(".")}


def test_only_trainer_and_seed_write_models() -> None:
    """Who serves only reads."""
    writers = {name for name, each in ALONE["services"].items() if "models:/models" in each.get("volumes", [])}

    assert {"models", "train"} == writers


def test_model_is_there_before_the_server_starts() -> None:
    """The server waits for the service that copies it, and the trainer for its rights on the volume."""
    waits = {name: each.get("depends_on", {}) for name, each in ALONE["services"].items()}

    for name in ("serving", "embedded", "train"):
        assert {"condition": "service_completed_successfully"} == waits[name]["models"]


@pytest.mark.tensorflow
def test_healthcheck_of_the_model_server_says_yes_to_one_that_is_ready(model_server: RunningService) -> None:
    """Through the shell's own network, as the image has nothing else."""
    assert 0 == run_healthcheck(model_server.url.rpartition(":")[2])


def test_healthcheck_of_the_model_server_says_no_without_one() -> None:
    """No service has port 1."""
    assert 0 != run_healthcheck("1")


def run_healthcheck(port: str) -> int:
    """The exit status of the check, at a port of this machine."""
    check: Mapping[str, Any] = ALONE["services"]["serving"]["healthcheck"]
    words = [word.replace("/8501", f"/{port}") for word in check["test"][1:]]
    return subprocess.run(words, capture_output=True, timeout=30, check=False).returncode
