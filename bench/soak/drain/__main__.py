"""`python -m bench.soak.drain`: SIGTERM under full load, again and again. Every request that was sent must have a whole
answer, and the process must end with status 0 within its grace. Exit status 1 if not.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvloop

from bench.load.catalogue import Catalogue, build_catalogue
from bench.load.digits import learn_answers
from bench.running import RunningService, ServiceFailedError, behind, running_service
from bench.soak.drain.ledger import End
from bench.soak.drain.round import DrainPlan, Round, run_round
from service.domain import Images

# Whole answers of many sizes; the largest would only make the rounds longer.
_SIZES = (1, 8, 64)
_IMAGES = 96


def drain(plan: DrainPlan, images: Images) -> list[Round]:
    """Run every round, each with a service of its own; tells of each as it ends."""
    catalogue: Catalogue | None = None
    rounds = []
    for number in range(1, plan.rounds + 1):
        try:
            with running_service(plan.list_settings()) as service:
                catalogue = catalogue or _write(service, images)
                rounds.append(uvloop.run(run_round(service, catalogue, plan)))
        except ServiceFailedError as error:
            print(error)  # its status is in the round, unless it did not even start
            if len(rounds) < number:
                raise
        print(render_round(number, rounds[-1], plan), flush=True)
    return rounds


def _write(service: RunningService, images: Images) -> Catalogue:
    """The requests; once, as every round has the same model."""
    return build_catalogue(learn_answers(service, images[:_IMAGES]), 1, _SIZES)


def render_round(number: int, each: Round, plan: DrainPlan) -> str:
    """One line about a round, and what was wrong in it."""
    ledger = each.ledger
    ends = ", ".join(f"{ledger.count(end)} {end}" for end in End if ledger.count(end))
    faults = "".join(f"\n    {text}" for text in (*each.find_faults(plan), *ledger.texts))
    return (
        f"round {number}: {ledger.sent.total()} sent = {ends}; {ledger.refused_connections} callers found no one; "
        f"status {each.status} after {each.seconds:.2f} s{faults}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, judge; returns the exit status."""
    options = _parse(arguments)
    from training.data.load import load_data

    images = load_data(options.data).train_images
    with _choose_settings(options) as settings:
        plan = DrainPlan(options.rounds, options.delay_s, settings=settings)
        rounds = drain(plan, images)
    bad = [number for number, each in enumerate(rounds, 1) if each.find_faults(plan)]
    sent, right = (sum(numbers) for numbers in zip(*map(_count, rounds), strict=True))
    raced = sum(each.ledger.count(End.RACED) for each in rounds)
    print(f"{len(rounds)} rounds, {sent} requests sent, {right} answered right, {raced} in HTTP's race of a close")
    print(f"rounds with faults: {bad}" if bad else "nothing was lost")
    return 1 if bad else 0


@contextmanager
def _choose_settings(options: argparse.Namespace) -> Iterator[dict[str, str]]:
    workers = {"DIGITCODEC_HTTP__WORKERS": str(options.workers)} if options.workers > 1 else {}
    if not options.thin:
        yield workers
        return
    with running_service(command="model-server") as server:
        yield {**workers, **behind(server.grpc)}


def _count(each: Round) -> tuple[int, int]:
    return each.ledger.sent.total(), each.ledger.count(End.RIGHT)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.soak.drain", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="how often (default %(default)s)")
    parser.add_argument(
        "--delay-s", type=float, default=1.0, help="drain delay; at 0 HTTP's race of a close is told, not judged"
    )
    parser.add_argument("--thin", action="store_true", help="gateways before one model server: rounds start sooner")
    parser.add_argument("--workers", type=int, default=1, help="processes of the service")
    parser.add_argument("--data", default="digits", help="as for `python -m training fit`; its digits are sent")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
