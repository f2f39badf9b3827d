"""The REST routes of TensorFlow Serving's API for the OpenAPI document."""

from service.api.http.media import JSON
from service.api.http.neighbours import Described, describe_paths

_DESCRIPTION = "TensorFlow Serving's REST API; `docs/protocols.md` tells what is special here."
_PREDICT_FAILURES = (400, 404, 429, 500, 503, 504)
_METADATA_FAILURES = (400, 404, 503)
_PLACES = (
    ("", "", "the newest version", _METADATA_FAILURES),
    ("/versions/{version}", "_version", "one version", _METADATA_FAILURES),
    # Only the model server behind may know a label, and then it is asked as by a prediction.
    ("/labels/{label}", "_label", "a labelled version", _PREDICT_FAILURES),
)


def _describe_place(step: str, suffix: str, words: str, metadata: tuple[int, ...]) -> tuple[Described, ...]:
    path = f"/v1/models/{{model}}{step}"
    return (
        Described("get", path, f"tfs_status{suffix}", f"State of {words if step else 'all versions'}", (400, 404)),
        Described("get", f"{path}/metadata", f"tfs_metadata{suffix}", f"Signatures of {words}", metadata),
        Described("post", f"{path}:predict", f"tfs_predict{suffix}", f"Run {words}", _PREDICT_FAILURES, (JSON,)),
    )


PATHS = describe_paths(
    "tensorflow serving", _DESCRIPTION, [route for place in _PLACES for route in _describe_place(*place)]
)
