"""Marks: how a computation learns that its address was cleared while it ran."""

from __future__ import annotations

import threading
from weakref import WeakSet

from nbcache.entries.entry import Address


class MemoryMark:
    """A moment in one process; `cleared` turns true when the address is deleted or cleared after it."""

    __slots__ = ("__weakref__", "address", "cleared")

    def __init__(self, address: Address) -> None:
        self.address = address
        self.cleared = False


class Marks:
    """The marks that are still held by someone.

    Notes
    -----
    Thread-safe. Marks are held weakly: a computation that ends without a put costs nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: WeakSet[MemoryMark] = WeakSet()

    def renew(self) -> None:
        """Replace a lock that, after a fork, nobody would ever release."""
        self._lock = threading.Lock()

    def mark(self, address: Address) -> MemoryMark:
        mark = MemoryMark(address)
        with self._lock:
            self._open.add(mark)
        return mark

    def clear(self, owner: str | None = None, address: Address | None = None) -> None:
        """Tell the marks of one address, of one owner, or (both None) all."""
        with self._lock:
            for mark in self._open if self._open else ():
                if address is not None:
                    mark.cleared |= mark.address == address
                else:
                    mark.cleared |= owner is None or mark.address.owner == owner
