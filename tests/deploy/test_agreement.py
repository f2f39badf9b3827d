"""compose and deploy/kubernetes say of the service what it says of itself: ports, probes, settings, times, images."""

import re
import tomllib
from collections.abc import Mapping
from typing import Any

import pytest
from support.compose_files import read_compose
from support.http_door import build_context, open_client
from support.manifests import NEEDS_KUBECTL, OVERLAYS, Pod, build, find_all, find_one, list_pods, read_files
from support.metric_names import REPOSITORY

from service.backends.tfserving.backend import _CLOSE_GRACE_S
from service.doors import build_gateway_app
from service.settings import EmbeddedBackendSettings, Settings, TFServingBackendSettings, load_settings

DOCKERFILE = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")
DOCUMENTS = (REPOSITORY / "docs" / "compose.md", REPOSITORY / "docs" / "kubernetes.md")
ALONE = read_compose("compose.yaml")["services"]
COMPOSE = read_compose("compose.yaml", "compose.gpu.yaml")["services"]
OURS = {"gateway": "digitcodec-gateway", "embedded": "digitcodec", "trainer": "digitcodec-trainer"}
# What compose builds once more from the gateway's target, to bring the model.
SEED = "digitcodec-models"
# Tags with public evidence; docs/tensorflow-serving.md.
SERVING_TAGS = {"2.20.0", "2.19.1-gpu"}
OTHERS = {"prom/prometheus", "grafana/grafana", "tensorflow/serving"}
SERVING_PORTS = {"grpc": 8500, "rest": 8501}
GATEWAY_PORTS = {"http": Settings().http.port, "grpc": Settings().grpc.port}
# gRPC's last answers arrive; docs/adr/0008.
ARRIVAL_S = 1.0
DNS, HTTPS = 53, 443


def list_env(container: Mapping[str, Any]) -> dict[str, str]:
    """The variables of a container."""
    return {each["name"]: each["value"] for each in container.get("env", [])}


