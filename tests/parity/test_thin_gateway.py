"""The gateway before a model server is thin: no TensorFlow, little memory, a quick start."""

import subprocess
import sys

import pytest

from bench.running import RunningService, behind, running_service

# What a process with TensorFlow's Python runtime cannot be without.
_PROBE = """
import sys, time
began = time.perf_counter()
import service.app, service.core, service.backends.tfserving, service.doors
took_s = time.perf_counter() - began
loaded = [name for name in sys.modules if name.partition(".")[0] in {"tensorflow", "keras", "tensorflow_serving"}]
print(took_s, *loaded)
"""
_MAX_MEMORY_MIB = 130
# Half a second on a quiet machine; TensorFlow alone takes 5.
_MAX_IMPORT_S = 3.0


def test_gateway_imports_no_tensorflow() -> None:
    """Neither `tensorflow.python` nor anything else of it is in `sys.modules`, although it is installed."""
    printed = subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, text=True, check=True).stdout.split()

    assert [] == printed[1:]
    assert float(printed[0]) < _MAX_IMPORT_S


@pytest.mark.tensorflow
def test_ready_gateway_maps_no_tensorflow_and_stays_small(model_server: RunningService) -> None:
    """The running process has not loaded its library, and at most 130 MB of memory are resident."""
    with running_service(behind(model_server.grpc)) as gateway:
        maps, memory_mib = gateway.read_proc("maps"), gateway.memory_mib()

    assert "tensorflow" not in maps
    assert memory_mib < _MAX_MEMORY_MIB
