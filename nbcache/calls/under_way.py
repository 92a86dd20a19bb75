"""A run under way: what it has changed itself, once it is over."""

from __future__ import annotations

from collections.abc import Callable

from nbcache.compute.refresh import in_background
from nbcache.tracking.argument_code import ArgumentCode
from nbcache.tracking.observations.generators.objects import Moving
from nbcache.tracking.origins import Origins
from nbcache.tracking.state import Changes, State


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
        self.changes = Changes({}, ())

    def __enter__(self) -> UnderWay:
        self._drawn_from = Moving(self._state.held)
        self._run = self._origins.begin({**self._state.counted, **self._code.counted()})
        return self

    def __exit__(self, *error: object) -> None:
        try:
            apart = in_background()
            self.changes = self._state.note(self._origins, self._run, apart=apart)
            if self._state.held:
                self.changes = self.changes._replace(drew=self._drawn_from.moved())
            if self._code.note(self._run, apart=apart) or self.changes.mine:
                self._record(self._state)
        finally:
            self._origins.end(self._run)
