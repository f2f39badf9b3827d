"""Pages of other origins: none may call unless the operator names them."""

import httpx
import pytest
from support.fakes import FakeBackend, count_images
from support.http_door import build_context, open_client
from support.raw_http import connect, head, running_server

from service.doors import build_gateway_app

LAB = "https://lab.example"
RAW = {"Content-Type": "application/octet-stream"}
PREFLIGHT = {
    "Origin": LAB,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, content-type, x-api-key, x-request-id, x-request-timeout",
}


async def ask(origins: tuple[str, ...], method: str, **headers: str) -> httpx.Response:
    """One request to a gateway that lets these origins call."""
    async with open_client(build_gateway_app(build_context(FakeBackend()), origins)) as client:
        content = count_images(1).tobytes() if method == "POST" else b""
        return await client.request(method, "/score", content=content, headers=headers)


def find_cors(answer: httpx.Response) -> list[str]:
    """The headers of an answer that speak of CORS."""
    return [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
async def test_by_default_no_answer_speaks_of_cors(method: str) -> None:
    """So that browsers let no page of another origin read it."""
    answer = await ask((), method, **PREFLIGHT, **RAW)

    assert (True, []) == (answer.is_success, find_cors(answer))


async def test_named_origin_may_call() -> None:
    """The preflight allows what our clients send, and no cookies."""
    answer = await ask((LAB, "https://other.example"), "OPTIONS", **PREFLIGHT)
    methods = set(answer.headers["access-control-allow-methods"].split(", "))

    assert (200, LAB) == (answer.status_code, answer.headers["access-control-allow-origin"])
    assert {"GET", "POST", "OPTIONS"} == methods
    assert "access-control-allow-credentials" not in answer.headers


async def test_page_of_a_named_origin_may_read_our_headers() -> None:
    """A failure's, too: it needs the id and the time to wait."""
    good = await ask((LAB,), "POST", Origin=LAB, **RAW)
    bad = await ask((LAB,), "POST", Origin=LAB)
    exposed = set(good.headers["access-control-expose-headers"].split(", "))

    assert (200, 415) == (good.status_code, bad.status_code)
    assert {LAB} == {each.headers["access-control-allow-origin"] for each in (good, bad)}
    assert exposed >= {"X-Request-Id", "X-Anomaly-Score", "X-Reconstruction-Error", "X-Anomaly", "Retry-After"}


async def test_other_origins_may_not_call() -> None:
    """The preflight is refused, and a simple request's answer stays unread."""
    preflight = await ask((LAB,), "OPTIONS", **{**PREFLIGHT, "Origin": "https://evil.example"})
    simple = await ask((LAB,), "POST", Origin="https://evil.example", **RAW)

    assert 400 == preflight.status_code
    assert "access-control-allow-origin" not in preflight.headers
    assert "access-control-allow-origin" not in simple.headers


async def test_star_lets_any_page_call() -> None:
    """Whoever it is."""
    answer = await ask(("*",), "POST", Origin="https://any.example", **RAW)

    assert "*" == answer.headers["access-control-allow-origin"]


async def test_answers_of_our_own_server_have_them_too() -> None:
    """There most answers go a shorter way, on which nothing can be added to them."""
    app = build_gateway_app(build_context(FakeBackend()), (LAB,))
    lines = (f"origin: {LAB}", "content-type: application/octet-stream", "content-length: 784")
    async with running_server(app) as running, connect(running.port) as client:
        client.send(head(*lines, method="POST", path="/score") + bytes(784))
        answer = await client.read_answer()

    assert (200, LAB) == (answer.status, answer.headers["access-control-allow-origin"])
