"""Is it worth looking at a cell: what automatic caching spends on cells, and which are left alone.

Code that ran quickly, and code whose result costs more to restore than to compute, is run without being looked at,
until it proves slow. For all other code, finding the key may take a small share of what this session's cells would
have taken so far; for code that is known to be slow, a quarter of its time. Taking down what a run left may take as
much. What did not pay is remembered, with the reason, by later sessions.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterable, Mapping
from math import inf
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbcache.notebook.cells.report import Report

__all__ = ["CellCosts", "Costs", "digest_of_text", "hashing_time"]

_SHARE = 0.04
_LEAST = 0.02
# What a session may spend on keys before its cells have taken any time.
_CREDIT = 0.3
_STORING = 0.25
# The key of slow code may take its run divided by this.
_KEY_OF_SLOW = 4.0
# What did not pay is tried again when it takes so many times as long.
_AGAIN = 4
_REMEMBERED = 2000
# No key takes longer than this, also that of a cell which the user has marked.
_LONGEST = 60.0
_INERT = (
    *(ast.Name, ast.Constant, ast.Assign, ast.Expr, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.Pass),
    *(ast.expr_context, ast.Tuple, ast.List, ast.Dict, ast.Compare, ast.cmpop, ast.boolop, ast.BoolOp),
)


class Costs:
    """What is known of the cells of one session, by the text of their code.

    Parameters
    ----------
    load, save : what earlier sessions learnt: texts of "digest seconds reason"; the seconds are below 0 where a run of
        that length did not pay
    """

    def __init__(
        self, load: Callable[[], Iterable[str]] = tuple, save: Callable[[tuple[str, ...]], None] = lambda _: None
    ) -> None:
        self._load = load
        self._save = save
        self._quick: set[str] = set()
        self._slow: dict[str, float] | None = None
        self._reasons: dict[str, str] = {}
        self._ran = 0.0
        self._spent = 0.0

    def left_alone(self, code: str, nodes: Iterable[ast.AST], least: float) -> bool:
        """Whether a cell is run without being looked at.

        Parameters
        ----------
        least : the shortest time for which a cell is kept; a short one means that everything is to be looked at
        """
        if least < 0.1 or self._known().get(code, 0.0) > 0.0:
            return False
        return code in self._quick or code in self._known() or all(map(_is_inert, nodes))

    def allowance(self, code: str, least: float) -> float:
        """How long finding the key of a cell may take, in seconds."""
        if least < 0.1:
            return _LONGEST / 10
        return max(_LEAST, _CREDIT + _SHARE * self._ran - self._spent, self._known().get(code, 0.0) / _KEY_OF_SLOW)

    def storing(self, seconds: float, least: float) -> float:
        """How long taking down what a run left may take, in seconds."""
        return _LONGEST / 10 if least < 0.1 else max(2 * _LEAST, _STORING * seconds)

    def ran(self, code: str, seconds: float, least: float) -> None:
        """Note how long a run took."""
        self._ran += seconds
        if seconds >= max(least, 0.1):
            self._quick.discard(code)
            if seconds >= -_AGAIN * self._known().get(code, 0.0):
                self._learn(code, seconds)
        elif seconds < least / 2:
            self._quick.add(code)

    def restored(self, seconds: float) -> None:
        """Note that a run of that length was saved."""
        self._ran += seconds

    def spent(self, seconds: float) -> None:
        """Note the time that went into a key, or into storing and restoring."""
        self._spent += seconds

    def not_worth(self, code: str, seconds: float, reason: str) -> None:
        """Note that a run of that length does not pay, and why."""
        self._learn(code, -max(seconds, 0.001), reason)

    def is_slow(self, code: str) -> bool:
        """Whether it is known to be slow, and fit to be kept."""
        return self._known().get(code, 0.0) > 0.0

    def reason(self, code: str) -> str:
        """Why it is left alone, as an earlier run has shown; empty where none has."""
        return self._reasons.get(code, "") if self._known().get(code, 0.0) < 0.0 else ""

    def of(self, code: str, least: float) -> CellCosts:
        """What one cell may spend."""
        return CellCosts(self, code, least)

    def _known(self) -> dict[str, float]:
        if self._slow is None:
            self._slow = {}
            for text in self._load():
                digest, seconds, *reason = text.split(" ", 2)
                self._slow[digest] = float(seconds)
                self._reasons[digest] = "".join(reason)
        return self._slow

    def _learn(self, code: str, seconds: float, reason: str = "") -> None:
        known = self._known()
        before = known.pop(code, None)
        known[code] = round(seconds, 3)
        self._reasons[code] = reason
        while len(known) > _REMEMBERED:
            oldest = next(iter(known))
            del known[oldest]
            self._reasons.pop(oldest, None)
        if before is None or before * seconds <= 0 or not 0.5 <= seconds / before <= 2:
            self._save(tuple(f"{one} {value} {self._reasons.get(one, '')}".rstrip() for one, value in known.items()))


class CellCosts:
    """What one cell may spend, and has."""

    def __init__(self, costs: Costs | None = None, code: str = "", least: float = 0.0) -> None:
        self._costs = costs
        self._code = code
        self._least = least
        self._reason = ""

    def allowance(self) -> float:
        """How long finding the key may take, in seconds."""
        return _LONGEST if self._costs is None else self._costs.allowance(self._code, self._least)

    def storing(self, seconds: float) -> float:
        """How long taking down what a run left may take, in seconds."""
        return inf if self._costs is None else self._costs.storing(seconds, self._least)

    def does_not_pay(self, reason: str) -> None:
        """Note why a run is not to be looked at again."""
        self._reason = reason

    def key_takes_too_long(self, reason: str) -> None:
        """Note that the key was not found in time; of code that is known to be slow this is remembered."""
        if self._costs is not None and self._costs.is_slow(self._code):
            self._reason = reason

    def settle(self, report: Report, ran: float | None) -> None:
        """Note a run, or, with `ran` None, a hit."""
        if self._costs is None:
            return
        self._costs.spent(report.overhead)
        if ran is None:
            self._costs.restored(report.seconds)
            if report.overhead > report.seconds:
                self._costs.not_worth(self._code, report.seconds, "restoring it takes longer than running it")
            return
        self._costs.ran(self._code, ran, self._least)
        if self._reason and ran >= self._least:
            self._costs.not_worth(self._code, ran, self._reason)


def digest_of_text(text: str) -> str:
    """Twelve hexadecimal digits for the text of a cell."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def _is_inert(node: ast.AST) -> bool:
    """Whether a statement does no more than bind and compare: it calls nothing, and loops over nothing."""
    return all(isinstance(part, _INERT) for part in ast.walk(node))


