"""deploy/kubernetes: every object is valid, file by file and as kubectl builds it, and every pod has few rights."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.manifests import (
    NEEDS_KUBECTL,
    OVERLAYS,
    Object,
    build,
    find_all,
    find_kustomizations,
    find_one,
    list_pods,
    load_all,
    name_object,
    read_files,
)
from support.metric_names import REPOSITORY
from support.schemas import VERSIONS, find_faults, find_schema_faults

# Labels by which pods are chosen here and in KServe.
_CHOICES = ("matchLabels", "selector")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("document", read_files(), ids=name_object)
def test_object_of_a_file_is_valid(document: Object, version: str) -> None:
    """For the oldest Kubernetes that knows all of it and for a recent one, without a name that they do not know."""
    assert [] == find_faults(document, version)


@NEEDS_KUBECTL
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_objects_as_built_are_valid(overlay: str, version: str) -> None:
    """With patches and generated ConfigMaps, each once."""
    documents = build(overlay)
    names = [name_object(each) for each in documents]

    assert {} == {name_object(each): faults for each in documents if (faults := find_faults(each, version))}
    assert len(names) == len(set(names))


@pytest.mark.parametrize("spoil", ["podAntiAffinty", "replicas"])
def test_validation_finds_what_is_wrong(spoil: str) -> None:
    """A misspelt name, and a value of another type."""
    deployment: Any = copy.deepcopy(find_one(read_files(), "Deployment", "serving"))
    deployment["spec"][spoil] = "two"

    assert [] != find_faults(deployment, VERSIONS[0])


def test_validation_finds_what_is_wrong_with_other_kinds() -> None:
    """A field that the kind has not, and one that a container has not."""
    runtime: Any = copy.deepcopy(find_one(read_files(), "ServingRuntime", "digitcodec"))
    runtime["spec"]["model"] = {}
    runtime["spec"]["containers"][0]["environment"] = []

    assert 2 == len(find_faults(runtime, VERSIONS[0]))


@pytest.mark.parametrize("path", find_kustomizations(), ids=lambda path: str(path.parent.relative_to(REPOSITORY)))
def test_kustomization_is_one_for_old_and_new(path: Path) -> None:
    """By fields that Debian's kubectl and today's understand, and with files that are there."""
    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    generated = [file for each in said.get("configMapGenerator", []) for file in each["files"]]
    files = [*said.get("resources", []), *said.get("patchesStrategicMerge", []), *generated]

    assert [] == find_schema_faults(said, "kustomization")
    assert [] == [name for name in files if not (path.parent / name).is_file()]
    assert [] == [name for name in said.get("bases", []) if not (path.parent / name / "kustomization.yaml").is_file()]


def test_every_file_belongs_to_a_kustomization() -> None:
    """What none names would never be applied."""
    folders = {path.parent: path.read_text(encoding="utf-8") for path in find_kustomizations()}
    files = [path for folder in folders for path in folder.glob("*.yaml") if path.name != "kustomization.yaml"]
    strays = {path.name for path in files if "kubernetes" in path.parts and path.name not in folders[path.parent]}

    assert {"adapter-values.yaml"} == strays  # Helm's


@NEEDS_KUBECTL
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_have_no_more_rights_than_they_need(overlay: str) -> None:
    """What the namespace's label `restricted` asks for, and a root file system that is read only."""
    for pod in list_pods(build(overlay)):
        for container in pod.containers:
            rights = pod.spec.get("securityContext", {}) | container["securityContext"]

            assert rights["runAsNonRoot"]
            assert 10001 == rights["runAsUser"]
            assert {"type": "RuntimeDefault"} == rights["seccompProfile"]
            assert rights["readOnlyRootFilesystem"]
            assert not rights["allowPrivilegeEscalation"]
            assert ["ALL"] == rights["capabilities"]["drop"]
            assert "memory" in container["resources"]["limits"]


@NEEDS_KUBECTL
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_have_no_token_of_the_cluster(overlay: str) -> None:
    """Nothing here speaks with its API."""
    documents = build(overlay)
    pods = [pod.spec for pod in list_pods(documents) if not pod.owner.startswith("ServingRuntime")]

    assert [] == [
        spec for spec in pods if spec["automountServiceAccountToken"] or spec["serviceAccountName"] != "digitcodec"
    ]
    assert [] == [each for each in find_all(documents, "ServiceAccount") if each["automountServiceAccountToken"]]


