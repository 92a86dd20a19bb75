"""Does a value ever end? What a class makes of itself when it is looked at may be new each time, without end.

Pickle stops where the stack ends. A walk has no stack, and would go on until memory is full. Values that are there, in
however long a chain, are the same objects whenever one looks; those that are made by looking are not.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from nbcache.hashing.immutable import ATOMS

_EVERY = 512
_WIDE = 1 << 12
_SAMPLES = 4
_STEPS = 24
_SEQUENCES: frozenset[type] = frozenset((tuple, list, set, frozenset, deque))
_MAPPINGS: frozenset[type] = frozenset((dict, OrderedDict, defaultdict))

Parts = Callable[[Any], Iterable[Any]]
"""Gives what a value consists of, by the rules of its class; nothing for a value that has other rules."""


def worth_a_look(depth: int, level: list[Any]) -> bool:
    """Tell whether a level is so deep, or so wide, that it may be one of a walk that does not end."""
    return (depth > 0 and depth % _EVERY == 0) or (len(level) > _WIDE and depth > 2)


def without_end(level: list[Any], parts: Parts) -> list[Any]:
    """Give the values, of some of a level, that do not end: a look makes a new object, a look at that another."""
    return [value for value in islice(_objects(level[:_SAMPLES]), _SAMPLES) if _goes_on(value, parts)]


def _goes_on(value: object, parts: Parts) -> bool:
    """Look twice, and go where both looks lead: what is there is the same object, and what a look makes is not."""
    one = other = value
    for _ in range(_STEPS):
        both = zip(_objects(parts(one)), _objects(parts(other)), strict=False)
        made = [pair for pair in both if pair[0] is not pair[1]]
        if not made:
            return False
        one, other = next((pair for pair in made if type(pair[0]) is type(value)), made[0])
    return True


def _objects(values: Iterable[Any], depth: int = 5) -> Iterable[Any]:
    """Yield the objects that lie at most so deep in containers."""
    for value in islice(values, 100):
        kind = type(value)
        if kind in _SEQUENCES or kind in _MAPPINGS:
            if depth:
                yield from _objects(value.values() if kind in _MAPPINGS else value, depth - 1)
        elif kind not in ATOMS:
            yield value
