"""Publishing and clearing take turns, so that a clear finds whatever was published before it, and nothing after.

Without turns a value computed before a clear could be published just after it: seen by others until it is taken back,
and for good if its writer is killed in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..entries.entry import Address
from .locks import KeyLocks
from .notices import Notices
from .protocol import Mark

_TURN = "nbcache publishes or clears"


class ClearedError(Exception):
    """What was to be published has been cleared since it was computed."""


class Gate:
    """The turns of one store, among all threads and processes.

    Notes
    -----
    A turn takes microseconds: it is the naming of a file that is whole already, or the telling of a clear. Where no
    locks can be had there are no turns, and a publisher has to look behind itself.
    """

    def __init__(self, locks: KeyLocks, notices: Notices) -> None:
        self._locks = locks
        self._notices = notices

    @contextmanager
    def publishing(self, since: Mark | None) -> Iterator[None]:
        """A turn in which a file gets its name.

        Raises
        ------
        ClearedError
            It must not, because of a clear after the mark.
        """
        with self._locks.alone(_TURN):
            if since is not None and since.cleared:
                raise ClearedError
            yield

    def cleared(self, owner: str | None = None, address: Address | None = None) -> None:
        """Tell of a clear that begins, as `Notices.cleared`; what is not published by now never will be. OSError."""
        with self._locks.alone(_TURN):
            self._notices.cleared(owner, address)
