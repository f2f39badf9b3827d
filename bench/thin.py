"""Does the gateway run without TensorFlow? `python -m bench.thin --python OTHER` asks one that has only the installed
package and its requirements: it starts it before a model server of ours, asks each door, and says what it takes.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.doors import open_doors
from bench.running import behind, running_service

_MAX_MEMORY_MIB = 130
_RUNTIMES = ("tensorflow", "keras", "tensorflow-serving-api")
_LIST = "import importlib.metadata as m, json; print(json.dumps([d.name for d in m.distributions()]))"


def find_runtimes(python: Path) -> list[str]:
    """Distributions of TensorFlow that another Python has."""
    printed = subprocess.run([python, "-c", _LIST], capture_output=True, text=True, check=True).stdout
    return sorted(name for name in json.loads(printed) if name.lower().replace("_", "-") in _RUNTIMES)


def find_faults(python: Path) -> list[str]:
    """What is wrong with the gateway in another Python, in words; empty if nothing is."""
    faults = [f"{name} is installed there" for name in find_runtimes(python)]
    images = np.random.default_rng(0).integers(0, 256, (64, 28, 28), np.uint8)
    with running_service(command="model-server") as server:
        began_s = time.perf_counter()
        # Started elsewhere, so that it is the installed package that runs and not the working tree.
        with running_service(behind(server.grpc), python=python, cwd=python.parent) as gateway:
            ready_s, memory_mib = time.perf_counter() - began_s, gateway.memory_mib()
            with open_doors(gateway) as doors:
                codes = [door.encode(images) for door in doors.values()]
            is_loaded = "tensorflow" in gateway.read_proc("maps")
    print(f"{len(codes)} doors answered; ready after {ready_s:.2f} s with {memory_mib:.0f} MiB resident")
    if memory_mib > _MAX_MEMORY_MIB:
        faults.append(f"{memory_mib:.0f} MiB are resident, the limit is {_MAX_MEMORY_MIB}")
    if is_loaded:
        faults.append("a library of TensorFlow is mapped")
    if any(not np.allclose(each, codes[0], atol=1e-5) for each in codes):
        faults.append("two doors answered different codes")
    return faults


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it, print, judge; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.thin", description=__doc__)
    parser.add_argument(
        "--python", type=Path, required=True, help="a Python with the package and requirements/gateway.txt"
    )
    faults = find_faults(parser.parse_args(arguments).python.absolute())
    print("\n".join(faults) or "the gateway runs without TensorFlow")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
