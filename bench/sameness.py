"""How equal the model's answers for one image must be, whatever batch it travelled in.

To the last bit where the processor has AVX-512. With AVX2 alone oneDNN cuts matrix products into other pieces for other
batch sizes, so that sums round differently (docs/adr/0002).
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

TOLERANCES: Mapping[str, float] = MappingProxyType(
    {"codes": 5e-5, "errors": 1e-5, "anomaly_scores": 1e-3, "images": 1, "reconstructions": 1}
)
"""Largest differences with AVX2, about three times what was measured; those between different images are far larger."""

_CODE_TOLERANCE = 1e-5
_CPU = Path("/proc/cpuinfo")


@cache
def is_exact_here() -> bool:
    """True if batches of any size agree to the last bit on this machine."""
    return _CPU.exists() and "avx512f" in _CPU.read_text()


def are_same(name: str, expected: NDArray[Any], actual: NDArray[Any]) -> bool:
    """Whether two answers for the same images are equal, as far as this machine can promise it.

    Args:
        name: The output, as contract one has it.
        expected: Any shape.
        actual: Any shape.
    """
    if is_exact_here():
        return np.array_equal(expected, actual)
    return are_close(name, expected, actual)


def are_close(name: str, expected: NDArray[Any], actual: NDArray[Any]) -> bool:
    """Whether two answers for the same images differ by no more than the tolerance; for codes contract one has 1e-5."""
    if expected.shape != actual.shape:
        return False
    tolerance = _CODE_TOLERANCE if name == "codes" and is_exact_here() else TOLERANCES[name]
    difference = np.abs(expected.astype(np.float64) - actual.astype(np.float64))
    return bool(difference.max(initial=0) <= tolerance)
