"""`digitcodec bulk`: flags in, one job, lines out; turns what can go wrong into one line and a status."""

import sys
from collections.abc import Sequence

from pydantic import ValidationError

from service.bulk.errors import BulkError, JobFailedError
from service.bulk.flags import parse_flags
from service.settings import load_settings
from service.settings.faults import describe_fault
from service.startup import CannotStartError

FAILED = 1
MISUSED = 2
INTERRUPTED = 130  # what a shell reports after Ctrl-C


def main(arguments: Sequence[str]) -> int:
    """Run the job.

    Returns:
        0 when all rows are out; 1 if it failed; 2 if it was asked wrongly; 130 after Ctrl-C or SIGTERM.
    """
    options = parse_flags(arguments)
    try:
        from service.bulk.run import run_job

        for line in run_job(options, load_settings()):
            sys.stdout.write(f"{line}\n")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("service"):
            raise  # a defect of ours, no missing package
        return _tell(f"{error.name} is not installed: pip install 'digitcodec[bulk]'", MISUSED)
    except ValidationError as error:
        return _tell("; ".join(describe_fault(fault) for fault in error.errors()), MISUSED)
    except (CannotStartError, BulkError) as error:
        return _tell(str(error), FAILED if isinstance(error, JobFailedError) else MISUSED)
    except OSError as error:
        return _tell(str(error), FAILED)
    except KeyboardInterrupt:
        return _tell("stopped; the same command goes on from here", INTERRUPTED)
    return 0


def _tell(message: str, status: int) -> int:
    sys.stderr.write(f"digitcodec: {message}\n")
    return status
