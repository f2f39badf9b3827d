"""deploy/kubernetes as objects: file by file, and as kubectl builds each kustomization, where it is installed."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.metric_names import REPOSITORY

KUBERNETES = REPOSITORY / "deploy" / "kubernetes"
OVERLAYS = ("overlays/cpu", "overlays/gpu", "overlays/embedded", "overlays/claim", "train", "monitoring", "kserve")
"""What is applied as a whole."""

Object = Mapping[str, Any]

_KUBECTL = shutil.which("kubectl")

NEEDS_KUBECTL = pytest.mark.skipif(_KUBECTL is None, reason="kubectl is not installed (Debian's kubernetes-client)")
"""Mark of tests that build a kustomization."""


@dataclass(frozen=True, slots=True)
class Pod:
    """The pods that an object makes.

    Attributes:
        owner: Kind and name of the object.
        spec: The pod's; of a ServingRuntime, what it has of one.
    """

    owner: str
    spec: Mapping[str, Any]

    @property
    def containers(self) -> list[Mapping[str, Any]]:
        """All of them, those that run first among them."""
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]


@cache
def build(overlay: str) -> list[Object]:
    """What `kubectl apply -k` would send."""
    answer = subprocess.run(
        [_KUBECTL or "kubectl", "kustomize", str(KUBERNETES / overlay)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == answer.returncode, answer.stderr
    return load_all(answer.stdout)


def load_all(text: str) -> list[Object]:
    """Every document of a YAML file."""
    return [each for each in yaml.safe_load_all(text) if each]


@cache
def read_files() -> list[Object]:
    """Every whole object that stands in a file; patches are parts."""
    paths = [path for path in sorted(KUBERNETES.rglob("*.yaml")) if not path.name.endswith(".patch.yaml")]
    documents = [each for path in paths for each in load_all(path.read_text(encoding="utf-8"))]
    return [each for each in documents if "kind" in each]


def find_kustomizations() -> list[Path]:
    """Every kustomization below deploy/."""
    return sorted((REPOSITORY / "deploy").rglob("kustomization.yaml"))


def name_object(document: Object) -> str:
    """Kind and name."""
    return f"{document['kind']}/{document['metadata']['name']}"


def list_pods(documents: list[Object]) -> Iterator[Pod]:
    """Of all objects that make some."""
    for each in documents:
        if each["kind"] in {"Deployment", "Job"}:
            yield Pod(name_object(each), each["spec"]["template"]["spec"])
        elif each["kind"] == "ServingRuntime":
            yield Pod(name_object(each), each["spec"])


def find_all(documents: list[Object], kind: str) -> list[Object]:
    """The objects of a kind."""
    return [each for each in documents if each["kind"] == kind]


def find_one(documents: list[Object], kind: str, name: str) -> Object:
    """The object of a kind with a name."""
    (found,) = [each for each in find_all(documents, kind) if each["metadata"]["name"] == name]
    return found
