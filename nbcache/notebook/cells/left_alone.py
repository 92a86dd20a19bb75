"""A cell that automatic caching does not look at: quick code, but for the time that it takes."""

from __future__ import annotations

from typing import NamedTuple

from nbcache.inspection.explanation import Explanation
from nbcache.notebook.cells.costs import Costs
from nbcache.notebook.cells.report import Report
from nbcache.notebook.display.messages import duration

__all__ = ["LeftAlone"]


class LeftAlone:
    """A run that is not looked at, but for the time that it takes.

    Parameters
    ----------
    imports : whether it does no more than import
    """

    shared = None

    def __init__(self, code: str, written: str, costs: Costs, least: float, imports: bool = False) -> None:
        self.code = Written(written.strip().partition("\n")[0], written)
        self.owner = f"cell {code}"
        self.report = Report()
        self._digest = code
        self._costs = costs
        self._least = least
        self._imports = imports

    def took(self, seconds: float) -> None:
        """Note how long the run took."""
        self.report.seconds = seconds
        if self._imports:
            self._costs.passed(seconds)
            self.report.reason = "it only imports, and so would a hit"
            return
        self._costs.ran(self._digest, seconds, self._least)
        follows = "its next run is kept" if seconds >= self._least else f"less than {duration(self._least)}"
        self.report.reason = self._costs.reason(self._digest) or f"it took {duration(seconds)}, {follows}"

    def explain(self, others: object = ()) -> Explanation:
        """Why the cell would be a hit or a miss now."""
        return Explanation(False, (), self.report.reason, self.owner)


class Written(NamedTuple):
    """A cell as it was written: its first line, and all of it."""

    title: str
    source: str
