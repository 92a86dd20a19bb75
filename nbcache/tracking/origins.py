"""What did a global hold before the function that changes it did: as that it counts, while it is the same object.

A generator of random numbers, a memo, a registry, a colour map that is filled in at its first use: their content moves
with every run, so it cannot be in the key. But another object under the same name is an edit of the user's.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from nbcache.tracking.guards import Place

_REMEMBERED = 1024


class Origin(NamedTuple):
    """What counts for a value that a function changes.

    Attributes
    ----------
    value : gives the value, or None when it is gone
    digest : of its content when it was first seen
    inside : the functions, classes and modules that were in it then
    """

    value: Callable[[], object]
    digest: bytes
    inside: Sequence[object]


_origins: OrderedDict[Place, Origin] = OrderedDict()


def origin(place: Place, value: object, digest: bytes, inside: Sequence[object]) -> Origin:
    """Give what counts for `value`: what it held when it was first seen at this place, or else what it holds now."""
    known = _origins.get(place)
    if known is not None and known.value() is value:
        return known
    return _note(place, Origin(_reference(value), digest, inside))


def carry(place: Place, value: object) -> None:
    """A function has put another object in this place: it counts as the one before."""
    known = _origins.get(place)
    if known is not None and known.value() is not value:
        _note(place, known._replace(value=_reference(value)))


def _note(place: Place, found: Origin) -> Origin:
    _origins[place] = found
    _origins.move_to_end(place)
    if len(_origins) > _REMEMBERED:
        _origins.popitem(last=False)
    return found


def _reference(value: object) -> Callable[[], object]:
    """Refer to a value without keeping it alive, where it allows that."""
    try:
        return weakref.ref(value)
    except TypeError:
        return partial(_itself, value)


def _itself(value: object) -> object:
    return value
