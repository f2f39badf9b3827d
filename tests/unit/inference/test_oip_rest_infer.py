"""Inference over REST: every way in which tensors come and go."""

import base64
from typing import Any

import httpx
import numpy as np
import pytest
from support.fakes import CODE_DIM, FakeBackend, count_images, fake_codes, fake_errors, fake_pictures, fake_scores
from support.http_door import CountingExecutor, LineLog
from support.inference_calls import HEADER, IMAGES, PIXELS, binary_body, binary_tensor, prefix, read_outputs, tensor
from support.pictures import LOSSLESS, encode

from service.images import render_png

ENCODE = "/v2/models/digits-encode/infer"
DECODE = "/v2/models/digits-decode/infer"
RECONSTRUCT = "/v2/models/digits-reconstruct/infer"
CODES = fake_codes(IMAGES)
PNGS = [render_png(image) for image in IMAGES]


async def ask(http: httpx.AsyncClient, path: str, *inputs: dict[str, Any], **more: Any) -> httpx.Response:
    """Send a request of JSON alone; it must succeed."""
    answer = await http.post(path, json={"inputs": list(inputs), **more})
    assert 200 == answer.status_code, answer.text
    return answer


@pytest.mark.parametrize(
    "given",
    [
        tensor(PIXELS),
        tensor(IMAGES.tolist()),
        tensor(IMAGES.reshape(2, 784).tolist(), shape=[2, 784]),
        tensor(PIXELS, shape=[2, 28, 28, 1]),
        tensor(PIXELS, datatype="INT32"),
        tensor(PIXELS, datatype="UINT64"),
        tensor((IMAGES / 255).tolist(), datatype="FP32"),
        tensor((IMAGES / 255).ravel().tolist(), datatype="FP64"),
        tensor((IMAGES / 255).ravel().tolist(), datatype="FP16"),
        tensor([base64.b64encode(png).decode() for png in PNGS], datatype="BYTES", shape=[2]),
        tensor([[base64.b64encode(png).decode()] for png in PNGS], datatype="BYTES", shape=[2, 1]),
    ],
    ids=lambda given: f"{given['datatype']}-{len(given['shape'])}-{type(given['data'][0]).__name__}",
)
async def test_images_in_json(http: httpx.AsyncClient, given: dict[str, Any]) -> None:
    """Nested or flat, of any type that images have: the codes are the same."""
    answer = await ask(http, ENCODE, given)

    expected = {"name": "codes", "datatype": "FP32", "shape": [2, CODE_DIM]}
    assert expected.items() <= answer.json()["outputs"][0].items()
    assert np.array_equal(CODES, read_outputs(answer)["codes"])


@pytest.mark.parametrize(
    ("raw", "datatype", "shape"),
    [
        (IMAGES.tobytes(), "UINT8", [2, 28, 28]),
        (IMAGES.astype("<i8").tobytes(), "INT64", [2, 784]),
        ((IMAGES / 255).astype("<f2").tobytes(), "FP16", [2, 28, 28]),
        ((IMAGES / 255).astype("<f4").tobytes(), "FP32", [2, 28, 28, 1]),
        (prefix(*PNGS), "BYTES", [2]),
        (prefix(*PNGS), "BYTES", [2, 1]),
    ],
)
async def test_images_as_bytes(http: httpx.AsyncClient, raw: bytes, datatype: str, shape: list[int]) -> None:
    """The binary tensor data extension takes the same types, FP16 among them."""
    given = binary_tensor(raw, datatype=datatype, shape=shape)
    answer = await http.post(ENCODE, **binary_body({"inputs": [given]}, raw))

    assert np.array_equal(CODES, read_outputs(answer)["codes"])


