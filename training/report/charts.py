"""The house style of every chart: Matplotlib draws it, the page colours it; knows nothing of digits.

A chart is SVG inside the page. Its colours are variables of the page's style sheet, so that it follows the reader's
light or dark scheme, and its words are text, so that they are in the page's own type and can be read aloud.
"""

import io
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# In pixels of the page. A phone is some 330 wide: there the letters shrink to 9 pixels, and no further.
WIDE, SQUARE, SMALL = (440, 270), (440, 440), (230, 150)
_FONT_SIZE, _SMALL_FONT_SIZE = 12, 11
# Matplotlib's unit is the point; at 72 to the inch a point is a pixel.
_DOTS_PER_INCH = 72

CLASS_COLOURS = 10
# Every colour is a stand-in that no chart would choose; in the page it is the variable of that name.
_STAND_INS = {
    f"#0000{place:02x}": name
    for place, name in enumerate(
        ["ink", "muted", "rule", "panel", "blue", "red", *(f"class-{number}" for number in range(CLASS_COLOURS))], 1
    )
}
_BY_NAME = {name: stand_in for stand_in, name in _STAND_INS.items()}
INK, MUTED, RULE, PANEL, BLUE, RED = (_BY_NAME[name] for name in ("ink", "muted", "rule", "panel", "blue", "red"))

# Text of this name gets a halo in the panel's colour, to be read on top of dots and lines.
HALO = "halo"

_STYLE: Any = {  # Matplotlib has a type of 500 names for its keys
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",  # wider than any system's own type: what fits in it fits
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.linewidth": 1,
    "grid.color": RULE,
    "grid.linewidth": 1,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "ytick.major.size": 0,
    "lines.linewidth": 2,
    "lines.solid_capstyle": "round",
    "path.simplify_threshold": 0.2,
}
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_NUMBER = re.compile(r"(-?\d+\.\d\d)\d+")
_BETWEEN = re.compile(rb">\s+<")
_REFERENCE = re.compile(r"""(?:url\(|href=")#([^)"]+)""")


def class_colour(place: int) -> str:
    """The colour of the place-th class; from the eleventh on they come again."""
    return _BY_NAME[f"class-{place % CLASS_COLOURS}"]


def render_chart(alt: str, paint: Callable[[Axes], None], size: tuple[int, int] = WIDE) -> Markup:
    """Draw one chart as an `<svg>` element.

    Args:
        alt: What it shows, for those who cannot see it; no two charts of a page have the same.
        paint: Draws on the empty axes.
        size: Width and height in pixels.
    """
    width, height = size
    font_size = _SMALL_FONT_SIZE if size == SMALL else _FONT_SIZE
    # The names of clip paths and marks come from the salt: of one page they must differ, of one model they must not.
    with mpl.rc_context(_STYLE | {"font.size": font_size, "svg.hashsalt": alt}):
        inches = (width / _DOTS_PER_INCH, height / _DOTS_PER_INCH)
        figure = Figure(figsize=inches, dpi=_DOTS_PER_INCH, layout="constrained")
        paint(figure.add_subplot())
        drawn = io.BytesIO()
        figure.savefig(drawn, format="svg", transparent=True, metadata=_NO_METADATA)
    return _adopt(drawn.getvalue(), alt, size)


def _adopt(drawing: bytes, alt: str, size: tuple[int, int]) -> Markup:
    """Make a drawing part of a page: no namespaces, no style sheet, no names but those that it refers to itself."""
    root = ET.fromstring(_BETWEEN.sub(b"><", drawing))  # noqa: S314  # Matplotlib's own words, no stranger's
    used = set(_REFERENCE.findall(drawing.decode()))
    for parent in list(root.iter()):
        for child in list(parent):
            if _local(child.tag) == "style":
                parent.remove(child)
    for element in root.iter():
        element.tag = _local(element.tag)
        element.attrib = {_local(name): _translate(value) for name, value in element.attrib.items()}
        name = element.attrib.pop("id", "")
        if name in used:
            element.set("id", name)
        elif name == HALO:
            element.set("class", HALO)
    width, height = size
    root.attrib = {"viewBox": f"0 0 {width} {height}", "width": str(width), "role": "img", "aria-label": alt}
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704  # escaped by ElementTree


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _translate(value: str) -> str:
    """Variables instead of stand-ins, two decimals instead of six, the page's own type."""
    for stand_in, name in _STAND_INS.items():
        value = value.replace(stand_in, f"var(--{name})")
    return _NUMBER.sub(r"\1", re.sub(r"font-family:[^;]*;?", "", value))
