"""The REST routes of the Open Inference Protocol for the OpenAPI document."""

from service.api.http.media import JSON, RAW
from service.api.http.neighbours import Described, describe_paths

_DESCRIPTION = "Open Inference Protocol, version 2; `docs/protocols.md` tells the models and what is special here."
_INFER_FAILURES = (400, 404, 405, 413, 415, 429, 500, 503, 504)
# A time to wait that is none; no such model.
_MODEL_FAILURES = (400, 404, 405)
# Only the model server behind may know a label, and then it is asked as by an inference.
_LABEL_FAILURES = (*_MODEL_FAILURES, 429, 500, 504)
_VERSIONED = "/v2/models/{model}/versions/{version}"

PATHS = describe_paths(
    "open inference protocol",
    _DESCRIPTION,
    (
        Described("get", "/v2", "oip_server", "Server metadata", (405,)),
        Described("get", "/v2/health/live", "oip_live", "Is the process alive?", (405,), is_open=True),
        Described("get", "/v2/health/ready", "oip_ready", "Can it answer now?", (405, 503), is_open=True),
        Described("get", "/v2/models", "oip_models", "List the models", (405,)),
        Described("get", "/v2/models/{model}", "oip_model", "Model metadata", _MODEL_FAILURES),
        Described("get", "/v2/models/{model}/ready", "oip_model_ready", "Can it answer now?", (*_MODEL_FAILURES, 503)),
        Described("post", "/v2/models/{model}/infer", "oip_infer", "Run a model", _INFER_FAILURES, (JSON, RAW)),
        Described("get", _VERSIONED, "oip_version", "Metadata of a version or label", _LABEL_FAILURES),
        Described("get", f"{_VERSIONED}/ready", "oip_version_ready", "Can it answer now?", (*_LABEL_FAILURES, 503)),
        Described(
            "post", f"{_VERSIONED}/infer", "oip_version_infer", "Run a version or label", _INFER_FAILURES, (JSON, RAW)
        ),
        Described(
            "post",
            "/v2/repository/index",
            "oip_index",
            "Every version and its state",
            (400, 405, 413),
            (JSON,),
            is_body_optional=True,
            answer="array",
        ),
    ),
)
