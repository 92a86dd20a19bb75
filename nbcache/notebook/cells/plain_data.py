"""Which containers hold nothing but plain data? They are pickled in one piece, without asking about every element.

Numbers, texts, dates and tuples of them have no identity that anybody could miss, so that it is enough to keep the
identity of the container itself.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import functools
import pickle
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from nbcache.hashing.deadline import check

__all__ = ["ATOMIC", "PlainReader", "PlainWriter"]

ATOMIC = frozenset({int, float, str, bool, bytes, complex, type(None)})
"""Of these there is nothing to ask."""

_PLAIN = ATOMIC | {datetime.date, datetime.timedelta, decimal.Decimal, fractions.Fraction}
_CONTAINERS = frozenset({list, dict, set, frozenset, tuple})
_LEAST = 256
# What Python's own pickler does in a second, roughly.
_RATE = 20_000_000

_Written = tuple[Any, ...]


class PlainWriter:
    """Pickles the big containers of plain data among the objects of one pickle."""

    def __init__(self) -> None:
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
    if type(value) is dict:
        return _are_plain(value) and _are_plain(value.values())
    return _are_plain(value)


def _are_plain(values: Iterable[Any]) -> bool:
    kinds = set(map(type, values))
    if tuple in kinds and not all(_are_plain(value) for value in values if type(value) is tuple):
        return False
    others = kinds - _PLAIN - {tuple}
    return not others or others <= _scalars()


def _scalars() -> frozenset[type]:
    """The scalars of numpy, where that is loaded; of those, only the ones that hold no others."""
    numpy: Any = sys.modules.get("numpy")
    return _scalars_of(numpy) if numpy is not None else frozenset()


@functools.cache
def _scalars_of(numpy: Any) -> frozenset[type]:
    return frozenset(numpy.sctypeDict.values()) - {numpy.object_, numpy.void}
