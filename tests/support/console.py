"""Commands in the console blocks of the pages, each with what the page says that it prints."""

import re
from typing import NamedTuple

from support.snippets import REPOSITORY

_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
# A prompt, the command with all lines that a backslash leads to, and the output up to the next prompt.
_STEP = re.compile(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


class Step(NamedTuple):
    """One command.

    Attributes:
        page: Where it stands, as a path in the repository.
        command: Without the prompt.
        output: What is written below it; empty where the page shows nothing.
    """

    page: str
    command: str
    output: str


def find_steps(*pages: str) -> list[Step]:
    """Every command of the pages, in order."""
    texts = {page: (REPOSITORY / page).read_text(encoding="utf-8") for page in pages}
    blocks = [(page, block) for page, text in texts.items() for block in _BLOCK.findall(text)]
    return [Step(page, *found) for page, block in blocks for found in _STEP.findall(block)]
