"""Which files did native code open during a run: what the system tells, without what Python code opened itself.

A net under the readers that are known by name: it needs no knowledge of libraries, but of folders (`folders` says
which), and a system that tells (Linux).
"""

from __future__ import annotations

import functools
import glob
import os
import threading
from collections.abc import Iterable

from nbcache.tracking.observations.context import unrecorded
from nbcache.tracking.observations.native.attribution import attribute
from nbcache.tracking.observations.native.folders import WatchedFolders
from nbcache.tracking.observations.native.links import links_to
from nbcache.tracking.observations.native.notices import GONE, IS_FOLDER, MADE, MODIFIED, OPENED, Notices
from nbcache.tracking.observations.observation import Observer
from nbcache.tracking.observations.paths import is_private
from nbcache.tracking.observations.reading import is_sqlite

# Notices are fetched after so many opens by Python, long before the system's queue of 16384 is full.
AT_ONCE = 4096
# Folders that runs name by looking: one that looks into thousands does not wait for each to be watched.
_MOST_LOOKED_AT = 64
_OVERFLOWN = "more files were opened than the system could report"
# Where it is not known who opened a file, these are taken for an editor's or a server's work.
_NOT_A_READ = MODIFIED | MADE | GONE | IS_FOLDER
_BESIDE = (".ipynb", ".py", ".pyc", ".swp", "~")
# Python's own data base announces its files itself, and any thread may write to one that was opened long before.
_BESIDE_DATABASE = ("-journal", "-wal", "-shm")

# Readers of these list the folder to see what lies beside the file: overviews, masks, world files.
_WITH_SIDECARS = (".tif", ".tiff", ".img", ".jp2", ".vrt", ".asc", ".hgt", ".bil", ".dem", ".ecw", ".sid", ".adf")


class _Run:
    """What is noticed during one run."""

    def __init__(self, observer: Observer, folder: str, count: int) -> None:
        self.observer: Observer | None = observer  # until it is over
        self.folder = folder
        self.count = count  # of the folders that were followed when it began
        self.by_python: dict[str, None] = {}
        self.written_to: dict[str, None] = {}  # those that were opened to be changed
        self.told = Notices()
        self.moved = False  # away from `folder`


