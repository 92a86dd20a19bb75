"""Which entries go when there is no room: pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

Name = TypeVar("Name")

#: After an eviction to make room in a whole store, this share of it is left in use, so that the next is not at once.
LOW_WATER = 0.9


class Candidate(NamedTuple):
    """An entry that may go.

    Attributes
    ----------
    used : when it was last used, in epoch seconds
    size : bytes that its going sets free
    name : whatever identifies it to the caller
    expires : when it may go whatever the room, in epoch seconds; None for never
    """

    used: float
    size: int
    name: object
    expires: float | None = None


def is_within(count: int, total: int, max_entries: int | None, max_size: int | None) -> bool:
    """Whether so many entries, of so many bytes together, keep both bounds."""
    return (max_entries is None or count <= max_entries) and (max_size is None or total <= max_size)


def over_bounds(
    oldest_first: Iterable[tuple[Name, int]], count: int, total: int, max_entries: int | None, max_size: int | None
) -> list[Name]:
    """The names to evict, so that at most `max_entries` and `max_size` bytes are left.

    Parameters
    ----------
    oldest_first : name and size of each entry, the least recently used first; read no further than needed
    count, total : how many there are, and their bytes; the last one always stays

    Examples
    --------
    >>> over_bounds([("a", 10), ("b", 10), ("c", 10)], 3, 30, max_entries=None, max_size=15)
    ['a', 'b']
    """
    leaving: list[Name] = []
    for name, size in oldest_first:
        if count <= 1:
            break
        if is_within(count, total, max_entries, max_size):
            break
        leaving.append(name)
        count -= 1
        total -= size
    return leaving


def notes_to_keep(results: int) -> int:
    """How many pieces of bookkeeping an owner may have beside so many results, after an eviction."""
    return 2 * results + 16


def to_make_room(candidates: Iterable[Candidate], max_size: int, now: float) -> list[Candidate]:
    """Who leaves a store that may hold `max_size` bytes: what has expired, then the least recently used.

    Nothing beyond the expired leaves while the bound holds; once it does not, entries leave until `LOW_WATER` of it
    is in use, so that a full store is not scanned for every put.
    """
    staying: list[Candidate] = []
    leaving: list[Candidate] = []
    for candidate in candidates:
        expired = candidate.expires is not None and candidate.expires <= now
        (leaving if expired else staying).append(candidate)
    total = sum(candidate.size for candidate in staying)
    if total > max_size:
        target = max_size * LOW_WATER
        staying.sort(key=lambda candidate: candidate.used)
        for candidate in staying:
            if total <= target:
                break
            leaving.append(candidate)
            total -= candidate.size
    return leaving
