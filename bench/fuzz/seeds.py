"""Valid files, bodies, documents and messages: what the damage is done to."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from PIL import Image

from bench.fuzz.cases import Headers
from service.images import FORMATS, render_npy
from service.wire import codec_pb2 as codec
from service.wire import inference_pb2 as inference
from service.wire import tensorflow_serving as serving
from service.wire.tensors import render_tensor

HEADER_LENGTH = b"inference-header-content-length"
BOUNDARY = b"fuzz"

_EXTRA_OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("JPEG", {"progressive": True}),
    ("PNG", {"optimize": True}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"compression": "jpeg"}),
    ("TIFF", {"compression": "packbits"}),
    ("TIFF", {"compression": "tiff_adobe_deflate"}),
    ("WEBP", {"lossless": True}),
)
# The other modes in which Pillow writes each format.
_MODES: Mapping[str, Sequence[str]] = {
    "PNG": ("1", "P", "RGB", "RGBA", "LA", "I;16"),
    "TIFF": ("1", "P", "RGB", "RGBA", "LA", "I;16", "CMYK", "I", "F"),
    "JPEG": ("RGB", "CMYK"),
    "WEBP": ("RGB", "RGBA"),
}


def draw(side: int = 28) -> Image.Image:
    """A picture in which every row and column differs."""
    levels = (np.arange(side * side, dtype=np.uint32) * 7 % 256).astype(np.uint8)
    return Image.fromarray(levels.reshape(side, side))


@cache
def picture_files() -> tuple[tuple[str, bytes], ...]:
    """Media type and bytes of files of every format: small and larger, of every mode, compressed in many ways."""
    types = {file_format: media_type for media_type, file_format in FORMATS.items()}
    pictures: list[tuple[str, Image.Image, dict[str, Any]]]
    pictures = [(name, draw(side), {}) for name in types for side in (28, 40)]
    pictures += [(name, draw().convert("RGB" if name == "WEBP" else "L"), options) for name, options in _EXTRA_OPTIONS]
    pictures += [(name, draw(), {"save_all": True, "append_images": [draw()]}) for name in ("GIF", "WEBP", "PNG")]
    files = [(types[name], _save(picture, name, **options)) for name, picture, options in pictures]
    files += [(types[name], _save(_convert(mode), name)) for name, modes in _MODES.items() for mode in modes]
    return tuple(files)


def _convert(mode: str) -> Image.Image:
    picture = draw()
    if mode == "I;16":
        return Image.fromarray(np.asarray(picture).astype(np.uint16) * 257)
    if mode == "F":
        return Image.fromarray((np.asarray(picture) / 255).astype(np.float32))
    return picture.convert(mode)


def _save(picture: Image.Image, file_format: str, **options: Any) -> bytes:
    stream = BytesIO()
    picture.save(stream, file_format, **options)
    return stream.getvalue()


def images(count: int = 2) -> Any:
    """uint8 (count, 28, 28)."""
    return np.stack([np.roll(np.asarray(draw()), number, axis=1) for number in range(count)])


def codes(count: int = 2) -> Any:
    """float32 (count, 32), the width of the default model's codes."""
    return np.linspace(-2, 2, count * 32, dtype=np.float32).reshape(count, 32)


@cache
def npy_files() -> tuple[bytes, ...]:
    """Arrays of images and codes, of several types and orders."""
    pixels = images()
    arrays = [pixels, pixels[0], pixels.reshape(2, 784), (pixels / 255).astype(np.float32), pixels.astype(">i4")]
    arrays += [np.asfortranarray(pixels), pixels / 255, codes(), codes(1)[0], codes().astype(np.float16)]
    return tuple(render_npy(array) for array in arrays)


def form(*files: tuple[str, bytes]) -> bytes:
    """A multipart/form-data body of these files, by media type."""
    parts = [
        b"--%s\r\ncontent-disposition: form-data; name=f; filename=f\r\ncontent-type: %s\r\n\r\n%s\r\n"
        % (BOUNDARY, media_type.encode(), data)
        for media_type, data in files
    ]
    return b"".join([*parts, b"--%s--\r\n" % BOUNDARY])


@cache
def json_documents() -> Mapping[str, Any]:
    """Bodies of our own routes, by path."""
    files = [b64encode(data).decode() for _, data in picture_files()[:3]]
    pixels = images().tolist()
    pictures = {"images": [*files[:1], pixels[0], (images()[1] / 255).tolist()]}
    return {"/encode": pictures, "/reconstruct": pictures, "/score": pictures, "/decode": {"codes": codes().tolist()}}


def infer_document(signature: str = "encode", **more: Any) -> dict[str, Any]:
    """A request of the Open Inference Protocol in JSON."""
    rows, datatype = (codes(), "FP32") if signature == "decode" else (images(), "UINT8")
    name = "codes" if signature == "decode" else "images"
    tensor = {"name": name, "datatype": datatype, "shape": list(rows.shape), "data": rows.ravel().tolist()}
    return {"id": "1", "inputs": [tensor], "parameters": {"signature_name": signature}, **more}


def predict_document(signature: str = "encode", *, by_rows: bool = True) -> dict[str, Any]:
    """A request of TensorFlow Serving's REST API."""
    rows, name = (codes(), "codes") if signature == "decode" else (images(), "images")
    values = {"instances": rows.tolist()} if by_rows else {"inputs": {name: rows.tolist()}}
    return {"signature_name": signature, **values}


