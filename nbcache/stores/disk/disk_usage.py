"""About how many bytes a whole store occupies, counted without looking at its files.

Every process appends what it added or removed to one small file; the sum of its lines is the count. A scan that has
seen every file writes the truth. The count is a hint: if it is lost, the next scan finds it again.
"""

from __future__ import annotations

import threading

from nbcache.stores.folders import Places, append, read_small, replace_small

#: A file longer than this is replaced by its sum: it is read whole by every process that shares its changes.
_LONGEST = 1 << 12
#: A process keeps changes to itself until there are so many, or so many bytes as a share of the bound.
_CHANGES = 32
_SHARE = 1000
#: What a file occupies is counted in blocks of this size.
BLOCK = 4096


def occupied(size: int) -> int:
    """The bytes that a file of that size takes from the disk."""
    return -(-size // BLOCK) * BLOCK


class DiskUsage:
    """The count of one store, as seen and changed by this process.

    Parameters
    ----------
    bound : the bytes the store may hold; the count is shared more often where it is small
    """

    def __init__(self, places: Places, bound: int) -> None:
        self._places = places
        self._bound = bound
        self._lock = threading.Lock()
        self._pending = 0
        self._changes = 0
        self._known: int | None = None

    def renew(self) -> None:
        self._lock = threading.Lock()
        self._pending = self._changes = 0

    def change(self, size: int) -> int | None:
        """Count bytes added (or removed, negative); returns the total, None while nothing new is known."""
        with self._lock:
            self._pending += size
            self._changes += 1
            if self._changes < _CHANGES and abs(self._pending) * _SHARE < self._bound:
                return None
        return self.share()

    def share(self) -> int:
        """Tell the other processes what is pending, and read the total of all."""
        with self._lock:
            pending, self._pending, self._changes = self._pending, 0, 0
            if pending:
                append(self._places.usage, b"%+d\n" % pending)
            total, length = self._read()
            if length > _LONGEST:
                replace_small(self._places.usage, b"%+d\n" % total)
            return total

    def total(self) -> int:
        """The total of all processes, with what this one has not shared yet."""
        with self._lock:
            try:
                return self._read()[0] + self._pending
            except FileNotFoundError:
                return self._pending

    def correct(self, total: int) -> None:
        """Write down what a scan has found."""
        with self._lock:
            self._pending = self._changes = 0
            replace_small(self._places.usage, b"%+d\n" % total)

    def _read(self) -> tuple[int, int]:
        try:
            content = read_small(self._places.usage, 4 * _LONGEST)
        except FileNotFoundError:
            return 0, 0
        total = 0
        for line in content.split(b"\n"):
            # int() would take any length of digits; no store holds a number of twenty.
            if 1 < len(line) < 20:
                try:
                    total += int(line)
                except ValueError:
                    pass
        return max(0, total), len(content)
