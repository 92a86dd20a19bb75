"""Warm hits in one process: small results, arrays, frames, objects."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import work
from systems import System
from timing import beside_empty_wrapper

from .case import Case, Measure


def _read(array: Any) -> None:
    array.sum()


def _write(array: Any) -> None:
    array += 1.0


def _hit(function: Callable[..., Any], call: str, then: Callable[[Any], Any] | None = None) -> Measure:
    def measure(system: System, folder: Path) -> dict[str, float]:
        names = {"f": system.decorate(function, folder), "then": then}
        # A miss and a first hit: what is set up only once is not part of a warm hit.
        exec(call, dict(names))
        exec(call, dict(names))
        return beside_empty_wrapper(f"then({call})" if then else call, names)

    return measure


def _overwritten(function: Callable[..., Any], call: str) -> Measure:
    """A hit of which every byte is written; with the parameter `copy` too, where there is one."""
    plain = _hit(function, call, _write)

    def measure(system: System, folder: Path) -> dict[str, float]:
        numbers = plain(system, folder)
        if system.module == "nbcache":
            from nbcache import cache_data

            cached = cache_data(persist=system.on_disk, copy=True)(function)
            names = {"f": cached, "then": _write}
            exec(call, dict(names))
            numbers["copied"] = beside_empty_wrapper(f"then({call})", names)["time"]
        return numbers

    return measure


def _case(name: str, row: str, function: Callable[..., Any], call: str, then: Any = None, **more: Any) -> Case:
    return Case(name, row, _hit(function, call, then), **more)


_small = functools.partial(_case, rounds=None)
_big = functools.partial(_case, in_quick=False, rounds=3)

CASES = [
    _small("int", "T1", work.same_int, "f(7)"),
    _small("int, 3 dependencies", "T1", work.with_three_dependencies, "f(7)"),
    _small("int, 20 dependencies", "T1", work.with_twenty_dependencies, "f(7)"),
    _small("dict of 20", "T2", work.twenty, "f('name', 3, flag=True)"),
    _small("nested dict of 20", "T2", work.nested, "f('name')"),
    _small("array 8 MB", "T3", work.array, "f(8)"),
    _small("array 8 MB, read all", "T4", work.array, "f(8)", _read),
    Case("array 8 MB, write all", "T5", _overwritten(work.array, "f(8)")),
    Case("array 256 MB, write all", "T5", _overwritten(work.array, "f(256)"), rounds=3),
    _big("array 1 GB", "T3", work.array, "f(1000)"),
    _big("array 1 GB, read all", "T4", work.array, "f(1000)", _read),
    Case("array 1 GB, write all", "T5", _overwritten(work.array, "f(1000)"), in_quick=False, rounds=3),
    _small("frame 1e6 x 8", "T6", work.frame, "f(1)"),
    _small("frame of 1e6 strings", "T7", work.strings, "f(1)"),
    _small("polars 1e6 x 5", "T7", work.polars_frame, "f(1)", rounds=3),
    _small("1e5 small objects", "T8", work.people, "f(100_000)", rounds=3),
]
