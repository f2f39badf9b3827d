"""A line of JSON for each row."""

from base64 import b64encode

import orjson

from service.cli.engines import Operation
from service.cli.output.fields import PICTURES, drop_absent, read_fields
from service.cli.rows import Row
from service.images import render_png


def render_line(row: Row, operation: Operation) -> str:
    """A row with what it has, pictures as base64 PNG, and a line's end."""
    fields = drop_absent(read_fields(row, operation))
    for name in PICTURES & fields.keys():
        fields[name] = b64encode(render_png(fields[name])).decode()
    return f"{orjson.dumps(fields, option=orjson.OPT_SERIALIZE_NUMPY).decode()}\n"
