"""How much time do the hits of a cell save that repeats calls to measure them?

`%timeit foo(1)` calls `foo` a hundred thousand times, and nobody would have waited for as many computations. In a cell
with `timeit` in it, each result saves its time once.
"""

from __future__ import annotations

from typing import Any

from nbcache import registry
from nbcache.engine.slot import Slot

__all__ = ["Measured"]


class Measured:
    """Follows the cells of one shell."""

    def __init__(self) -> None:
        self._before: dict[Slot, int] | None = None

    def begin(self, info: Any) -> None:
        """A cell begins."""
        self._before = None
        if "timeit" in (getattr(info, "raw_cell", None) or ""):
            self._before = registry.the_cache().slots.hits_by_slot() if registry.opened() else {}

    def end(self, _: Any = None) -> None:
        """A cell has ended."""
        if self._before is not None and registry.opened():
            registry.the_cache().slots.save_once(self._before)
        self._before = None