@pytest.mark.parametrize("name", LOSSLESS.values())
async def test_image_files_of_every_format(http: httpx.AsyncClient, name: str) -> None:
    """An element of a BYTES tensor is a file as our own doors take it."""
    raw = prefix(encode(IMAGES[0], name))
    given = binary_tensor(raw, datatype="BYTES", shape=[1])
    answer = await http.post(ENCODE, **binary_body({"inputs": [given]}, raw))

    assert np.array_equal(CODES[:1], read_outputs(answer)["codes"])


async def test_preprocess_takes_files_of_any_size(http: httpx.AsyncClient) -> None:
    """The parameter is that of our own doors."""
    large = encode(np.kron(255 - IMAGES[0], np.ones((3, 3), np.uint8)), "PNG")
    given = tensor([base64.b64encode(large).decode()], datatype="BYTES", shape=[1])
    answer = await ask(http, ENCODE, given, parameters={"preprocess": "mnist"})

    assert (1, CODE_DIM) == read_outputs(answer)["codes"].shape


@pytest.mark.parametrize(
    ("data", "datatype"), [(CODES.tolist(), "FP32"), (CODES.ravel().tolist(), "FP64"), ([1, 2] * CODE_DIM, "INT8")]
)
async def test_codes_become_images(http: httpx.AsyncClient, data: list[Any], datatype: str) -> None:
    """`decode` takes any numbers."""
    answer = await ask(http, DECODE, tensor(data, name="codes", datatype=datatype, shape=[2, CODE_DIM]))

    codes = np.array(data, np.float32).reshape(2, CODE_DIM)
    assert np.array_equal(fake_pictures(codes), read_outputs(answer)["images"])


async def test_all_outputs_unless_some_are_named(http: httpx.AsyncClient) -> None:
    """A request without outputs gets those of the signature, in the order of contract one."""
    outputs = read_outputs(await ask(http, RECONSTRUCT, tensor(PIXELS)))

    assert ["reconstructions", "codes", "errors", "anomaly_scores"] == list(outputs)
    assert np.array_equal(IMAGES[:, ::-1, ::-1], outputs["reconstructions"])
    assert np.array_equal(fake_errors(IMAGES), outputs["errors"])


async def test_named_outputs_alone_are_computed(http: httpx.AsyncClient, backend: FakeBackend) -> None:
    """They come in the caller's order, and the backend makes no pictures for scores."""
    wanted = [{"name": "anomaly_scores"}, {"name": "errors"}]
    outputs = read_outputs(await ask(http, RECONSTRUCT, tensor(PIXELS), outputs=wanted))

    assert ["anomaly_scores", "errors"] == list(outputs)
    assert np.array_equal(fake_scores(IMAGES), outputs["anomaly_scores"])
    assert ("errors", "anomaly_scores") == backend.batches[0][0].outputs


async def test_all_outputs_as_bytes(http: httpx.AsyncClient) -> None:
    """`binary_data_output` turns every output to bytes, and the headers say so."""
    answer = await ask(http, RECONSTRUCT, tensor(PIXELS), parameters={"binary_data_output": True})

    assert "application/octet-stream" == answer.headers["content-type"]
    assert b"}" == answer.content[int(answer.headers[HEADER]) - 1 :][:1]
    assert np.array_equal(CODES, read_outputs(answer)["codes"])


async def test_each_output_may_choose(http: httpx.AsyncClient) -> None:
    """`binary_data` of an output goes before `binary_data_output`."""
    wanted = [{"name": "errors", "parameters": {"binary_data": False}}, {"name": "codes"}]
    answer = await ask(http, RECONSTRUCT, tensor(PIXELS), outputs=wanted, parameters={"binary_data_output": True})

    outputs = read_outputs(answer)
    assert len(answer.content) == int(answer.headers[HEADER]) + CODES.nbytes
    assert np.array_equal(fake_errors(IMAGES), outputs["errors"])
    assert np.array_equal(CODES, outputs["codes"])


