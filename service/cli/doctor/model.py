"""Is there a model, is it whole, and does it answer as it should?"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from service.backends.embedded.disk import VersionDirectory, find_versions
from service.cli.doctor.finding import Finding, ok
from service.cli.doctor.installation import is_there
from service.cli.doctor.probe import Imported, Tried
from service.cli.flags import DEFAULT_THRESHOLD
from service.settings import ModelSettings, Settings

# An import of TensorFlow from a cold disk, and a second or so for each version.
_PATIENCE_S = 180.0
# More are not loaded by a service either, unless it is told to keep them or they have labels.
_MOST_TRIED = 3


def look_at_model(settings: Settings, model: ModelSettings) -> Iterator[Finding]:
    """The folder, its versions, TensorFlow, and what the versions answer."""
    if settings.backend.kind != "embedded":
        told = f"the service asks a model server: {settings.backend.target}"
        yield ok("model", f"{told}; the folder is not looked at")
        return
    versions = find_versions(model.root / model.name)
    yield from _look_at_folder(model, versions)
    if not is_there("tensorflow"):
        yield Finding(
            "wrong",
            "tensorflow",
            "not installed, and the settings want the model in this process",
            "pip install 'digitcodec[embedded]', or DIGITCODEC_BACKEND__KIND=tfserving, or use --server",
        )
        return
    yield from _try_versions(_choose(model, versions))


def _look_at_folder(model: ModelSettings, versions: dict[int, VersionDirectory]) -> Iterator[Finding]:
    folder = (model.root / model.name).resolve()
    if not versions:
        found = "has no version" if folder.is_dir() else "is not there"
        yield Finding("wrong", "model", f"{folder} {found}", "set DIGITCODEC_MODEL__ROOT, or train one: make train")
        return
    yield ok("model", f"{folder} has the versions {', '.join(map(str, versions))}")
    for label, number in model.labels.items():
        if number not in versions:
            told = f"the label {label} points at version {number}, which is not there"
            yield Finding("wrong", "model", told, "correct DIGITCODEC_MODEL__LABELS, or add the version")
    for number, directory in versions.items():
        if missing := directory.read_companions().missing:
            told = f"version {number} lacks {', '.join(missing)}; it serves without"
            yield Finding("warning", f"version {number}", told, "publish the whole folder that the trainer made")


def _choose(model: ModelSettings, versions: dict[int, VersionDirectory]) -> list[VersionDirectory]:
    """The newest, and those with labels."""
    newest, labelled = list(versions)[:_MOST_TRIED], set(model.labels.values())
    return [directory for number, directory in versions.items() if number in newest or number in labelled]


def _try_versions(directories: Sequence[VersionDirectory]) -> Iterator[Finding]:
    """Import TensorFlow and load the versions, in a child: some failures end the process they happen in."""
    try:
        lines, ended = _run_probe([directory.path for directory in directories])
    except subprocess.TimeoutExpired:
        told = f"no answer after {_PATIENCE_S:g} s"
        yield Finding("wrong", "tensorflow", told, "look for what keeps the processors or the disk busy")
        return
    if not lines:
        yield Finding("wrong", "tensorflow", f"cannot be imported: {ended}", "pip install --force-reinstall tensorflow")
        return
    imported = Imported(**json.loads(lines[0]))
    devices = ", ".join(imported.devices)
    yield ok("tensorflow", f"{imported.version}, imported in {imported.seconds:.1f} s, runs on {devices}")
    tried = [Tried(**json.loads(line)) for line in lines[1:]]
    for directory, outcome in zip(directories, tried, strict=False):
        yield _judge(directory.version, outcome)
    for directory in directories[len(tried) :]:
        told = f"not tried: the process ended with {ended}"
        yield Finding("wrong", f"version {directory.version}", told, "remove it, or publish it again")


def _run_probe(paths: Sequence[Path]) -> tuple[list[str], str]:
    """What it printed, and how it ended if not well.

    Raises:
        subprocess.TimeoutExpired: If it does not end.
    """
    command = [sys.executable, "-m", "service.cli.doctor.probe", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)  # noqa: S603 - our own module
    return done.stdout.splitlines(), _describe_end(done.returncode, done.stderr)


def _describe_end(status: int, stderr: str) -> str:
    if status == -signal.SIGILL:
        return "SIGILL: it needs an instruction that this processor lacks"
    if status < 0:
        return signal.Signals(-status).name
    return (stderr.strip().splitlines() or [f"status {status}"])[-1]


def _judge(version: int, tried: Tried) -> Finding:
    area = f"version {version}"
    if tried.error:
        return Finding("wrong", area, tried.error, "remove it, or publish it again")
    told = (
        f"loaded in {tried.seconds:.1f} s, codes of {tried.code_dim} numbers; a clean seven scores {tried.digit:.4f}, "
        f"a scribble {tried.scribble:.6f}"
    )
    if tried.digit > DEFAULT_THRESHOLD >= tried.scribble or tried.digit > tried.scribble:
        return Finding("wrong", area, told, "it does not tell digits from others: measure it with make evaluate")
    if tried.digit > DEFAULT_THRESHOLD or tried.scribble <= DEFAULT_THRESHOLD:
        return Finding("warning", area, told, "that is unusual for digits: measure it with make evaluate")
    return ok(area, told)
