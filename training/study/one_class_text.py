"""The page's section on models of one digit; knows no picture."""

from collections.abc import Sequence
from statistics import fmean

from training.recipes.size import count_parameters
from training.study.findings import DigitRun
from training.study.single_digit import RECIPE

# Ruff et al., Deep One-Class Classification, ICML 2018: one-class Deep SVDD, the mean over the ten digits of MNIST.
REFERENCE = 0.948


def render_one_class(runs: Sequence[DigitRun], data_name: str) -> str:
    """The section, from its heading on."""
    by_score, by_error = ([run[key] for run in runs] for key in ("auroc_by_score", "auroc_by_error"))
    rows = [
        ("trained on", *(str(run["digit"]) for run in runs), "mean"),
        ("---", *["---:"] * (len(runs) + 1)),
        ("by score", *_write(by_score)),
        ("by reconstruction error", *_write(by_error)),
    ]
    size = f"a code of {RECIPE.network.code_dim}, {count_parameters(RECIPE.network) / 1e6:.2f} M parameters"
    setting = (
        f"{len(runs)} models ({size}), each fitted to training images of one digit alone, {_count_images(runs)} of "
        f"{data_name}. AUROC of that digit's test images against all other test images:"
    )
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return "\n\n".join(["## One digit against all others", setting, table, _tell(fmean(by_score), fmean(by_error))])


def _tell(by_score: float, by_error: float) -> str:
    better = "more" if by_score > REFERENCE else "less"
    gain = "The anomaly score tells more than the reconstruction error alone." if by_score > by_error else ""
    return (
        f"Deep SVDD (Ruff et al., Deep One-Class Classification, ICML 2018) reports a mean of {REFERENCE} on MNIST; "
        f"the {by_score:.3f} here is {abs(by_score - REFERENCE):.3f} {better}. {gain}"
    ).strip()


def _write(aurocs: Sequence[float]) -> list[str]:
    return [f"{auroc:.4f}" for auroc in [*aurocs, fmean(aurocs)]]


def _count_images(runs: Sequence[DigitRun]) -> str:
    fewest, most = (bound(run["fitted_images"] for run in runs) for bound in (min, max))
    return f"{fewest:,} to {most:,}"
