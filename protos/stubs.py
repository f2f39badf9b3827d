"""Makes `service/wire`'s generated files from the contracts: `python -m protos.stubs`, with `--check` only compares.

Ours and the Open Inference Protocol's come from the .proto files beside this one. TensorFlow Serving's come from the
official `tensorflow-serving-api` package: its file descriptors, without the TensorFlow that the package asks for.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet

_PROTOS = Path(__file__).parent
_TARGET = _PROTOS.parent / "service" / "wire"
_SOURCES = ("digitcodec/v1/codec.proto", "inference/v2/inference.proto")
# Python's import path of a generated module follows the .proto's; ours all live in one package.
_IMPORTED_FROM = re.compile(r"^from (?:digitcodec\.v1|inference\.v2) import ", re.MULTILINE)
_DESCRIPTORS = "tensorflow_serving.binpb"


def render_stubs() -> dict[str, bytes]:
    """Every generated file by name."""
    with tempfile.TemporaryDirectory() as folder:
        outputs = [f"--{kind}_out={folder}" for kind in ("python", "grpc_python")]
        outputs += [f"--{kind}_out=quiet:{folder}" for kind in ("mypy", "mypy_grpc")]
        # The plugins for types lie beside the interpreter.
        plugins = [
            f"--plugin=protoc-gen-{name}={Path(sys.executable).with_name(f'protoc-gen-{name}')}"
            for name in ("mypy", "mypy_grpc")
        ]
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{_PROTOS}", *plugins, *outputs, *_SOURCES]
        subprocess.run(command, check=True)  # noqa: S603 - our own arguments
        generated = [path for path in Path(folder).rglob("*") if path.is_file()]
        stubs = {path.name: _IMPORTED_FROM.sub("from service.wire import ", path.read_text()) for path in generated}
    files = {name: text.rstrip().encode() + b"\n" for name, text in stubs.items()}
    return {**files, _DESCRIPTORS: _render_descriptors()}


def _render_descriptors() -> bytes:
    """The official descriptors of PredictionService and ModelService, and of all that they refer to."""
    _expose_generated_modules_alone("tensorflow")
    from tensorflow_serving.apis import model_service_pb2, prediction_service_pb2

    files: dict[str, Any] = {}
    for module in (prediction_service_pb2, model_service_pb2):
        _collect(module.DESCRIPTOR, files)
    descriptors = FileDescriptorSet()
    for file in files.values():
        file.CopyToProto(descriptors.file.add())
    return descriptors.SerializeToString(deterministic=True)


def _expose_generated_modules_alone(name: str) -> None:
    """Let `tensorflow.core.framework.tensor_pb2` be imported without running TensorFlow: 0.1 s instead of 5."""
    spec = find_spec(name)
    if spec is None or spec.submodule_search_locations is None:
        raise RuntimeError(f"{name} is not installed: make setup")
    package = ModuleType(name)
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules[name] = package


def _collect(file: Any, files: dict[str, Any]) -> None:
    """Add a file after those that it depends on, as a descriptor pool wants them."""
    if file.name not in files:
        for dependency in file.dependencies:
            _collect(dependency, files)
        files[file.name] = file


def find_stale(files: dict[str, bytes]) -> list[str]:
    """Names of generated files that are missing, or are not what would be generated now."""
    return sorted(
        name
        for name, content in files.items()
        if not (_TARGET / name).is_file() or (_TARGET / name).read_bytes() != content
    )


def main() -> int:
    """Write or compare; 1 if something is stale."""
    parser = argparse.ArgumentParser(prog="python -m protos.stubs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is stale")
    is_check = parser.parse_args().check
    files = render_stubs()
    stale = find_stale(files)
    if is_check:
        if stale:
            print(f"stale in service/wire: {', '.join(stale)}; run make stubs")
        return 1 if stale else 0
    for name in stale:
        (_TARGET / name).write_bytes(files[name])
    print(f"{len(files)} files, {len(stale)} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
