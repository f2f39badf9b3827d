"""Makes the rules of this folder one object of the Prometheus Operator."""

from pathlib import Path
from textwrap import indent

_FOLDER = Path(__file__).parent
# What is recorded is evaluated before the alerts that look at it.
_FILES = ("recording.yaml", "alerts.yaml")
_HEAD = """\
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: digitcodec
  namespace: digitcodec
spec:
  groups:
"""


def render_rules() -> str:
    """The object as YAML, with the groups of both files in their order."""
    return _HEAD + "".join(indent(_read_groups(_FOLDER / name), "  ") for name in _FILES)


def _read_groups(path: Path) -> str:
    """What stands below the key `groups`, the only one of a file of rules."""
    return path.read_text(encoding="utf-8").partition("\ngroups:\n")[2]
