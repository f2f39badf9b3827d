"""A picture of scenes, what preprocess=mnist makes of them, and what the model makes of that."""

import io
from base64 import b64decode

import httpx
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bench.real_life.measure import fetch_sheets
from bench.real_life.scenes import draw_scene

Images = NDArray[np.uint8]

_COLUMNS = 10
_TILE, _GAP, _MARGIN, _HEAD = 112, 12, 20, 22
_PAPER, _FAINT = "#fbfbf9", "#6b737c"
_ROWS = ("the file", "normalised", "reconstructed")


def draw_sheet(client: httpx.Client, digits: Images) -> Image.Image:
    """Ten scenes of the first ten digits, one column each."""
    files = [draw_scene(digit, seed) for seed, digit in enumerate(digits[:_COLUMNS])]
    answer = fetch_sheets(client, files)
    rows = [files, *(list(map(b64decode, answer[key])) for key in ("normalised", "reconstructions"))]
    width = 2 * _MARGIN + len(files) * (_TILE + _GAP) - _GAP
    sheet = Image.new("RGB", (width, 2 * _MARGIN + len(rows) * (_TILE + _HEAD + _GAP)), _PAPER)
    for row, (title, pictures) in enumerate(zip(_ROWS, rows, strict=True)):
        top = _MARGIN + row * (_TILE + _HEAD + _GAP)
        ImageDraw.Draw(sheet).text((_MARGIN, top), title, _FAINT, ImageFont.load_default(15))
        for column, picture in enumerate(pictures):
            _paste(sheet, picture, (_MARGIN + column * (_TILE + _GAP), top + _HEAD))
    return sheet


def _paste(sheet: Image.Image, file: bytes, place: tuple[int, int]) -> None:
    """The picture as large as a tile, in its middle."""
    picture = Image.open(io.BytesIO(file))
    scale = _TILE / max(picture.size)
    size = (round(picture.width * scale), round(picture.height * scale))
    resampling = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    offset = ((_TILE - size[0]) // 2, (_TILE - size[1]) // 2)
    sheet.paste(picture.convert("RGB").resize(size, resampling), (place[0] + offset[0], place[1] + offset[1]))
