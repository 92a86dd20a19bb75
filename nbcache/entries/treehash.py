"""One digest for gigabytes: SHA-256 over leaves of 1 MiB, hashed by several threads.

A single SHA-256 pass runs at one core's speed; leaves let every core work, because hashlib lets go of the
interpreter. The root covers the total length and the leaves in order.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from nbcache import system

__all__ = ["LEAF", "digest_of_file", "digest_of_pieces"]

LEAF = 1 << 20
_PARALLEL_FROM = 8 * LEAF
_MAX_THREADS = 8
# Leaves that one thread takes in a row: written at once, they can become one huge page of the file.
_IN_A_ROW = 2

Fragments = Sequence[memoryview]
Sink = Callable[[int, Fragments], None]


def _root(total: int, leaves: Iterable[bytes]) -> bytes:
    root = hashlib.sha256(b"nbcache/tree/v1" + total.to_bytes(8, "little"))
    for leaf in leaves:
        root.update(leaf)
    return root.digest()


def _all_leaves(total: int, stripe: Callable[[Sequence[int]], list[bytes]]) -> bytes:
    """Digest the leaves, on as many threads as the size is worth; `stripe` digests those at some places."""
    count = -(-total // LEAF)
    threads = min(_MAX_THREADS, os.cpu_count() or 1, count) if total > _PARALLEL_FROM else 1
    if threads == 1:
        return _root(total, stripe(range(count)))
    stripes = [
        [place for row in range(first, count, threads * _IN_A_ROW) for place in range(row, min(row + _IN_A_ROW, count))]
        for first in range(0, threads * _IN_A_ROW, _IN_A_ROW)
    ]
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
    sink : is given all bytes and their place, a few leaves at a time while they are at hand; from several threads
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

    def stripe(places: Sequence[int]) -> list[bytes]:
        found = []
        for place in places:
            digest = hashlib.sha256()
            for fragment in leaves[place]:
                digest.update(fragment)
            found.append(digest.digest())
            if sink is not None and (place + 1 == len(leaves) or not (place + 1) % _IN_A_ROW):
                first = place - place % _IN_A_ROW
                sink(first * LEAF, [fragment for leaf in leaves[first : place + 1] for fragment in leaf])
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

    def stripe(places: Sequence[int]) -> list[bytes]:
        found = []
        for place in places:
            wanted = min(LEAF, length - place * LEAF)
            leaf, filled = hashlib.sha256(), 0
            while filled < wanted:
                got = system.read_at(descriptor, wanted - filled, offset + place * LEAF + filled)
                if not got:
                    raise EOFError("the file is shorter than it was")
                leaf.update(got)
                filled += len(got)
            found.append(leaf.digest())
        return found

    return _all_leaves(length, stripe)
