"""When a whole store is looked through to make room, and by whom: one process at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from nbcache.stores.disk import collection
from nbcache.stores.disk.catalogue import Catalogue
from nbcache.stores.disk.clearing import Trash
from nbcache.stores.disk.lockfile import offset_of
from nbcache.stores.disk.locks import KeyLocks
from nbcache.stores.folders import Places
from nbcache.stores.protocol import Clock

_COLLECTOR = offset_of("nbcache collects")
#: The call that meets the bound waits for so many seconds; what takes longer goes on in the background.
_PATIENCE = 1.0
#: A collection that could not make room is not tried again for so many seconds.
_RETRY = 60.0


class Collector:
    """Collects the files of one store.

    Parameters
    ----------
    max_size : bytes the whole folder may hold
    failed : told of what could not be deleted
    """

    def __init__(
        self,
        places: Places,
        catalogue: Catalogue,
        trash: Trash,
        locks: KeyLocks,
        max_size: int,
        clock: Clock,
        failed: Callable[[OSError], object],
    ) -> None:
        self._places = places
        self._catalogue = catalogue
        self._trash = trash
        self._locks = locks
        self._max_size = max_size
        self._clock = clock
        self._failed = failed
        self._crowded_at: float | None = None
        self._looked_for_expired = False
        self._under_way: threading.Thread | None = None

    def collect(self) -> int:
        """Delete what has expired, and the least recently used beyond the bound; returns how many files went.

        0 if another process is at it.
        """
        if not os.path.lexists(self._places.base) or not self._is_ours():
            return 0
        try:
            self._catalogue.uses.write_all()
            evicted, left = collection.collect(self._places, self._trash, self._max_size, self._clock())
            self._catalogue.usage.correct(left)
            self._crowded_at = self._clock() if left > self._max_size else None
            return evicted
        except OSError as error:
            self._crowded_at = self._clock()
            self._failed(error)
            return 0
        finally:
            self._locks.release(_COLLECTOR)

    def written(self, total: int | None) -> None:
        """After a put: collect when there are too many bytes, and once a day; `total` is None where nobody knows it."""
        if not self._looked_for_expired:
            self._looked_for_expired = True
            if collection.is_due(self._places, self._clock()):
                self._begin()
        elif total is not None and total > self._max_size and not self._is_crowded():
            self._begin()

    def _begin(self) -> None:
        """Collect in a thread, and let the caller wait for a moment only: a store may have a million files."""
        if self._under_way is not None and self._under_way.is_alive():
            return
        thread = threading.Thread(target=self.collect, name="nbcache-collect", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no threads here, or none any more
            self.collect()
            return
        self._under_way = thread
        thread.join(_PATIENCE)

    def _is_crowded(self) -> bool:
        """Whether the last collection could not make room, and it is too early for another."""
        return self._crowded_at is not None and 0 <= self._clock() - self._crowded_at < _RETRY

    def _is_ours(self) -> bool:
        try:
            return self._locks.attempt(_COLLECTOR)
        except OSError:
            # No locks here: two collections at once only do the same work twice.
            return True
