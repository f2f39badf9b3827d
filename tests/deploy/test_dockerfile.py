"""The Dockerfile: what it takes, what hadolint says, and that its settings are ones that the service has."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.metric_names import REPOSITORY

from service.settings import Settings, load_settings

DOCKERFILE = REPOSITORY / "Dockerfile"
TARGETS = ("gateway", "trainer", "embedded")


def read_instructions() -> list[str]:
    """One instruction a line, without comments."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    return [line for line in "\n".join(lines).replace("\\\n", " ").splitlines() if line]


def read_stages() -> dict[str, list[str]]:
    """The instructions of each stage, by its name, those of the stages that it is built on before them."""
    stages: dict[str, list[str]] = {}
    for line in read_instructions():
        if start := re.fullmatch(r"FROM (\S+) AS (\S+)", line):
            name = start[2]
            stages[name] = list(stages.get(start[1], []))
        elif stages:
            stages[name].append(line)
    return stages


def list_settings(stage: str) -> dict[str, str]:
    """The settings of ours that a stage's environment has."""
    variables = " ".join(line for line in read_stages()[stage] if line.startswith("ENV "))
    return dict(re.findall(r"(DIGITCODEC_\w+)=(\S+)", variables))


def load(stage: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """What the service makes of them."""
    for name, value in list_settings(stage).items():
        monkeypatch.setenv(name, value)
    return load_settings()


def test_hadolint_has_nothing_to_say() -> None:
    """Not one warning, with no rule left out."""
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)

    assert (0, "") == (done.returncode, done.stdout)


def test_a_build_without_a_target_is_the_embedded_one() -> None:
    """Engines build the last stage."""
    assert "embedded" == list(read_stages())[-1]


@pytest.mark.parametrize("target", TARGETS)
def test_targets_need_no_shell_and_no_root(target: str) -> None:
    """Every command is a list of words, and the last user is the number that the manifests have."""
    lines = read_stages()[target]
    commands = [line for line in lines if re.match(r"(RUN|CMD|ENTRYPOINT|HEALTHCHECK)\b", line)]

    assert [] == [line for line in commands if not re.search(r'\["python3", .*\]$', line)]
    assert "USER 10001:10001" == [line for line in lines if line.startswith("USER ")][-1]
    assert "STOPSIGNAL SIGTERM" in lines


@pytest.mark.parametrize(
    ("target", "module"), [("gateway", "service"), ("embedded", "service"), ("trainer", "training")]
)
def test_targets_start_a_module_that_exists(target: str, module: str) -> None:
    """As `python -m` does."""
    (entry,) = [line for line in read_stages()[target] if line.startswith("ENTRYPOINT ")]

    assert f'ENTRYPOINT ["python3", "-m", "{module}"]' == entry
    assert (REPOSITORY / module / "__main__.py").exists()


@pytest.mark.parametrize("target", ["gateway", "embedded"])
def test_settings_are_understood(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ports are those that are exposed, and the grace ends before an engine kills, ten seconds after SIGTERM."""
    settings = load(target, monkeypatch)

    assert "0.0.0.0" == settings.http.host == settings.grpc.host  # noqa: S104 - in a container
    assert f"EXPOSE {settings.http.port} {settings.grpc.port}" in read_stages()[target]
    assert 10 > settings.limits.drain_delay_s + settings.limits.shutdown_grace_s


def test_gateway_asks_a_model_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the embedded image is its own."""
    with monkeypatch.context() as apart:
        assert "tfserving" == load("gateway", apart).backend.kind
    assert "embedded" == load("embedded", monkeypatch).backend.kind


@pytest.mark.parametrize("target", TARGETS)
def test_packages_are_the_pinned_ones(target: str) -> None:
    """Each target has a stage that installs its own requirements."""
    requirements = {"gateway": "gateway.txt", "embedded": "embedded.txt", "trainer": "train.txt"}[target]
    packages = read_stages()[f"{target}-packages"]

    assert f"COPY requirements/{requirements} ." in packages
    assert any(f"python3 install.py {requirements} /opt/digitcodec" in line for line in packages)
    assert f"COPY --from={target}-packages /opt/digitcodec /opt/digitcodec" in read_stages()[target]


def test_whatever_is_copied_reaches_the_build() -> None:
    """.dockerignore lets it through, and lets nothing through that is not copied."""
    allowed = {line[1:] for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        path
        for line in read_instructions()
        if line.startswith("COPY ") and "--from=" not in line
        for path in line.split()[1:-1]
    }

    assert copied == allowed
    assert [] == [path for path in allowed if not (REPOSITORY / path).exists()]


def test_labels_are_those_of_the_image_format() -> None:
    """Title, description, version, revision and the time of the build."""
    for target in TARGETS:
        labels = set(re.findall(r"org\.opencontainers\.image\.(\w+)=", " ".join(read_stages()[target])))

        assert {"title", "description", "version", "revision", "created"} == labels
