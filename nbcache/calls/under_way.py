"""A run under way: what it has changed itself, once it is over."""

from __future__ import annotations

from collections.abc import Callable

from nbcache.compute.refresh import in_background
from nbcache.tracking.argument_code import ArgumentCode
from nbcache.tracking.observations.generators.objects import Moving
from nbcache.tracking.origins import Origins, Running
from nbcache.tracking.state import UNCHANGED, State


class UnderWay:
    """A context around a run, which says afterwards what it has changed; a run that fails changes things as well.

    Parameters
    ----------
    state, code : what the function and its arguments rest on
    record : told when something was learnt

    Attributes
    ----------
    changes : filled in at the end
    """

    __slots__ = ("_code", "_drawn_from", "_origins", "_record", "_run", "_state", "changes")

    def __init__(self, origins: Origins, state: State, code: ArgumentCode, record: Callable[[State], None]) -> None:
        self._origins = origins
        self._state = state
        self._code = code
        self._record = record
        self.changes = UNCHANGED

    def __enter__(self) -> UnderWay:
        state, counted = self._state, self._code.counted()
        self._drawn_from = Moving(state.held) if state.held else None
        # where nothing counts by its content, no run can change as what it counts
        self._run = self._origins.begin({**state.counted, **counted}) if state.counted or counted else None
        return self

    def __exit__(self, *error: object) -> None:
        run = self._run
        if run is not None:
            self._note(run)
        if self._drawn_from is not None:
            self.changes = self.changes._replace(drew=self._drawn_from.moved())

    def _note(self, run: Running) -> None:
        try:
            apart = in_background()
            self.changes = self._state.note(self._origins, run, apart=apart)
            if self._code.note(run, apart=apart) or self.changes.mine:
                self._record(self._state)
        finally:
            self._origins.end(run)
