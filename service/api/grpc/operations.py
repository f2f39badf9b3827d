"""The four operations over gRPC: what each takes, how it runs and what it answers."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from service.api.context import DoorContext
from service.api.exchange import Exchange
from service.api.grpc import parsing, rendering
from service.api.reading import ReadContext, read_rows, render_rows
from service.api.remarks import find_remarks
from service.domain import Deadline, Images, Reconstructed
from service.errors import OverloadedError
from service.wire import codec_pb2 as pb

# The patient come back when the refusal says, but look at least so often: room may be there sooner.
_MOST_PATIENCE_S = 0.25

_Response = TypeVar("_Response", pb.EncodeResponse, pb.ReconstructResponse, pb.ScoreResponse)


class Operations:
    """Runs requests of our own contract on the core; raises what is wrong with them as core errors."""

    def __init__(self, context: DoorContext) -> None:
        self._context = context
        self._codec = context.codec

    async def encode(self, request: pb.EncodeRequest, deadline: Deadline, exchange: Exchange) -> pb.EncodeResponse:
        """Codes of images."""
        selector = parsing.parse_selector(request)
        images = await self._read_images(request, deadline, exchange)
        result = await self._codec.encode(images, selector, deadline, origin=exchange.origin)
        exchange.version = result.version
        response = rendering.render_encoded(result, self._codec.model_name)
        return await self._remark(response, images, request)

    async def decode(self, request: pb.DecodeRequest, deadline: Deadline, exchange: Exchange) -> pb.DecodeResponse:
        """Images of codes."""
        selector = parsing.parse_selector(request)
        size_bytes, parse = parsing.find_codes(request.codes)
        codes = await read_rows(parse, size_bytes, "strict", self._context.bulk, exchange.origin.timings)
        exchange.rows = len(codes)
        result = await self._codec.decode(codes, selector, deadline, origin=exchange.origin)
        exchange.version = result.version
        return rendering.render_decoded(result, self._codec.model_name)

    async def reconstruct(
        self, request: pb.ReconstructRequest, deadline: Deadline, exchange: Exchange, *, is_patient: bool = False
    ) -> pb.ReconstructResponse:
        """Cleaned pictures and verdicts of images; one who is patient waits for a full queue, until the deadline."""
        selector, threshold = parsing.parse_selector(request), parsing.parse_threshold(request)
        images = await self._read_images(request, deadline, exchange)
        run = partial(self._codec.reconstruct, images, selector, deadline, threshold, origin=exchange.origin)
        result = await (_run_patiently(run, deadline) if is_patient else run())
        exchange.version = result.version
        render = partial(rendering.render_reconstructed, result, self._codec.model_name)
        response = await render_rows(render, len(images), self._context.bulk)
        return await self._remark(response, images, request)

    async def score(self, request: pb.ScoreRequest, deadline: Deadline, exchange: Exchange) -> pb.ScoreResponse:
        """Verdicts of images."""
        selector, threshold = parsing.parse_selector(request), parsing.parse_threshold(request)
        images = await self._read_images(request, deadline, exchange)
        result = await self._codec.score(images, selector, deadline, threshold, origin=exchange.origin)
        exchange.version = result.version
        render = partial(rendering.render_scored, result, self._codec.model_name)
        response = await render_rows(render, len(images), self._context.bulk)
        return await self._remark(response, images, request)

    async def _remark(self, response: _Response, images: Images, request: parsing.ImagesRequest) -> _Response:
        """The answer with what is to be said of the images themselves."""
        preprocess, is_wanted = parsing.parse_preprocess(request.preprocess), request.include_normalised
        if preprocess == "mnist" or is_wanted:
            remarks = await find_remarks(images, preprocess, self._context.bulk, is_picture_wanted=is_wanted)
            rendering.fill_remarks(response, remarks)
        return response

    async def _read_images(self, request: parsing.ImagesRequest, deadline: Deadline, exchange: Exchange) -> Images:
        preprocess = parsing.parse_preprocess(request.preprocess)
        context = ReadContext(preprocess, self._context.limits.max_rows, self._context.image_limits, deadline)
        size_bytes, parse = parsing.find_images(request.images, context)
        images = await read_rows(parse, size_bytes, preprocess, self._context.bulk, exchange.origin.timings)
        exchange.rows = len(images)
        return images


async def _run_patiently(run: Callable[[], Awaitable[Reconstructed]], deadline: Deadline) -> Reconstructed:
    """Run as soon as the queue has room."""
    while True:
        try:
            return await run()
        except OverloadedError as refusal:
            wait_s = min(refusal.retry_after_s or _MOST_PATIENCE_S, _MOST_PATIENCE_S)
            if deadline.remaining_s() < wait_s:
                raise
            await asyncio.sleep(wait_s)
