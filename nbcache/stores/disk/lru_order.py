"""The order of use of one owner's files, as one process knows it, so that a bound costs no scan for every put."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from nbcache.stores.disk import use_journal
from nbcache.stores.eviction import is_within, notes_to_keep, over_bounds
from nbcache.stores.folders import list_names
from nbcache.stores.names import NOTE, RESULT, parts_of_file
from nbcache.stores.protocol import Whose

#: Up to so many files, the names in the folder are read each time. Beyond that, they are read when the folder has
#: changed between two operations of ours, and after this many seconds, because it may also have changed during one;
#: or after so many times the seconds that the reading took.
_FEW = 256
_TRUSTED_FOR = 1.0
_TRUSTED_TIMES = 50
#: While others write too, the names are not read again for so many times the seconds that the reading took: the bound
#: is then kept but for what they write in that time.
_SHARE = 20


@dataclass(slots=True)
class _File:
    size: int
    used: float


class LruOrder:
    """The files of one owner below the folders of all keys, the least recently used first.

    Parameters
    ----------
    folders : the owner's folder below each key; most owners have one
    """

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = folders
        # By path as text: hashing a Path costs more than looking it up.
        self._results: OrderedDict[str, _File] = OrderedDict()
        self._notes: OrderedDict[str, _File] = OrderedDict()
        self._total = 0
        self._changed: list[int] = []
        self._read_again_at = self._not_before = 0.0
        self._journals: list[tuple[int, int]] = []
        self._sorted = True

    def put(self, path: str, size: int, used: float) -> None:
        """Note a file that this process has written."""
        self.remove(path)
        if _is_result(path):
            self._results[path] = _File(size, used)
            self._total += size
        else:
            self._notes[path] = _File(size, used)

    def touch(self, path: str, used: float) -> None:
        """Note that this process has used a file."""
        for files in (self._results, self._notes):
            file = files.get(path)
            if file is not None and used > file.used:
                # A use told late may be older than the latest one.
                self._sorted = self._sorted and used >= files[next(reversed(files))].used
                file.used = used
                files.move_to_end(path)

    def remove(self, path: str) -> None:
        """Note a file that this process has deleted."""
        file = self._results.pop(path, None)
        if file is not None:
            self._total -= file.size
        else:
            self._notes.pop(path, None)

    def is_current(self) -> bool:
        """Whether nobody has changed the folders since this process last looked."""
        return self._changed == [_changed(folder) for folder in self._folders]

    def settle(self) -> None:
        """Note that the change since `is_current` was this process's own."""
        self._changed = [_changed(folder) for folder in self._folders]

    def excess(
        self, max_entries: int | None, max_size: int | None, whose: Whose | None = None
    ) -> tuple[list[str], list[str]]:
        """The results that must go for both bounds to hold, and the bookkeeping that goes with them; OSError."""
        self._refresh()
        count, total = len(self._results), self._total
        if whose is not None and not is_within(count, total, max_entries, max_size):
            sizes = [size for _, size in self._sizes(whose)]
            count, total = len(sizes), sum(sizes)
        if is_within(count, total, max_entries, max_size):
            return [], []
        self._learn_uses()
        if not self._sorted:
            self._sort()
        going = over_bounds(self._sizes(whose), count, total, max_entries, max_size)
        surplus = len(self._notes) - notes_to_keep(len(self._results) - len(going))
        return going, list(islice(self._notes, max(0, surplus))) if going else []

    def _sizes(self, whose: Whose | None) -> Iterator[tuple[str, int]]:
        for path, file in self._results.items():
            if whose is None or whose(_key(path)):
                yield path, file.size

    def _refresh(self) -> None:
        """Learn what other processes have written and deleted."""
        changed = [_changed(folder) for folder in self._folders]
        now = time.monotonic()
        few = len(self._results) + len(self._notes) <= _FEW
        if not few and now < (self._read_again_at if changed == self._changed else self._not_before):
            return
        present = {
            f"{folder}/{name}"
            for folder in self._folders
            for name in list_names(folder)
            if parts_of_file(name) is not None
        }
        known = self._results.keys() | self._notes.keys()
        for path in known - present:
            self.remove(path)
        for path in present - known:
            try:
                status = os.lstat(path)
            except FileNotFoundError:
                continue
            self.put(path, status.st_size, status.st_mtime)
            self._sorted = False
            self._journals = []
        self._changed = changed
        done = time.monotonic()
        self._not_before = done + _SHARE * (done - now)
        self._read_again_at = done + max(_TRUSTED_FOR, _TRUSTED_TIMES * (done - now))

    def _learn_uses(self) -> None:
        """Learn from the journals when files were used, if a journal or the set of files has changed."""
        journals = [_journal(folder) for folder in self._folders]
        if journals == self._journals:
            return
        known, self._journals = self._journals or [(0, 0)] * len(journals), journals
        for folder, before, now in zip(self._folders, known, journals, strict=True):
            grown = before[0] == now[0] and before[1] <= now[1]
            hints = use_journal.read(folder, now[1] - before[1] if grown else None)
            # In their order, so that most of them come last, and nothing has to be sorted.
            for key, hint in sorted(hints.items(), key=lambda item: item[1].used):
                for ending in (RESULT, NOTE):
                    self.touch(f"{folder}/{key}{ending}", hint.used)

    def _sort(self) -> None:
        self._results = OrderedDict(sorted(self._results.items(), key=lambda item: item[1].used))
        self._notes = OrderedDict(sorted(self._notes.items(), key=lambda item: item[1].used))
        self._sorted = True


def _key(path: str) -> str:
    return path.rpartition("/")[2].partition(".")[0]


def _is_result(path: str) -> bool:
    return not path.endswith(NOTE)


def _changed(folder: str) -> int:
    try:
        return os.stat(folder, follow_symlinks=False).st_mtime_ns
    except OSError:
        return 0


def _journal(folder: str) -> tuple[int, int]:
    try:
        status = os.stat(f"{folder}/{use_journal.NAME}", follow_symlinks=False)
    except OSError:
        return 0, 0
    return status.st_ino, status.st_size
