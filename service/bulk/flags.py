"""The flags of `digitcodec bulk`."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from service.arguments import natural, positive, share
from service.codec import DEFAULT_THRESHOLD
from service.images import Preprocess

_HELP = (
    "Encode, clean and score archives of images. The same command goes on where it was stopped. Settings "
    "(DIGITCODEC_*) say which model it is and what an image file may hold; docs/bulk.md has the columns and examples."
)
_INPUT_HELP = (
    "folders, image files, globs, tars (WebDataset), Parquet files with a column `image`, npy files; "
    "on this machine or at s3://, gs://, abfs:// and hdfs://"
)
_EPILOG = "Status: 0 when all rows are out, those of bad files too; 1 if it failed; 2 if asked wrongly; 130 if stopped."


def parse_flags(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; ends the program if it is wrong."""
    parser = argparse.ArgumentParser(prog="digitcodec bulk", description=_HELP, epilog=_EPILOG)
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help=_INPUT_HELP)
    parser.add_argument("--output", required=True, metavar="DIR", help="folder or URL for the tables and the summary")
    _add_work(parser)
    _add_model(parser)
    _add_place(parser)
    options = parser.parse_args(arguments)
    if options.cleaned and options.operation == "encode":
        parser.error("--cleaned needs the operation all or score")
    if options.version is not None and options.label is not None:
        parser.error("--version and --label exclude each other")
    return options


def _add_work(parser: argparse.ArgumentParser) -> None:
    work = parser.add_argument_group("what is wanted")
    work.add_argument("--operation", choices=["all", "encode", "score"], default="all", help="(default %(default)s)")
    work.add_argument("--cleaned", action="store_true", help="write cleaned images too, as tars of PNGs")
    work.add_argument(
        "--preprocess",
        choices=get_args(Preprocess),
        default="strict",
        help="strict: files of 28x28 pixels as they are; mnist: of any size, made as MNIST was (default %(default)s)",
    )
    work.add_argument(
        "--threshold",
        type=share,
        default=DEFAULT_THRESHOLD,
        help="scores above it are anomalies (default %(default)s)",
    )
    work.add_argument("--shard-rows", type=natural, default=4096, help="most rows of a part (default %(default)s)")
    work.add_argument("--restart", action="store_true", help="remove what a job wrote in DIR first, and nothing else")


def _add_model(parser: argparse.ArgumentParser) -> None:
    model = parser.add_argument_group("which model")
    model.add_argument("--models", type=Path, help="folder with the models (default DIGITCODEC_MODEL__ROOT, or models)")
    model.add_argument("--version", type=natural, help="number of the version (default: the newest)")
    model.add_argument("--label", help="label of the version")
    model.add_argument(
        "--server",
        metavar="URL",
        help="a running service instead: http://host:port, grpc://host:port or host:port (gRPC)",
    )
    model.add_argument("--key-file", type=Path, help="file with the key that the service knows us by")
    model.add_argument("--ca-file", type=Path, help="PEM file of the authorities that check the service's certificate")


def _add_place(parser: argparse.ArgumentParser) -> None:
    place = parser.add_argument_group("where it runs")
    place.add_argument(
        "--workers", type=natural, help="processes that hold the model (default: one for each processor)"
    )
    place.add_argument(
        "--batch-rows",
        type=natural,
        help="most images of one call of the model (default 512; 4096 on a GPU or a server)",
    )
    place.add_argument("--address", help="a Ray cluster: auto, or host:port (default: this machine)")
    place.add_argument(
        "--gpus-per-worker",
        type=positive,
        default=0.0,
        help="what a worker takes of a GPU, for example 1 or 0.25 (default: none)",
    )
