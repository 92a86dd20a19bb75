"""Do those who get a private map write to much of it? Then plain memory is cheaper for them, and they get that.

The first write to a page of a map costs a fault, microseconds for 4 KiB; to copy a page in advance costs a tenth of
that. Nobody can know in advance who will write, so it is looked at what became of the maps that were lent: the kernel
tells which of their pages have become this process's own. Where it does not, some bytes are compared with the file.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from collections.abc import Callable
from functools import cache

__all__ = ["Overwriting", "Read", "shows_on_a_map", "tells_writes"]

_PAGEMAP = "/proc/self/pagemap"
_ENTRY = 8
_PRESENT_OR_SWAPPED, _OF_A_FILE = 0b110, 0b001  # the highest three bits of an entry
_HIGHEST = -1 if sys.byteorder == "little" else 0

#: Pages that are looked at, and how many of them must have been written: to fault them in costs as much as a copy.
_PAGES = 16
_MANY = 4
_COMPARED = 64

#: The first maps are all looked at, then fewer and fewer, then one in a power of two.
_FIRST = 4
_RARELY = 6
#: After so many copies a map is tried again; later, after so many more.
_COPIES, _MORE_COPIES = 64, 1024

#: Reads bytes of the file from an offset in the range.
Read = Callable[[int, int], bytes]


class Overwriting:
    """What became of the maps of one range that were lent.

    Parameters
    ----------
    length : of the range, in bytes

    Attributes
    ----------
    copies : whether much was written to the last map that was looked at
    watches : whether the next map is looked at while it is still held
    passed : maps that came back since the last look, or were lent where nobody is told that they come back
    due : with how many of them the next look comes

    Notes
    -----
    Shared by threads without a lock: a count that is lost makes one look come later.
    """

    __slots__ = ("_copied", "_length", "_looked", "_patience", "copies", "due", "passed", "watches")

    def __init__(self, length: int) -> None:
        self._length = length
        self._looked = 0
        self._copied, self._patience = 0, _COPIES
        self.copies = False
        self.watches = True
        self.passed, self.due = 0, 2  # the first map only shows how the value is laid over it

    @property
    def told(self) -> bool:
        """Whether the kernel tells what was written; not asked before the first hit is over."""
        return tells_writes()

    def copy(self) -> bool:
        """Tell, where holders write, whether the next one gets a copy; now and then one gets a map, to look at it."""
        self._copied += 1
        if self._copied <= self._patience:
            return True
        self._copied, self._patience = 0, _MORE_COPIES
        self.watches = True
        self.passed, self.due = 0, 1
        return False

    def look(self, address: int, read: Read | None = None) -> None:
        """Look at a map that was lent: one that comes back, or one that is still held when the next is asked for.

        Parameters
        ----------
        read : reads the file, where the kernel does not tell
        """
        written = self._written(address)
        if written is None and read is not None:
            written = self._differing(address, read)
        if written is None:
            return
        self.copies = written >= _MANY
        self._looked = 0 if self.copies else self._looked + 1
        self.watches = 0 < self._looked < _FIRST
        self.passed = 0
        self.due = sys.maxsize if self.copies else 1 if self.watches else 1 << min(self._looked, _RARELY)

    def miss_one(self) -> None:
        """Count a map that came back unseen, where the kernel does not tell."""
        self.passed += 1
        self.watches = self.watches or self.passed >= self.due

    def _offsets(self) -> list[int]:
        pages = self._length // mmap.PAGESIZE
        return [(2 * place + 1) * pages // (2 * _PAGES) * mmap.PAGESIZE for place in range(_PAGES)]

    def _written(self, address: int) -> int | None:
        """Count pages that are no longer the file's; None if the system does not tell."""
        if not self.told:
            return None
        middle = address + self._length // 2
        if self._looked >= _FIRST and _own_pages([middle]) == 0:
            return 0  # a glance is enough: so far, everybody has only read
        return _own_pages([address + offset for offset in self._offsets()])

    def _differing(self, address: int, read: Read) -> int:
        """Count pages whose first bytes are not those of the file."""
        return sum(
            ctypes.string_at(address + offset, _COMPARED) != read(offset, _COMPARED) for offset in self._offsets()
        )


def _own_pages(addresses: list[int]) -> int | None:
    try:
        descriptor = os.open(_PAGEMAP, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return None
    try:
        tops = [os.pread(descriptor, _ENTRY, address // mmap.PAGESIZE * _ENTRY)[_HIGHEST] >> 5 for address in addresses]
    except (OSError, IndexError):
        return None
    finally:
        os.close(descriptor)
    return sum(bool(top & _PRESENT_OR_SWAPPED) and not top & _OF_A_FILE for top in tops)


@cache
def tells_writes() -> bool:
    """Try whether this system tells pages that were written from pages that were read."""

    def tells(tried: mmap.mmap) -> bool:
        read, tried[mmap.PAGESIZE] = tried[0], 1
        address = ctypes.addressof(ctypes.c_char.from_buffer(tried))
        return (_own_pages([address + read]), _own_pages([address + mmap.PAGESIZE])) == (0, 1)

    return shows_on_a_map(2, tells)


def shows_on_a_map(pages: int, shows: Callable[[mmap.mmap], bool]) -> bool:
    """Try something on a private map of so many pages of zeros; False where there is no Linux, or it fails."""
    if sys.platform != "linux":
        return False
    try:
        descriptor = os.memfd_create("nbcache")
    except OSError:
        return False
    try:
        os.truncate(descriptor, pages * mmap.PAGESIZE)
        return shows(mmap.mmap(descriptor, pages * mmap.PAGESIZE, flags=mmap.MAP_PRIVATE))
    except (OSError, ValueError):
        return False
    finally:
        os.close(descriptor)
