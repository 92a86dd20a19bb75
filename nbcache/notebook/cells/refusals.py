"""What speaks against caching a cell: its text, what earlier runs of it have shown, and what this run did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbcache import registry
from nbcache.notebook.cells.code import CellCode, cell_owner
from nbcache.notebook.cells.driving import in_event_loop
from nbcache.notebook.cells.effects.called_functions import of_functions
from nbcache.notebook.cells.effects.commands import reading_all
from nbcache.notebook.cells.effects.registrations import changed_by_magics
from nbcache.notebook.cells.effects.remembered import asks_for, note
from nbcache.notebook.cells.effects.static_effects import of_libraries
from nbcache.notebook.cells.options import Options
from nbcache.notebook.cells.run import CellRun
from nbcache.notebook.cells.shown import skipped
from nbcache.notebook.display.messages import duration

__all__ = ["Refusals"]

_SESSION = "the session"


class Refusals:
    """The reasons for which one cell is not cached.

    Parameters
    ----------
    least : the shortest run that is kept, in seconds; `None` for a cell that the user has marked, which is cached
        although a hit does not repeat all that it does
    """

    def __init__(self, code: CellCode, options: Options, namespace: dict[str, Any], least: float | None) -> None:
        self._code = code
        self._options = options
        self._namespace = namespace
        self._least = least

    def before(self) -> str:
        """Say why the cell is never cached as it is; empty when it can be."""
        names = self._code.names
        if names.whole and self._options.inputs is None:
            return names.whole
        if names.asks:
            return names.asks
        if self._options.outputs is None and (state := self._refused_state() or self._learnt()):
            return f"it changes the session ({state[0]})"
        if self._least is not None and isinstance(does := reading_all(names.commands, names.scripts), str):
            return does
        if asked := asks_for(self._code.nodes, self._namespace):
            note(asked, self._options.policy.disk)
            return f"it looks at {asked[0]}.cache_info(), which a hit does not fill"
        if self._code.awaits and not in_event_loop():
            return "it awaits, and no asyncio loop is running"
        return ""

    def after(self, seen: CellRun) -> str:
        """Say why this run is not kept; empty when it is."""
        if self._least is not None and seen.run.seconds < self._least:
            return f"it took {duration(seen.run.seconds)}, less than {duration(self._least)}"
        if seen.recording.error_shown:
            return "it shows an error, which a hit would not show"
        if self._options.outputs is None and (changed := self._changed(seen)):
            self._learn(tuple(changed))  # the next run in this kernel would find it as it leaves it
            return f"it changes {changed[0]}, which a hit would not do"
        if self._options.outputs is None and (state := self._of_what_it_has_bound()):
            return f"it changes the session ({state[0]})"
        if self._least is None:
            return ""
        return seen.effects() or ("it shows a widget" if seen.recording.live_widget else "")

    def not_repeated(self, seen: CellRun) -> str:
        """What the run did that a hit will not do again."""
        return ", ".join(skipped(seen.effects(), self._state(), seen.draws_unseeded()))

    def _changed(self, seen: CellRun) -> list[str]:
        """What it left in the process; what magics such as `%cd` do in a marked cell is said, and not repeated."""
        said = changed_by_magics(self._code.names.state) if self._least is None else frozenset()
        return [what for what in seen.changed_session() if what not in said]

    def _refused_state(self) -> list[str]:
        return [what for what in self._state() if self._least is not None or not what.startswith("%")]

    def _state(self) -> Sequence[str]:
        """What the cell changes that is not the notebook's, as far as its text tells."""
        own = of_libraries(self._code.names, self._namespace)
        return [*self._code.names.state, *own, *of_functions(self._code.nodes, self._namespace)]

    def _of_what_it_has_bound(self) -> list[str]:
        """What it changes by functions that it has defined, and in objects that it has made itself."""
        return [
            *of_libraries(self._code.names, self._namespace, True),
            *of_functions(self._code.nodes, self._namespace),
        ]

    def _learnt(self) -> tuple[str, ...]:
        """What an earlier run of this code has shown; empty for nothing."""
        owner = cell_owner(self._code.digest)
        return tuple(registry.the_cache().profiles.get(owner, _SESSION, self._options.policy.disk))

    def _learn(self, shown: tuple[str, ...]) -> None:
        if self._learnt() != shown:
            owner = cell_owner(self._code.digest)
            registry.the_cache().profiles.put(owner, _SESSION, shown, self._options.policy.disk)
