"""How the page writes numbers and lists."""

from collections.abc import Sequence


def enumerate_words(words: Sequence[str]) -> str:
    """`a`, `a and b`, or `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def write_range(values: Sequence[float], decimals: int = 4) -> str:
    """The smallest and the largest value, or the one that both are when written so."""
    low, high = (f"{bound:.{decimals}f}" for bound in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"
