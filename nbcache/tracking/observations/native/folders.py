"""In which folders is the process watched: the working folder, those that the run's paths name, and what lies below.

Being told of a folder costs some microseconds once, and nothing while nothing happens there; so folders are followed
on from run to run.
"""

from __future__ import annotations

import os
from collections import deque
from time import perf_counter

from nbcache.tracking.observations.native.notices import MADE, MOVED_AWAY, FolderWatcher, Notices
from nbcache.tracking.observations.paths import is_private

#: Folders below one top, folders in all, and seconds to look for them: in a home folder nobody waits for the end. A few
#: are followed however long it takes, as a busy machine may let all of that time pass before the first.
_MOST_BELOW = 512
_FEW = 16
_MOST = 4096
_LONGEST = 0.05
_TOPS = 16
_NOBODYS = frozenset({"__pycache__", "node_modules", "site-packages", "dist-packages"})

_stat = os.stat  # as it is before `os_calls` takes its place

#: Folders that arguments, globals and constants have named, to be followed from the next run on; oldest first.
_named: dict[str, None] = {}


def mention(text: str) -> None:
    """Follow the folder that a text names, or that what it names lies in, from the next run on."""
    if not os.path.isabs(text) and not text.startswith((os.pardir, "~")):
        return  # below the working folder
    folder = text = os.path.expanduser(text)
    if not os.path.isdir(folder):
        folder = os.path.dirname(text)
        if not os.path.isdir(folder):
            return
    folder = os.path.abspath(folder)
    if folder in _named or os.path.dirname(folder) == folder:
        return
    if len(_named) >= _TOPS:
        del _named[next(iter(_named))]
    _named[folder] = None


class WatchedFolders:
    """The folders of this process about which the system tells."""

    def __init__(self) -> None:
        self._source = FolderWatcher()
        self._tops: dict[str, tuple[int, int]] = {}
        self._followed: dict[str, int] = {}  # the number that each had when it was found
        self._local: dict[str, bool] = {}
        self._listed: list[str] = []
        self._count = 0

    def prepare(self, here: str) -> bool:
        """Follow the working folder, given in full, and those that were named; True if any of them is new."""
        self.top(here)
        for folder in tuple(_named):
            self.top(folder)
        return bool(self._listed)

    def top(self, folder: str) -> None:
        """Follow a folder and, within bounds, what lies below, unless that is already so."""
        try:
            full = folder if folder in self._tops else os.path.abspath(folder)
            found = _stat(full)
        except (OSError, ValueError):
            return
        is_now = (found.st_dev, found.st_ino)
        if self._tops.get(full) == is_now or (full not in self._tops and self.covers(full)):
            return
        if len(self._followed) > _MOST:
            self.close()
        self._tops[full] = is_now
        self._follow_below(os.path.realpath(full))

    def covers(self, folder: str) -> bool:
        """Whether a folder, as its real name, is followed."""
        return folder in self._followed

    @property
    def count(self) -> int:
        """How many folders have been found so far."""
        return self._count

    def told_all(self, folder: str, count: int) -> bool:
        """Whether what anybody did to a file in a folder, as its real name, has been told since `count` was that."""
        if self._followed.get(folder, count) >= count:
            return False
        local = self._local.get(folder)
        if local is None:
            local = self._local[folder] = self._source.is_local(folder)
        return local

    def read(self, *, opens: bool = True) -> Notices:
        """Tell what happened, and follow folders that were made.

        Parameters
        ----------
        opens : False where only what happened to folders is of interest
        """
        notices = self._source.read(opens=opens)
        more = notices
        while more.of_folders and (made := self._changed(more)):
            for full in made:
                self._follow_below(full)
            more = self._source.read()  # to look below a folder is told as well
            notices.add(more)
        for folder in self._listed:  # that was us
            above, name = os.path.split(folder)
            notices.ours.get(folder, {}).pop("", None)
            notices.ours.get(above, {}).pop(name, None)
        self._listed.clear()
        if self._source.lost or notices.overflown:  # folders that were made may be among what is lost
            self.close()
        return notices

    def _changed(self, notices: Notices) -> list[str]:
        """Forget folders that are gone or others now, and return those that are to be followed."""
        happened: dict[str, int] = {}
        for full, what in notices.folders():
            happened[full] = happened.get(full, 0) | what
        if happened:
            away = tuple([os.path.join(full, "") for full, what in happened.items() if what & MOVED_AWAY])
            gone = [full for full in self._followed if full in happened or full.startswith(away)]
            for full in gone:
                del self._followed[full]
                self._tops.pop(full, None)
            self._local.clear()
        return [full for full, what in happened.items() if what & MADE and not _is_nobodys(os.path.basename(full))]

    def close(self) -> None:
        """Forget all folders."""
        self._source.close()
        self._tops.clear()
        self._followed.clear()
        self._local.clear()

    def _follow_below(self, top: str) -> None:
        until = perf_counter() + _LONGEST
        waiting, count = deque([top]), 0
        while waiting and count < _MOST_BELOW and (count < _FEW or perf_counter() < until):
            folder = waiting.popleft()
            if folder in self._followed or is_private(os.path.join(folder, "")) or not self._source.follow(folder):
                continue
            self._followed[folder] = self._count
            self._count += 1
            self._listed.append(folder)
            count += 1
            try:
                with os.scandir(folder) as entries:
                    below = sorted(entry.path for entry in entries if entry.is_dir() and not _is_nobodys(entry.name))
            except OSError:
                continue
            waiting.extend(os.path.realpath(path) if os.path.islink(path) else path for path in below)


def _is_nobodys(name: str) -> bool:
    return name.startswith(".") or name in _NOBODYS
