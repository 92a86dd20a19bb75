"""Hits whose argument is large: the cost of a key on its content, and whether the content really counts."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import work
from systems import System
from timing import beside_empty_wrapper

from .case import Case, Measure


def _change_array(array: Any) -> Any:
    changed = array.copy()
    changed[len(changed) // 2 + 3] += 1.0
    return changed


def _change_frame(frame: Any) -> Any:
    changed = frame.copy()
    middle = len(changed) // 2 + 3
    changed.iloc[middle, 0] = "changed" if isinstance(changed.iloc[middle, 0], str) else -1.0
    return changed


def _change_polars(frame: Any) -> Any:
    values = frame["a"].to_numpy().copy()
    values[len(values) // 2 + 3] = -1.0
    return frame.with_columns(a=values)


def _change_list(values: Any) -> Any:
    return [*values[: len(values) // 2], -1, *values[len(values) // 2 + 1 :]]


def _change_tree(tree: Any) -> Any:
    changed = copy.deepcopy(tree)
    changed[f"key {len(tree) // 2}"]["id"] = -1
    return changed


def _argument(make: Callable[[], Any], change: Callable[[Any], Any]) -> Measure:
    def measure(system: System, folder: Path) -> dict[str, float]:
        value = make()
        timed = system.decorate(work.size_of, folder)
        timed(value)
        timed(value)
        numbers = beside_empty_wrapper("f(value)", {"f": timed, "value": value})
        stale = _is_stale(system, folder / "stale", value, change(value))
        return numbers | {"stale": stale}

    return measure


def _is_stale(system: System, folder: Path, value: Any, changed: Any) -> float:
    """1 when a changed argument gets the result of the unchanged one."""
    cached = system.decorate(fingerprint_of, folder)
    return float(cached(value) == cached(changed))


def fingerprint_of(value: Any) -> str:
    """A result that is different for every content."""
    import pickle
    import zlib

    plain = value.to_arrow() if hasattr(value, "to_arrow") else value
    return f"{zlib.crc32(pickle.dumps(plain, protocol=5))}"


_ARGUMENTS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    # what a hit costs whose arguments can change, beside their digest
    "argument: array of 10 numbers": (lambda: work.array(1)[:10].copy(), _change_array),
    "argument: array 8 MB": (lambda: work.array(8), _change_array),
    "argument: array 256 MB": (lambda: work.array(256), _change_array),
    "argument: frame 1e6 x 8": (lambda: work.frame(1), _change_frame),
    "argument: frame of 1e6 strings": (lambda: work.strings(1), _change_frame),
    "argument: polars 1e6 x 5": (lambda: work.polars_frame(1), _change_polars),
    "argument: list of 1e5 ints": (lambda: work.ints(100_000), _change_list),
    "argument: nested dict of 1e4": (lambda: work.tree(10_000), _change_tree),
}

CASES = [
    Case(name, "T9", _argument(make, change), in_quick="256 MB" not in name, rounds=3)
    for name, (make, change) in _ARGUMENTS.items()
]
