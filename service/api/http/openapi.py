"""The OpenAPI document: FastAPI's own for the plain routes, and the hot routes' written by hand."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from service import __version__
from service.api.http.media import JSON, MULTIPART, NPY, PNG, RAW
from service.api.http.metrics import METRICS_PATH
from service.api.http.operations import OPERATIONS, Operation
from service.api.http.pages import OPEN_PATHS
from service.api.http.problems import PROBLEM_JSON, PROBLEMS, MethodNotAllowedError
from service.api.http.rendering import MAX_HEADER_ROWS
from service.codec import DEFAULT_THRESHOLD
from service.errors import UnauthenticatedError
from service.images import Note

Document = dict[str, Any]

_DESCRIPTION = """\
Encodes, cleans and screens 28x28 digit images. Ink is bright on dark. One caller sees one order: row i of the
answer is row i of the request. Answers follow `Accept`; failures are RFC 9457 problem documents."""

_TITLES = MappingProxyType(
    {
        "encode": "Images to codes",
        "decode": "Codes to images",
        "reconstruct": "Images to cleaned images and anomaly verdicts",
        "score": "Images to anomaly verdicts, without pictures",
    }
)
_DESCRIPTIONS = MappingProxyType(
    {
        "encode": "npy answers are float32 `(n, code_dim)`.",
        "decode": "Codes come as JSON or as npy `(n, code_dim)`. npy answers are uint8 `(n, 28, 28)`.",
        "reconstruct": "npy answers are uint8 `(n, 28, 28)`; PNG answers are one picture or a contact sheet. Both "
        f"carry errors, scores and verdicts of up to {MAX_HEADER_ROWS} images in headers.",
        "score": "The cheap one. npy answers are float32 `(n, 2)`: reconstruction error and anomaly score.",
    }
)
# Routes that FastAPI documents itself, and the failures it does not know of.
_PAGE_STATUSES = MappingProxyType(
    {
        "/readyz": (500, 503),
        "/startupz": (500, 503),
        "/models": (500,),
        "/models/{name}": (404, 500),
        METRICS_PATH: (500,),
    }
)
# Another method is another operation; what asks for a key is said of all that do at once.
_OPERATION_STATUSES = sorted(
    {problem.status for problem in PROBLEMS.values()}
    - {PROBLEMS[MethodNotAllowedError].status, PROBLEMS[UnauthenticatedError].status}
)
# Whether keys are asked for is the operator's choice: none, or one of two ways to show one.
_SECURITY: list[Document] = [{}, {"bearer": []}, {"apiKey": []}]
_SECURITY_SCHEMES: Document = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key, where the operator asks for keys."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same in its own header."},
}


def build_document(routes: Sequence[BaseRoute], neighbours: Mapping[str, Document]) -> Document:
    """The whole document.

    Args:
        routes: FastAPI's; the hot ones are added to them.
        neighbours: Routes of other protocols, by path.
    """
    document = get_openapi(title="digitcodec", version=__version__, description=_DESCRIPTION, routes=routes)
    for path, item in document["paths"].items():
        statuses = _PAGE_STATUSES.get(path, ())
        _document_failures(item["get"], statuses if path in OPEN_PATHS else (401, *statuses))
        if path not in OPEN_PATHS:
            item["get"]["security"] = _SECURITY
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):  # they leave as problems, like all else
        schemas.pop(name, None)
    schemas.update(_SCHEMAS)
    document["components"]["headers"] = _HEADERS
    document["components"]["securitySchemes"] = _SECURITY_SCHEMES
    for item in neighbours.values():
        for operation in item.values():
            if "401" in operation["responses"]:
                operation["security"] = _SECURITY
    hot = {operation.path: {"post": _document_operation(operation)} for operation in OPERATIONS}
    document["paths"] = {**hot, **document["paths"], **neighbours}
    return document


def _document_failures(operation: Document, statuses: Sequence[int]) -> None:
    operation["responses"].pop("422", None)
    operation["responses"]["200"]["headers"] = _refer_headers("X-Request-ID")
    operation["responses"].update(_problem_responses(statuses))


def _document_operation(operation: Operation) -> Document:
    name = operation.name
    return {
        "operationId": name,
        "tags": ["codec"],
        "summary": _TITLES[name],
        "description": _DESCRIPTIONS[name],
        "parameters": [*(_PARAMETERS[key] for key in _PARAMETERS if key in operation.parameters), *_HEADER_PARAMETERS],
        "requestBody": {"required": True, "content": _request_content(operation)},
        "security": _SECURITY,
        "responses": {"200": _good_response(operation), **_problem_responses((401, *_OPERATION_STATUSES))},
    }


def _request_content(operation: Operation) -> Document:
    images_or_codes = "Codes" if operation.name == "decode" else "Images"
    schemas = {
        JSON: {"$ref": f"#/components/schemas/{images_or_codes}"},
        MULTIPART: {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string", "format": "binary"}},
            "description": "Any number of image files, under any field names.",
        },
        NPY: _binary(f"{images_or_codes} as a NumPy array."),
        RAW: _binary("n times 784 bytes, row by row."),
    }
    return {
        media_type: {"schema": schemas.get(media_type, _binary("An image file."))} for media_type in operation.parsers
    }


def _good_response(operation: Operation) -> Document:
    schemas = {
        JSON: {"$ref": f"#/components/schemas/{operation.name.capitalize()}Answer"},
        NPY: _binary("A NumPy array."),
        PNG: _binary("One picture, or a contact sheet of several."),
    }
    names = ["X-Request-ID", "X-Model-Name", "X-Model-Version"]
    if "threshold" in operation.parameters:
        names += ["X-Reconstruction-Error", "X-Anomaly-Score", "X-Anomaly"]
    if "preprocess" in operation.parameters:
        names.append("X-Note")
    return {
        "description": "One answer for each row of the request, in order.",
        "headers": _refer_headers(*names),
        "content": {media_type: {"schema": schemas[media_type]} for media_type in operation.renderers},
    }


def _problem_responses(statuses: Sequence[int]) -> Document:
    return {str(status): _problem_response(status) for status in statuses}


def _problem_response(status: int) -> Document:
    same = [(kind.reason, problem.title) for kind, problem in PROBLEMS.items() if problem.status == status]
    headers = ("X-Request-ID", "Retry-After") if status in {429, 503} else ("X-Request-ID",)
    return {
        "description": "; ".join(f"{title} (`{reason}`)" for reason, title in same),
        "headers": _refer_headers(*headers),
        "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def _refer_headers(*names: str) -> Document:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _binary(description: str) -> Document:
    return {"type": "string", "format": "binary", "description": description}


def _query(name: str, schema: Document, description: str) -> Document:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


def _header(schema: Document, description: str) -> Document:
    return {"schema": schema, "description": description}


def _list_of(items: Document, description: str) -> Document:
    return {"type": "array", "items": items, "description": description}


def _answer(description: str, **properties: Document) -> Document:
    """A JSON answer about images, which may have more to say of them."""
    document = _object(description, **properties)
    document["properties"] = {**properties, **_REMARKS}
    return document


def _object(description: str, **properties: Document) -> Document:
    return {
        "type": "object",
        "description": description,
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }


_PARAMETERS: Mapping[str, Document] = MappingProxyType(
    {
        "version": _query("version", {"type": "integer", "minimum": 1}, "Model version; the newest by default."),
        "label": _query("label", {"type": "string", "minLength": 1}, "Label of a version; not together with version."),
        "threshold": _query(
            "threshold",
            {"type": "number", "minimum": 0, "maximum": 1, "default": DEFAULT_THRESHOLD},
            "An anomaly score above it is an anomaly.",
        ),
        "preprocess": _query(
            "preprocess",
            {"type": "string", "enum": ["strict", "mnist"], "default": "strict"},
            "strict takes 28x28 pictures only; mnist makes others like MNIST: grey, polarity, crop, fit, centre.",
        ),
        "include": _query(
            "include",
            {"type": "string", "enum": ["normalised"]},
            "normalised puts the images as the model saw them into a JSON answer.",
        ),
    }
)
_HEADER_PARAMETERS: tuple[Document, ...] = (
    {
        "name": "X-Request-ID",
        "in": "header",
        "required": False,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
        "description": "Comes back with the answer and stands in the log; another value is replaced by a new one.",
    },
    {
        "name": "X-Request-Timeout",
        "in": "header",
        "required": False,
        "schema": {"type": "number", "exclusiveMinimum": 0},
        "description": "Seconds that the request may take; more than the service's limit is cut to it.",
    },
)
_HEADERS: Document = {
    "X-Request-ID": _header({"type": "string"}, "Id of the request in the service's log."),
    "Retry-After": _header({"type": "integer"}, "Seconds to wait before the next try."),
    "X-Model-Name": _header({"type": "string"}, "Name of the model; JSON answers hold it themselves."),
    "X-Model-Version": _header({"type": "integer"}, "Version that answered; JSON answers hold it themselves."),
    "X-Reconstruction-Error": _header({"type": "string"}, "Errors, separated by commas; not with JSON."),
    "X-Anomaly-Score": _header({"type": "string"}, "Anomaly scores, separated by commas; not with JSON."),
    "X-Anomaly": _header({"type": "string"}, "true or false, separated by commas; not with JSON."),
    "X-Note": _header({"type": "string"}, "Notes on the images, none or a word, separated by commas; not with JSON."),
}

_NUMBER: Document = {"type": "number"}
_PICTURE: Document = {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/png"}
_MODEL = _object("What answered.", name={"type": "string"}, version={"type": "integer"})
_CODES = _list_of({"type": "array", "items": _NUMBER}, "One code for each row.")
_VERDICTS: Document = {
    "errors": _list_of({"type": "number", "minimum": 0}, "Reconstruction errors."),
    "anomaly_scores": _list_of({"type": "number", "minimum": 0, "maximum": 1}, "Higher is stranger."),
    "anomalies": _list_of({"type": "boolean"}, "True where the score is above the threshold."),
}
_REMARKS: Document = {
    "notes": _list_of(
        {"type": ["string", "null"], "enum": [*(note.value for note in Note), None]},
        "What an image shows that no digit looks like; with preprocess=mnist, where there is something to say.",
    ),
    "normalised": _list_of(_PICTURE, "The images as the model saw them, PNG files; with include=normalised."),
}
_NESTED = _list_of({"type": "array", "items": _NUMBER}, "28 rows of 28 numbers: integers 0..255 or floats 0..1.")
_FAULT = _object(
    "One faulty place.",
    pointer={"type": "string", "description": "RFC 6901 pointer; empty for the whole body."},
    detail={"type": "string"},
)

_SCHEMAS: Document = {
    "Images": _object(
        "Images to work on.",
        images=_list_of(
            {"oneOf": [{"type": "string", "contentEncoding": "base64"}, _NESTED]}, "Image files in base64, or pixels."
        ),
    ),
    "Codes": _object("Codes to decode.", codes=_CODES),
    "EncodeAnswer": _answer("Codes of the images.", model=_MODEL, codes=_CODES),
    "DecodeAnswer": _object("Pictures of the codes.", model=_MODEL, images=_list_of(_PICTURE, "PNG files.")),
    "ReconstructAnswer": _answer(
        "Cleaned pictures and verdicts.", model=_MODEL, reconstructions=_list_of(_PICTURE, "PNG files."), **_VERDICTS
    ),
    "ScoreAnswer": _answer("Verdicts.", model=_MODEL, **_VERDICTS),
    "Problem": _object(
        "RFC 9457 problem document.",
        type={"type": "string", "format": "uri-reference", "description": "Leads to the description of the reason."},
        title={"type": "string"},
        status={"type": "integer"},
        detail={"type": "string", "description": "What came, and what was expected."},
        instance={"type": "string", "description": "The path that was asked for."},
        reason={"type": "string", "enum": sorted({kind.reason for kind in PROBLEMS})},
        request_id={"type": "string"},
        errors=_list_of(_FAULT, "The faulty places, as far as they are known."),
    ),
}
