"""How much time do the hits of a cell save that repeats calls to measure them?

`%timeit foo(1)` calls `foo` a hundred thousand times, and nobody would have waited for as many computations. In a cell
with `timeit` in it, each result saves its time once.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["Measured"]


class Measured:
    """Follows the cells of one shell; loads nothing that is not there already."""

    def __init__(self) -> None:
        self._before: Mapping[Any, int] | None = None

    def begin(self, info: Any) -> None:
        """A cell begins."""
        self._before = None
        if "timeit" in (getattr(info, "raw_cell", None) or ""):
            slots = _slots()
            self._before = {} if slots is None else slots.hits_by_slot()

    def end(self, _: Any = None) -> None:
        """A cell has ended."""
        before, self._before = self._before, None
        if before is not None and (slots := _slots()) is not None:
            slots.save_once(before)


def _slots() -> Any:
    registry: Any = sys.modules.get("nbcache.registry")
    return registry.the_cache().slots if registry is not None and registry.opened() else None
