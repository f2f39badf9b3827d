"""The warm-up file, read back field by field as protobuf's wire format has it."""

import struct
from pathlib import Path

import pytest

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

from tensorflow.core.framework import tensor_pb2  # noqa: E402  # needs TensorFlow

from training.export.warmup import WARMUP_FILE, WARMUP_ROWS, write_warmup  # noqa: E402  # beside the import above


def _read_records(path: Path) -> list[bytes]:
    """The payloads of a TFRecord file: length, its checksum, payload, its checksum."""
    content, records = path.read_bytes(), []
    while content:
        (length,) = struct.unpack_from("<Q", content)
        records.append(content[12 : 12 + length])
        content = content[16 + length :]
    return records


def _fields(message: bytes) -> dict[int, bytes]:
    """The length-delimited fields of a message, by number; each occurs once in what we write."""
    found: dict[int, bytes] = {}
    place = 0

    def varint() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = message[place]
            place += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    while place < len(message):
        tag, length = varint(), varint()
        assert 2 == tag & 7
        assert tag >> 3 not in found
        found[tag >> 3] = message[place : place + length]
        place += length
    return found


def test_every_signature_is_warmed_at_every_batch_size(tmp_path: Path) -> None:
    """Each record names the model, a signature and its input, with a tensor of full shape."""
    write_warmup(tmp_path, "digits", code_dim=32)
    seen = set()
    for record in _read_records(tmp_path / WARMUP_FILE):
        request = _fields(_fields(_fields(record)[6])[1])  # PredictionLog.predict_log, PredictLog.request
        spec, entry = _fields(request[1]), _fields(request[2])
        tensor = tensor_pb2.TensorProto.FromString(entry[2])
        array = tf.make_ndarray(tensor)
        assert b"digits" == spec[1]
        seen.add((spec[3].decode(), entry[1].decode(), array.dtype.name, array.shape))

    images = {
        (name, "images", "uint8", (rows, 28, 28))
        for name in ("encode", "reconstruct", "serving_default")
        for rows in WARMUP_ROWS
    }
    assert images | {("decode", "codes", "float32", (rows, 32)) for rows in WARMUP_ROWS} == seen


def test_records_pass_tensorflows_checksums(tmp_path: Path) -> None:
    """TensorFlow's own reader accepts the file."""
    write_warmup(tmp_path, "digits", code_dim=2)
    read = [record.numpy() for record in tf.data.TFRecordDataset(str(tmp_path / WARMUP_FILE))]

    assert _read_records(tmp_path / WARMUP_FILE) == read


def test_file_stays_small(tmp_path: Path) -> None:
    """A version may take 4 MB in all, so the requests repeat one value instead of carrying pictures."""
    write_warmup(tmp_path, "digits", code_dim=128)

    assert (tmp_path / WARMUP_FILE).stat().st_size < 4000