def binary_body(document: dict[str, Any], *buffers: bytes) -> tuple[Headers, bytes]:
    """Header and body of the binary tensor extension."""
    head = json.dumps(document).encode()
    return ((HEADER_LENGTH, b"%d" % len(head)),), b"".join([head, *buffers])


def binary_document(signature: str = "encode", files: tuple[bytes, ...] = ()) -> tuple[dict[str, Any], bytes]:
    """A request of it: the JSON, and the bytes of its tensor; files make it a tensor of BYTES."""
    document = infer_document(signature)
    tensor = document["inputs"][0]
    del tensor["data"]
    rows = codes() if signature == "decode" else images()
    data = b"".join(len(file).to_bytes(4, "little") + file for file in files) or rows.tobytes()
    if files:
        tensor.update(datatype="BYTES", shape=[len(files)])
    tensor["parameters"] = {"binary_data_size": len(data)}
    document["outputs"] = [
        {"name": "images" if signature == "decode" else "codes", "parameters": {"binary_data": True}}
    ]
    return document, data


@cache
def messages() -> tuple[tuple[str, Message], ...]:
    """Path and a valid request of every unary method of every service on the port, TF Serving's refused ones too."""
    return (*_codec_messages(), *_inference_messages(), *_serving_messages(), *_health_messages())


def _codec_messages() -> list[tuple[str, Message]]:
    files = codec.Images(files=codec.EncodedFiles(files=[data for _, data in picture_files()[:4]]))
    packed = codec.Images(packed=images().tobytes())
    numbers = codec.Codes(packed=codes().tobytes(), code_dim=codes().shape[1])
    requests: dict[str, Sequence[Message]] = {
        "Encode": [
            codec.EncodeRequest(images=packed),
            codec.EncodeRequest(images=files, preprocess=codec.PREPROCESS_MNIST),
        ],
        "Decode": [codec.DecodeRequest(codes=numbers, model=codec.ModelSelector(version=1))],
        "Reconstruct": [codec.ReconstructRequest(images=source, threshold=0.5) for source in (packed, files)],
        "Score": [codec.ScoreRequest(images=source, preprocess=codec.PREPROCESS_MNIST) for source in (packed, files)],
    }
    return [(f"/digitcodec.v1.Codec/{name}", each) for name, several in requests.items() for each in several]


def _inference_messages() -> list[tuple[str, Message]]:
    typed, raw, text = inference.ModelInferRequest(), inference.ModelInferRequest(), inference.ModelInferRequest()
    for message in (typed, raw, text):
        message.model_name, message.id = "digits", "1"
        message.parameters["signature_name"].string_param = "encode"
        message.inputs.add(name="images", datatype="UINT8", shape=images().shape)
    typed.inputs[0].contents.uint_contents.extend(images().ravel().tolist())
    raw.raw_input_contents.append(images().tobytes())
    text.inputs[0].datatype, text.inputs[0].shape[:] = "BYTES", [1]
    text.inputs[0].contents.bytes_contents.append(picture_files()[0][1])
    requests = [
        ("ServerLive", inference.ServerLiveRequest()),
        ("ServerReady", inference.ServerReadyRequest()),
        ("ServerMetadata", inference.ServerMetadataRequest()),
        ("ModelReady", inference.ModelReadyRequest(name="digits", version="1")),
        ("ModelMetadata", inference.ModelMetadataRequest(name="digits", version="1")),
        ("RepositoryIndex", inference.RepositoryIndexRequest(ready=True)),
        *(("ModelInfer", message) for message in (typed, raw, text)),
    ]
    return [(f"/inference.GRPCInferenceService/{name}", message) for name, message in requests]


def _serving_messages() -> list[tuple[str, Message]]:
    spec = serving.ModelSpec(name="digits", signature_name="encode")
    requests = [
        (serving.PREDICT.path, _predict_message(signature, packed=packed))
        for signature in ("encode", "decode", "reconstruct", "")
        for packed in (True, False)
    ]
    requests += [
        (
            serving.GET_MODEL_METADATA.path,
            serving.GetModelMetadataRequest(model_spec=spec, metadata_field=["signature_def"]),
        ),
        (serving.GET_MODEL_STATUS.path, serving.GetModelStatusRequest(model_spec=spec)),
        (serving.HANDLE_RELOAD_CONFIG.path, serving.ReloadConfigRequest()),
    ]
    return requests + [
        (f"/{serving.PREDICTION_SERVICE}/{name}", requests[0][1]) for name in ("Classify", "Regress", "MultiInference")
    ]


def _predict_message(signature: str, *, packed: bool) -> Any:
    request = serving.PredictRequest(model_spec=serving.ModelSpec(name="digits", signature_name=signature))
    name, rows = ("codes", codes()) if signature == "decode" else ("images", images())
    request.inputs[name].CopyFrom(render_tensor(rows, packed=packed))
    return request


def _health_messages() -> list[tuple[str, Message]]:
    return [("/grpc.health.v1.Health/Check", health_pb2.HealthCheckRequest(service="digitcodec.v1.Codec"))]


@cache
def streams() -> tuple[tuple[str, Message], ...]:
    """The same of every streaming method that ends by itself."""
    request = codec.ReconstructRequest(images=codec.Images(packed=images().tobytes()))
    ask = reflection_pb2.ServerReflectionRequest(file_containing_symbol="digitcodec.v1.Codec")
    return (
        ("/digitcodec.v1.Codec/ReconstructStream", codec.ReconstructStreamRequest(id="1", request=request)),
        ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", ask),
    )
