"""How are values written that are immutable throughout: atoms in C, and tuples and frozensets with a look at each part?

A tuple or a frozenset that holds another one twice, which again holds one twice, has as many leaves as two to the
power of its depth, and few parts. The digest of a part is made of those of its elements, and kept by identity: the work
is linear in the parts that there are. Such a digest says nothing of which parts are one object, and so depends on
content alone.
"""

from __future__ import annotations

import marshal
import pickle
from collections.abc import Callable
from typing import Any, NoReturn

from xxhash import xxh3_128_digest

ATOMS: frozenset[type] = frozenset({int, float, bool, str, bytes, type(None)})
"""Exact types that pickle writes in C, each in its own way: a column may hold all of them mixed."""

#: The digests of parts by their identity, and None for a part that holds something else than atoms, tuples and
#: frozensets. Whoever keeps this keeps the value alive as well.
Known = dict[int, bytes | None]

_TAGS: dict[type, bytes] = {tuple: b"T", frozenset: b"F"}


class Sink:
    """What a pickler writes to: the digest itself."""

    __slots__ = ("write",)

    def __init__(self, write: Callable[[Any], object]) -> None:
        self.write = write


class _Atoms(pickle.Pickler):
    """Writes atoms, and refuses anything that would need Python."""

    def reducer_override(self, value: object) -> NoReturn:
        raise pickle.PicklingError("not an atom")


def pickle_atoms(sink: Any, values: list[Any]) -> None:
    """Write a column of atoms; raise for any other value."""
    pickler = _Atoms(sink, 5)
    pickler.fast = True  # no memo: one shared text and two equal texts are the same value
    pickler.dump(values)


def content_digest(value: Any, known: Known) -> bytes | None:
    """Digest a tuple or frozenset by content; None where it, or something in it, is of another type."""
    if type(value) not in _TAGS:
        return None
    ahead = [value]
    while ahead:
        part = ahead[-1]
        if id(part) in known:
            ahead.pop()
            continue
        missing = [each for each in part if type(each) in _TAGS and id(each) not in known]
        if missing:
            ahead += missing
            continue
        ahead.pop()
        known[id(part)] = _digest_of(part, known)
    return known[id(value)]


def _digest_of(part: Any, known: Known) -> bytes | None:
    digests: list[bytes] = []
    for each in part:
        kind = type(each)
        found = xxh3_128_digest(marshal.dumps(each, 2)) if kind in ATOMS else known[id(each)] if kind in _TAGS else None
        if found is None:
            return None
        digests.append(found)
    if type(part) is frozenset:
        digests.sort()
    return xxh3_128_digest(_TAGS[type(part)] + b"".join(digests))
