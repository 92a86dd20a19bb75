"""In which order are the elements of a set and the keys of a dict written, which have none of their own?

They are sorted when they are all text or all whole numbers, and otherwise by the digest of each. Elements may lead back
to what holds them, and to each other: whoever walked all that each of them reaches would walk a graph as many times as
it has elements. So a first look at each is a short one. Only elements that look the same are looked at again, for
longer, out of what one walk has to spare for that: the costs stay within a multiple of the size of the value.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

from nbcache.hashing.walk import Apart, Walk

_TOTALLY_ORDERED = frozenset({str, int, bytes, bool})
_SORTABLE = _TOTALLY_ORDERED | {float}
_DEEPEST = 4
_FIRST_LOOK = 64
_SPARE_EACH = 256
_LONGER = 4


def in_order(walk: Walk, items: list[Any]) -> tuple[list[Any], bytes | None]:
    """Sort `items`, which have no order, by content alone.

    Returns
    -------
    The items sorted, and their digests when these stand for them fully: then nobody has to look at the items again.
    """
    if len(items) < 2:
        return items, None
    if not walk.hash_funcs:
        easy = _sorted_by_type(items, set(map(type, items)))
        if easy is not None:
            return easy, None
    if walk.nested:
        return _within_limit(walk, items)
    ranks = [_Rank(item, _look(walk, item, _FIRST_LOOK)) for item in items]
    _tell_apart(walk, ranks, _FIRST_LOOK)
    ranks.sort(key=_digests)
    return _written(ranks)


class _Rank:
    """An element, and what looking at it has shown so far: the digest of each look, a longer one each time."""

    __slots__ = ("digests", "item", "last")

    def __init__(self, item: Any, first: Apart) -> None:
        self.item = item
        self.last = first
        self.digests = [first.digest]


def _digests(rank: _Rank) -> list[bytes]:
    return rank.digests


def _within_limit(walk: Walk, items: list[Any]) -> tuple[list[Any], bytes | None]:
    """Sort the items of a set in a set; only an order is wanted of this walk, and it may meet only so much."""
    # Each may use as much as the others: in which order a set gives its elements may not decide.
    share = walk.left // len(items)
    if not share or walk.nested >= _DEEPEST:
        walk.complete = False
        walk.cut |= not share
        return [], None
    ranks = [_Rank(item, walk.apart(item, share)) for item in items]
    walk.left -= sum(rank.last.met for rank in ranks)
    walk.cut |= any(rank.last.cut for rank in ranks)
    ranks.sort(key=_digests)
    return _written(ranks)


def _tell_apart(walk: Walk, ranks: list[_Rank], limit: int) -> None:
    """Look longer at those that look the same, as long as there is more to see and there is something to spare."""
    spare = walk.spare + _SPARE_EACH * len(ranks)
    while True:
        alike: dict[bytes, list[_Rank]] = {}
        for rank in ranks:
            alike.setdefault(rank.digests[-1], []).append(rank)
        ranks = [rank for group in alike.values() if len(group) > 1 for rank in group if rank.last.cut]
        longer = min(limit * _LONGER, spare // len(ranks)) if ranks else 0
        if longer <= limit:
            break
        limit = longer
        for rank in ranks:
            rank.last = _look(walk, rank.item, limit)
            rank.digests.append(rank.last.digest)
        spare -= sum(rank.last.met for rank in ranks)
    walk.spare = min(walk.spare, spare)


def _look(walk: Walk, item: Any, limit: int) -> Apart:
    """Look at an element; what many sets hold, or one holds that is met again, shows the same each time."""
    known = walk.looks.get((id(item), limit))
    if known is None:
        known = walk.looks[id(item), limit] = (item, walk.apart(item, limit))  # which keeps its id from others
    return known[1]


def _written(ranks: list[_Rank]) -> tuple[list[Any], bytes | None]:
    items = [rank.item for rank in ranks]
    if all(rank.last.complete for rank in ranks):
        return items, b"".join(rank.last.digest for rank in ranks)
    return items, None


def _name(kind: type) -> str:
    return kind.__name__


def _sorted_by_type(items: list[Any], kinds: set[type]) -> list[Any] | None:
    if not kinds <= _SORTABLE:
        if kinds != {tuple} or len(set(map(len, items))) != 1:
            return None
        by_place = [set(map(type, column)) for column in zip(*items, strict=True)]
        if not all(len(types) == 1 and types <= _TOTALLY_ORDERED for types in by_place):
            return None
    if float in kinds and any(item != item for item in items):
        return None
    if len(kinds) == 1:
        return sorted(items)
    by_type: dict[type, list[Any]] = {kind: [] for kind in sorted(kinds, key=_name)}
    for item in items:
        by_type[type(item)].append(item)
    return list(chain.from_iterable(map(sorted, by_type.values())))
