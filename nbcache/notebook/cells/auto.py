"""Automatic caching: which cells, for how long a run, and what became of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcache.engine.policy import Policy
from nbcache.notebook.cells.known import KnownCells
from nbcache.notebook.cells.options import Options

if TYPE_CHECKING:
    from nbcache.notebook.display.tables import Table

__all__ = ["Automatic"]

_MIN_SECONDS = 2.0


class Automatic:
    """Whether cells that nobody marked are cached."""

    def __init__(self, known: KnownCells) -> None:
        self._known = known
        self._chosen: tuple[Options, float] | None = None

    def on(self, min_seconds: float, max_size: int | None, disk: bool, quiet: bool) -> None:
        """Cache every cell that runs `min_seconds` or longer; `max_size` in bytes per cell."""
        self._chosen = Options(policy=Policy(max_size=max_size, disk=disk), quiet=quiet), min_seconds

    def off(self) -> None:
        """Leave cells alone; what is stored stays."""
        self._chosen = None

    def min_seconds(self) -> float:
        """The least time that a cell has to run: the one in force, else two seconds."""
        return self._chosen[1] if self._chosen else _MIN_SECONDS

    def options(self) -> tuple[Options, float] | None:
        """How a cell is to be cached, and the least time it has to run; `None` while turned off."""
        return self._chosen

    def status(self) -> Table:
        """One row per cell that ran: what became of it, the time saved, and why it was not cached."""
        # at the first look: loading the extension stays cheap
        from nbcache.notebook.cells.report import APART, advice
        from nbcache.notebook.display.messages import duration
        from nbcache.notebook.display.tables import Table, cut

        rows = []
        saved = 0.0
        costly = 0
        for owner, cell, report in self._known.rows():
            if cell.code.title.startswith("%cache_"):  # asking is no work
                continue
            gain = report.seconds - report.overhead if report.outcome == "hit" else 0.0
            saved += gain
            hint = advice(report.reason) if report.reason else ""
            if hint == APART and getattr(cell.code, "only_magics", False):  # it is one already
                hint = ""
            remark = "; ".join(filter(None, (report.reason, hint)))
            if report.outcome in ("hit", "stored") and report.overhead > report.seconds:
                costly += 1
                remark = f"costs more than it saves: {duration(report.overhead)} for {duration(report.seconds)}"
            rows.append(
                (
                    owner.removeprefix("cell "),
                    cut(cell.code.title, 40),
                    report.outcome,
                    duration(report.seconds),
                    duration(gain) if gain > 0 else "",
                    remark,
                )
            )
        state = f"on, for cells that take {duration(self._chosen[1])} or more" if self._chosen else "off"
        caption = f"Automatic caching is {state}."
        if saved > 0:
            caption += f" {duration(saved)} saved."
        if costly:
            caption += f" {costly} cell{' costs' if costly == 1 else 's cost'} more to cache than to run."
        if not rows:
            return Table((), (), caption)
        return Table(("cell", "begins with", "last run", "took", "saved", "remark"), tuple(rows), caption, left=6)
