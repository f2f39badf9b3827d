"""`python -m bench.soak`: twice the capacity of a service, with bad input, callers who leave, tiny deadlines and new
versions of the model; every answer is checked. Exit status 1 if a bar does not hold.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.soak.bars import judge
from bench.soak.plot import draw
from bench.soak.report import render_summary, write_json
from bench.soak.run import SoakPlan, soak
from service.settings import LimitSettings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, judge; returns the exit status."""
    options = _parse(arguments)
    plan = SoakPlan(options.seconds, publish_s=options.publish_s, overload=options.overload, seed=options.seed)
    from training.data.load import load_data

    timeout_s = LimitSettings().default_timeout_s
    images = load_data(options.data).train_images
    record = soak(plan, images, timeout_s, lambda line: print(line, flush=True))
    bars = judge(record, timeout_s)
    options.out.mkdir(parents=True, exist_ok=True)
    write_json(record, bars, options.out / "soak.json")
    draw(record, options.out / "soak.png")
    print(render_summary(record, bars))
    return 0 if all(bar.holds for bar in bars) else 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="length of the load (default %(default)s)")
    parser.add_argument("--publish-s", type=float, default=60.0, help="seconds between two versions")
    parser.add_argument("--overload", type=float, default=2.0, help="the load, in measured capacities")
    parser.add_argument("--seed", type=int, default=1, help="of everything that is chosen by chance")
    parser.add_argument("--data", default="digits", help="as for `python -m training fit`; its digits are sent")
    parser.add_argument("--out", type=Path, default=Path("build/soak"), help="folder for soak.json and soak.png")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