@NEEDS_KUBECTL
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_volumes_are_those_that_exist(overlay: str) -> None:
    """Mounts name volumes of the pod, volumes name ConfigMaps of the build by the names that they got in it."""
    documents = build(overlay)
    maps = {each["metadata"]["name"] for each in find_all(documents, "ConfigMap")}
    for pod in list_pods(documents):
        volumes = {each["name"]: each for each in pod.spec.get("volumes", [])}
        mounts = [each["name"] for container in pod.containers for each in container["volumeMounts"]]

        assert set(mounts) == set(volumes)
        assert set() == {each["configMap"]["name"] for each in volumes.values() if "configMap" in each} - maps
        assert {2} == {len(each) for each in volumes.values()}  # a name and one source


@NEEDS_KUBECTL
@pytest.mark.parametrize("overlay", ["overlays/cpu", "overlays/gpu", "overlays/embedded", "overlays/claim"])
def test_selectors_choose_pods_that_there_are(overlay: str) -> None:
    """Of Services, budgets, network policies and spreads."""
    documents = build(overlay)
    labels = [each["spec"]["template"]["metadata"]["labels"] for each in find_all(documents, "Deployment")]
    chosen = [found for each in documents for found in find_choices(each.get("spec", {}))]

    assert [] == [choice for choice in chosen if not any(choice.items() <= each.items() for each in labels)]
    assert len(chosen) >= 8


def find_choices(value: Any, key: str = "") -> list[dict[str, str]]:
    """The labels of every selector of pods below a value."""
    if key == "namespaceSelector":
        return []
    if isinstance(value, list):
        return [found for each in value for found in find_choices(each, key)]
    if not isinstance(value, dict):
        return []
    if key in _CHOICES and value.keys() & {"app.kubernetes.io/name"}:
        return [value]
    return [found for name, each in value.items() for found in find_choices(each, name)]


@NEEDS_KUBECTL
@pytest.mark.parametrize("overlay", ["overlays/cpu", "overlays/gpu", "overlays/embedded", "overlays/claim"])
def test_replicas_have_one_owner(overlay: str) -> None:
    """An autoscaler's number would be undone by each `kubectl apply` of a Deployment with a number of its own."""
    documents = build(overlay)
    scaled = {
        each["spec"]["scaleTargetRef"]["name"]: each["spec"] for each in find_all(documents, "HorizontalPodAutoscaler")
    }
    fixed = {each["metadata"]["name"]: each["spec"].get("replicas") for each in find_all(documents, "Deployment")}

    assert {} == {name: count for name, count in fixed.items() if (name in scaled) != (count is None)}
    assert {2} == {*(each["minReplicas"] for each in scaled.values()), *(n for n in fixed.values() if n is not None)}


@NEEDS_KUBECTL
def test_rollout_on_gpus_needs_no_card_more() -> None:
    """One is free only when the pod that has it is gone; without GPUs the new pod comes first."""
    on_gpus, on_processors = (
        find_one(build(f"overlays/{name}"), "Deployment", "serving")["spec"]["strategy"]["rollingUpdate"]
        for name in ("gpu", "cpu")
    )

    assert {"maxSurge": 0, "maxUnavailable": 1} == on_gpus
    assert {"maxSurge": 1, "maxUnavailable": 0} == on_processors


@NEEDS_KUBECTL
def test_gpu_overlay_asks_for_a_gpu_and_keeps_the_rest() -> None:
    """One card for each model server; the flags before the arguments are those of the cpu overlay."""
    gpu, cpu = (find_serving(f"overlays/{name}") for name in ("gpu", "cpu"))

    assert "1" == gpu["resources"]["limits"]["nvidia.com/gpu"]
    assert gpu["command"] == cpu["command"]
    assert gpu["args"] != cpu["args"]
    assert {each["name"] for each in gpu["volumeMounts"]} - {each["name"] for each in cpu["volumeMounts"]} == {
        "cuda-cache"
    }


@NEEDS_KUBECTL
def test_claim_overlay_keeps_models_on_the_volume_that_the_trainer_writes() -> None:
    """The same claim."""
    documents = build("overlays/claim")
    (claim,) = find_all(documents, "PersistentVolumeClaim")
    pods = [pod for built in (documents, build("train")) for pod in list_pods(built)]
    sources = {pod.owner: each for pod in pods for each in pod.spec["volumes"] if each["name"] == "models"}

    assert {"claimName": claim["metadata"]["name"]} == sources["Deployment/serving"]["persistentVolumeClaim"]
    assert sources["Deployment/serving"] == sources["Job/train"]


def test_documents_are_read_whole() -> None:
    """A file with several objects gives all of them."""
    assert [{"a": 1}, {"b": 2}] == load_all("a: 1\n---\n---\nb: 2\n")


def find_serving(overlay: str) -> Any:
    """The container of the model server."""
    deployment = find_one(build(overlay), "Deployment", "serving")
    return deployment["spec"]["template"]["spec"]["containers"][0]
