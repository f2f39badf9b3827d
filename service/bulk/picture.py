"""The picture of a job: its strangest images, what the model makes of them, and how the scores are spread."""

from io import BytesIO

from PIL import Image, ImageDraw

from service.bulk.tally import BINS, Strange, Tally
from service.domain import IMAGE_SIDE

_ZOOM = 3
_SIDE = IMAGE_SIDE * _ZOOM
_GAP, _TEXT = 8, 26
_COLUMNS = 4
_CELL_WIDTH, _CELL_HEIGHT = 2 * _SIDE + 3 * _GAP, _SIDE + _TEXT + _GAP
_HEAD = 34
_CHART_HEIGHT = 150
_PAPER, _INK, _QUIET, _BAR = "white", "black", "#666666", "#3b6ea5"


def draw_summary(tally: Tally, threshold: float) -> bytes:
    """A PNG of a job that has scores."""
    lines = -(-len(tally.strangest) // _COLUMNS)
    width, chart = _COLUMNS * _CELL_WIDTH + _GAP, _HEAD + lines * _CELL_HEIGHT
    picture = Image.new("RGB", (width, chart + _HEAD + _CHART_HEIGHT + _TEXT), _PAPER)
    draw = ImageDraw.Draw(picture)
    draw.text((_GAP, _GAP), "strangest images, what the model makes of them, anomaly score", _INK, font_size=16)
    for index, strange in enumerate(tally.strangest):
        place = _GAP + index % _COLUMNS * _CELL_WIDTH, _HEAD + index // _COLUMNS * _CELL_HEIGHT
        _draw_pair(picture, draw, strange, place)
    _draw_histogram(draw, tally, threshold, chart, width)
    stream = BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def _draw_pair(picture: Image.Image, draw: ImageDraw.ImageDraw, strange: Strange, place: tuple[int, int]) -> None:
    left, top = place
    for offset, png in ((0, strange.image), (_SIDE + _GAP, strange.reconstruction)):
        image = Image.open(BytesIO(png), formats=["PNG"])
        picture.paste(image.resize((_SIDE, _SIDE), Image.Resampling.NEAREST), (left + offset, top))
    name = strange.source.rpartition("/")[2].rpartition("!")[2]
    draw.text((left, top + _SIDE + 1), f"{strange.score:.6f}", _INK, font_size=11)
    draw.text((left, top + _SIDE + 13), f"{name}, row {strange.row}"[:30], _QUIET, font_size=10)


def _draw_histogram(draw: ImageDraw.ImageDraw, tally: Tally, threshold: float, top: int, width: int) -> None:
    """Bars for the bins; exactly even bars are what clean digits give."""
    counts = tally.histogram
    title = f"anomaly scores of {sum(counts):,} images, {tally.anomalies:,} above {threshold:g}"
    draw.text((_GAP, top + _GAP), title, _INK, font_size=16)
    floor, step, most = top + _HEAD + _CHART_HEIGHT, (width - 2 * _GAP) / BINS, max([*counts, 1])
    for index, count in enumerate(counts):
        left = _GAP + index * step
        draw.rectangle((left + 1, floor - count / most * (_CHART_HEIGHT - _GAP), left + step - 1, floor), _BAR)
    for tick in range(0, BINS + 1, BINS // 5):
        draw.text((_GAP + tick * step, floor + 4), f"{tick / BINS:g}", _QUIET, font_size=12, anchor="ma")
    draw.line((_GAP, floor + 1, width - _GAP, floor + 1), _INK)