def read_settings(environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """What the service reads in such an environment; raises if it would refuse to start."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    monkeypatch.undo()
    return settings


def list_gateways(documents: list[Mapping[str, Any]]) -> list[tuple[Pod, Mapping[str, Any]]]:
    """The pods in which our service runs, with its container."""
    found = [(pod, each) for pod in list_pods(documents) for each in pod.containers]
    return [(pod, each) for pod, each in found if "DIGITCODEC_HTTP__HOST" in list_env(each)]


def list_images() -> list[str]:
    """Every image that is named."""
    patched = re.findall(
        r"image: (\S+)", "".join(path.read_text() for path in (REPOSITORY / "deploy").rglob("*.patch.yaml"))
    )
    pods = [each["image"] for pod in list_pods(read_files()) for each in pod.containers]
    return [*patched, *pods, *(each["image"] for each in [*ALONE.values(), *COMPOSE.values()])]


def test_our_images_have_the_version_of_the_project() -> None:
    """And there is one for each target of the Dockerfile."""
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    ours = {image for image in list_images() if image.startswith("digitcodec")}

    assert {f"{name}:{version}" for name in [*OURS.values(), SEED]} == ours


def test_images_of_others_are_pinned() -> None:
    """To a tag that says which; TensorFlow Serving's to one that is known to exist."""
    others = {tuple(image.split(":")) for image in list_images() if not image.startswith("digitcodec")}

    assert OTHERS == {name for name, _ in others}
    assert SERVING_TAGS == {tag for name, tag in others if name == "tensorflow/serving"}
    assert [] == [tag for _, tag in others if not re.fullmatch(r"v?\d+\.\d+\.\d+(-gpu)?", tag)]


def test_compose_builds_targets_that_the_dockerfile_has() -> None:
    """Each under the image's name that Kubernetes takes too."""
    stages = set(re.findall(r"^FROM .* AS (\w+)", DOCKERFILE, re.MULTILINE))
    builds = {(each["build"]["target"], each["image"].split(":")[0]) for each in COMPOSE.values() if "build" in each}

    assert {*OURS.items(), ("gateway", SEED)} == builds
    assert OURS.keys() <= stages


def test_images_have_the_user_and_the_python_that_commands_need() -> None:
    """The seed's interpreter, and the number of the user that pods run as."""
    commands = [each.get("command", []) for pod in list_pods(read_files()) for each in pod.containers]
    commands.append(COMPOSE["models"]["entrypoint"])
    interpreters = {command[0] for command in commands if "/seed/seed.py" in command}

    assert interpreters == set(re.findall(r'^ENTRYPOINT \["(.+?)"', DOCKERFILE, re.MULTILINE))
    assert "USER 10001:10001" in DOCKERFILE
    assert "WORKDIR /srv" in DOCKERFILE  # with `COPY models models`: where the seed finds them


@NEEDS_KUBECTL
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_settings_of_pods_are_read(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that exist and values that hold; the backend is that of the image."""
    for _, container in list_gateways(build(overlay)):
        settings = read_settings(list_env(container), monkeypatch)
        kind = TFServingBackendSettings if "gateway:" in container["image"] else EmbeddedBackendSettings

        assert isinstance(settings.backend, kind)
        assert ("0.0.0.0", "0.0.0.0") == (settings.http.host, settings.grpc.host)  # noqa: S104 - a container's own network


@pytest.mark.parametrize("name", ["gateway", "embedded"])
@pytest.mark.parametrize("services", [ALONE, COMPOSE], ids=["alone", "gpu"])
def test_settings_of_compose_are_read(services: Mapping[str, Any], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without the GPU overlay on top; and the time to stop is longer than a stop."""
    settings = read_settings(services[name]["environment"], monkeypatch)

    assert (name == "embedded") == isinstance(settings.backend, EmbeddedBackendSettings)
    assert measure_stop(settings) < float(services[name]["stop_grace_period"].removesuffix("s"))


@NEEDS_KUBECTL
@pytest.mark.parametrize("overlay", ["overlays/cpu", "overlays/gpu", "overlays/embedded"])
def test_pods_have_time_to_stop(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the kubelet kills them."""
    for pod, container in list_gateways(build(overlay)):
        settings = read_settings(list_env(container), monkeypatch)
        waits = container["lifecycle"]["preStop"]["sleep"]["seconds"]

        assert waits + measure_stop(settings) < pod.spec["terminationGracePeriodSeconds"]
        assert settings.limits.drain_delay_s > 0


@NEEDS_KUBECTL
@pytest.mark.parametrize("overlay", ["cpu", "gpu", "claim"])
def test_gateway_is_not_restarted_while_its_model_server_starts(overlay: str) -> None:
    """It has not started before one answers, and may wait for longer than that takes."""
    documents = build(f"overlays/{overlay}")
    gateway, serving = (
        find_one(documents, "Deployment", name)["spec"]["template"]["spec"] for name in ("gateway", "serving")
    )

    assert measure_start(serving["containers"][0]) < measure_start(gateway["containers"][0])


def measure_start(container: Mapping[str, Any]) -> int:
    """Seconds until the kubelet restarts a container that does not start."""
    probe = container["startupProbe"]
    return int(probe["periodSeconds"] * probe["failureThreshold"])


def test_pods_of_kserve_have_time_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the 30 s that Kubernetes gives to pods that ask for nothing."""
    ((_, container),) = [found for found in list_gateways(read_files()) if found[1]["name"] == "kserve-container"]

    assert measure_stop(read_settings(list_env(container), monkeypatch)) < 30


def measure_stop(settings: Settings) -> float:
    """Seconds from the signal to the end, at the longest."""
    return settings.limits.drain_delay_s + settings.limits.shutdown_grace_s + _CLOSE_GRACE_S + ARRIVAL_S


def test_model_server_goes_when_no_gateway_knows_it() -> None:
    """It waits for longer than a connection's age and a name's 30 s in the cluster's DNS, and is killed later."""
    deployment = find_one(read_files(), "Deployment", "serving")["spec"]["template"]["spec"]
    (container,) = deployment["containers"]
    (age_ms,) = re.findall(r"grpc\.max_connection_age_ms=(\d+)", " ".join(container["command"]))
    waits = container["lifecycle"]["preStop"]["sleep"]["seconds"]

    assert int(age_ms) / 1000 + 30 < waits < deployment["terminationGracePeriodSeconds"]


@NEEDS_KUBECTL
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_ports_are_those_that_are_listened_on(overlay: str) -> None:
    """Of containers, Services, probes and network policies."""
    documents = build(overlay)
    named = {each["name"]: GATEWAY_PORTS for _, each in list_gateways(documents)}
    for pod in list_pods(documents):
        for container in pod.containers:
            ports = {each["name"]: each["containerPort"] for each in container.get("ports", [])}
            expected = named.get(container["name"], SERVING_PORTS if container["name"] == "serving" else {})

            assert expected == ports
            assert list_probe_ports(container) <= ports.keys() | set(ports.values())
    listened = {*GATEWAY_PORTS.values(), *SERVING_PORTS.values(), DNS, HTTPS}
    assert [] == [
        port
        for each in find_all(documents, "NetworkPolicy")
        for port in list_policy_ports(each)
        if port not in listened
    ]


def list_probe_ports(container: Mapping[str, Any]) -> set[str | int]:
    """Where the kubelet asks."""
    probes = [container[name] for name in ("startupProbe", "readinessProbe", "livenessProbe") if name in container]
    return {each.get("httpGet", each.get("tcpSocket"))["port"] for each in probes}


def list_policy_ports(policy: Mapping[str, Any]) -> list[int]:
    """What a policy opens."""
    rules = [*policy["spec"].get("ingress", []), *policy["spec"].get("egress", [])]
    return [port["port"] for rule in rules for port in rule["ports"]]


@pytest.mark.parametrize("service", ["gateway", "gateway-pods", "serving"])
def test_services_lead_to_ports_of_their_pods(service: str) -> None:
    """By name, and under the same number."""
    ports = find_one(read_files(), "Service", service)["spec"]["ports"]
    listened = SERVING_PORTS if service == "serving" else GATEWAY_PORTS

    assert {} == {each["name"]: each for each in ports if listened[each["targetPort"]] != each["port"]}


async def test_probes_ask_for_paths_that_there_are() -> None:
    """Ours, the Open Inference Protocol's, and the one that TensorFlow Serving has as our door does."""
    probes = [
        each[name]["httpGet"]["path"]
        for pod in list_pods(read_files())
        for each in pod.containers
        for name in ("startupProbe", "readinessProbe", "livenessProbe")
        if "httpGet" in each.get(name, {})
    ]
    async with open_client(build_gateway_app(build_context())) as client:
        answers = {path: (await client.get(path)).status_code for path in probes}

    assert {"/startupz", "/readyz", "/livez", "/v2/health/ready", "/v2/health/live"} < answers.keys()
    assert {200} == set(answers.values())


@pytest.mark.parametrize("name", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_gateway_is_asked_three_different_questions(name: str) -> None:
    """Each probe on the route that was made for it."""
    ((_, container),) = [found for found in list_gateways(read_files()) if found[1]["name"] == "gateway"]
    path = container[name]["httpGet"]["path"]

    assert {"startupProbe": "/startupz", "readinessProbe": "/readyz", "livenessProbe": "/livez"}[name] == path


def test_gateway_looks_for_the_headless_service() -> None:
    """By DNS, which gives every pod's address."""
    ((_, container),) = [found for found in list_gateways(read_files()) if found[1]["name"] == "gateway"]
    service = find_one(read_files(), "Service", "serving")
    port = SERVING_PORTS["grpc"]

    assert f"dns:///{service['metadata']['name']}:{port}" == list_env(container)["DIGITCODEC_BACKEND__TARGET"]
    assert "None" == service["spec"]["clusterIP"]
    assert f"dns:///serving:{port}" == COMPOSE["gateway"]["environment"]["DIGITCODEC_BACKEND__TARGET"]


def test_kserve_serves_the_default_model_by_its_name() -> None:
    """Clients find it at /v2/models/<name of the InferenceService>; formats and protocols agree."""
    service = find_one(read_files(), "InferenceService", Settings().model.name)["spec"]["predictor"]["model"]
    runtime = find_one(read_files(), "ServingRuntime", service["runtime"])["spec"]
    formats = [{"name": each["name"], "version": each["version"]} for each in runtime["supportedModelFormats"]]

    assert service["modelFormat"] in formats
    assert service["protocolVersion"] in runtime["protocolVersions"]
    assert "/mnt/models" == list_env(runtime["containers"][0])["DIGITCODEC_MODEL__ROOT"]


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_pages_name_files_and_settings_that_there_are(page: Any) -> None:
    """What a reader would type."""
    text = page.read_text(encoding="utf-8")
    paths = set(re.findall(r"(?:-k |-f )((?:deploy|compose)[\w./-]+)", text))
    groups = {f"{group}__{name}".upper() for group, names in list_settings().items() for name in names}

    assert paths
    assert [] == [path for path in paths if not (REPOSITORY / path).exists()]
    assert set() == set(re.findall(r"DIGITCODEC_([A-Z_]+__[A-Z_]+[A-Z])", text)) - groups


def list_settings() -> dict[str, set[str]]:
    """The names in each group."""
    kinds = {"backend": {*EmbeddedBackendSettings.model_fields, *TFServingBackendSettings.model_fields}}
    plain = {name: set(getattr(each.annotation, "model_fields", {})) for name, each in Settings.model_fields.items()}
    return plain | kinds
