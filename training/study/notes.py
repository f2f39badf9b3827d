"""What was measured, as JSON files that say what they were measured for; knows nothing of digits."""

import json
from pathlib import Path
from typing import Any

from training.report.write import replace_file


class Notes:
    """A folder of findings by name; each goes with its key, all that decided it, and is found by no other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str, key: Any) -> Any:
        """What was found for a key; None if nothing was, or for another key.

        A file that is no JSON counts as nothing: what was measured can be measured again.
        """
        try:
            note = json.loads(self._path(name).read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        if not isinstance(note, dict) or note.get("key") != _as_json(key):
            return None
        return note.get("found")

    def write(self, name: str, key: Any, found: Any) -> Any:
        """Keep what was found, in the place of what had this name.

        Returns:
            The finding as `read` gives it.

        Raises:
            ValueError: If it holds NaN or infinity, which no reader of JSON takes.
        """
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, json.dumps({"key": key, "found": found}, indent=1, allow_nan=False) + "\n")
        return _as_json(found)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def _as_json(value: Any) -> Any:
    """Tuples become lists and keys become text, as they are in a file."""
    return json.loads(json.dumps(value))
