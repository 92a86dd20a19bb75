"""The first hits of a new process, on entries that an earlier process left on disk."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import work
from systems import System
from timing import once

from .case import Case


def _on_disk(system: System) -> bool:
    return system.on_disk


def _fill(function: Callable[..., Any], *arguments: Any) -> Callable[[System, Path], object]:
    def prepare(system: System, folder: Path) -> None:
        cached = system.decorate(function, folder)
        for argument in arguments:
            cached(argument)

    return prepare


def _first_hits(function: Callable[..., Any], argument: Any, *others: Any, read: bool = False) -> Any:
    def measure(system: System, folder: Path) -> dict[str, float]:
        import platformdirs  # noqa: F401 -- every kernel has loaded it before any cell runs

        cached = system.decorate(function, folder)
        # Of what was imported: or it may come in the middle of a hit, and takes ten times as long.
        gc.collect()
        if read:
            return {"time": once(lambda: cached(argument).sum())}
        numbers = {"time": once(lambda: cached(argument)), "again": once(lambda: cached(argument))}
        keys = [once(lambda other=other: cached(other)) for other in others]  # type: ignore[misc]
        return numbers | ({"next key": sorted(keys)[len(keys) // 2]} if keys else {})

    return measure


def _cold(name: str, function: Callable[..., Any], *arguments: Any, read: bool = False, quick: bool = True) -> Case:
    measure = _first_hits(function, *arguments, read=read)
    return Case(name, "T10", measure, _fill(function, *arguments), _on_disk, in_quick=quick)


CASES = [
    _cold("cold: int", work.same_int, *range(7)),
    _cold("cold: array 1 GB", work.array, 1000, quick=False),
    _cold("cold: array 1 GB, read all", work.array, 1000, read=True, quick=False),
    _cold("cold: frame 1e6 x 8", work.frame, 1),
    _cold("cold: frame of 1e6 strings", work.strings, 1),
    _cold("cold: polars 1e6 x 5", work.polars_frame, 1),
    _cold("cold: 1e5 small objects", work.people, 100_000),
]
