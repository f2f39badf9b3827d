"""A shard and what the model made of it -> a part of the output: its table, and its cleaned images."""

import tarfile
from collections import Counter
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from service.bulk.engines import Outputs
from service.bulk.places import find_place
from service.bulk.shards import Shard
from service.bulk.tally import Tally, count_scores, find_high, find_strangest, parse_tally, render_tally
from service.domain import Flags, Images, find_anomalies
from service.images import render_png

_TALLY = b"digitcodec.tally"
_LEADING = ("source", "row")
_TRAILING = ("reason", "problem")


def build_table(shard: Shard, outputs: Outputs, version: int, threshold: float) -> pa.Table:
    """The rows of a part, in the order of the source.

    Columns: `source`, `row`, `version`, then `code`, `error`, `anomaly_score` and `anomaly` as far as they were wanted,
    then `reason` and `problem`. A row has results, or a reason and a problem; the others are null.
    """
    good = shard.is_good()
    columns: dict[str, Any] = {name: shard.table[name] for name in _LEADING}
    columns["version"] = pa.array(np.full(len(good), version), pa.int32())
    if "codes" in outputs:
        columns["code"] = _spread_codes(outputs["codes"], good)
    if "errors" in outputs:
        columns["error"] = _spread(outputs["errors"], good)
        columns["anomaly_score"] = _spread(outputs["anomaly_scores"], good)
        columns["anomaly"] = _spread(find_anomalies(outputs["anomaly_scores"], threshold), good)
    columns |= {name: shard.table[name] for name in _TRAILING}
    return pa.table(columns).combine_chunks()


def count(shard: Shard, outputs: Outputs, threshold: float) -> Tally:
    """What is said of the part beside its rows."""
    reasons = Counter(shard.table["reason"].drop_null().to_pylist())
    if "errors" not in outputs:
        return Tally(rows=shard.table.num_rows, problems=reasons)
    scores = outputs["anomaly_scores"]
    high = find_high(scores)
    known = shard.table.select(_LEADING).filter(pa.array(shard.is_good())).take(pa.array(high))
    strangest = find_strangest(
        known["source"].to_pylist(),
        known["row"].to_pylist(),
        shard.images()[high],
        outputs["reconstructions"][high],
        scores[high],
        outputs["errors"][high],
    )
    anomalies = int(find_anomalies(scores, threshold).sum())
    return Tally(shard.table.num_rows, anomalies, reasons, count_scores(scores), strangest)


def render_part(table: pa.Table, tally: Tally) -> bytes:
    """The part as a Parquet file, which carries its tally."""
    stream = BytesIO()
    # Of codes and scores hardly two are equal, so that a dictionary of them only takes room.
    texts = [name for name in table.column_names if pa.types.is_string(table.schema.field(name).type)]
    tagged = table.replace_schema_metadata({_TALLY: render_tally(tally)})
    parquet.write_table(tagged, stream, use_dictionary=texts, compression="zstd")
    return stream.getvalue()


def read_tally(place: str) -> Tally:
    """The tally of a part, without its rows."""
    target = find_place(place)
    with target.system.open_input_file(target.path) as file:
        metadata = parquet.read_schema(file).metadata
    return parse_tally(metadata[_TALLY])


def render_cleaned(shard: Shard, reconstructions: Images) -> bytes:
    """The cleaned pictures of the good rows as PNGs in a tar, under the names that they came with."""
    stream = BytesIO()
    names = shard.table.filter(pa.array(shard.is_good()))["name"].to_pylist()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, picture in zip(names, reconstructions, strict=True):
            content = render_png(picture)
            member = tarfile.TarInfo(_name_member(name))
            member.size = len(content)
            archive.addfile(member, BytesIO(content))
    return stream.getvalue()


def _name_member(name: str) -> str:
    """A name that stays below the folder where the tar is unpacked."""
    steps = [step for step in PurePosixPath(name).parts if step not in {"/", ".."}]
    path = "/".join(steps)
    return path if path.lower().endswith(".png") else f"{path}.png"


def _spread(values: Any, good: Flags) -> pa.Array:
    """The values in the places of the good rows, null in the others."""
    spread = np.zeros(len(good), values.dtype)
    spread[good] = values
    return pa.array(spread, mask=~good)


def _spread_codes(codes: Any, good: Flags) -> pa.Array:
    spread = np.zeros((len(good), codes.shape[1]), codes.dtype)
    spread[good] = codes
    return pa.FixedSizeListArray.from_arrays(pa.array(spread.ravel()), codes.shape[1], mask=pa.array(~good))
