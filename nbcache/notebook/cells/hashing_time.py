"""How long will it take to hash some values? Estimated from their sizes and a few of their parts, without reading them.

The figures are seconds that were measured, and doubled: an estimate that is too low costs no more than a deadline, one
that is too high leaves a cell uncached.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

__all__ = ["hashing_time"]

_NUMBERS = frozenset((int, float, bool, complex, type(None)))
_NUMBER = 4e-8
_TEXT = 8e-8
_CHARACTER = 1e-9
_BYTE = 1e-10
# An object of an array, whatever it is.
_ELEMENT = 1e-7
_CONTAINER = 2e-7
# The members of a set are put into order, which numbers need not be.
_MEMBER = 3e-7
_OBJECT = 1e-6
# Scalars of numpy, dates and the like, which are hashed by what pickle makes of them.
_SCALAR = 5e-6
_LOOKED_AT = 8
_ATTRIBUTES = 50
_DEPTH = 3


def hashing_time(values: Mapping[str, Any]) -> float:
    """Estimate the seconds that the digests of values take."""
    return sum(_weight(value, _DEPTH) for value in values.values())


def _weight(value: Any, depth: int) -> float:
    kind = type(value)
    if kind in _NUMBERS:
        return _NUMBER
    if kind is str:
        return _TEXT + len(value) * _CHARACTER
    if isinstance(value, bytes | bytearray | memoryview):
        return _TEXT + len(value) * _BYTE
    if isinstance(value, list | tuple | set | frozenset | dict):
        return _of_container(value, depth)
    size = getattr(value, "nbytes", None)
    if type(size) is int:
        return _of_array(value, size)
    if getattr(value, "memory_usage", None) is not None and kind.__module__.startswith("pandas"):
        return _of_frame(value)
    inner = getattr(value, "__dict__", None)
    if type(inner) is not dict or isinstance(value, type | ModuleType):
        return _OBJECT
    return _OBJECT + (sum(_weight(one, depth - 1) for one in list(inner.values())[:_ATTRIBUTES]) if depth else 0.0)


def _of_container(value: Any, depth: int) -> float:
    count = len(value)
    if not count or not depth:
        return _CONTAINER + count * _OBJECT
    some = [_weight(one, depth - 1) for _, one in zip(range(_LOOKED_AT), value, strict=False)]
    if isinstance(value, dict):
        some += [_weight(one, depth - 1) for _, one in zip(range(_LOOKED_AT), value.values(), strict=False)]
        count *= 2
    one = sum(some) / len(some)
    return _CONTAINER + count * (one + (_MEMBER if isinstance(value, set | frozenset) and one > _NUMBER else 0.0))


def _of_array(value: Any, size: int) -> float:
    if getattr(getattr(value, "dtype", None), "hasobject", False) is not False:
        return _CONTAINER + int(getattr(value, "size", size)) * _ELEMENT
    return (_CONTAINER if getattr(value, "shape", None) else _SCALAR) + size * _BYTE


def _of_frame(value: Any) -> float:
    try:
        kinds = value.dtypes if hasattr(value, "columns") else [value.dtype]
        objects = sum(str(kind) in ("object", "str", "string") for kind in kinds)
        return _OBJECT + len(value) * (objects * _ELEMENT + len(list(kinds)) * 8 * _BYTE)
    except Exception:  # an estimate only
        return 0.0