async def test_json_alone_has_no_header_length(http: httpx.AsyncClient) -> None:
    """A client that knows no extension sees plain JSON."""
    answer = await ask(http, ENCODE, tensor(PIXELS))

    assert "application/json" == answer.headers["content-type"]
    assert HEADER not in answer.headers


@pytest.mark.parametrize(
    ("body", "rows"), [(IMAGES.tobytes(), 2), (PNGS[0], 1), (IMAGES[:1].tobytes(), 1)], ids=["two", "png", "one"]
)
async def test_whole_body_of_images(http: httpx.AsyncClient, body: bytes, rows: int) -> None:
    """A header length of 0 says that the body is the input itself; the answer is bytes, as Triton's."""
    answer = await http.post(ENCODE, content=body, headers={HEADER: "0"})

    assert "application/octet-stream" == answer.headers["content-type"]
    assert np.array_equal(CODES[:rows], read_outputs(answer)["codes"])


async def test_whole_body_of_codes(http: httpx.AsyncClient) -> None:
    """As many as the width of the model's codes says."""
    answer = await http.post(DECODE, content=CODES.tobytes(), headers={HEADER: "0"})

    assert np.array_equal(fake_pictures(CODES), read_outputs(answer)["images"])


async def test_signature_name_chooses(http: httpx.AsyncClient) -> None:
    """The model without a signature takes its name from the parameter; serving_default is contract one's alias."""
    encoded = await ask(http, "/v2/models/digits/infer", tensor(PIXELS), parameters={"signature_name": "encode"})
    default = await ask(
        http, "/v2/models/digits/infer", tensor(PIXELS), parameters={"signature_name": "serving_default"}
    )
    unnamed = await ask(http, "/v2/models/digits/infer", tensor(PIXELS))

    assert ["codes"] == list(read_outputs(encoded))
    assert 4 == len(read_outputs(default)) == len(read_outputs(unnamed))


@pytest.mark.parametrize(("version", "number"), [("", "2"), ("/versions/1", "1"), ("/versions/stable", "1")])
async def test_answer_says_which_version(http: httpx.AsyncClient, version: str, number: str) -> None:
    """The newest one, a number or a label; the id comes back."""
    answer = await ask(http, f"/v2/models/digits-encode{version}/infer", tensor(PIXELS), id="mine")

    said = answer.json()
    assert {"model_name": "digits-encode", "model_version": number, "id": "mine"}.items() <= said.items()


async def test_no_id_no_answer_id(http: httpx.AsyncClient) -> None:
    """Nothing is made up."""
    assert "id" not in (await ask(http, ENCODE, tensor(PIXELS))).json()


async def test_unknown_parameters_are_passed_over(http: httpx.AsyncClient) -> None:
    """Clients send what other servers understand."""
    given = tensor(PIXELS, parameters={"content_type": "np"})
    answer = await ask(http, ENCODE, given, parameters={"timeout": 1, "priority": [2]}, outputs=[{"name": "codes"}])

    assert np.array_equal(CODES, read_outputs(answer)["codes"])


async def test_large_requests_are_parsed_aside(http: httpx.AsyncClient, bulk: CountingExecutor) -> None:
    """JSON, rows and the answer of a large request leave the event loop alone."""
    many = count_images(200)
    raw = many.tobytes()
    answer = await http.post(ENCODE, **binary_body({"inputs": [binary_tensor(raw, shape=[200, 28, 28])]}, raw))

    assert np.array_equal(fake_codes(many), read_outputs(answer)["codes"])
    assert 3 == bulk.submitted


async def test_one_line_a_request(http: httpx.AsyncClient, log: LineLog) -> None:
    """It names door, signature, rows and version."""
    await ask(http, ENCODE, tensor(PIXELS))

    level, event, fields = log.lines[0]
    assert ("info", "request") == (level, event)
    expected = {"door": "oip-http", "operation": "encode", "status": 200, "rows": 2, "version": 2, "reason": None}
    assert expected.items() <= fields.items()
