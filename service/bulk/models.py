"""Which model a job uses, decided once: a version's files, to be sent to workers, or that of a running service."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from service.backends.embedded.disk import VersionDirectory, find_versions
from service.bulk.errors import JobFailedError, UsageError
from service.client import Client, ClientError, NotFoundError, Retries
from service.domain import IMAGE_SIDE
from service.settings import ModelSettings

# A job has time, and the service other callers: it is tried again for minutes before the job ends.
PATIENCE = Retries(max_attempts=60, last_wait_s=5.0, max_tokens=1000.0)
TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running service.

    Attributes:
        url: As `service.client.Client` takes it.
        key: What the service knows the job by, or None.
        ca: PEM file of the authorities that its certificate is checked by, or None.
    """

    url: str
    key: str | None = field(default=None, repr=False)
    ca: str | None = None

    def connect(self) -> Client:
        """A client that waits while the service is busy.

        Raises:
            UsageError: If the address is none, or a file cannot be read.
        """
        try:
            return Client(self.url, key=self.key, ca=self.ca, timeout_s=TIMEOUT_S, retries=PATIENCE)
        except (ValueError, OSError) as error:
            raise UsageError(str(error)) from error
        except ModuleNotFoundError as error:
            raise UsageError(f"{error.name} is not installed: pip install 'digitcodec[client]'") from error


@dataclass(frozen=True, slots=True)
class Model:
    """One version of the model, wherever it runs.

    Attributes:
        name: Its name.
        version: Its number.
        digest: What tells its files from others of the same number; the address of a service.
        files: What a SavedModel needs, by path below its folder; empty if a service has it.
        server: That service, or None.
    """

    name: str
    version: int
    digest: str
    files: Mapping[str, bytes]
    server: Server | None = None


def find_version_number(
    settings: ModelSettings, version: int | None, label: str | None, begun_with: int | None
) -> int | None:
    """The number that is asked for: given, by a label, or the one that the job began with; None for the newest.

    Raises:
        UsageError: If the settings have no such label.
    """
    if version is not None or label is None:
        return version or begun_with
    if label not in settings.labels:
        known = ", ".join(sorted(settings.labels)) or "none"
        raise UsageError(f"no version has the label {label}; DIGITCODEC_MODEL__LABELS names {known}")
    return settings.labels[label]


def load_model(settings: ModelSettings, number: int | None) -> Model:
    """Read the files of a version: the one of that number, or the newest.

    Raises:
        UsageError: If there is none, or it cannot be read.
    """
    folder = settings.root / settings.name
    versions = find_versions(folder)
    wanted = number or next(iter(versions), None)
    if wanted not in versions:
        what = "no version" if wanted is None else f"no version {wanted}"
        raise UsageError(f"there is {what} in {folder.resolve()}; there are {sorted(versions)}")
    try:
        files = _read_files(versions[wanted])
    except OSError as error:
        raise UsageError(f"version {wanted} of {settings.name} cannot be read: {error}") from error
    return Model(settings.name, wanted, _digest(files), files)


def ask_model(server: Server, name: str, version: int | None, label: str | None) -> Model:
    """The version with which a running service answers.

    Raises:
        UsageError: If it has no such version, or does not answer.
    """
    blank = np.zeros((1, IMAGE_SIDE, IMAGE_SIDE), np.uint8)
    try:
        with Client(server.url, key=server.key, ca=server.ca) as client:
            answer = client.encode(blank, version=version, label=label)
    except NotFoundError as error:
        raise UsageError(str(error)) from error
    except (ClientError, ValueError, OSError) as error:
        raise UsageError(f"{server.url} does not answer: {error}") from error
    return Model(answer.model.name or name, answer.model.version, server.url, {}, server)


def write_model(model: Model, folder: Path) -> Path:
    """Put the files of a version where TensorFlow can load them; the version's directory."""
    for name, content in model.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def check_version(expected: int, actual: int) -> None:
    """Refuse an answer of another version: codes belong to the one that made them.

    Raises:
        JobFailedError: If it is another one.
    """
    if expected != actual:
        raise JobFailedError(f"version {actual} answered, the job is one of version {expected}")


def _read_files(directory: VersionDirectory) -> dict[str, bytes]:
    paths = [directory.path / "saved_model.pb", *sorted((directory.path / "variables").glob("*"))]
    return {path.relative_to(directory.path).as_posix(): path.read_bytes() for path in paths}


def _digest(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
