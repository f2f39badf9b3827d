"""The one line that a job shows while it runs."""

import sys
from collections.abc import Iterable, Iterator

from tqdm import tqdm

from service.bulk.pipeline import Done
from service.bulk.tally import Tally

# Seconds between two looks of the line; in a log each of them is a line of its own.
_TERMINAL_S, _LOG_S = 0.1, 10.0


def follow(parts: Iterable[Done], sources: int, finished: int, now: Tally) -> Iterator[Done]:
    """Pass parts on and show how far the job is, by sources: how many rows a tar has is known only behind its end.

    Args:
        parts: As they are written.
        sources: All of the job.
        finished: Those that were so before.
        now: Counts what passes.
    """
    interval_s = _TERMINAL_S if sys.stderr.isatty() else _LOG_S
    with tqdm(total=sources, initial=finished, unit=" sources", mininterval=interval_s, dynamic_ncols=True) as bar:
        for part in parts:
            now.add(part.tally)
            elapsed_s = max(bar.format_dict["elapsed"], 1e-9)
            bar.set_postfix_str(
                f"{now.rows:,} rows, {now.rows / elapsed_s:,.0f} images/s, {now.count_problems():,} problems",
                refresh=False,
            )
            bar.update(part.is_last)
            yield part
