"""How is large memory copied for somebody who will write to all of it: in huge pages, by several threads."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

from nbcache.entries.mapping import HUGE_FROM, fresh_memory

__all__ = ["copied"]

#: Below it the threads cost as much as they bring.
_PARALLEL_FROM = 64 << 20
_MAX_THREADS = 4


def copied(content: memoryview) -> memoryview:
    """Copy bytes into writable memory that nobody else has."""
    length = content.nbytes
    if length < HUGE_FROM:
        return memoryview(bytearray(content))
    space = fresh_memory(length)
    numpy = sys.modules.get("numpy")
    copy = getattr(numpy, "copyto", None)  # it lets go of the interpreter; numpy may be in the middle of its import
    threads = min(_MAX_THREADS, os.cpu_count() or 1)
    if copy is None or length < _PARALLEL_FROM or threads == 1:
        space[:] = content
        return space
    target, source = numpy.frombuffer(space, "u1"), numpy.frombuffer(content, "u1")  # type: ignore[union-attr]
    step = -(-length // threads)
    try:
        with ThreadPoolExecutor(threads, thread_name_prefix="nbcache-copy") as pool:
            starts = range(0, length, step)
            list(pool.map(lambda start: copy(target[start : start + step], source[start : start + step]), starts))
    except RuntimeError:  # the interpreter is shutting down and starts no more threads
        space[:] = content
    return space
