"""What was worked out for an object, remembered for this very object."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

__all__ = ["ByIdentity"]

Thing = TypeVar("Thing")
Found = TypeVar("Found")


class ByIdentity(Generic[Thing, Found]):
    """What was found for the last `most` objects, each kept alive under its id.

    Notes
    -----
    For objects that compare equal too easily to serve as keys, such as code. Threads may use it at once: at worst,
    something is worked out twice.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        # a dict looks for its first item among all that were taken out before it
        self._found: OrderedDict[int, tuple[Thing, Found]] = OrderedDict()

    def get(self, thing: Thing) -> Found | None:
        known = self._found.get(id(thing))
        return known[1] if known is not None and known[0] is thing else None

    def put(self, thing: Thing, found: Found) -> Found:
        self._found[id(thing)] = (thing, found)
        if len(self._found) > self._most:
            self._found.popitem(last=False)
        return found
