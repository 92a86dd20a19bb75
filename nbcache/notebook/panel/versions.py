"""Which code made the entries that the panel shows, so that it can mark those of older versions."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterable

from nbcache.entries.entry import Meta
from nbcache.stores.protocol import Stored

_LATER = 2.0


class Versions:
    """The code that made each entry, by owner and key: looked up once, and not of all entries in one reading.

    Parameters
    ----------
    at_once : so many are looked up in one reading
    clock : a monotonic clock in seconds
    """

    def __init__(self, at_once: int = 20_000, clock: Callable[[], float] = time.monotonic) -> None:
        self.at_once = at_once
        self._clock = clock
        self._readings = 0
        self._due = math.inf
        self._left = 0
        self._of: dict[str, dict[str, str]] = {}

    def look(self) -> int:
        """Return a number that grows when it is time for those that a reading left out."""
        if self._clock() >= self._due:
            self._readings, self._due = self._readings + 1, math.inf
        return self._readings

    def begin(self) -> None:
        """Begin a reading."""
        self._left, self._due = self.at_once, math.inf

    def of(self, owner: str, groups: Iterable[list[Stored]]) -> int:
        """Return by how many versions of its code the entries of an owner were made, as far as is known."""
        before, now, all_known = self._of.get(owner, {}), {}, True
        for group in groups:
            for row in group:
                key = row.address.key
                code = before.get(key)
                if code is None and self._left > 0:
                    self._left -= 1
                    code = sys.intern(code_of(row.meta))
                if code is None:
                    all_known = False
                else:
                    now[key] = code
        if not all_known:
            self._due = self._clock() + _LATER
        self._of[owner] = now
        return len(set(now.values()))


def code_of(meta: Meta) -> str:
    """Return what an entry says of the code of its function; helpers change too often to call it older."""
    for label, digest, _ in reversed(meta.parts):
        if label == "code":
            return digest
    return ""
