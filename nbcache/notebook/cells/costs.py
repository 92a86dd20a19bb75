"""Is it worth looking at a cell: what automatic caching spends on cells, and which are left alone.

Code that ran quickly, and code whose result costs more to restore than to compute, is run without being looked at,
until it proves slow. There are two accounts, so that neither uses up the other's time:

- Looks at code that turns out quick are paid from a small share of the time that this session's cells would have taken.
  One look may take half of what is there; where nothing is, new code is left alone.
- A slow cell earns what its key, keeping it and restoring it take: a share of its own time, and what earlier slow cells
  have left of theirs.

The key of code that is known to be slow may take a share of its own time as well, and a quarter once it was kept. What
was quick, and what did not pay, is remembered by later sessions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from math import inf
from time import perf_counter
from typing import TYPE_CHECKING

from nbcache.notebook.cells.syntax.quickness import IMPORTS, QUICK, Quickness

if TYPE_CHECKING:
    from nbcache.notebook.cells.report import Report

__all__ = ["CellCosts", "Costs", "digest_of_text"]

# The shares of the two accounts: looks at new code, and slow cells.
_LOOKS = 0.02
_SHARE = 0.04
# Less is never given: a busy machine takes so long for a key of nothing.
_LEAST = 0.05
# What a session may spend on either account before its cells have taken any time.
_CREDIT = 0.2
# Taking down what a run left may take this share of it, and so much where earlier runs took less: restoring it will
# take about half as long.
_STORING = 0.12
_STORING_AT_MOST = 0.2
# The key of slow code may take this share of its run, and more where an earlier run was kept, so that a hit is likely.
_SLOW = 0.05
_KEPT = 0.25
# What did not pay is tried again when it takes so many times as long.
_AGAIN = 4
_WAS_KEPT = "kept"
_REMEMBERED = 2000
# So many new quick cells are saved at once, and fewer where so many seconds went into looking at them.
_AT_ONCE = 5
_DEAR = 0.02
# Code that ran for this share of the least time is quick; what takes longer may reach it the next time.
_QUICK = 0.75
# A cell that is to be kept for so short a time is looked at whatever its text tells.
_LOOKS_AT_ALL = 0.1
# No key takes longer than this, also that of a cell which the user has marked.
_LONGEST = 60.0


class Costs:
    """What is known of the cells of one session, by the text of their code.

    Parameters
    ----------
    load, save : what earlier sessions learnt: texts of "digest seconds reason"; the seconds are below 0 where a run of
        that length did not pay, and 0 for quick code; of slow code the reason says that it was kept
    """

    def __init__(
        self, load: Callable[[], Iterable[str]] = tuple, save: Callable[[tuple[str, ...]], None] = lambda _: None
    ) -> None:
        self._load = load
        self._save = save
        self._quick: set[str] = set()
        self._slow: dict[str, float] | None = None
        self._unsaved = 0
        self._unsaved_looks = 0.0
        self._reasons: dict[str, str] = {}
        self._ran = 0.0
        self._looked = 0.0
        self._kept = 0.0
        self._loaded = False

    def text_tells(self, text: Quickness, least: float) -> bool:
        """Whether the text of a cell is enough to leave it alone; see `left_alone`.

        What earlier sessions learnt is loaded for code that may be slow: a session of quick cells does without it.
        """
        return ((text == QUICK and not self._slow) or text == IMPORTS) and least >= _LOOKS_AT_ALL

    def left_alone(self, code: str, text: Quickness, least: float) -> bool:
        """Whether a cell is run without being looked at.

        Parameters
        ----------
        text : what its text tells
        least : the shortest time for which a cell is kept; a short one means that everything is to be looked at
        """
        if least < _LOOKS_AT_ALL:
            return False
        if self.text_tells(text, least):
            return True
        known = self._known().get(code)
        if known is not None or code in self._quick:
            return known is None or known <= 0.0
        return text == QUICK or self._looked > _CREDIT + _LOOKS * self._ran

    def allowance(self, code: str, least: float) -> float:
        """How long finding the key of a cell may take, in seconds."""
        if least < _LOOKS_AT_ALL:
            return _LONGEST / 10
        took = self._known().get(code, 0.0)
        share = _KEPT if self._reasons.get(code) == _WAS_KEPT else _SLOW
        return max(_LEAST, (_CREDIT + _LOOKS * self._ran - self._looked) / 2, took * share)

    def storing(self, seconds: float, least: float) -> float:
        """How long taking down what a run left may take, in seconds."""
        if least < _LOOKS_AT_ALL:
            return _LONGEST / 10
        left = _CREDIT + _SHARE * (self._ran + seconds) - self._kept
        return max(_LEAST, min(left, _STORING_AT_MOST * seconds), _STORING * seconds)

    def ran(self, code: str, seconds: float, least: float, kept: bool = False) -> None:
        """Note how long a run took, and whether it was kept."""
        self._ran += seconds
        if seconds >= max(least, _LOOKS_AT_ALL):
            self._quick.discard(code)
            if seconds >= -_AGAIN * self._known().get(code, 0.0):
                self._learn(code, seconds, _WAS_KEPT if kept or self._reasons.get(code) == _WAS_KEPT else "")
        elif seconds < least * _QUICK and code not in self._quick:
            self._quick.add(code)
            self._unsaved += 1
            if self._unsaved >= max(_AT_ONCE, len(self._quick) // 4):
                self._save_all()

    def passed(self, seconds: float) -> None:
        """Note that a run of that length was saved, failed, or was told by its text: nothing is learnt of its code."""
        self._ran += seconds

    def spent(self, seconds: float, earned: bool = False) -> None:
        """Note the time that went into a key, or into storing and restoring.

        What the first cell takes goes into loading nbcache itself; it is paid once, and tells nothing of the next.

        Parameters
        ----------
        earned : whether a slow cell has earned it; else it was a look at code that turned out quick
        """
        if self._loaded and earned:
            self._kept += seconds
        elif self._loaded:
            self._looked += seconds
            self._unsaved_looks += seconds
            if self._unsaved and self._unsaved_looks > _DEAR:
                self._save_all()
        self._loaded = True

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
        """What one cell, which begins now, may spend."""
        return CellCosts(self, code, least)

    def _known(self) -> dict[str, float]:
        if self._slow is None:
            self._slow = {}
            for text in self._load():
                digest, seconds, *reason = text.split(" ", 2)
                if not float(seconds):
                    self._quick.add(digest)
                    continue
                self._slow[digest] = float(seconds)
                self._reasons[digest] = "".join(reason)
        return self._slow

    def _learn(self, code: str, seconds: float, reason: str = "") -> None:
        known = self._known()
        before, reason_before = known.pop(code, None), self._reasons.get(code, "")
        known[code] = round(seconds, 3)
        self._reasons[code] = reason
        while len(known) > _REMEMBERED:
            oldest = next(iter(known))
            del known[oldest]
            self._reasons.pop(oldest, None)
        if before is None or before * seconds <= 0 or not 0.5 <= seconds / before <= 2 or reason != reason_before:
            self._save_all()

    def _save_all(self) -> None:
        self._unsaved, self._unsaved_looks = 0, 0.0
        known = [f"{one} {value} {self._reasons.get(one, '')}".rstrip() for one, value in self._known().items()]
        self._save((*known, *(f"{one} 0" for one in sorted(self._quick)[:_REMEMBERED])))


class CellCosts:
    """What one cell, which begins now, may spend.

    Attributes
    ----------
    waited : for how long it has waited for another process that computed it, in seconds: no cost of restoring it
    """

    def __init__(
        self,
        costs: Costs | None = None,
        code: str = "",
        least: float = 0.0,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self._costs = costs
        self._code = code
        self._least = least
        self._reason = ""
        self._clock = clock
        self._began = clock()
        self.waited = 0.0

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

    def settle(self, report: Report) -> None:
        """Note what became of the cell: whatever it took beside its own run was spent."""
        if self._costs is None:
            return
        took = self._clock() - self._began - self.waited
        if report.outcome == "hit":
            report.overhead = took
            self._costs.passed(report.seconds)
            if took > report.seconds:
                self._costs.not_worth(self._code, report.seconds, "restoring it takes longer than running it")
        else:
            report.overhead = max(0.0, took - report.seconds)
            if report.outcome == "failed":
                self._costs.passed(report.seconds)
            else:
                self._costs.ran(self._code, report.seconds, self._least, report.outcome == "stored")
                if self._reason and report.seconds >= self._least:
                    self._costs.not_worth(self._code, report.seconds, self._reason)
        self._costs.spent(report.overhead, report.outcome == "hit" or report.seconds >= self._least)


def digest_of_text(text: str) -> str:
    """Twelve hexadecimal digits for the text of a cell."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
