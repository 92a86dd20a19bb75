"""Making room in a whole store: a look at every file, done seldom and by one process at a time."""

from __future__ import annotations

import os
from pathlib import Path

from nbcache.stores.disk import liveness, quarantine, use_journal
from nbcache.stores.disk.clearing import Trash, owner_folders
from nbcache.stores.disk.disk_usage import occupied
from nbcache.stores.eviction import Candidate, to_make_room
from nbcache.stores.folders import Places, append, list_names
from nbcache.stores.names import is_journal, parts_of_file

#: An entry is kept for one more time-to-live after it has expired, because an old value may still be served while a
#: new one is computed in the background.
_GRACE = 1.0
_A_DAY = 86400.0


def collect(places: Places, trash: Trash, max_size: int, now: float) -> tuple[int, int]:
    """Delete expired entries, and the least recently used beyond a bound, whatever key signed them.

    Returns
    -------
    How many files went, and the bytes that are left.

    Raises
    ------
    OSError
        Something could not be looked at or deleted.
    """
    candidates = [candidate for folder in owner_folders(places.base) for candidate in _candidates(folder)]
    left = sum(candidate.size for candidate in candidates)
    evicted = 0
    touched: set[Path] = set()
    for candidate in to_make_room(candidates, max_size, now):
        assert isinstance(candidate.name, Path)
        try:
            os.unlink(candidate.name)
            evicted += 1
        except FileNotFoundError:
            pass
        left -= candidate.size
        touched.add(candidate.name.parent)
    for folder in touched:
        _remove_if_empty(folder)
    tidy(places, trash, now)
    append(places.collected, b"")
    os.utime(places.collected, (now, now))
    return evicted, left


def is_due(places: Places, now: float) -> bool:
    """Whether nobody has collected for a day, so that expired entries wait."""
    try:
        last = os.lstat(places.collected).st_mtime
    except OSError:
        return True
    return not 0 <= now - last < _A_DAY


def tidy(places: Places, trash: Trash, now: float) -> None:
    """Delete what processes that died have left behind, and what was in quarantine for long enough; OSError."""
    liveness.sweep(places.temporary)
    liveness.sweep(places.waits)
    quarantine.trim(places.quarantine, now)
    # What cannot be deleted was told when it was cleared.
    trash.empty(lambda error: None)


def _candidates(folder: Path) -> list[Candidate]:
    hints = use_journal.read(str(folder))
    found: list[Candidate] = []
    for name in list_names(folder):
        parts = parts_of_file(name)
        if parts is None:
            continue
        try:
            status = os.lstat(folder / name)
        except FileNotFoundError:
            continue
        hint = hints.get(parts[0], use_journal.Hint())
        expires = None
        # The hint of an older entry under the same key says nothing about this one.
        if hint.expires is not None and hint.expires > status.st_mtime:
            expires = hint.expires + _GRACE * (hint.expires - status.st_mtime)
        found.append(Candidate(max(hint.used, status.st_mtime), occupied(status.st_size), folder / name, expires))
    return found


def _remove_if_empty(folder: Path) -> None:
    names = list_names(folder)
    if all(is_journal(name) for name in names):
        try:
            for name in names:
                os.unlink(folder / name)
            os.rmdir(folder)
        except OSError:
            # A put at the same moment: the folder is in use again.
            pass
