"""The commands and their flags. It imports nothing else of the service: help and completion come at once."""

import argparse
from pathlib import Path
from typing import Any, Protocol

from service import __version__
from service.arguments import natural, positive, share

PROGRAM = "digitcodec"

DEFAULT_THRESHOLD = 0.99
"""As the service has it, of which nothing is imported here."""

_HELP = (
    "Serve a model for 28x28 digit images, ask one for codes, cleaned images and anomaly scores, and find out what is "
    "wrong. Without a command, `serve`."
)
_EPILOG = (
    "Status: 0 done; 1 failed; 2 asked wrongly; 3 some images could not be read; 4 an anomaly, with --fail-on-anomaly; "
    "130 after Ctrl-C. docs/command-line.md has examples."
)
_SERVE_HELP = (
    "Serve the model over HTTP (port 8000) and gRPC (port 8001) until SIGTERM or SIGINT. Settings are DIGITCODEC_* "
    "environment variables, for example DIGITCODEC_HTTP__PORT=9000; docs/settings.md lists them. Log lines go to "
    "standard output; what keeps the service from starting goes to standard error."
)
_INPUT_HELP = "image files, .npy files, globs, folders with all that is below them, or - for standard input"
_CODES_HELP = ".npy or .npz files of codes, as `encode` writes them, or - for standard input"
_MODEL_SERVER_HELP = "serve TensorFlow Serving's API alone, on ports 8500 and 8501"
_TABLES = "FILE.csv, .parquet, .jsonl, .npy or .npz"
_PICTURES = "FILE.png (all on one sheet), or DIR (a PNG for each)"


class Commands(Protocol):
    """What `add_subparsers` returns; argparse names its type only privately."""

    def add_parser(self, name: str, **options: Any) -> argparse.ArgumentParser:
        """The parser of a new command."""


def build_parser() -> argparse.ArgumentParser:
    """All commands; the attribute `command` of what is parsed names the one, None for none."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description=_HELP, epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=f"digitcodec {__version__}")
    # What the first process of several starts the others with.
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    _add_serving(commands)
    _add_images(commands)
    _add_decode(commands)
    _add_models(commands)
    _add_doctor(commands)
    # It has a parser of its own, with more flags than all others together: service/bulk/flags.py.
    commands.add_parser("bulk", help="encode, clean and score archives of images; see `bulk --help`", add_help=False)
    completion = commands.add_parser(
        "completion", help="print what makes a shell complete this command", description="Print a shell's script."
    )
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))
    return parser


def _add_serving(commands: Commands) -> None:
    commands.add_parser("serve", help="serve the model over HTTP and gRPC (the default)", description=_SERVE_HELP)
    commands.add_parser("gateway", help="the same as serve", description=_SERVE_HELP)
    commands.add_parser("model-server", help=_MODEL_SERVER_HELP, description=f"{_MODEL_SERVER_HELP}.")
    key = commands.add_parser(
        "key",
        help="make a key for a caller",
        description="Print the lines of the keys file for a new key, and on standard error the key itself, once.",
    )
    key.add_argument("name", help="what log and metrics are to call the caller")


def _add_images(commands: Commands) -> None:
    encode = commands.add_parser("encode", help="the codes of images", description="The codes of images.")
    _add_inputs(encode, _INPUT_HELP)
    _add_output(encode, _TABLES)
    clean = "cleaned images, reconstruction errors and anomaly scores"
    reconstruct = commands.add_parser("reconstruct", help=clean, description=f"Give {clean}.")
    _add_inputs(reconstruct, _INPUT_HELP)
    _add_output(reconstruct, f"{_PICTURES}, {_TABLES}")
    score = commands.add_parser(
        "score", help="how strange images are", description="How strange images are, without making pictures of them."
    )
    _add_inputs(score, _INPUT_HELP)
    _add_output(score, _TABLES)
    score.add_argument("--fail-on-anomaly", action="store_true", help="end with status 4 if an image is an anomaly")
    for parser in (encode, reconstruct, score):
        parser.add_argument(
            "--preprocess",
            choices=("strict", "mnist"),
            default="strict",
            help="strict: 28x28 pixels as they are; mnist: image files of any size, made as MNIST was "
            "(default %(default)s)",
        )
        if parser is not encode:
            parser.add_argument(
                "--threshold",
                type=share,
                default=DEFAULT_THRESHOLD,
                help="scores above it are anomalies (default %(default)s)",
            )
        _add_model(parser)


def _add_decode(commands: Commands) -> None:
    decode = commands.add_parser("decode", help="the images of codes", description="The images of codes.")
    _add_inputs(decode, _CODES_HELP)
    _add_output(decode, f"{_PICTURES}, {_TABLES}")
    _add_model(decode)


def _add_models(commands: Commands) -> None:
    models = commands.add_parser(
        "models", help="the versions of the model", description="The versions that a service has, or the models folder."
    )
    models.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    _add_server(models)
    _add_folder(models)


def _add_doctor(commands: Commands) -> None:
    doctor = commands.add_parser(
        "doctor",
        help="say what is wrong with the installation, the model or a server",
        description="Look at the installation, the settings, the model and the ports; with --server at a service "
        "instead. Status: 0 if nothing is wrong, 1 otherwise.",
    )
    doctor.add_argument("--json", action="store_true", help="one JSON document instead of lines")
    _add_server(doctor)
    _add_folder(doctor)


def _add_inputs(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help=text)


def _add_output(parser: argparse.ArgumentParser, endings: str) -> None:
    parser.add_argument("--output", "-o", metavar="PATH", help=f"{endings}; by default a table is printed")
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each image instead of a table")


def _add_model(parser: argparse.ArgumentParser) -> None:
    model = parser.add_argument_group("which model")
    which = model.add_mutually_exclusive_group()
    which.add_argument("--version", type=natural, metavar="N", help="number of the version (default: the newest)")
    which.add_argument("--label", help="label of the version")
    _add_folder(parser)
    _add_server(parser)
    parser.add_argument(
        "--batch-rows", type=natural, default=256, metavar="N", help="images in one call (default %(default)s)"
    )


def _add_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--models",
        type=Path,
        metavar="DIR",
        help="without --server: folder with the models (default DIGITCODEC_MODEL__ROOT, or models)",
    )


def _add_server(parser: argparse.ArgumentParser) -> None:
    server = parser.add_argument_group("a running service")
    server.add_argument(
        "--server",
        metavar="URL",
        help="ask it: http://host:port, https://, grpc:// or grpcs:// (default DIGITCLI_SERVER; without both, the "
        "model in this process answers)",
    )
    server.add_argument(
        "--key-file", type=Path, metavar="FILE", help="file with the key that it knows us by (default DIGITCLI_KEY)"
    )
    server.add_argument(
        "--ca-file", type=Path, metavar="FILE", help="PEM file of the authorities that check its certificate"
    )
    server.add_argument(
        "--cert", nargs=2, type=Path, metavar=("CERT", "KEY"), help="PEM files of our own certificate and its key"
    )
    server.add_argument(
        "--timeout-s",
        type=positive,
        default=30.0,
        metavar="S",
        help="seconds for each request with all its attempts (default %(default)s)",
    )
