"""Memory that a hit may write to and nobody else sees: private, copy-on-write maps of a file.

A map costs microseconds whatever its size, shares its pages with every process until they are written, and outlives
the deletion of its file. CPython's own `mmap` keeps a duplicate of the descriptor for as long as the map lives
(`trackfd=False` exists from 3.13 on), which would end at the limit of open files; the objects made here own a range
of addresses and nothing else.

To make a map and to take it away is most of what a hit on a large value costs, so a map that nobody holds any more is
lent again, after it was looked at what was written to it, and the kernel has dropped that.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
import weakref
from functools import cache, lru_cache
from typing import Any

from nbcache.entries.hits.overwriting import Overwriting, Read, shows_on_a_map

__all__ = ["HUGE_FROM", "PrivateMaps", "fresh_memory", "map_private", "map_readonly"]

#: From this size on memory is asked for in huge pages, where writing to all of it meets a fault for each 2 MiB instead
#: of each 4 KiB; below it the allocator has memory at hand that was written before.
HUGE_FROM = 32 << 20

_HUGE_PAGE = 2 << 20
_MAP_FIXED = 0x10
# Unwritten pages of a private map need no reserve of swap; without it a map beyond the RAM could be refused.
_NO_RESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000 if sys.platform == "linux" else 0)

# Maps that failed half-way: see `_overlay`. Empty on a healthy machine.
_abandoned: list[mmap.mmap] = []


class PrivateMaps:
    """Maps of one range of a file: writable, and what is written to one stays with its holder.

    Parameters
    ----------
    offset, length : the range, in bytes

    Attributes
    ----------
    attentive : whether it is worth asking `overwritten` before the next map is lent
    uses : what became of those that were lent
    spare : the map that nobody holds, if there is one
    """

    __slots__ = ("_former", "_from_address", "_length", "_offset", "attentive", "spare", "uses")

    def __init__(self, offset: int, length: int) -> None:
        self._offset = offset
        self._length = length
        self._from_address = _lent_type(length).from_address
        self._former: weakref.ref[Any] | None = None
        self.spare: list[_Place] = []
        self.uses = Overwriting(length)
        self.attentive = True

    def overwritten(self, descriptor: int) -> bool:
        """Tell whether the next holder had better get a copy, after a look at the map that was lent last."""
        former = None if self._former is None else self._former()
        self._former = None
        if former is not None:
            offset = self._offset
            self.look(former.place[1], lambda place, count: os.pread(descriptor, count, offset + place))
        elif not self.uses.told:
            self.uses.miss_one()
        return self.uses.copies and self.uses.copy()

    def look(self, address: int, read: Read | None = None) -> None:
        """Look at a map that is held, or comes back."""
        self.uses.look(address, read)
        self.attentive = self.uses.copies or self.uses.watches or not self.uses.told

    def lend(self, descriptor: int) -> Any:
        """Give a buffer over a map that nobody else holds, with the bytes of the file.

        Raises
        ------
        OSError
            The system refuses, for lack of address space or of maps.
        """
        try:
            place = self.spare.pop()
        except IndexError:
            owner, skipped = _mapped(descriptor, self._offset, self._length, writable=True)
            place = (owner, _address(owner) + skipped)
        lent = self._from_address(place[1])
        lent.place, lent.maps = place, self
        if self.uses.watches:
            self._former = weakref.ref(lent)
        return lent


_Place = tuple[mmap.mmap, int]  # the owner of a range of addresses, and where in it the bytes begin


def map_private(descriptor: int, offset: int, length: int) -> memoryview:
    """Map a range of a file: writable, and the writes stay with this one map; errors as in `PrivateMaps.lend`."""
    return memoryview(PrivateMaps(offset, length).lend(descriptor)).cast("B")


def map_readonly(descriptor: int, offset: int, length: int) -> memoryview:
    """Map a range of a file: to write there is an error, and no flag of an array makes it writable."""
    owner, skipped = _mapped(descriptor, offset, length, writable=False)
    return memoryview(owner)[skipped : skipped + length].toreadonly()


@lru_cache(maxsize=256)
def _lent_type(length: int) -> Any:
    """Make the type of buffers of a length, which live as long as anything looks into them, and leave their map behind.

    The map is looked at, and kept as a spare one, without what was written to it, unless there is one already.
    """
    parts = {"__slots__": ("maps", "place")}
    if not _forgets_writes():
        return type("Lent", (ctypes.c_char * length,), parts)
    # here also when Python shuts down
    dying, references, not_needed, ending = _dying(), sys.getrefcount, mmap.MADV_DONTNEED, sys.is_finalizing

    class Lent(ctypes.c_char * length):  # type: ignore[misc]
        __slots__ = ("maps", "place")

        def __del__(self) -> None:
            maps = self.maps
            uses = maps.uses
            uses.passed += 1
            if uses.passed >= uses.due and not ending():
                maps.look(self.place[1])
            # The collector asks before it breaks a cycle of garbage, from which finalizers can still look in here.
            if not maps.spare and references(self) <= dying:
                try:
                    self.place[0].madvise(not_needed)
                    maps.spare.append(self.place)
                except OSError:
                    pass  # pages that the user has locked

    return Lent


@cache
def _dying() -> int:
    """Count the references to an object in its `__del__` when there is no other: they differ between Pythons."""
    counted = []

    class Dying:
        def __del__(self) -> None:
            counted.append(sys.getrefcount(self))

    Dying()
    return counted[0]


@cache
def _forgets_writes() -> bool:
    """Try whether this kernel brings the bytes of the file back when it is told that a private map is not needed.

    Linux promises it; elsewhere the call is a hint.
    """

    def forgets(tried: mmap.mmap) -> bool:
        tried[0] = 1
        tried.madvise(mmap.MADV_DONTNEED)
        return tried[0] == 0

    return shows_on_a_map(1, forgets)


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


def _mapped(descriptor: int, offset: int, length: int, *, writable: bool) -> tuple[mmap.mmap, int]:
    """Map whole pages; returns the owner of the map, and where in it the range begins."""
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
        return owner, skipped
    owner, before = _overlay(descriptor, start, span, protection)
    return owner, before + skipped


def _overlay(descriptor: int, start: int, span: int, protection: int) -> tuple[mmap.mmap, int]:
    """Map the file over a placeholder of anonymous memory, which unmaps the range when it dies.

    `MAP_FIXED` replaces the placeholder in one step, so no other thread can get the range in between. A large map lies
    as its bytes lie in the huge pages of the file, so that the system can map these: it does so for plain maps of
    files, and reading all of 1 GB then takes 800 faults instead of 15,000.

    Returns
    -------
    The placeholder, and where in it the map begins.
    """
    if os.fstat(descriptor).st_size < start + span:
        raise OSError("the file is shorter than its map")
    room = _HUGE_PAGE if span >= HUGE_FROM else 0
    holder = mmap.mmap(-1, span + room, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NO_RESERVE)
    first = _address(holder)
    before = (start - first) % room if room else 0
    flags = mmap.MAP_PRIVATE | _NO_RESERVE | _MAP_FIXED
    if _libc_mmap()(first + before, span, protection, flags, descriptor, start) != first + before:
        # The kernel may have dropped the placeholder before it failed. To unmap the range later could hit memory that
        # belongs to somebody else by then, so the object is kept for good.
        _abandoned.append(holder)
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return holder, before


def _address(owner: mmap.mmap) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(owner))


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
