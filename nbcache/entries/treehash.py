"""One digest for gigabytes: SHA-256 over leaves of 1 MiB, hashed by several threads.

A single SHA-256 pass runs at one core's speed; leaves let every core work, because hashlib lets go of the
interpreter. The root covers the total length and the leaves in order.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

__all__ = ["LEAF", "digest_of_file", "digest_of_pieces"]

LEAF = 1 << 20
_PARALLEL_FROM = 8 * LEAF
_MAX_THREADS = 8

Fragments = Sequence[memoryview]
Sink = Callable[[int, Fragments], None]


def _root(total: int, leaves: Iterable[bytes]) -> bytes:
    root = hashlib.sha256(b"nbcache/tree/v1" + total.to_bytes(8, "little"))
    for leaf in leaves:
        root.update(leaf)
    return root.digest()


def _all_leaves(total: int, stripe: Callable[[range], list[bytes]]) -> bytes:
    """Digest the leaves, on as many threads as the size is worth; `stripe` digests the leaves of a range."""
    count = -(-total // LEAF)
    threads = min(_MAX_THREADS, os.cpu_count() or 1, count) if total > _PARALLEL_FROM else 1
    if threads == 1:
        return _root(total, stripe(range(count)))
    stripes = [range(first, count, threads) for first in range(threads)]
    try:
        with ThreadPoolExecutor(threads, thread_name_prefix="nbcache-hash") as pool:
            digests = list(pool.map(stripe, stripes))
    except RuntimeError:  # the interpreter is shutting down and starts no more threads
        return _root(total, stripe(range(count)))
    ordered = [b""] * count
    for places, found in zip(stripes, digests, strict=True):
        for place, leaf in zip(places, found, strict=True):
            ordered[place] = leaf
    return _root(total, ordered)


def digest_of_pieces(pieces: Iterable[memoryview], sink: Sink | None = None) -> bytes:
    """Digest byte views as if they were joined, without joining them.

    Parameters
    ----------
    sink : is given every leaf, with its place among all bytes, while it is at hand; by several threads, in any order
    """
    leaves: list[list[memoryview]] = [[]]
    room, total = LEAF, 0
    for piece in pieces:
        total += piece.nbytes
        start = 0
        while start < piece.nbytes:
            if not room:
                leaves.append([])
                room = LEAF
            taken = piece[start : start + room]
            leaves[-1].append(taken)
            start += taken.nbytes
            room -= taken.nbytes

    def stripe(places: range) -> list[bytes]:
        found = []
        for place in places:
            leaf = hashlib.sha256()
            for fragment in leaves[place]:
                leaf.update(fragment)
            found.append(leaf.digest())
            if sink is not None:
                sink(place * LEAF, leaves[place])
        return found

    return _all_leaves(total, stripe)


def digest_of_file(descriptor: int, offset: int, length: int) -> bytes:
    """Digest a range of an open file.

    It is read and not mapped: a file that is cut short meanwhile is then an error, not the end of the process.

    Raises
    ------
    EOFError
        The file ends before the range does.
    OSError
        It cannot be read.
    """

    def stripe(places: range) -> list[bytes]:
        found = []
        for place in places:
            wanted = min(LEAF, length - place * LEAF)
            leaf, filled = hashlib.sha256(), 0
            while filled < wanted:
                got = os.pread(descriptor, wanted - filled, offset + place * LEAF + filled)
                if not got:
                    raise EOFError("the file is shorter than it was")
                leaf.update(got)
                filled += len(got)
            found.append(leaf.digest())
        return found

    return _all_leaves(length, stripe)
