"""Writes TensorFlow Serving's warm-up file: one request of each signature and batch size; knows no trained model.

The file is a TFRecord of `tensorflow.serving.PredictionLog`. The generated classes of that message come only with
`tensorflow-serving-api`, which the trainer does without: the few fields of its envelope are written by hand, the
tensors inside by TensorFlow's own `TensorProto`.
"""

from pathlib import Path

import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

# Relative to the version directory, as TensorFlow Serving looks for it.
WARMUP_FILE = Path("assets.extra") / "tf_serving_warmup_requests"

# One row, as most requests have, up to a full small batch: larger ones reuse the same kernels.
WARMUP_ROWS = (1, 8, 32, 64, 128)

# Field numbers of tensorflow_serving/apis/{prediction_log,predict,model}.proto.
_PREDICTION_LOG_PREDICT_LOG = 6
_PREDICT_LOG_REQUEST = 1
_REQUEST_MODEL_SPEC, _REQUEST_INPUTS = 1, 2
_SPEC_NAME, _SPEC_SIGNATURE_NAME = 1, 3
_ENTRY_KEY, _ENTRY_VALUE = 1, 2
_LENGTH_DELIMITED = 2


def write_warmup(version_dir: Path, model_name: str, code_dim: int) -> None:
    """Write the warm-up file of one version; TensorFlow Serving refuses a version whose file it cannot replay.

    Args:
        version_dir: The directory that holds `saved_model.pb`.
        model_name: The name under which the model is served.
        code_dim: Width of its codes.
    """
    path = version_dir / WARMUP_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as records:
        for rows in WARMUP_ROWS:
            for signature in ("encode", "reconstruct", "serving_default"):
                images = _constant_tensor(tf.uint8, (rows, 28, 28))
                records.write(build_predict_log(model_name, signature, "images", images))
            codes = _constant_tensor(tf.float32, (rows, code_dim))
            records.write(build_predict_log(model_name, "decode", "codes", codes))


def build_predict_log(model_name: str, signature: str, input_name: str, tensor: bytes) -> bytes:
    """One serialised `PredictionLog` that holds a `PredictRequest` with one serialised `TensorProto`."""
    spec = _field(_SPEC_NAME, model_name.encode()) + _field(_SPEC_SIGNATURE_NAME, signature.encode())
    entry = _field(_ENTRY_KEY, input_name.encode()) + _field(_ENTRY_VALUE, tensor)
    request = _field(_REQUEST_MODEL_SPEC, spec) + _field(_REQUEST_INPUTS, entry)
    return _field(_PREDICTION_LOG_PREDICT_LOG, _field(_PREDICT_LOG_REQUEST, request))


def _constant_tensor(dtype: tf.DType, shape: tuple[int, ...]) -> bytes:
    """A serialised tensor of zeros in a few bytes: of a typed field the last value repeats to fill the shape."""
    tensor = tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum)
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    if dtype == tf.uint8:
        tensor.int_val.append(0)
    else:
        tensor.float_val.append(0.0)
    return bytes(tensor.SerializeToString(deterministic=True))


def _field(number: int, payload: bytes) -> bytes:
    """A length-delimited protobuf field."""
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    """A protobuf varint of a number >= 0: seven bits a byte, the lowest first."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
