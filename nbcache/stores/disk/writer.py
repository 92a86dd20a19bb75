"""Writing to a store on disk: folders made at the first need, room asked for, and a pause after an error.

`Changing` is all that a store needs to change anything, which a process that only reads never makes.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

from nbcache.entries.signing import Keyring
from nbcache.stores.disk import collection
from nbcache.stores.disk.catalogue import Catalogue
from nbcache.stores.disk.clearing import Trash
from nbcache.stores.disk.collector import Collector
from nbcache.stores.disk.invalidations import Invalidations
from nbcache.stores.disk.locks import KeyLocks
from nbcache.stores.disk.publish import Content, Publisher, Turn
from nbcache.stores.disk.publish_lock import PublishLock
from nbcache.stores.disk.row_index import RowIndex
from nbcache.stores.folders import Places, make_folder, make_store
from nbcache.stores.protocol import Clock
from nbcache.stores.warnings import StoreWarnings, reason

#: After an error nothing is written for so many seconds.
PAUSE = 30.0
#: From this size on, the disk is asked for its free room before anything is written.
_ASK_FROM = 64 << 10
#: How often a folder that clears take away is made again for one write; the last times some milliseconds apart, because
#: the clears of a loop in another thread or process leave hardly any time between two of them.
_TRIES, _AT_ONCE, _LATER = 40, 8, 0.005


class Changing:
    """What writes, clears, and takes turns with others; a first hit waits for none of it.

    Parameters
    ----------
    failed : told of what could not be deleted
    """

    def __init__(
        self,
        places: Places,
        keyring: Keyring,
        catalogue: Catalogue,
        invalidations: Invalidations,
        publisher: Publisher,
        warnings: StoreWarnings,
        max_size: int,
        clock: Clock,
        failed: Callable[[OSError], object],
    ) -> None:
        self.trash = Trash(places.trash, lambda freed: catalogue.usage.change(-freed))
        self.writer = Writer(places, publisher, invalidations, self.trash, warnings, clock)
        self.locks = KeyLocks(places.lock, places.waits, self.writer.prepare)
        self.turns = PublishLock(self.locks, invalidations)
        self.index = RowIndex(keyring, self.turns, places.temporary)
        self.collector = Collector(places, catalogue, self.trash, self.locks, max_size, clock, failed)


class Writer:
    """Puts files into one store.

    Notes
    -----
    An error is told once until a write succeeds again, and stops writing for `PAUSE` seconds: a full disk must not
    slow down every call.
    """

    def __init__(
        self,
        places: Places,
        publisher: Publisher,
        invalidations: Invalidations,
        trash: Trash,
        warnings: StoreWarnings,
        clock: Clock,
    ) -> None:
        self._places = places
        self._invalidations = invalidations
        self._trash = trash
        self._warnings = warnings
        self._clock = clock
        self._publisher = publisher
        self._paused_at: float | None = None
        self._tidied = False

    @property
    def paused(self) -> bool:
        return self._paused_at is not None and 0 <= self._clock() - self._paused_at < PAUSE

    def write(self, content: Content, path: str, now: float, turn: Turn) -> tuple[int, int | None]:
        """Publish a file: a descriptor that the caller closes, and the length of what it replaced; OSError."""
        self._tidy_once()
        self._ask_for_room(content.size)
        for attempt in range(_TRIES):
            try:
                return self._publisher.publish(content, path, now, turn)
            except FileNotFoundError:
                # The first entry of an owner, or of all; or a clear took the folder away meanwhile.
                if attempt >= _AT_ONCE:
                    time.sleep(_LATER)
                self._make_folders(os.path.dirname(path))
        return self._publisher.publish(content, path, now, turn)

    def _make_folders(self, owner: str) -> None:
        try:
            self.prepare()
            make_folder(Path(owner).parent)
            make_folder(Path(owner))
        except FileNotFoundError:
            # Somebody deletes the store at this moment: tried again.
            pass

    def prepare(self) -> None:
        """Make the store, if it is not there; OSError where that fails."""
        make_store(self._places)
        self._invalidations.begin()

    def _tidy_once(self) -> None:
        """Delete what writers that were killed have left in the store, once a process."""
        if not self._tidied:
            self._tidied = True
            try:
                collection.tidy(self._places, self._trash, self._clock())
            except OSError:
                # Tried again by the next process; it costs room, nothing else.
                pass

    def failed(self, error: OSError) -> None:
        """Warn, and stop writing for a while."""
        self._paused_at = self._clock()
        self._warnings.once(
            "write",
            error.errno,
            "Values are returned, and kept in memory, but not stored on disk.",
            f"{reason(error)}; nothing is written to {self._places.root} for {PAUSE:.0f} s.",
            _REMEDIES.get(
                error.errno or 0, "check whether you can write to that folder, or name another one with NBCACHE_DIR."
            ),
        )

    def succeeded(self) -> None:
        if self._paused_at is not None:
            self._paused_at = None
            self._warnings.over("write")

    def _ask_for_room(self, size: int) -> None:
        """Raise the error that a full disk would raise half-way."""
        if size < _ASK_FROM or not hasattr(os, "statvfs"):
            return
        try:
            status = os.statvfs(self._places.base)
        except FileNotFoundError:
            self.prepare()
            status = os.statvfs(self._places.base)
        # Some network file systems say nothing about their size.
        if status.f_blocks and size > status.f_bavail * status.f_frsize:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._places.root))


_ROOM = "free disk space, set a smaller NBCache.max_disk_size, or name a folder on another disk with NBCACHE_DIR."
_REMEDIES = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: _ROOM,
    errno.EROFS: "name a folder you can write to with NBCACHE_DIR; what is stored here can still be read.",
    errno.EMFILE: "close files, or raise the limit (ulimit -n).",
    errno.ENAMETOOLONG: "name a folder with a shorter path with NBCACHE_DIR.",
}
