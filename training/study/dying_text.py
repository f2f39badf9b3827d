"""The page's explanation of the dying code: every sentence is chosen by what was measured; knows no picture."""

from collections.abc import Iterator, Sequence

from training.study.findings import DyingCode, Run
from training.study.variants import RECIPE, STEPS_BEFORE_REVIVAL, network_of
from training.study.words import enumerate_words, write_range

PICTURE = "dying-code.png"
HEADING = "Why the first article's code dies"
_SINGLE_CURES = ("slow", "leaky", "linear", "sigmoid-output")
_REVIVED = ("revived-leaky", "revived-linear")
# A code of which no more than this share is dead is said to live.
_LIVING_SHARE = 0.25


def render_dying(dying: DyingCode) -> str:
    """The section, from its heading on."""
    seeds, changes = dying["seeds"], dying["changes"]
    setting = (
        f"The same recipe for {changes['as-written']['steps']:,} steps from one seed, with one change at a time and "
        "then with several; errors are those of the digits that watch a fit."
    )
    parts = [
        f"## {HEADING}",
        _tell_seeds(seeds),
        f"![Dead code units against steps, and what the code's units get in the first ten steps](images/{PICTURE})",
        *_tell_cause(seeds),
        setting,
        _render_changes(changes),
        *_tell_changes(changes),
        *_tell_revival(changes),
    ]
    return "\n\n".join(parts)


def is_dead(run: Run) -> bool:
    """True if all units of the code ended dead, with a gradient of exactly 0."""
    return run["dead_since"] is not None and run["dead_units"][-1] == run["code_dim"]


def _lives(run: Run) -> bool:
    return run["dead_units"][-1] <= _LIVING_SHARE * run["code_dim"]


def _tell_seeds(seeds: Sequence[Run]) -> str:
    dead, others = [run for run in seeds if is_dead(run)], [run for run in seeds if not is_dead(run)]
    told = [f"`{RECIPE.name}` as written, {seeds[0]['steps']:,} steps from each of {len(seeds)} seeds:"]
    if dead:
        died = enumerate_words([f"{run['dead_since']:,} steps (seed {run['seed']})" for run in dead])
        told.append(
            f"in {len(dead)} of them the whole code dies, after {died}. From then on the gradient of every unit "
            "of the code is exactly 0, in every step to the end, so nothing brings it back. What is left to learn is "
            f"one picture for all digits, with an error of {write_range(_last_errors(dead))}."
        )
    else:
        told.append("in none of them does the whole code die.")
    if others:
        units = enumerate_words([_count_dead(run) for run in others])
        told.append(f"Elsewhere {units} units end dead, with an error of {write_range(_last_errors(others))}.")
    return " ".join(told)


def _tell_cause(seeds: Sequence[Run]) -> Iterator[str]:
    """What the first step does, told of the seed whose code dies first; nothing where none died so early."""
    early = [run for run in seeds if is_dead(run) and _death(run) < len(run["largest_inputs"])]
    if not early:
        return
    run, optimizer = min(early, key=_death), RECIPE.fit.optimizer
    taken_in = 1 - optimizer.beta_2
    yield (
        "**The first steps do it.** RMSprop divides each gradient by the root of its mean square. The mean starts at 0 "
        f"and has taken in {100 * taken_in:.0f} % of a square after one step, so that step moves every weight that has "
        f"any gradient by {optimizer.learning_rate} / √{taken_in:.1f} = {optimizer.learning_rate / taken_in**0.5:.4f}; "
        f"measured, the largest change in the code's layer is {run['largest_changes'][0]:.4f}. A unit adds up "
        f"{network_of(RECIPE).widths[-2]} inputs, none of them negative, so most of its weights move the same way and "
        f"their changes add up too: with seed {run['seed']} that one step takes the mean of what the units get, before "
        f"their relu, from {run['mean_inputs'][0]:.2f} to {run['mean_inputs'][1]:.2f}. "
        f"After step {_death(run)} the largest that any unit gets from any digit of a batch is "
        f"{run['largest_inputs'][_death(run)]:.2f}, and a relu passes nothing below 0, neither forward nor back."
    )


def _render_changes(changes: dict[str, Run]) -> str:
    rows = ["| change | dead units | all dead after | error |", "| --- | ---: | ---: | ---: |"]
    for run in changes.values():
        died = f"{run['dead_since']:,} steps" if is_dead(run) else ""
        rows.append(f"| {run['label']} | {_count_dead(run)} | {died} | {run['watched_errors'][-1]:.4f} |")
    return "\n".join(rows)


def _tell_changes(changes: dict[str, Run]) -> Iterator[str]:
    if not is_dead(changes["as-written"]):
        yield "As written the code did not die in this run: the table shows what changes do to a code that lives."
        return
    heading = "**Initialisation is not the cause.** " if is_dead(changes["he"]) else ""
    yield (
        f"{heading}{_tell_one('With He initialisation', changes['he'])} TensorFlow 1, of the article's days, started "
        "RMSprop's mean square at 1, which makes the first steps small, but not those that follow. "
        f"{_tell_one('So started,', changes['mean-square-1'])}"
    )
    yield _tell_cures(changes)


def _tell_cures(changes: dict[str, Run]) -> str:
    cures = [changes[name]["label"] for name in _SINGLE_CURES if _lives(changes[name])]
    told = []
    if cures:
        told.append(
            "**What keeps the code alive**, each by itself, with no more than "
            f"{100 * _LIVING_SHARE:.0f} % of the units dead: {enumerate_words(cures)}."
        )
    told += [
        _tell_one(f"With {run['label']}", run) for run in map(changes.__getitem__, _SINGLE_CURES) if not _lives(run)
    ]
    best = min(changes.values(), key=lambda run: run["watched_errors"][-1])
    return " ".join([*told, f"The smallest error of the table, {best['watched_errors'][-1]:.4f}: {best['label']}."])


def _tell_revival(changes: dict[str, Run]) -> Iterator[str]:
    runs = [changes[name] for name in _REVIVED]
    if any(run["dead_units"][0] != run["code_dim"] for run in runs):
        return  # it did not die, so nothing was revived
    ends = [f"{_count_dead(run)} units dead and an error of {run['watched_errors'][-1]:.4f}" for run in runs]
    heading = "**A dead code can be brought back** by another activation alone." if all(map(_lives, runs)) else ""
    yield (
        f"{heading} The weights after {STEPS_BEFORE_REVIVAL:,} steps as written, with the whole code dead, went on for "
        f"{runs[0]['steps']:,} steps with a leaky relu code to {ends[0]}, and with a linear code to {ends[1]}."
    ).strip()


def _tell_one(begin: str, run: Run) -> str:
    if is_dead(run):
        return f"{begin} the whole code dies after {run['dead_since']:,} steps."
    return f"{begin} {_count_dead(run)} units end dead, with an error of {run['watched_errors'][-1]:.4f}."


def _death(run: Run) -> int:
    return run["dead_since"] or 0


def _count_dead(run: Run) -> str:
    return f"{run['dead_units'][-1]} of {run['code_dim']}"


def _last_errors(runs: Sequence[Run]) -> list[float]:
    return [run["watched_errors"][-1] for run in runs]
