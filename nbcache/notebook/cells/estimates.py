"""How long will it take to hash some values, to walk through them, or to keep them? Estimated from a few parts.

The figures are seconds that were measured, rounded up: an estimate that is too low costs no more than a deadline, one
that is too high leaves a cell uncached.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from types import ModuleType
from typing import Any, NamedTuple

from nbcache.hashing.attributes import attribute_of
from nbcache.tracking.wrappers import inner_functions

__all__ = ["hashing_time", "pickling_time", "walking_time"]

_NUMBERS = frozenset((int, float, bool, complex, type(None)))
# Small ones are made once by Python.
_INTEGERS = frozenset((int, bool))
_DATES = frozenset((date, datetime, timedelta, Decimal, Fraction))
_LOOKED_AT = 8
_ATTRIBUTES = 50
_DEPTH = 16
# In a column of texts, which lie one after the other.
_BYTES_OF_TEXT = 32
_VISITS = 1000


class _Figures(NamedTuple):
    """Seconds for one of each.

    Attributes
    ----------
    element : an object in an array, whatever it is
    container, pair : a list, a dict or a set; a tuple
    member : what a member of a set takes more, for members are put into order
    scalar : a scalar of numpy and the like
    date : a date, a decimal number and the like
    array : an array, beside its bytes
    """

    number: float
    text: float
    character: float
    byte: float
    element: float
    container: float
    pair: float
    member: float
    instance: float
    scalar: float
    date: float
    array: float


_HASHING = _Figures(
    number=4e-8,
    text=8e-8,
    character=1e-9,
    byte=1e-10,
    element=1e-7,
    container=2e-7,
    pair=2e-7,
    member=3e-7,
    instance=1e-6,
    scalar=5e-6,
    date=3e-7,
    array=3e-6,
)
# Lists of numbers are copied, and texts are passed by.
_WALKING = _Figures(
    number=2e-8,
    text=4e-8,
    character=0.0,
    byte=0.0,
    element=0.0,
    container=2e-6,
    pair=5e-7,
    member=1e-7,
    instance=4e-6,
    scalar=1e-6,
    date=7e-7,
    array=8e-6,
)
# Written, and read once for nothing but for plain data; with the file that the bytes go to.
_PICKLING = _Figures(
    number=5e-8,
    text=1.6e-7,
    character=2.4e-9,
    byte=6e-10,
    element=3e-7,
    container=8e-7,
    pair=3e-7,
    member=2e-8,
    instance=5e-6,
    scalar=2e-6,
    date=1.2e-6,
    array=1.5e-5,
)


def hashing_time(values: Iterable[Any]) -> float:
    """Estimate the seconds that the digests of values take."""
    return _Estimate(_HASHING).of(values)


def walking_time(values: Iterable[Any]) -> float:
    """Estimate the seconds that it takes to note what values hold."""
    return _Estimate(_WALKING).of(values)


def pickling_time(values: Iterable[Any], there: Container[int] = ()) -> float:
    """Estimate the seconds that it takes to keep values.

    Parameters
    ----------
    there : the addresses of objects that are only referred to
    """
    return _Estimate(_PICKLING, there).of(values)


class _Estimate:
    """One look at some values: an object that is met again counts once, as for who hashes or pickles it."""

    def __init__(self, figures: _Figures, there: Container[int] = ()) -> None:
        self._figures = figures
        self._there = there
        self._seen: set[int] = set()
        self._left = _VISITS

    def of(self, values: Iterable[Any]) -> float:
        return sum(self._weight(value, _DEPTH) for value in values)

    def _weight(self, value: Any, depth: int) -> float:
        kind, one = type(value), self._figures
        if kind in _NUMBERS:
            return one.number / 2 if kind in _INTEGERS and -6 < value < 257 else one.number
        if kind is str:
            return one.text + len(value) * one.character
        if kind in _DATES:
            return one.date
        if isinstance(value, bytes | bytearray | memoryview):
            return one.text + len(value) * one.byte
        if id(value) in self._seen or id(value) in self._there:
            return one.number
        self._seen.add(id(value))
        self._left -= 1
        if self._left < 0:
            return one.instance
        if isinstance(value, list | tuple | set | frozenset | dict):
            return self._of_container(value, depth)
        if inner_functions(value):  # it counts by code, whatever a compiler keeps beside that
            return one.instance
        try:
            if type(size := attribute_of(value, "nbytes")) is int:
                return self._of_array(value, size)
            if str(kind.__module__).startswith("pandas") and hasattr(value, "memory_usage"):
                return self._of_frame(value)
        except Exception:  # a property of the user's, or another version of a library: an estimate only
            return one.instance
        inner = getattr(value, "__dict__", None)
        if not depth or type(inner) is not dict or isinstance(value, type | ModuleType):
            return one.instance
        return one.instance + sum(self._weight(part, depth - 1) for part in list(inner.values())[:_ATTRIBUTES])

    def _of_container(self, value: Any, depth: int) -> float:
        count = len(value)
        itself = self._figures.pair if isinstance(value, tuple) else self._figures.container
        if not count or not depth:
            return itself + count * self._figures.instance
        parts: Sequence[Any]
        if isinstance(value, dict):
            parts = [*islice(value, _LOOKED_AT), *islice(value.values(), _LOOKED_AT)]
            count *= 2
        else:
            step = -(-count // _LOOKED_AT)  # the first ones may be small
            parts = value[::step] if type(value) is list or type(value) is tuple else list(islice(value, _LOOKED_AT))
        some = [self._weight(part, depth - 1) for part in parts]
        one = sum(some) / len(some)
        if isinstance(value, set | frozenset) and one > self._figures.number:
            one += self._figures.member
        return itself + count * one

    def _of_array(self, value: Any, size: int) -> float:
        one = self._figures
        if getattr(getattr(value, "dtype", None), "hasobject", False) is not False:
            return one.array + int(getattr(value, "size", size)) * one.element
        return (one.array if getattr(value, "shape", None) else one.scalar) + size * one.byte

    def _of_frame(self, value: Any) -> float:
        one = self._figures
        kinds = list(value.dtypes) if hasattr(value, "columns") else [value.dtype]
        objects = sum(str(kind) == "object" for kind in kinds)
        texts = sum(str(kind).startswith("str") for kind in kinds)
        bytes_of_row = 8 * len(kinds) + _BYTES_OF_TEXT * texts
        return one.instance + len(value) * (objects * one.element + bytes_of_row * one.byte)
