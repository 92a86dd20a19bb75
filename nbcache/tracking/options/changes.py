"""How often was a dict changed: the number that CPython keeps in each dict, and gives anew with every change."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

__all__ = ["changes_of"]

#: After the head of the object and the number of items.
_PLACE = object.__basicsize__ + ctypes.sizeof(ctypes.c_ssize_t)
_CHANGES: tuple[Callable[[dict[Any, Any]], object], ...] = (
    lambda trial: trial.update(a=[1]),
    lambda trial: trial.__setitem__("a", [2]),
    lambda trial: trial.setdefault("b", [3]),
    lambda trial: trial.pop("a"),
    lambda trial: trial.__delitem__("b"),
    lambda trial: trial.update(a=[4], b=[5]),
    lambda trial: trial.popitem(),
    lambda trial: trial.clear(),
)


def changes_of(mapping: dict[Any, Any]) -> ctypes.c_uint64:
    """The number of a dict, whose `value` is another after each change. It does not keep the dict alive.

    Raises
    ------
    LookupError
        This Python keeps no such number.
    """
    if not _are_counted():
        raise LookupError("no dict has a number here")
    return ctypes.c_uint64.from_address(id(mapping) + _PLACE)


@cache
def _are_counted() -> bool:
    if sys.implementation.name != "cpython" or dict.__basicsize__ < _PLACE + 8:
        return False
    trial: dict[Any, Any] = {}
    number = ctypes.c_uint64.from_address(id(trial) + _PLACE)
    met = {number.value}
    for change in _CHANGES:
        before = number.value
        change(trial)
        met.add(number.value)
        if number.value == before:
            return False
    return len(met) == len(_CHANGES) + 1