class NativeOpens:
    """Watches the folders of a run."""

    def __init__(self) -> None:
        self._folders = WatchedFolders()
        self._lock = threading.RLock()  # a finalizer may come in between
        self._runs: list[_Run] = []
        self._looked_at: set[str] = set()
        self._looking: int | None = None  # the thread in which we look at folders ourselves
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew)

    def begin(self, observer: Observer) -> _Run:
        """Start to listen."""
        with self._lock, unrecorded():
            self._fetch()  # what nobody has recorded
            if self._folders.prepare(observer.folder):
                self._fetch()
            if not self._runs:
                self._looked_at.clear()
            run = _Run(observer, observer.folder, self._folders.count)
            self._runs.append(run)
            observer.plain = observer.plain and len(self._runs) == 1
            for other in self._runs[:-1]:
                if other.observer is not None:
                    other.observer.plain = False
        return run

    def end(self, observer: Observer, began: _Run) -> None:
        """Note what native code opened and wrote."""
        with self._lock:
            self._fetch()
            if began in self._runs:
                self._runs.remove(began)
        began.observer = None
        told = began.told
        if told.overflown:
            observer.failed = _OVERFLOWN
        for folder, names in told.anybodys.items():
            for name, what in names.items():
                if not (what & _NOT_A_READ or name.startswith(".") or name.endswith(_BESIDE)):
                    told.note(told.ours, folder, name, what)
        if told.ours:
            with unrecorded():
                by_python = observer.opens.keys() | began.by_python.keys()
                told_all = functools.partial(self._folders.told_all, count=began.count)
                found, unchanged = attribute(told, began.folder, by_python, began.written_to, told_all)
                observer.unchanged |= unchanged
                for full, what in found.items():
                    _note(observer, began, full, what, found)
                read = [full for full, what in found.items() if what & OPENED and not is_private(full)]
                for link in links_to(read, began.folder) if read else ():
                    observer.observe("links", _name(began, link))

    def by_python(self, path: str, *, writes: bool = False) -> None:
        """Listener that Python code, whichever, opens a file or lists a folder."""
        if self._looking is not None and self._looking == threading.get_ident():
            return
        for run in self._runs:
            if run.moved:
                path = os.path.abspath(path)
            names = run.by_python
            names[path] = None
            if writes:
                run.written_to[path] = None
            if not len(names) % AT_ONCE:
                self.fetch()

    def fetch(self) -> None:
        """Take the notices from the system before there are too many, unless somebody is at it."""
        if self._lock.acquire(blocking=False):
            try:
                self._fetch()
            finally:
                self._lock.release()

    def covers(self, path: str) -> bool:
        """Whether native code cannot open a file without being noticed."""
        with unrecorded():
            return self._folders.covers(os.path.dirname(os.path.realpath(path)))

    def watch(self, folder: str) -> bool:
        """Watch a folder from now on; False when that cannot be, or nobody listens."""
        with self._lock:
            if not self._runs:
                return False
            self._fetch()  # it may tell that the folder is another by now
            self._looking = threading.get_ident()
            try:
                with unrecorded():
                    self._folders.top(folder)
            finally:
                self._looking = None
            self._fetch()
            return self._folders.covers(os.path.realpath(folder))

    def looked_at(self, folder: str) -> None:
        """Hear that the user's code has named a folder, by whatever way; native code may open what lies in it."""
        if folder not in self._looked_at and self._runs and len(self._looked_at) < _MOST_LOOKED_AT:
            self._looked_at.add(folder)
            if os.path.isabs(folder) and os.path.dirname(folder) != folder and not is_private(folder):
                self.watch(folder)

    def moves(self) -> None:
        """Listener that the working folder is about to change."""
        for run in self._runs:
            run.moved = True

    def _fetch(self) -> None:
        self._looking = threading.get_ident()
        try:
            told = self._folders.read(opens=bool(self._runs))
        finally:
            self._looking = None
        if told:
            for run in self._runs:
                run.told.add(told)

    def _renew(self) -> None:
        """Leave the notices to the parent process."""
        self._lock = threading.RLock()  # a finalizer may come in between
        self._runs = []
        self._folders.close()
        self._folders = WatchedFolders()


def _name(run: _Run, full: str) -> str:
    """A path as the run might have given it: from the working folder, where it lies below."""
    return os.path.relpath(full, run.folder) if full.startswith(os.path.join(run.folder, "")) else full


def _note(observer: Observer, run: _Run, full: str, what: int, found: Iterable[str]) -> None:
    if is_private(full):
        return
    name = _name(run, full)
    if what & IS_FOLDER:
        if what & OPENED and os.path.isdir(full):
            inside = os.path.join(full, "")
            beside = [one[len(inside) :] for one in found if one.startswith(inside) and one != inside]
            if beside and all(one.lower().endswith(_WITH_SIDECARS) for one in beside):
                for one in beside:  # looked for what belongs to the file, not for files to read
                    sidecars = os.path.join(glob.escape(name), f"{glob.escape(os.path.splitext(one)[0])}.*")
                    observer.observe("matches", os.path.normpath(sidecars))
            else:
                observer.observe("folder", name)
    elif what & (MODIFIED | MADE):
        if not _is_database(full):
            observer.write(full)
    elif what & OPENED and os.path.exists(full):
        observer.observe("file", name)
        folder, last = os.path.split(full)
        if run.told.others.get(folder, {}).get(last, 0) & (MODIFIED | MADE | GONE):
            observer.failed = f"{name} was changed while the run read it"


def _is_database(path: str) -> bool:
    return path.endswith(_BESIDE_DATABASE) or is_sqlite(path)


NATIVE_OPENS = NativeOpens()
