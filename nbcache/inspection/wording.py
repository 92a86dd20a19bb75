"""How an explanation reads: the parts of a key in a reader's words."""

from __future__ import annotations

import ast
import re
from textwrap import dedent

#: What a part is called in a key, and what a reader calls it; the name follows.
_WORDS = (
    (re.compile(r"^(?:argument|global|closure|input) (\S+?)(?:: | = )"), r"\1 = "),
    (re.compile(r"^(?:argument|global|closure|input) (?=\S)"), ""),
    (re.compile(r"^default of (\S+): "), r"defaults of \1 = "),
    (re.compile(r"^helper (?=\S)"), "function "),
    (re.compile(r"^code (?=\(\d+\))"), "its code "),
    (re.compile(r"^code\b"), "its code"),
)
_VALUES = re.compile(r"^(argument|global|closure|input) ")


def in_words(line: str) -> str:
    """A line of an explanation in words.

    Examples
    --------
    >>> in_words("argument year: 2024"), in_words("helper clean: def clean(x):"), in_words("file data.csv")
    ('year = 2024', 'function clean: def clean(x):', 'file data.csv')
    """
    for pattern, words in _WORDS:
        found, count = pattern.subn(words, line, count=1)
        if count:
            return found
    return line


def change_in_words(line: str) -> str:
    """A line about a change in words; that it changed stands before it.

    Examples
    --------
    >>> change_in_words("argument year 2023 -> 2024"), change_in_words("helper clean changed: 1 line: a -> b")
    ('year 2023 -> 2024', 'function clean: 1 line: a -> b')
    """
    return in_words(_VALUES.sub("", line)).replace(" changed", "", 1)


def took(seconds: float) -> str:
    """How long a run took.

    Examples
    --------
    >>> took(0.00002), took(0.0123), took(2.13), took(75)
    ('less than 1 ms', '12 ms', '2.1 s', '75 s')
    """
    if seconds < 0.0005:
        return "less than 1 ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 9.95 else age(seconds)


#: Units of an age: name, seconds, and up to how many seconds it is used.
_AGES: tuple[tuple[str, float, float], ...] = (
    ("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172800), ("days", 86400, float("inf")),
)  # fmt: skip


def age(elapsed: float) -> str:
    """A time span in the unit a person would use, such as "3 min"."""
    for unit, scale, limit in _AGES:
        if elapsed < limit:
            return f"{max(0.0, elapsed) / scale:.0f} {unit}"
    raise ValueError(f"{elapsed!r} is no time span")


def ago(elapsed: float) -> str:
    """How long ago something was, such as "3 min ago"."""
    return "just now" if elapsed < 0.95 else f"{age(elapsed)} ago"


def lines_that_count(source: str) -> list[str]:
    """The lines of a source that make a difference: no empty ones, no comments, no docstrings."""
    lines = [line.strip() for line in source.splitlines()]
    for first, last in _docstrings(source):
        lines[first - 1 : last] = [""] * (last - first + 1)
    return [line for line in lines if line and not line.startswith("#")]


def _docstrings(source: str) -> list[tuple[int, int]]:
    """The first and the last line of each docstring that has lines of its own."""
    try:
        tree = ast.parse(dedent(source))
    except (SyntaxError, ValueError):  # cut short, or no source at all
        return []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and ast.get_docstring(node, False):
            text = node.body[0]
            if text.lineno > node.lineno:
                found.append((text.lineno, text.end_lineno or text.lineno))
    return found


def without_magic(source: str) -> str:
    """The source of a cell without the line of its magic, which has no effect of its own."""
    first, _, rest = source.partition("\n")
    return rest.lstrip("\n") if first.lstrip("'\"").startswith("%%") else source
