"""Which object is it, where its content cannot be read: another one under the same name is a change.

The first object of a session stands for the first one of any other session, since nothing can be compared over a
restart; every other object has a mark of its own, which no other process ever gives.
"""

from __future__ import annotations

import gc
import os
import threading
import weakref
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import is_
from types import FunctionType, ModuleType, SimpleNamespace

from nbcache.tracking.packages import is_users

#: What has no content at all: one is as good as another.
WITHOUT_CONTENT = frozenset((type(threading.Lock()), type(threading.RLock())))
#: Containers, beside which parts of the user's objects are looked for.
_MAPPINGS = frozenset((dict, OrderedDict, defaultdict))
_SEQUENCES = frozenset((list, tuple, set, frozenset, deque))
HOLDERS: tuple[type, ...] = (*_MAPPINGS, *_SEQUENCES, SimpleNamespace)
_PLACES = 4096
_OBJECTS = 4
_MOST_PARTS = 1000

Known = tuple[list[Callable[[], object]], bytes]
_known: OrderedDict[tuple[int, str], list[Known]] = OrderedDict()


def mark_of(place: tuple[int, str], values: Sequence[object]) -> bytes:
    """Tell these very objects from all others that were met at a place; empty for the first ones.

    Parameters
    ----------
    place : the id of a namespace, and a name that says who looks, and where
    """
    values = [value for value in values if type(value) not in WITHOUT_CONTENT]
    if not values:
        return b""
    known = _known.setdefault(place, [])
    for references, mark in list(known):
        if len(references) == len(values) and all(map(is_, (refer() for refer in references), values)):
            return mark
    mark = os.urandom(16) if known else b""
    known.append(([_reference(value) for value in values], mark))
    del known[:-_OBJECTS]
    if len(_known) > _PLACES:
        _known.popitem(last=False)
    return mark


def library_parts(value: object) -> Iterator[object]:
    """Yield what a value of the user's holds of other people's objects; those are not looked into."""
    pending, met = [value], {id(value): value}
    while pending and len(met) <= _MOST_PARTS:
        item = pending.pop()
        kind = type(item)
        if kind in _MAPPINGS:
            inside = [*item, *item.values()]  # type: ignore[misc,attr-defined]
        elif kind in _SEQUENCES:
            inside = list(item)  # type: ignore[call-overload]
        elif kind is SimpleNamespace:
            inside = list(vars(item).values())
        elif item is value and not is_users(kind):
            continue
        elif is_users(kind):
            inside = [part for part in gc.get_referents(item) if part is not kind]
        else:
            if not issubclass(kind, FunctionType | ModuleType | type):
                yield item
            continue
        pending += [part for part in inside if id(part) not in met and not met.update({id(part): part})]


def _reference(value: object) -> Callable[[], object]:
    """Refer to an object, without keeping it alive where it allows that: an id alone may be given to another."""
    try:
        return weakref.ref(value)
    except TypeError:
        return partial(_itself, value)


def _itself(value: object) -> object:
    return value
