"""`map`: write the map of a version's codes that the playground shows."""

import argparse
import json
import logging
from pathlib import Path

from training.commands import flags

MAP_FILE = "code_map.json"

_LOG = logging.getLogger(__name__)


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command to argparse."""
    command = commands.add_parser(
        "map",
        help="write the map of a version's codes that the playground shows",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    command.set_defaults(run=run)
    command.add_argument("version", metavar="VERSION_DIR", type=Path, help="a version, such as models/digits/1")
    command.add_argument("--data", metavar="SRC", default=argparse.SUPPRESS, help=flags.DATA_HELP)
    flags.add_data_flags(command)
    command.add_argument("--output", metavar="FILE", type=Path, default=Path(MAP_FILE), help="where the map goes")


def run(options: argparse.Namespace) -> None:
    """Encode, lay out, write."""
    from training.data.load import load_data
    from training.quiet import load_tensorflow
    from training.report.code_map import DIGITS, build_code_map, choose_digits
    from training.report.version import read_version
    from training.report.write import replace_file

    version = read_version(options.version)
    data = load_data(getattr(options, "data", None), preprocess=options.preprocess, split=options.split)
    load_tensorflow()
    from training.evaluation.codecs import SavedModelCodec

    codec = SavedModelCodec(options.version)
    rows = choose_digits(data.test_labels, min(DIGITS, len(data.test_images)))
    _LOG.info("%s: laying out the codes of %d test digits of %s", version.name, len(rows), data.name)
    labels = None if data.test_labels is None else data.test_labels[rows]
    content = {
        "model": {"name": version.name, "version": version.number},
        "data": {"name": data.name, "sha256": data.sha256},
        **build_code_map(codec, codec.decode, data.test_images[rows], labels),
    }
    replace_file(options.output, json.dumps(content, separators=(",", ":"), allow_nan=False) + "\n")
    print(f"wrote {options.output}")
