"""What TensorFlow Serving understands: its flags, and its files in protobuf's text format."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from google.protobuf import text_format, wrappers_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from service.wire.tensorflow_serving import FILES

FLAGS = frozenset(
    {
        "allow_version_labels_for_unavailable_models",
        "batching_parameters_file",
        "enable_batching",
        "enable_profiler",
        "enable_serialization_as_tensor_content",
        "grpc_channel_arguments",
        "max_num_load_retries",
        "model_config_file",
        "model_config_file_poll_wait_seconds",
        "monitoring_config_file",
        "num_load_threads",
        "per_process_gpu_memory_fraction",
        "port",
        "rest_api_port",
        "tensorflow_inter_op_parallelism",
        "tensorflow_intra_op_parallelism",
    }
)
"""Those that we use, as `tensorflow_serving/model_servers/main.cc` of 2.19 and 2.20 has them."""

_INT, _BOOL, _TEXT = ".google.protobuf.Int64Value", ".google.protobuf.BoolValue", ".google.protobuf.StringValue"
# The fields of `tensorflow_serving/servables/tensorflow/session_bundle_config.proto` and of
# `tensorflow_serving/config/monitoring_config.proto`, which the pip package leaves out. Their numbers
# do not matter to text.
_BATCHING: Mapping[str, str] = {
    "max_batch_size": _INT,
    "batch_timeout_micros": _INT,
    "max_enqueued_batches": _INT,
    "num_batch_threads": _INT,
    "thread_pool_name": _TEXT,
    "allowed_batch_sizes": "repeated int64",
    "pad_variable_length_inputs": "bool",
    "enable_large_batch_splitting": _BOOL,
    "max_execution_batch_size": _INT,
}
_PROMETHEUS: Mapping[str, str] = {"enable": "bool", "path": "string"}
_MONITORING: Mapping[str, str] = {"prometheus_config": ".ours.PrometheusConfig"}
_TYPES = {
    "repeated int64": FieldDescriptorProto.TYPE_INT64,
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "string": FieldDescriptorProto.TYPE_STRING,
}


def parse_batching(path: Path) -> Any:
    """A file of `--batching_parameters_file`; raises what protobuf does at a field that there is not."""
    return _parse(path, "ours.BatchingParameters")


def parse_monitoring(path: Path) -> Any:
    """A file of `--monitoring_config_file`."""
    return _parse(path, "ours.MonitoringConfig")


def parse_models(path: Path) -> Any:
    """A file of `--model_config_file`, by the official descriptor."""
    return _parse(path, "tensorflow.serving.ModelServerConfig")


def _parse(path: Path, name: str) -> Any:
    message = GetMessageClass(_POOL.FindMessageTypeByName(name))()
    return text_format.Parse(path.read_text(encoding="utf-8"), message)


def _build_pool() -> DescriptorPool:
    pool = DescriptorPool()
    known = [*FILES.file, *FileDescriptorSet(file=[_describe_wrappers()]).file]
    for file in {each.name: each for each in known}.values():
        pool.Add(file)
    pool.Add(_describe_ours())
    return pool


def _describe_wrappers() -> FileDescriptorProto:
    file = FileDescriptorProto()
    wrappers_pb2.DESCRIPTOR.CopyToProto(file)
    return file


def _describe_ours() -> FileDescriptorProto:
    file = FileDescriptorProto(name="ours.proto", package="ours", syntax="proto3")
    file.dependency.append("google/protobuf/wrappers.proto")
    for name, fields in (
        ("BatchingParameters", _BATCHING),
        ("PrometheusConfig", _PROMETHEUS),
        ("MonitoringConfig", _MONITORING),
    ):
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields.items(), start=1):
            _add_field(message.field.add(name=field, number=number), kind)
    return file


def _add_field(field: FieldDescriptorProto, kind: str) -> None:
    many = kind.startswith("repeated")
    field.label = FieldDescriptorProto.LABEL_REPEATED if many else FieldDescriptorProto.LABEL_OPTIONAL
    field.type = _TYPES.get(kind, FieldDescriptorProto.TYPE_MESSAGE)
    if field.type == FieldDescriptorProto.TYPE_MESSAGE:
        field.type_name = kind


_POOL = _build_pool()
