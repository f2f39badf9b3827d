"""The page at /docs, made from the OpenAPI document: no script, and nothing from another host."""

import base64
import hashlib
import re
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

from service.api.http.problems import PROBLEMS, Problem
from service.errors import DigitCodecError

_STYLE = Path(__file__).with_name("reference.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")

PAGE_HEADERS = {
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}

_EXAMPLES = {
    "/encode": "curl --data-binary @docs/samples/seven.png -H 'content-type: image/png' {base}/encode",
    "/decode": "curl --data-binary @codes.npy -H 'content-type: application/x-npy' -H 'accept: image/png' "
    "{base}/decode -o digits.png",
    "/reconstruct": "curl --data-binary @docs/samples/noisy.png -H 'content-type: image/png' -H 'accept: image/png' "
    "{base}/reconstruct -o clean.png",
    "/score": "curl -F a=@docs/samples/seven.png -F b=@docs/samples/scribble.png '{base}/score?threshold=0.95'",
    "/models": "curl {base}/models",
    "/readyz": "curl {base}/readyz",
}


def render_reference(document: dict[str, Any], base: str) -> str:
    """The whole page as HTML.

    Args:
        document: The OpenAPI document.
        base: Where the examples find the service: its URL without a slash at the end.
    """
    info = document["info"]
    operations = [
        (path, method, operation) for path, item in document["paths"].items() for method, operation in item.items()
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} reference</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>"
        f"<p>{_prose(info['description'])}</p>"
        '<p class="soft">The same for machines: <a href="openapi.json">openapi.json</a></p>'
        f"{_render_navigation(operations)}<h2>Routes</h2>"
        f"{''.join(_render_operation(*operation, base) for operation in operations)}"
        f"{_render_problems()}</main></body></html>"
    )


def _render_navigation(operations: list[tuple[str, str, dict[str, Any]]]) -> str:
    links = (f'<a href="#{operation["operationId"]}">{escape(path)}</a>' for path, _, operation in operations)
    return f'<nav>{"".join(links)}<a href="#problems">problems</a></nav>'


def _render_operation(path: str, method: str, operation: dict[str, Any], base: str) -> str:
    example = _EXAMPLES.get(path)
    return (
        f'<section id="{operation["operationId"]}"><h3><span class="method {method}">{method.upper()}</span>'
        f"<code>{escape(path)}</code></h3>"
        f"<p>{_prose(operation.get('summary', ''))}. {_prose(operation.get('description', ''))}</p>"
        f"{f'<pre>{escape(example.format(base=base))}</pre>' if example else ''}"
        f"{_render_parameters(operation.get('parameters', []))}"
        f"{_render_body(operation.get('requestBody'))}{_render_responses(operation['responses'])}</section>"
    )


def _render_parameters(parameters: list[dict[str, Any]]) -> str:
    if not parameters:
        return ""
    rows = (
        (
            f"<code>{escape(each['name'])}</code>",
            each["in"],
            _render_schema(each["schema"]),
            _prose(each.get("description", "")),
        )
        for each in parameters
    )
    return "<h4>Parameters</h4>" + _render_table(("Name", "In", "Value", "Meaning"), rows)


def _render_schema(schema: dict[str, Any]) -> str:
    kind = " | ".join(schema["enum"]) if "enum" in schema else schema["type"]
    default = f", default {schema['default']}" if "default" in schema else ""
    return escape(f"{kind}{default}")


def _render_body(body: dict[str, Any] | None) -> str:
    return "" if body is None else f"<h4>Body</h4><p>{_list_codes(body['content'])}</p>"


def _render_responses(responses: dict[str, Any]) -> str:
    rows = (
        (f"<code>{status}</code>", _prose(response["description"]), _list_codes(response.get("content", {})))
        for status, response in responses.items()
    )
    return "<h4>Answers</h4>" + _render_table(("Status", "Meaning", "Formats"), rows)


def _render_problems() -> str:
    rows = "".join(
        f'<tr id="{anchor}"><td><code>{kind.reason}</code></td><td>{problem.status}</td>'
        f"<td>{escape(_summarise(kind))}</td></tr>"
        for kind, problem, anchor in _list_anchored()
    )
    return (
        '<h2 id="problems">Problems</h2><p>Every failure is an <code>application/problem+json</code> document '
        "(RFC 9457) with one of these reasons and the request id under which the log has it.</p>"
        '<div class="scroll"><table><tr><th>Reason</th><th>Status</th><th>Meaning</th></tr>'
        f"{rows}</table></div>"
    )


def _list_anchored() -> Iterable[tuple[type[DigitCodecError], Problem, str]]:
    """The table of problems; `type` leads to the general error of a reason, its special cases stand beside it."""
    for kind, problem in sorted(PROBLEMS.items(), key=lambda entry: entry[1].status):
        is_special = any(base in PROBLEMS and vars(base).get("reason") == kind.reason for base in kind.__bases__)
        yield kind, problem, f"problem-{kind.reason}" + (f"-{problem.status}" if is_special else "")


def _summarise(kind: type[Exception]) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]


def _render_table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{each}</th>" for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _list_codes(names: Iterable[str]) -> str:
    return ", ".join(f"<code>{escape(name)}</code>" for name in names)


def _prose(text: str) -> str:
    """Escaped text with its `code` marked."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
