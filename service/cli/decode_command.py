"""`digitcodec decode`: codes -> images."""

from argparse import Namespace
from collections.abc import Generator, Iterator, Sequence
from io import BytesIO
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np

from service.cli.engines import open_engine
from service.cli.errors import UsageError
from service.cli.inputs import InputFile, find_files
from service.cli.reading import NPY_MAGIC, read_file
from service.cli.report import Report, write_report
from service.cli.rows import Row, take_values
from service.domain import Codes
from service.errors import DigitCodecError
from service.images import parse_codes_npy, to_codes

_ZIP_MAGIC = b"PK"


class CodeFile(NamedTuple):
    """The codes of a file.

    Attributes:
        file: Where they come from.
        codes: float32 (n, code_dim), n >= 1.
        version: The version that made them, or None if the file does not say.
    """

    file: InputFile
    codes: Codes
    version: int | None


def run(options: Namespace) -> int:
    """Have the codes decoded, and show or write the images.

    Raises:
        CliError: If that fails; a bad file of codes ends the command, for its images would be missed.
    """
    report = Report(options, "decode")
    given = [_read(file) for file in find_files(options.inputs)]
    if options.version is None and options.label is None:
        options.version = _find_version(given)
    return write_report(report, [each.file for each in given], lambda: _answer(options, given)).status


def _answer(options: Namespace, given: Sequence[CodeFile]) -> Generator[Row, None, None]:
    with open_engine(options) as engine:
        for each in given:
            start = 0
            for answer in engine.ask("decode", _cut(each.codes, options.batch_rows), 0.0):
                for index in range(len(answer)):
                    yield Row(each.file, start + index, **take_values(answer, index))
                start += len(answer)


def _cut(codes: Codes, rows: int) -> Iterator[Codes]:
    for start in range(0, len(codes), rows):
        yield codes[start : start + rows]


def _read(file: InputFile) -> CodeFile:
    try:
        content = read_file(file)
        if content.startswith(_ZIP_MAGIC):
            return _read_arrays(file, content)
        if not content.startswith(NPY_MAGIC):
            raise UsageError(
                f"{file.shown} is no file of codes, expected .npy or .npz as `digitcodec encode` writes it"
            )
        return CodeFile(file, parse_codes_npy(content), None)
    except OSError as error:
        raise UsageError(f"{file.shown} cannot be read: {error.strerror or error}") from error
    except DigitCodecError as error:
        raise UsageError(f"{file.shown} holds no codes: {error.detail}") from error


def _read_arrays(file: InputFile, content: bytes) -> CodeFile:
    try:
        with np.load(BytesIO(content), allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in ("codes", "version") if name in arrays}
    except (ValueError, BadZipFile) as error:
        raise UsageError(f"{file.shown} cannot be read: {error}") from error
    if "codes" not in found or not found["codes"].size:
        raise UsageError(f"{file.shown} holds no array named codes, or an empty one")
    versions = np.unique(found.get("version", np.empty(0, np.int64))).tolist()
    if len(versions) > 1:
        raise UsageError(f"{file.shown} holds codes of the versions {versions}, expected those of one")
    return CodeFile(file, to_codes(found["codes"]), versions[0] if versions else None)


def _find_version(given: Sequence[CodeFile]) -> int | None:
    """The version that made all codes, as far as the files say."""
    versions = sorted({each.version for each in given if each.version is not None})
    if len(versions) > 1:
        raise UsageError(f"the files hold codes of the versions {versions}; decode them one after the other")
    return versions[0] if versions else None
