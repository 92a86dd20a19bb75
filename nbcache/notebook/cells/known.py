"""The cached cells of a shell, as other magics speak of them: by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from nbcache.errors import UnknownNameError

if TYPE_CHECKING:
    from nbcache.entries.entry import Address
    from nbcache.inspection.explanation import Explanation
    from nbcache.notebook.cells.cell import CachedCell
    from nbcache.notebook.cells.left_alone import LeftAlone
    from nbcache.notebook.cells.report import Report

    Cell: TypeAlias = CachedCell | LeftAlone

__all__ = ["KnownCells", "explain_cell", "known_cells"]

_KEPT = "_nbcache_cells"


class KnownCells:
    """The cells that ran in one shell, the latest run of each."""

    def __init__(self) -> None:
        self._latest: dict[str, Cell] = {}
        self._unnamed: dict[str, LeftAlone] = {}
        self._shared: dict[str, dict[Address, None]] = {}

    def add(self, cell: Cell) -> None:
        """Remember a run, in place of an earlier one of the same cell."""
        self._name()
        self._put(cell)
        if cell.shared is not None:
            self._shared.setdefault(cell.owner, {})[cell.shared] = None

    def add_left_alone(self, cell: LeftAlone) -> None:
        """Remember a run that was not looked at; it gets its name when somebody asks."""
        self._unnamed.pop(cell.written, None)
        self._unnamed[cell.written] = cell

    def find(self, owner: str) -> Cell | None:
        """The latest run of the cell of that name."""
        self._name()
        return self._latest.get(owner)

    def shared(self, owner: str) -> list[Address]:
        """The entries of equal cells of another name that have answered the cell of this one, the latest first."""
        return list(reversed(self._shared.get(owner, {})))

    def rows(self) -> list[tuple[str, Cell, Report]]:
        """Owner, cell and report of every cell, in the order of their latest runs."""
        self._name()
        return [(owner, cell, cell.report) for owner, cell in self._latest.items()]

    def _name(self) -> None:
        while self._unnamed:
            self._put(self._unnamed.pop(next(iter(self._unnamed))))

    def _put(self, cell: Cell) -> None:
        self._latest.pop(cell.owner, None)
        self._latest[cell.owner] = cell


def known_cells(shell: Any) -> KnownCells:
    """The cells that ran in this shell."""
    known: KnownCells | None = getattr(shell, _KEPT, None)
    if known is None:
        known = KnownCells()
        setattr(shell, _KEPT, known)
    return known


def explain_cell(shell: Any, owner: str) -> Explanation:
    """Why the cell of that owner would be a hit or a miss if it ran now.

    Raises
    ------
    UnknownNameError
        It has not run in this kernel, so that its code is not known.
    """
    known = known_cells(shell)
    cell = known.find(owner)
    if cell is None:
        raise UnknownNameError(f"{owner} has not run in this kernel; run it once, so that its code is known.")
    return cell.explain(known.shared(owner))
