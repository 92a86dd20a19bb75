"""A cell that automatic caching does not look at: quick code, but for the time that it takes."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from nbcache.inspection.explanation import Explanation
from nbcache.notebook.cells.costs import Costs, digest_of_text
from nbcache.notebook.cells.report import Report
from nbcache.notebook.cells.syntax.quickness import IMPORTS, QUICK, Quickness
from nbcache.notebook.display.messages import duration
from nbcache.notebook.display.tables import first_line

__all__ = ["LeftAlone"]


class LeftAlone:
    """A run that is not looked at, but for the time that it takes.

    Parameters
    ----------
    text : what its text tells: of quick code nothing more is to be learnt, unless it proves slow
    """

    shared = None

    def __init__(self, written: str, costs: Costs, least: float, text: Quickness) -> None:
        self._seconds = 0.0
        self.written = written
        self._costs = costs
        self._least = least
        self._text = text

    def took(self, seconds: float) -> None:
        """Note how long the run took."""
        self._seconds = seconds
        if self._text == IMPORTS or (self._text == QUICK and seconds < self._least):
            self._costs.passed(seconds)
        else:
            self._costs.ran(self._digest, seconds, self._least)

    @cached_property
    def _digest(self) -> str:
        return digest_of_text(self.written)

    @property
    def owner(self) -> str:
        """The name by which magics know it."""
        return f"cell {self._digest}"

    @cached_property
    def code(self) -> Written:
        """The cell as it was written."""
        return Written(first_line(self.written), self.written)

    @cached_property
    def report(self) -> Report:
        """What became of it, put into words when somebody asks."""
        seconds = self._seconds
        follows = "its next run is kept" if seconds >= self._least else f"less than {duration(self._least)}"
        reason = self._costs.reason(self._digest) or f"it took {duration(seconds)}, {follows}"
        return Report("not cached", "it only imports, and so would a hit" if self._text == IMPORTS else reason, seconds)

    def explain(self, others: object = ()) -> Explanation:
        """Why the cell would be a hit or a miss now."""
        return Explanation(False, (), self.report.reason, self.owner)


class Written(NamedTuple):
    """A cell as it was written: its first line, and all of it."""

    title: str
    source: str
