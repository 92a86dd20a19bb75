"""Which containers hold nothing but plain data? They are pickled in one piece, without asking about every element.

Numbers, texts, dates and tuples of them have no identity that anybody could miss, so that it is enough to keep the
identity of the container itself. A list or a dict in it has one, which nobody can miss either while the container is
all that holds it: Python counts the references.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import functools
import pickle
import sys
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from nbcache.hashing.deadline import check

__all__ = ["ATOMIC", "PlainReader", "PlainWriter"]

ATOMIC = frozenset({int, float, str, bool, bytes, complex, type(None)})
"""Of these there is nothing to ask."""

_PLAIN = ATOMIC | {datetime.date, datetime.timedelta, decimal.Decimal, fractions.Fraction}
_CONTAINERS = frozenset({list, dict, set, frozenset, tuple})
_NESTED = frozenset({list, dict})
_LEAST = 256
# A tuple can be in a list that is in it.
_DEPTH = 8
# What Python's own pickler does in a second, roughly.
_RATE = 20_000_000

_Written = tuple[Any, ...]

_holder: list[Any] = [[]]
_level = list(_holder)
# References to what one container holds, where two lists of ours hold it too.
_ONCE = max(map(sys.getrefcount, list(_level)))


class PlainWriter:
    """Pickles the big containers of plain data among the objects of one pickle.

    Attributes
    ----------
    is_all : whether there is nothing else in the pickle but numbers, texts and containers: what loads in any case
    """

    def __init__(self) -> None:
        self.is_all = True
        self._numbers: dict[int, int] = {}
        self._values: list[Any] = []

    def write(self, value: Any) -> _Written | None:
        """Give what stands for a container of plain data; `None` for anything else, and for what is small."""
        if type(value) not in _CONTAINERS or len(value) < _LEAST:
            return None
        known = self._numbers.get(id(value))
        if known is not None:
            return False, known
        check(len(value) / _RATE)
        if not _holds_plain_data(value):
            return None
        number = self._numbers[id(value)] = len(self._values)
        self._values.append(value)
        return False, number, pickle.PickleBuffer(pickle.dumps(value, protocol=5))

    def copied(self, written: Sequence[Any]) -> Any:
        """What reading a container back would give, without the time that takes: its elements are as good."""
        value = self._values[written[1]]
        return value if type(value) is tuple or type(value) is frozenset else value.copy()


class PlainReader:
    """Reads what a `PlainWriter` has written, each container once."""

    def __init__(self) -> None:
        self._read: dict[int, Any] = {}

    def read(self, written: Sequence[Any]) -> Any:
        number = written[1]
        if number not in self._read:
            self._read[number] = pickle.loads(written[2])
        return self._read[number]


def _holds_plain_data(value: Any) -> bool:
    """Tell whether there is nothing below a container but plain data, and lists and dicts that have no other holder."""
    level = [value]
    for depth in range(_DEPTH):
        check(len(level) / _RATE)
        kinds = set(map(type, _parts_of(level)))
        inner = kinds & _NESTED
        if not kinds - _PLAIN - _NESTED - {tuple} <= _scalars():
            return False
        if inner and depth and not _held_once([one for one in level if type(one) is tuple]):
            return False  # whoever else holds the tuple reaches what is in it
        if not inner and tuple not in kinds:
            return True
        level = [part for part in _parts_of(level) if type(part) in _CONTAINERS]
        if inner and not _held_once([part for part in level if type(part) is not tuple]):
            return False
    return False


def _parts_of(containers: list[Any]) -> Iterable[Any]:
    if len(containers) == 1 and type(containers[0]) is not dict:  # the most common, at half of the time
        return containers[0]  # type: ignore[no-any-return]
    dicts = [one for one in containers if type(one) is dict]
    return chain(chain.from_iterable(containers), chain.from_iterable(map(dict.values, dicts)))


def _held_once(values: list[Any]) -> bool:
    """Tell whether nothing but one container, and two lists that were made here, holds each value."""
    return max(map(sys.getrefcount, values), default=0) <= _ONCE


def _scalars() -> frozenset[type]:
    """The scalars of numpy, where that is loaded; of those, only the ones that hold no others."""
    numpy: Any = sys.modules.get("numpy")
    return _scalars_of(numpy) if numpy is not None else frozenset()


@functools.cache
def _scalars_of(numpy: Any) -> frozenset[type]:
    return frozenset(numpy.sctypeDict.values()) - {numpy.object_, numpy.void}
