"""TensorFlow Serving's own Python client, a client that nobody here wrote: its official stubs and TensorFlow's tensors.

They cannot be had without TensorFlow. Nothing here knows our own messages.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import grpc
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest, SignatureDefMap
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest
from tensorflow_serving.apis.model_management_pb2 import ReloadConfigRequest
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelConfigList, ModelServerConfig

Array = NDArray[Any]

# A large request waits for its turn on the slow servers of some tests.
_TIMEOUT_S = 60.0
_TYPED_FIELDS = {"uint8": "int_val", "float32": "float_val"}


class Refusal(NamedTuple):
    """How a call failed.

    Attributes:
        code: The name of its status.
        text: The status' text.
    """

    code: str
    text: str


class ServingClient:
    """Both services on one channel."""

    def __init__(self, channel: grpc.Channel) -> None:
        prediction, models = PredictionServiceStub(channel), ModelServiceStub(channel)
        self._calls = {
            PredictRequest: prediction.Predict,
            GetModelMetadataRequest: prediction.GetModelMetadata,
            GetModelStatusRequest: models.GetModelStatus,
            ReloadConfigRequest: models.HandleReloadConfigRequest,
        }

    def call(self, request: Any, **options: Any) -> Any:
        """The response of the method that the request is for; options are those of gRPC's calls.

        Raises:
            grpc.RpcError: If it fails.
        """
        return self._calls[type(request)](request, **{"timeout": _TIMEOUT_S, **options})

    def start(self, request: Any) -> Any:
        """The same under way: a `grpc.Future`."""
        return self._calls[type(request)].future(request, timeout=_TIMEOUT_S)

    def refuse(self, request: Any, **options: Any) -> Refusal:
        """How the call fails; it must."""
        try:
            response = self.call(request, **options)
        except grpc.RpcError as error:
            return read_refusal(error)
        raise AssertionError(f"answered: {str(response)[:500]}")

    def predict(self, *args: Any, **spec: Any) -> dict[str, Array]:
        """The outputs of a Predict; see `build_predict`."""
        return read_outputs(self.call(build_predict(*args, **spec)))


@contextmanager
def open_client(target: str) -> Iterator[ServingClient]:
    """A client of the server at a target, for as long as the block lasts."""
    with grpc.insecure_channel(target, [("grpc.max_receive_message_length", -1)]) as channel:
        yield ServingClient(channel)


def read_refusal(error: Any) -> Refusal:
    """What a failed call says."""
    return Refusal(error.code().name, error.details())


def read_outputs(response: Any) -> dict[str, Array]:
    """The outputs of a PredictResponse, as TensorFlow reads them."""
    return {name: tf.make_ndarray(tensor) for name, tensor in response.outputs.items()}


def build_spec(
    name: str = "digits", *, version: int | None = None, label: str | None = None, signature: str = ""
) -> Any:
    """A ModelSpec."""
    spec = ModelSpec(name=name, version_label=label, signature_name=signature)
    if version is not None:
        spec.version.value = version
    return spec


def build_predict(
    inputs: Mapping[str, Array | Any], *wanted: str, render: Callable[[Array], Any] = tf.make_tensor_proto, **spec: Any
) -> Any:
    """A PredictRequest.

    Args:
        inputs: Arrays or messages by name.
        wanted: Its output filter.
        render: Makes a TensorProto of an array; TensorFlow's own way is `tensor_content`.
        spec: See `build_spec`.
    """
    request = PredictRequest(model_spec=build_spec(**spec), output_filter=wanted)
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(render(value) if isinstance(value, np.ndarray) else value)
    return request


def render_typed(array: Array) -> Any:
    """An array in the field of its type, as clients that do not know `tensor_content` send it."""
    tensor = build_tensor(array.dtype.name, array.shape)
    getattr(tensor, _TYPED_FIELDS[array.dtype.name]).extend(array.ravel().tolist())
    return tensor


def build_tensor(dtype: str, shape: tuple[int, ...], **fields: Any) -> Any:
    """A TensorProto as it is told, whether or not its parts fit together."""
    tensor = TensorProto(dtype=tf.as_dtype(dtype).as_datatype_enum, **fields)
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    return tensor


def ask_metadata(*fields: str, **spec: Any) -> Any:
    """A GetModelMetadataRequest."""
    return GetModelMetadataRequest(model_spec=build_spec(**spec), metadata_field=fields)


def read_signatures(response: Any) -> Any:
    """The SignatureDefMap in a GetModelMetadataResponse."""
    signatures = SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    return signatures


def ask_status(**spec: Any) -> Any:
    """A GetModelStatusRequest."""
    return GetModelStatusRequest(model_spec=build_spec(**spec))


def build_reload(labels: Mapping[str, int]) -> Any:
    """A ReloadConfigRequest with the whole configuration of our model, as clients must repeat it to set labels."""
    model = ModelConfig(name="digits", base_path="/models/digits", model_platform="tensorflow", version_labels=labels)
    return ReloadConfigRequest(config=ModelServerConfig(model_config_list=ModelConfigList(config=[model])))
