"""Publishing and clearing take turns, so that a clear finds whatever was published before it, and nothing after.

Without turns a value computed before a clear could be published just after it: seen by others until it is taken back,
and for good if its writer is killed in between.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from nbcache.entries.entry import Address
from nbcache.stores.disk.invalidations import Invalidations
from nbcache.stores.disk.lockfile import offset_of
from nbcache.stores.disk.locks import KeyLocks
from nbcache.stores.protocol import Mark

_TURN = offset_of("nbcache publishes or clears")

Tell = Callable[[os.stat_result], Callable[[], None]]


class ClearedError(Exception):
    """What was to be published has been cleared since it was computed."""


class Turn:
    """A context in which one file gets its name; `ClearedError` if it must not, because of a clear after the mark.

    Parameters
    ----------
    tell : given the status of the file before the turn, prepares what is done in it, before the file has its name

    Attributes
    ----------
    alone : whether nobody else could publish or clear meanwhile
    """

    __slots__ = ("_locks", "_since", "_tell", "_telling", "alone")

    def __init__(self, locks: KeyLocks, since: Mark | None, tell: Tell | None = None) -> None:
        self._locks = locks
        self._since = since
        self._tell = tell
        self._telling: Callable[[], None] | None = None
        self.alone = False

    def of(self, status: os.stat_result) -> Turn:
        """The turn of a file, whole and still without its name."""
        self._telling = None if self._tell is None else self._tell(status)
        return self

    def __enter__(self) -> None:
        self.alone = self._locks.alone(_TURN)
        try:
            if self._since is not None and self._since.cleared:
                raise ClearedError
            if self._telling is not None:
                self._telling()
        except BaseException:
            self._end()
            raise

    def __exit__(self, *error: object) -> None:
        self._end()

    def _end(self) -> None:
        if self.alone:
            self._locks.release(_TURN)


class PublishLock:
    """The turns of one store, among all threads and processes.

    Notes
    -----
    A turn takes microseconds: it is the naming of a file that is whole already, or the telling of a clear. Where no
    locks can be had there are no turns, and a publisher has to look behind itself.
    """

    def __init__(self, locks: KeyLocks, invalidations: Invalidations) -> None:
        self._locks = locks
        self._invalidations = invalidations

    def publishing(self, since: Mark | None, tell: Tell | None = None) -> Turn:
        """The turn of a file; entered once for each try to give it its name."""
        return Turn(self._locks, since, tell)

    def cleared(self, owner: str | None = None, address: Address | None = None) -> None:
        """Announce a clear that begins, as `Invalidations.cleared`; what is not published by now never will be.

        Raises
        ------
        OSError
            It could not be written down.
        """
        with Turn(self._locks, None):
            self._invalidations.cleared(owner, address)
