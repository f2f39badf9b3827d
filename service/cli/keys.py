"""`digitcodec key NAME`."""

import sys
from argparse import Namespace

from service.access import make_key
from service.cli.errors import OK


def run(options: Namespace) -> int:
    """Print what goes into the file, so that it can be appended there, and apart from it the key itself."""
    secret, lines = make_key(options.name)
    sys.stdout.write(lines)
    sys.stderr.write(f"the key of {options.name}, to be seen only now: {secret}\n")
    return OK
