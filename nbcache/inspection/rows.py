"""The rows that `info()` and `entries()` give: numbers to read, and to show in a table."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from itertools import repeat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbcache.entries.entry import Address


@dataclass(frozen=True, slots=True)
class FunctionInfo:
    """One cached function or cell.

    Attributes
    ----------
    name : module and qualified name, or "cell NAME"
    entries, bytes : what is kept now, in all tiers; each entry counts once
    hits, misses : calls of this process
    seconds_saved : what the hits would have taken to compute, less what they took to look up and load; negative if
        caching costs more
    last_used : when a result was last computed or handed out, in epoch seconds; None for never, as far as is known
    """

    name: str
    entries: int
    bytes: int
    hits: int
    misses: int
    seconds_saved: float
    last_used: float | None


@dataclass(frozen=True, slots=True)
class EntryInfo:
    """One entry.

    Attributes
    ----------
    function : module and qualified name, or "cell NAME"
    arguments : as the call would be typed; empty for cells, and with the setting `private`
    bytes : size of the value and of its recorded output
    created, expires : epoch seconds; `expires` None for never
    hits : of this process
    seconds_to_compute : how long the run took
    tier : "memory", "disk" or "remote", the fastest that holds it
    address : where the entry is stored
    """

    function: str
    arguments: str
    bytes: int
    created: float
    expires: float | None
    hits: int
    seconds_to_compute: float
    tier: str
    address: Address = field(repr=False, compare=False)

    @classmethod
    def of(cls, function: Sequence[str], *others: Iterable[object]) -> list[EntryInfo]:
        """Rows from their columns, at half the time of making one after the other.

        Parameters
        ----------
        function, others : the columns, in the order of the fields
        """
        rows = list(map(object.__new__, repeat(cls, len(function))))
        for field_, column in zip(fields(cls), (function, *others), strict=True):
            deque(map(cls.__dict__[field_.name].__set__, rows, column), maxlen=0)
        return rows
