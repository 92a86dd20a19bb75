"""Arrays that lie in one memory: found, taken apart as one memory and views of it, and laid there again.

Pickle copies each array by itself, so that a view would come back as a copy that no later change of the whole reaches.
A first pass notes the arrays that a value holds; where some of them overlap, a second one writes them as views.
"""

from __future__ import annotations

import array as typed
import ctypes
import sys
from collections.abc import Callable, Iterable
from pickle import PickleBuffer, PicklingError
from typing import Any

from nbcache.entries.guests import INLINE_BELOW

__all__ = [
    "Overlaps",
    "bounds",
    "exporter_of",
    "laid_out",
    "lay",
    "lay_over",
    "memory",
    "one_memory",
    "owned",
    "place_of",
    "reduced_array",
]

_Span = tuple[int, int]
EXPORTERS = (bytearray, typed.array)
"""What arrays may lie in that is no array, and is written with all that it holds."""


class Overlaps:
    """The arrays of one pickle, and those that are there already.

    Parameters
    ----------
    there : arrays that a stored value refers to instead of holding them
    """

    def __init__(self, there: Iterable[Any]) -> None:
        self._there = [(bounds(array), array) for array in there]
        self._met: dict[tuple[Any, ...], list[Any]] = {}
        self._owners: set[int] = set()
        self._apart: set[int] = set()
        self._plans: dict[tuple[Any, ...], Callable[[Any], tuple[Any, ...]]] = {}
        self._kept: list[Any] = []

    def leave(self, array: Any) -> None:
        """Write an array by itself, whatever it shares with others."""
        self._apart.add(id(array))
        self._kept.append(array)

    def leaves(self, array: Any) -> bool:
        return id(array) in self._apart

    def meet(self, array: Any) -> tuple[Any, ...] | None:
        """How to write an array that shares memory; `None` for one that does not, or in the first pass."""
        if id(array) in self._apart or id(array) in self._owners or not array.nbytes:
            return None
        known = _key(array)
        if known in self._plans:
            return self._plans[known](array)
        if isinstance(exporter := exporter_of(array), EXPORTERS) and not self._is_there(bounds(array)):
            return _over(array, exporter)
        twins = self._met.setdefault(known, [])
        if not any(array is one for one in twins):
            twins.append(array)
        return None

    def _is_there(self, span: _Span) -> bool:
        return any(first < span[1] and span[0] < last for (first, last), _ in self._there)

    def plan(self) -> bool:
        """After the first pass: find what overlaps. False when nothing does."""
        spans = [(bounds(array), array, True) for twins in self._met.values() for array in twins]
        spans += [(span, array, False) for span, array in self._there if span[1] > span[0]]
        spans.sort(key=lambda one: one[0])
        group: list[tuple[_Span, Any, bool]] = []
        end = 0
        for one in spans:
            if group and one[0][0] >= end:
                self._plan_group(group)
                group = []
            group.append(one)
            end = max(end, one[0][1]) if len(group) > 1 else one[0][1]
        self._plan_group(group)
        return bool(self._plans)

    def _plan_group(self, group: list[tuple[_Span, Any, bool]]) -> None:
        new = [(span, array) for span, array, is_new in group if is_new]
        if not new or len(group) < 2:
            return
        whole = (min(span[0] for span, _, _ in group), max(span[1] for span, _, _ in group))
        there = [(span, array) for span, array, is_new in group if not is_new]
        wholes = [array for span, array in new if span == whole and array.flags.c_contiguous]
        owner = next((array for array in wholes if array.flags.owndata), wholes[0] if wholes else None)
        shared = None
        for span, array in new:
            holder = next((one for place, one in there if place[0] <= span[0] and span[1] <= place[1]), None)
            if holder is None and there:
                raise PicklingError("an array that shares part of the memory of another")
            if holder is None and array is owner:
                self._owners.add(id(array))
                self._plans[_key(array)] = _written(array, _address(array))  # another one of the very same layout
                continue
            if holder is None and owner is None:
                if array.dtype.hasobject:
                    raise PicklingError("views of an array of objects that no longer exists")
                shared = shared or _Memory(*whole)
            base = holder if holder is not None else owner if owner is not None else shared
            self._plans[_key(array)] = _written(base, whole[0] if base is shared else _address(base))


def _written(base: Any, start: int) -> Callable[[Any], tuple[Any, ...]]:
    def written(array: Any) -> tuple[Any, ...]:
        offset = _address(array) - start
        return lay, (base, offset, array.dtype, array.shape, array.strides, array.flags.writeable)

    return written


def exporter_of(array: Any) -> Any:
    """The object that is no array and that an array lies in; None for one with memory of its own."""
    while array is not None and hasattr(type(array), "__array_interface__") and hasattr(type(array), "base"):
        array = array.base
        if type(array) is memoryview:
            array = array.obj
    return array


def _over(array: Any, exporter: Any) -> tuple[Any, ...]:
    import numpy

    offset = _address(array) - _address(numpy.frombuffer(exporter, "u1"))
    return lay_over, (exporter, offset, array.dtype, array.shape, array.strides, array.flags.writeable)


