"""Is everything installed? Imports nothing that may be missing."""

import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from service import __version__
from service.cli.doctor.finding import Finding, ok

_LEAST_PYTHON = (3, 11)
# What every installation has: import name -> distribution.
_CORE = {
    "fastapi": "fastapi",
    "google.rpc": "googleapis-common-protos",
    "grpc": "grpcio",
    "grpc_health": "grpcio-health-checking",
    "grpc_reflection": "grpcio-reflection",
    "httptools": "httptools",
    "python_multipart": "python-multipart",
    "numpy": "numpy",
    "orjson": "orjson",
    "PIL": "pillow",
    "prometheus_client": "prometheus-client",
    "pydantic": "pydantic",
    "pydantic_settings": "pydantic-settings",
    "starlette": "starlette",
    "structlog": "structlog",
    "uvicorn": "uvicorn",
    "uvloop": "uvloop",
}
# Extra -> what it is for, and the import names that it brings.
_EXTRAS = {
    "embedded": ("the model in this process", ("tensorflow",)),
    "fast": ("libspng, which reads plain PNGs quicker than Pillow", ("imagecodecs",)),
    "client": ("--server http://, progress bars, completion", ("httpx", "tqdm", "shtab")),
    "bulk": ("digitcodec bulk, .parquet", ("ray", "pyarrow")),
    "traces": ("OpenTelemetry", ("opentelemetry.sdk",)),
}
# They end the whole server at one call whose path is not UTF-8.
_BAD_GRPC = ("1.84.", "1.85.")
_CPU_INFO = Path("/proc/cpuinfo")


def look_at_installation() -> Iterator[Finding]:
    """Python, the packages, the quick decoder and the processor."""
    yield _look_at_python()
    yield from _look_at_core()
    for extra, (purpose, names) in _EXTRAS.items():
        yield _look_at_extra(extra, purpose, names)
    yield from _look_at_decoder()
    yield from _look_at_processor()


def _look_at_python() -> Finding:
    found = f"digitcodec {__version__} on Python {platform.python_version()}, {platform.platform(terse=True)}"
    if sys.version_info < _LEAST_PYTHON:
        return Finding("wrong", "python", found, "install Python 3.11 or newer")
    return ok("python", found)


def _look_at_core() -> Iterator[Finding]:
    missing = [name for module, name in _CORE.items() if not is_there(module)]
    if missing:
        yield Finding("wrong", "packages", f"missing: {', '.join(missing)}", f"pip install {' '.join(missing)}")
        return
    yield ok("packages", f"all {len(_CORE)} that a gateway needs")
    grpc = _find_version("grpcio")
    if grpc.startswith(_BAD_GRPC):
        told = f"grpcio {grpc} ends the whole server at a call whose path is not UTF-8"
        yield Finding("wrong", "packages", told, "pip install 'grpcio!=1.84.*,!=1.85.*'")


def _look_at_extra(extra: str, purpose: str, names: tuple[str, ...]) -> Finding:
    missing = [name for name in names if not is_there(name)]
    if not missing:
        return ok(f"extra {extra}", f"installed: {purpose}")
    found = f"{', '.join(missing)} not installed: {purpose}"
    return Finding("warning", f"extra {extra}", found, f"if you want it: pip install 'digitcodec[{extra}]'")


def _look_at_decoder() -> Iterator[Finding]:
    """The package of libspng may be there and not fit this machine; Pillow then does its work, without a word."""
    if not is_there("imagecodecs"):
        return
    try:
        from imagecodecs import spng_decode  # noqa: F401 - whether it can be
    except ImportError as error:
        told = f"libspng cannot be loaded, so Pillow reads all PNGs: {error}"
        yield Finding("warning", "extra fast", told, "pip install --force-reinstall imagecodecs")


def _look_at_processor() -> Iterator[Finding]:
    """TensorFlow's packages for x86-64 end with `illegal instruction` where AVX is missing."""
    if platform.machine() not in {"x86_64", "AMD64"} or not _CPU_INFO.is_file():
        return
    flags = _CPU_INFO.read_text().partition("flags")[2].partition("\n")[0].split()
    if "avx" in flags:
        fast = [name for name in ("avx2", "fma", "avx512f") if name in flags]
        yield ok("processor", f"has AVX {' '.join(fast)}".rstrip())
    else:
        found = "has no AVX, which TensorFlow's own packages need"
        yield Finding("wrong", "processor", found, "use another machine, or a service with --server")


def is_there(module: str) -> bool:
    """Whether a module could be imported; imports at most the package above it."""
    try:
        return find_spec(module) is not None
    except (ModuleNotFoundError, ValueError):
        return False


def _find_version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
