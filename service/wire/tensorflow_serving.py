"""Messages and methods of TensorFlow Serving's gRPC API, made from the official package's own file descriptors.

The generated modules of `tensorflow-serving-api` cannot be had without TensorFlow (5 s, 640 MB). Their descriptors
can: `tensorflow_serving.binpb` holds them byte for byte (docs/adr/0006), and protobuf makes the same classes of them.
They live in a pool of their own, so that TensorFlow, should it be loaded beside them, meets no second registration.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

FILES = FileDescriptorSet.FromString(Path(__file__).with_name("tensorflow_serving.binpb").read_bytes())
"""The official descriptors, each file after those that it depends on."""


def _fill_pool() -> Any:
    pool = DescriptorPool()
    for file in FILES.file:
        pool.Add(file)
    return pool


_POOL = _fill_pool()


def _find_class(name: str) -> Any:
    return GetMessageClass(_POOL.FindMessageTypeByName(name))


TensorProto = _find_class("tensorflow.TensorProto")
SignatureDef = _find_class("tensorflow.SignatureDef")
ModelSpec = _find_class("tensorflow.serving.ModelSpec")
PredictRequest = _find_class("tensorflow.serving.PredictRequest")
PredictResponse = _find_class("tensorflow.serving.PredictResponse")
SignatureDefMap = _find_class("tensorflow.serving.SignatureDefMap")
GetModelMetadataRequest = _find_class("tensorflow.serving.GetModelMetadataRequest")
GetModelMetadataResponse = _find_class("tensorflow.serving.GetModelMetadataResponse")
GetModelStatusRequest = _find_class("tensorflow.serving.GetModelStatusRequest")
GetModelStatusResponse = _find_class("tensorflow.serving.GetModelStatusResponse")
ModelVersionStatus = _find_class("tensorflow.serving.ModelVersionStatus")
ReloadConfigRequest = _find_class("tensorflow.serving.ReloadConfigRequest")
ReloadConfigResponse = _find_class("tensorflow.serving.ReloadConfigResponse")

PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"


@dataclass(frozen=True, slots=True)
class Method:
    """One unary method, as clients and servers need to know it.

    Attributes:
        service: Full name of its service.
        name: Its own name.
        request: Class of what it takes.
        response: Class of what it answers.
    """

    service: str
    name: str
    request: Any
    response: Any

    @property
    def path(self) -> str:
        """Its path on the wire."""
        return f"/{self.service}/{self.name}"


def _find_method(service: str, name: str) -> Method:
    method = _POOL.FindServiceByName(service).methods_by_name[name]
    return Method(service, name, GetMessageClass(method.input_type), GetMessageClass(method.output_type))


PREDICT = _find_method(PREDICTION_SERVICE, "Predict")
GET_MODEL_METADATA = _find_method(PREDICTION_SERVICE, "GetModelMetadata")
GET_MODEL_STATUS = _find_method(MODEL_SERVICE, "GetModelStatus")
HANDLE_RELOAD_CONFIG = _find_method(MODEL_SERVICE, "HandleReloadConfigRequest")
