"""Contract one as a backend's answers must keep it: the outputs we ask for, their types and shapes."""

import numpy as np

from service.domain import IMAGE_SIDE, Answer, Call, Rows, Signature
from service.errors import BackendContractError

# What the codec asks of each signature. Backends prepare exactly these.
ENCODE = ("codes",)
DECODE = ("images",)
RECONSTRUCT = ("reconstructions", "errors", "anomaly_scores")
SCORE = ("errors", "anomaly_scores")
WANTED: tuple[tuple[Signature, tuple[str, ...]], ...] = (
    ("encode", ENCODE),
    ("decode", DECODE),
    ("reconstruct", RECONSTRUCT),
    ("reconstruct", SCORE),
)

_PICTURE = (IMAGE_SIDE, IMAGE_SIDE)


def check_answer(call: Call, rows: int, answer: Answer) -> None:
    """Refuse an answer that contract one does not allow, before a caller sees it.

    Raises:
        BackendContractError: If an output is missing, has another type or shape than promised, or is not finite.
    """
    for name in call.outputs:
        if name not in answer.outputs:
            raise BackendContractError(f"{call.signature} answered without the output {name}")
        _check_output(f"{call.signature}.{name}", name, rows, answer.outputs[name])


def _check_output(where: str, name: str, rows: int, output: Rows) -> None:
    dtype, shape = _promised(name, rows, output)
    if output.dtype != dtype or output.shape != shape:
        raise BackendContractError(f"{where} came as {output.dtype} {output.shape}, expected {dtype} {shape}")
    if dtype == np.float32 and not np.isfinite(output).all():
        raise BackendContractError(f"{where} holds values that are not finite")


def _promised(name: str, rows: int, output: Rows) -> tuple[np.dtype[np.generic], tuple[int, ...]]:
    if name in {"images", "reconstructions"}:
        return np.dtype(np.uint8), (rows, *_PICTURE)
    if name == "codes":
        return np.dtype(np.float32), (rows, output.shape[1] if output.ndim == 2 else -1)
    return np.dtype(np.float32), (rows,)
