"""What a PromQL expression asks for: a reader of what our rules and panels use of the language, not of all of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*")|(?P<number>\d+(?:\.\d+)?(?:ms|[smhdwy])?)|(?P<word>[A-Za-z_:][\w:]*)"""
    r"""|(?P<sign>=~|!~|!=|==|>=|<=|[-+*/^<>(){}\[\],=])|\s+"""
)
_GROUPINGS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_OPERATORS = frozenset({"and", "or", "unless", "bool", "offset"})
_FUNCTIONS = frozenset(
    {"abs", "absent", "avg_over_time", "changes", "count", "deriv", "histogram_quantile", "increase", "max"}
    | {"max_over_time", "min", "min_over_time", "rate", "sum", "topk", "vector"}
)
_PAIRS = {"(": ")", "{": "}", "[": "]"}

Matcher = tuple[str, str, str]
"""Label, operator, value."""


class NoPromqlError(ValueError):
    """The expression is not written in what is read here."""


@dataclass(frozen=True, slots=True)
class Selector:
    """Series that are asked for.

    Attributes:
        name: Of the series.
        matchers: What their labels must be.
    """

    name: str
    matchers: tuple[Matcher, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """What an expression asks for.

    Attributes:
        selectors: All of them, in order.
        groupings: Every label that is grouped or joined by.
    """

    selectors: list[Selector] = field(default_factory=list)
    groupings: set[str] = field(default_factory=set)


def parse_promql(expression: str) -> Query:
    """What an expression asks for.

    Raises:
        NoPromqlError: If it has a character, a function or a bracket that is out of place.
    """
    tokens = list(_split(expression))
    _check_brackets(tokens)
    query, position = Query(), 0
    while position < len(tokens):
        position = _read(tokens, position, query)
    if not query.selectors:
        raise NoPromqlError(f"{expression!r} asks for no series")
    return query


def _split(expression: str) -> Iterator[str]:
    position = 0
    while position < len(expression):
        match = _TOKEN.match(expression, position)
        if match is None:
            raise NoPromqlError(f"{expression[position:]!r} begins with no token")
        position = match.end()
        if match.lastgroup is not None:
            yield match.group()


def _check_brackets(tokens: list[str]) -> None:
    awaited: list[str] = []
    for token in tokens:
        if token in _PAIRS:
            awaited.append(_PAIRS[token])
        elif token in _PAIRS.values() and (not awaited or awaited.pop() != token):
            raise NoPromqlError(f"a {token} closes nothing in {' '.join(tokens)}")
    if awaited:
        raise NoPromqlError(f"no {awaited[-1]} at the end of {' '.join(tokens)}")


def _read(tokens: list[str], position: int, query: Query) -> int:
    """Note what stands here, and say where to go on."""
    token = tokens[position]
    after = tokens[position + 1] if position + 1 < len(tokens) else ""
    if not re.match(r"[A-Za-z_:]", token) or token in _OPERATORS:
        return position + 1
    if token in _GROUPINGS:
        end = tokens.index(")", position)
        query.groupings.update(each for each in tokens[position + 2 : end] if each != ",")
        return end + 1
    if after == "(" or token in _FUNCTIONS:  # an aggregation's grouping may stand before its bracket
        if token not in _FUNCTIONS:
            raise NoPromqlError(f"there is no function {token}")
        return position + 1
    if after != "{":
        query.selectors.append(Selector(token))
        return position + 1
    end = tokens.index("}", position)
    query.selectors.append(Selector(token, tuple(_read_matchers(tokens[position + 2 : end]))))
    return end + 1


def _read_matchers(tokens: list[str]) -> Iterator[Matcher]:
    for start in range(0, len(tokens), 4):
        label, operator, text = tokens[start : start + 3]
        yield label, operator, text.strip('"')
