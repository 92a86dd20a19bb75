"""A cell that automatic caching does not look at: quick code, but for the time that it takes."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from nbcache.inspection.explanation import Explanation
from nbcache.notebook.cells.costs import Costs
from nbcache.notebook.cells.report import Report
from nbcache.notebook.display.messages import duration
from nbcache.notebook.display.tables import first_line

__all__ = ["LeftAlone"]


class LeftAlone:
    """A run that is not looked at, but for the time that it takes.

    Parameters
    ----------
    imports : whether it does no more than import
    """

    shared = None

    def __init__(self, code: str, written: str, costs: Costs, least: float, imports: bool = False) -> None:
        self.owner = f"cell {code}"
        self._seconds = 0.0
        self._digest = code
        self._written = written
        self._costs = costs
        self._least = least
        self._imports = imports

    def took(self, seconds: float) -> None:
        """Note how long the run took."""
        self._seconds = seconds
        if self._imports:
            self._costs.passed(seconds)
        else:
            self._costs.ran(self._digest, seconds, self._least)

    @cached_property
    def code(self) -> Written:
        """The cell as it was written."""
        return Written(first_line(self._written), self._written)

    @cached_property
    def report(self) -> Report:
        """What became of it, put into words when somebody asks."""
        seconds = self._seconds
        follows = "its next run is kept" if seconds >= self._least else f"less than {duration(self._least)}"
        reason = self._costs.reason(self._digest) or f"it took {duration(seconds)}, {follows}"
        return Report("not cached", "it only imports, and so would a hit" if self._imports else reason, seconds)

    def explain(self, others: object = ()) -> Explanation:
        """Why the cell would be a hit or a miss now."""
        return Explanation(False, (), self.report.reason, self.owner)


class Written(NamedTuple):
    """A cell as it was written: its first line, and all of it."""

    title: str
    source: str
