"""Runs one inference on the core, whichever door it came through."""

import math
from functools import partial

from service import images
from service.api.context import DoorContext
from service.api.exchange import Exchange
from service.api.inference.datatypes import BYTES
from service.api.inference.fields import take
from service.api.inference.models import choose_outputs, choose_signature, find_model, parse_version
from service.api.inference.request import InferAnswer, InferRequest, InputTensor
from service.api.reading import ReadContext, UndecodedRows, open_files, read_rows
from service.backends import contract
from service.domain import Deadline, Signature
from service.errors import MalformedRequestError, PayloadTooLargeError
from service.words import shorten


async def infer(request: InferRequest, context: DoorContext, deadline: Deadline, exchange: Exchange) -> InferAnswer:
    """Answer a request, and note what the log wants to know of it.

    Raises:
        NotFoundError: If there is no such model, signature, version or label.
        MalformedRequestError: If inputs, outputs, parameters, types or shapes are not those of the model.
        DigitCodecError: What is wrong with the images or codes, or what the core says.
    """
    codec = context.codec
    signature = choose_signature(find_model(request.model_name, codec.model_name), request.parameters)
    exchange.operation = signature
    selector = parse_version(request.model_version)
    outputs = choose_outputs(signature, request.outputs)
    tensor = _choose_input(signature, request.inputs)
    reading = ReadContext(_choose_preprocess(request), context.limits.max_rows, context.image_limits, deadline)
    parse = partial(_open_rows, tensor, signature, reading)
    rows = await read_rows(parse, request.size_bytes, reading.preprocess, context.bulk, exchange.origin.timings)
    exchange.rows = len(rows)
    answer = await codec.predict(signature, outputs, rows, selector, deadline, origin=exchange.origin)
    exchange.version = answer.version
    return InferAnswer(request.model_name, str(answer.version), request.id, answer.outputs)


def _choose_input(signature: Signature, inputs: tuple[InputTensor, ...]) -> InputTensor:
    """The one input, if it is the signature's."""
    expected = contract.INPUTS[signature]
    if len(inputs) != 1:
        raise MalformedRequestError(f"{len(inputs)} inputs came, {signature} has one: {expected}")
    if inputs[0].name != expected:
        raise MalformedRequestError(f"input {shorten(inputs[0].name)} is unknown; {signature} has {expected}")
    return inputs[0]


def _choose_preprocess(request: InferRequest) -> images.Preprocess:
    value = take(request.parameters, "preprocess", str, "parameters.")
    if value is None or value == "strict":
        return "strict"
    if value == "mnist":
        return "mnist"
    raise MalformedRequestError(f"parameters.preprocess is {shorten(value)}, expected 'strict' or 'mnist'")


def _open_rows(tensor: InputTensor, signature: Signature, context: ReadContext) -> UndecodedRows:
    if tensor.datatype == BYTES:
        return _open_strings(tensor, signature, context)
    array = tensor.elements.read_numbers(tensor.datatype, tensor.shape).reshape(tensor.shape)
    check = images.to_codes if signature == "decode" else images.to_images
    return UndecodedRows(lambda: check(array))


def _open_strings(tensor: InputTensor, signature: Signature, context: ReadContext) -> UndecodedRows:
    """Image files: one an element, in a shape of [n] or [n, 1]."""
    if signature == "decode":
        raise MalformedRequestError(f"{tensor.name} is BYTES, expected numbers")
    if len(tensor.shape) not in {1, 2} or tensor.shape[1:] not in {(), (1,)}:
        raise MalformedRequestError(f"the shape of a BYTES tensor is {list(tensor.shape)}, expected [n] or [n, 1]")
    count = math.prod(tensor.shape)
    if count > context.max_rows:  # before memory is spent on them
        raise PayloadTooLargeError(f"{count} images came, the limit is {context.max_rows}")
    return open_files(tensor.elements.read_strings(tensor.shape), context)
