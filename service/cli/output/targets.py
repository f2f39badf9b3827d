"""Where `--output` goes: the ending of its name says what is written."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from service.cli.engines import Operation
from service.cli.errors import CliError, UsageError
from service.cli.output.arrays import render_array, render_arrays
from service.cli.output.fields import WITH_PICTURES
from service.cli.output.pictures import render_sheet, write_pictures
from service.cli.output.tables import check_parquet, render_csv, render_lines, render_parquet
from service.cli.output.whole import write_whole
from service.cli.rows import Row

_Render = Callable[[Sequence[Row], Operation], bytes]

_RENDERERS: Mapping[str, _Render] = MappingProxyType(
    {
        ".csv": render_csv,
        ".jsonl": render_lines,
        ".npy": render_array,
        ".npz": render_arrays,
        ".parquet": render_parquet,
        ".png": lambda rows, _: render_sheet(rows),
    }
)


def check_target(output: str, operation: Operation) -> None:
    """Refuse, before any work is done, what could not be written in the end.

    Raises:
        UsageError: If the ending is none that is known, or needs a package that is missing, or the operation makes no
            pictures.
    """
    is_folder, ending = _is_folder(output), Path(output).suffix.lower()
    if not is_folder and ending not in _RENDERERS:
        raise UsageError(f"--output is {output}, expected a name that ends in {', '.join(sorted(_RENDERERS))}")
    if (is_folder or ending == ".png") and operation not in WITH_PICTURES:
        raise UsageError(f"--output is {output}, but {operation} makes no pictures; `digitcodec reconstruct` does")
    if ending == ".parquet":
        check_parquet()


def write_target(output: str, operation: Operation, rows: Sequence[Row]) -> None:
    """Write the file, or the files of a folder.

    Raises:
        CliError: If that fails.
    """
    try:
        if _is_folder(output):
            write_pictures(rows, Path(output))
        else:
            write_whole(Path(output), _RENDERERS[Path(output).suffix.lower()](rows, operation))
    except OSError as error:
        raise CliError(f"{error.filename or output} cannot be written: {error.strerror or error}") from error


def _is_folder(output: str) -> bool:
    return output.endswith("/") or not Path(output).suffix or Path(output).is_dir()