def hashing_time(values: Mapping[str, Any]) -> float:
    """Estimate the seconds that the digests of values take, from their sizes, without reading them."""
    return sum(_weight(value, 3) for value in values.values())


def _weight(value: Any, depth: int) -> float:
    size = getattr(value, "nbytes", None)
    if type(size) is int:
        return size * 4e-10 if getattr(getattr(value, "dtype", None), "hasobject", False) is False else size * 1e-7
    if isinstance(value, str | bytes | bytearray):
        return len(value) * 1e-9
    if isinstance(value, list | tuple | set | frozenset | dict):
        return _of_container(value, depth)
    usage = getattr(value, "memory_usage", None)
    if usage is not None and type(value).__module__.startswith("pandas"):
        return _of_frame(value)
    inner = getattr(value, "__dict__", None)
    if depth and type(inner) is dict and not isinstance(value, type | ModuleType):
        return sum(_weight(one, depth - 1) for one in list(inner.values())[:50])
    return 1e-6


def _of_container(value: Any, depth: int) -> float:
    count = len(value)
    if not count or not depth:
        return count * 1e-6
    some = []
    for number, one in enumerate(value.values() if isinstance(value, dict) else value):
        if number >= 8:
            break
        some.append(_weight(one, depth - 1) + 3e-7)
    return count * sum(some) / len(some)


def _of_frame(value: Any) -> float:
    try:
        kinds = value.dtypes if hasattr(value, "columns") else [value.dtype]
        objects = sum(str(kind) in ("object", "str", "string") for kind in kinds)
        return len(value) * (objects * 2e-7 + len(list(kinds)) * 4e-9)
    except Exception:  # an estimate only
        return 0.0
