"""Draws the README's first picture from the answers of a running service: `python -m docs.pictures`."""

import base64
import io
import json
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bench.running import running_service
from docs.samples import FOLDER, Picture

TARGET = Path(__file__).with_name("images") / "request.png"

_SCALE = 5  # one image pixel is this many picture pixels
_TILE = 28 * _SCALE
_GAP = 28
_MARGIN = 32
_HEAD = 44
_CODE_WIDTH = 32 * 9
_TEXT_WIDTH = 250
_PAPER, _INK, _FAINT, _CODE, _ALARM = "#fbfbf9", "#1f2328", "#8b949e", "#2f6f9f", "#b3402a"
_COLUMNS = ("POST /reconstruct", "32-wide code", "reconstruction", "verdict")
_SAMPLES = ("seven", "noisy", "scribble")


def draw_request_picture(url: str) -> Image.Image:
    """One row for each sample: what goes in, its code, what comes out, and how strange it is."""
    height = _HEAD + len(_SAMPLES) * (_TILE + _GAP) + _MARGIN
    sheet = Image.new("RGB", (_left(4), height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for column, title in enumerate(_COLUMNS):
        pen.text((_left(column), _MARGIN / 2), title, _FAINT, _font(16))
    for row, name in enumerate(_SAMPLES):
        _draw_row(sheet, _HEAD + row * (_TILE + _GAP), FOLDER / f"{name}.png", url)
    return sheet


def _draw_row(sheet: Image.Image, top: int, sample: Path, url: str) -> None:
    body = sample.read_bytes()
    answer = _post(f"{url}/reconstruct", body)
    code = np.array(_post(f"{url}/encode", body)["codes"][0])
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(answer["reconstructions"][0]))))
    sheet.paste(_enlarge(np.asarray(Image.open(sample))), (_left(0), top))
    _draw_code(ImageDraw.Draw(sheet), code, top)
    sheet.paste(_enlarge(picture), (_left(2), top))
    _draw_verdict(ImageDraw.Draw(sheet), answer, top)


def _draw_code(pen: ImageDraw.ImageDraw, code: np.ndarray[Any, np.dtype[np.float64]], top: int) -> None:
    middle, step = top + _TILE / 2, _CODE_WIDTH / len(code)
    for place, height in enumerate(code / np.abs(code).max() * _TILE / 2):
        left = _left(1) + place * step
        pen.rectangle((left, middle - max(height, 0), left + step - 2, middle - min(height, 0)), _CODE)


def _draw_verdict(pen: ImageDraw.ImageDraw, answer: dict[str, Any], top: int) -> None:
    is_anomaly, score = answer["anomalies"][0], answer["anomaly_scores"][0]
    word = "an anomaly" if is_anomaly else "a digit"
    pen.text((_left(3), top + 12), word, _ALARM if is_anomaly else _INK, _font(26))
    pen.text((_left(3), top + 56), f"anomaly score {score:.4f}", _INK, _font(16))
    pen.text((_left(3), top + 80), f"reconstruction error {answer['errors'][0]:.4f}", _INK, _font(16))


def _left(column: int) -> int:
    widths = (_TILE, _CODE_WIDTH, _TILE, _TEXT_WIDTH)
    return _MARGIN + sum(widths[:column]) + column * _GAP


def _enlarge(picture: Picture) -> Image.Image:
    return Image.fromarray(picture).resize((_TILE, _TILE), Image.Resampling.NEAREST).convert("RGB")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _post(url: str, body: bytes) -> dict[str, Any]:
    request = urllib.request.Request(url, body, {"Content-Type": "image/png"})  # noqa: S310 - our own http URL
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - our own http URL
        answer: dict[str, Any] = json.load(response)
    return answer


if __name__ == "__main__":
    with running_service() as service:
        TARGET.parent.mkdir(exist_ok=True)
        draw_request_picture(service.url).save(TARGET, optimize=True)
