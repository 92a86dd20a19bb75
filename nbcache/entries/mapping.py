"""Memory that a hit may write to and nobody else sees: private, copy-on-write maps of a file.

A map costs microseconds whatever its size, shares its pages with every process until they are written, and outlives
the deletion of its file. CPython's own `mmap` keeps a duplicate of the descriptor for as long as the map lives
(`trackfd=False` exists from 3.13 on), which would end at the limit of open files; the objects made here own a range
of addresses and nothing else.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from functools import cache

__all__ = ["HUGE_FROM", "fresh_memory", "map_private", "map_readonly"]

#: From this size on memory is asked for in huge pages, where writing to all of it meets a fault for each 2 MiB instead
#: of each 4 KiB; below it the allocator has memory at hand that was written before.
HUGE_FROM = 32 << 20

_MAP_FIXED = 0x10
# Unwritten pages of a private map need no reserve of swap; without it a map beyond the RAM could be refused.
_NO_RESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000 if sys.platform == "linux" else 0)

# Maps that failed half-way: see `_overlay`. Empty on a healthy machine.
_abandoned: list[mmap.mmap] = []


def map_private(descriptor: int, offset: int, length: int) -> memoryview:
    """Map a range of a file: writable, and the writes stay with this one map.

    Raises
    ------
    OSError
        The system refuses, for lack of address space or of maps.
    """
    return _mapped(descriptor, offset, length, writable=True)


def map_readonly(descriptor: int, offset: int, length: int) -> memoryview:
    """Map a range of a file: to write there is an error, and no flag of an array makes it writable."""
    return _mapped(descriptor, offset, length, writable=False).toreadonly()


def fresh_memory(length: int) -> memoryview:
    """Give writable memory that nobody else has, of zeros."""
    if length >= HUGE_FROM and hasattr(mmap, "MADV_HUGEPAGE"):
        try:
            holder = mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            holder.madvise(mmap.MADV_HUGEPAGE)
            return memoryview(holder)
        except OSError:
            pass  # a system without them, or no room for one more map
    return memoryview(bytearray(length))


def _mapped(descriptor: int, offset: int, length: int, *, writable: bool) -> memoryview:
    skipped = offset % mmap.ALLOCATIONGRANULARITY
    start, span = offset - skipped, length + skipped
    protection = mmap.PROT_READ | mmap.PROT_WRITE if writable else mmap.PROT_READ
    if sys.version_info >= (3, 13):
        owner = mmap.mmap(
            descriptor,
            span,
            flags=mmap.MAP_PRIVATE | _NO_RESERVE,
            prot=protection,
            offset=start,
            trackfd=False,
        )
    else:
        owner = _overlay(descriptor, start, span, protection)
    return memoryview(owner)[skipped:]


def _overlay(descriptor: int, start: int, span: int, protection: int) -> mmap.mmap:
    """Map the file over a placeholder of anonymous memory, which unmaps the range when it dies.

    `MAP_FIXED` replaces the placeholder in one step, so no other thread can get the range in between.
    """
    if os.fstat(descriptor).st_size < start + span:
        raise OSError("the file is shorter than its map")
    holder = mmap.mmap(-1, span, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NO_RESERVE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(holder))
    flags = mmap.MAP_PRIVATE | _NO_RESERVE | _MAP_FIXED
    if _libc_mmap()(address, span, protection, flags, descriptor, start) != address:
        # The kernel may have dropped the placeholder before it failed. To unmap the range later could hit memory that
        # belongs to somebody else by then, so the object is kept for good.
        _abandoned.append(holder)
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return holder


@cache
def _libc_mmap() -> ctypes._NamedFuncPointer:
    function = ctypes.CDLL(None, use_errno=True).mmap
    function.restype = ctypes.c_void_p
    function.argtypes = [
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_int64,
    ]
    return function
