"""What the doctor found."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        level: `warning` is worth a look, `wrong` keeps something from working.
        area: What was looked at.
        text: What was found.
        advice: What to do; empty if nothing is to be done.
    """

    level: Level
    area: str
    text: str
    advice: str = ""


def ok(area: str, text: str) -> Finding:
    """Nothing is to be done."""
    return Finding("ok", area, text)