def lay_over(
    exporter: Any, offset: int, dtype: Any, shape: tuple[int, ...], strides: tuple[int, ...], writable: bool
) -> Any:
    """Lay an array into the memory of a bytearray or of an array of Python's."""
    import numpy

    made = numpy.ndarray(shape, dtype, exporter, offset, strides)
    if not writable:
        made.flags.writeable = False
    return made


def _key(array: Any) -> tuple[Any, ...]:
    return _address(array), array.shape, array.strides, array.dtype, type(array), array.flags.writeable


def _address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])


def bounds(array: Any) -> _Span:
    """The addresses between which the elements of an array lie."""
    if not array.nbytes:
        return 0, 0
    start = stop = _address(array)
    if array.flags.c_contiguous:
        return start, start + int(array.nbytes)
    for length, stride in zip(array.shape, array.strides, strict=True):
        start += min(0, (length - 1) * stride)
        stop += max(0, (length - 1) * stride)
    return start, stop + array.itemsize


def place_of(value: Any) -> tuple[_Span, int] | None:
    """Between which addresses an array, a tensor or a bytearray lies, and where its first element is; or None."""
    if isinstance(value, EXPORTERS):
        if not len(value):
            return None
        numpy: Any = sys.modules.get("numpy")
        return None if numpy is None else place_of(numpy.frombuffer(value, "u1"))
    if hasattr(type(value), "__array_interface__"):
        return bounds(value), _address(value)
    try:
        step, start = value.element_size(), value.data_ptr()
        last = sum((length - 1) * stride for length, stride in zip(value.shape, value.stride(), strict=True))
    except (AttributeError, RuntimeError, NotImplementedError):  # a sparse one, or one that holds nothing
        return None
    return ((start, start + (last + 1) * step) if value.numel() else (0, 0)), start


def one_memory(places: list[tuple[_Span, int]]) -> list[tuple[int, int, int]]:
    """Which places overlap: the ranks of two, and the bytes from where the first begins to where the second does.

    Parameters
    ----------
    places : between which addresses something lies, and where its first element is
    """
    spans = [span for span, _ in places]
    return [
        (first, second, places[second][1] - places[first][1])
        for first, one in enumerate(spans)
        for second, other in enumerate(spans[:first])
        if one[0] < other[1] and other[0] < one[1]
    ]


class _Memory:
    """Bytes that several arrays lie in, while none of them is the whole."""

    def __init__(self, start: int, stop: int) -> None:
        self._start = start
        self._length = stop - start

    def __reduce__(self) -> tuple[Any, ...]:
        content = (ctypes.c_char * self._length).from_address(self._start)
        return memory, (bytearray(content),)


def reduced_array(array: Any) -> tuple[Any, ...] | None:
    """Describe an array that owns its memory, so that the one made again does; `None` for any other."""
    flags = array.flags
    if not flags.owndata or array.dtype.hasobject or not array.nbytes or not (flags.c_contiguous or flags.f_contiguous):
        return None
    try:
        buffer = PickleBuffer(array)
    except (ValueError, TypeError, BufferError):  # times are in no buffer
        return None
    content = bytearray(buffer.raw()) if array.nbytes < INLINE_BELOW else buffer
    return owned, (content, array.dtype, array.shape, "C" if flags.c_contiguous else "F", flags.writeable)


def owned(content: Any, dtype: Any, shape: tuple[int, ...], order: Any, writable: bool) -> Any:
    """Make an array with memory of its own, which can be resized, and which is the base of its views."""
    import numpy

    made = numpy.array(laid_out(content, dtype, shape, order), order=order)
    if not writable:
        made.flags.writeable = False
    return made


def laid_out(content: Any, dtype: Any, shape: tuple[int, ...], order: Any, writable: bool = True) -> Any:
    """The same array over the memory that is given: it proves as much, and copies nothing."""
    import numpy

    return numpy.ndarray(shape, dtype, content, order=order)


def memory(content: bytearray) -> Any:
    """Make an array of bytes for others to lie in."""
    import numpy

    return numpy.frombuffer(content, "u1")


def lay(base: Any, offset: int, dtype: Any, shape: tuple[int, ...], strides: tuple[int, ...], writable: bool) -> Any:
    """Lay an array into the memory of another, `offset` bytes from where that begins.

    Raises
    ------
    LookupError
        The other does not lie in memory as it did.
    """
    import numpy

    start = _address(base) + offset
    owner = base
    while isinstance(owner.base, numpy.ndarray):
        owner = owner.base
    first, last = bounds(owner)
    below = sum(min(0, (length - 1) * stride) for length, stride in zip(shape, strides, strict=True))
    above = sum(max(0, (length - 1) * stride) for length, stride in zip(shape, strides, strict=True))
    contiguous = owner.flags.c_contiguous or owner.flags.f_contiguous
    if not contiguous or start + below < first or start + above + dtype.itemsize > last:
        raise LookupError("the memory layout of an array has changed")
    flat = (owner if owner.flags.c_contiguous else owner.T).view(numpy.ndarray).reshape(-1)
    if dtype.hasobject:
        if flat.dtype != dtype or (start - first) % dtype.itemsize:
            raise LookupError("the memory layout of an array has changed")
        made = numpy.lib.stride_tricks.as_strided(flat[(start - first) // dtype.itemsize :], shape, strides)
    else:
        made = numpy.ndarray(shape, dtype, flat.view("u1"), start - first, strides)
    if not writable:
        made.flags.writeable = False
    return made
