"""Which files does a run write, and can a hit write them again.

What a run wrote from its beginning and left behind is an output. What was there before and was only changed, what is
removed, and what lies elsewhere than the notebook's project cannot be made again; then it has to run.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from types import FrameType, TracebackType
from typing import Any

from nbcache.tracking.observations.context import current, unrecorded
from nbcache.tracking.observations.paths import is_private, text_of, working_folder
from nbcache.tracking.observations.recorder import Recorder
from nbcache.tracking.written import audit_events
from nbcache.tracking.written.callers import caller
from nbcache.tracking.written.file_outputs import PUT_BACK, FileOutput, taken_down
from nbcache.tracking.written.native_writers import NativelyWritten

__all__ = ["FilesWritten"]

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PROJECT = (".git", "pyproject.toml", "setup.py", ".hg")


class FilesWritten:
    """The files that a run writes, as the interpreter announces them.

    Parameters
    ----------
    texts : string constants of the code, which say what native writers may have written
    always : whether to look for those even if no library is loaded that writes natively
    """

    def __init__(self, texts: Iterable[str] = (), always: bool = False) -> None:
        tempfile.gettempdir()  # once, before anything is noted: it opens files, and holds a lock meanwhile
        self._folder = working_folder()
        self._native = NativelyWritten(self._folder, texts, always)
        self._made: dict[str, str] = {}
        self._before: dict[str, object] = {}
        self._read: set[str] = set()
        self._removed: set[str] = set()
        self._own: set[str] = set()
        self._unsure: set[str] = set()
        self._temporary: set[str] = set()
        self._alone: set[str] = set()

    def __enter__(self) -> FilesWritten:
        self._native.look()
        audit_events.subscribe(self, _LISTENERS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        audit_events.unsubscribe(self)
        recorder = current()
        for path, whole, is_new, shared in self._native.changed(self._made):
            if path in self._before:  # announced, so it is known better
                continue
            if shared:
                self._unsure.add(path)
            if is_new:  # it can only have been read once it had been written
                self._own.add(path)
            if recorder is not None:
                recorder.made(path) if is_new else recorder.write(path)
            self._note(path, path, new=whole)
            self._before.setdefault(path, None)
        if isinstance(recorder, Recorder):
            self._note_workers(recorder)

    def _note_workers(self, recorder: Recorder) -> None:
        """What worker processes of the run say that they wrote: how, nobody knows."""
        known = {os.path.realpath(path) for path in (*self._before, *self._removed)}
        for path in recorder.written - known:
            if os.path.isfile(path):
                self._before[path] = None

    # -- while it runs ---------------------------------------------------------------------------------------------

    def opened(self, path: str, flags: int) -> None:
        """Only what begins empty is new: what is appended to a file depends on whether it was there."""
        full = os.path.abspath(path)
        if os.path.isdir(full):  # so a temporary file without a name is made
            return
        if flags & _WRITES:
            self._note(path, full, new=bool(flags & os.O_TRUNC))
        elif full not in self._made:
            self._read.add(full)

    def folder_made(self, path: str) -> None:
        full = os.path.abspath(path)
        if not os.path.lexists(full):
            may_exist = _may_exist()
            if not may_exist:
                self._alone.add(full)
            # One that was there, and is removed and made anew, would never be missing at a hit.
            self._note(path, full, new=may_exist or full not in self._removed)

    def put_back(self, path: str) -> None:
        """A hit within the run has written a file in the place of the code that wrote it first."""
        self._note(path, os.path.abspath(path), new=True)

    def connected(self, path: str) -> None:
        if path and not path.startswith(("file:", ":memory:")):
            self._note(path, os.path.abspath(path), new=False)

    def moved(self, source: str, target: str) -> None:
        full = os.path.abspath(source)
        there = self._was_there(full)
        if there:
            self._removed.add(full)
        self._note(target, os.path.abspath(target), new=self._made.pop(full, None) is not None)

    def removed(self, path: str) -> None:
        full = os.path.abspath(path)
        if self._was_there(full):
            self._removed.add(full)

    def touched(self, path: str) -> None:
        """Permissions, times, links; those of a file of the run's own are part of it."""
        self._note(path, os.path.abspath(path), new=False)

    def temporary(self, path: str) -> None:
        """A name that Python chose; what a library asked for is its own business."""
        if caller().library:
            self._temporary.add(os.path.abspath(path))

    def _was_there(self, full: str) -> bool:
        """Whether something is there, and was before the run."""
        return full not in self._made and self._before.get(full, "") is not None and os.path.lexists(full)

    def _note(self, path: str, full: str, new: bool) -> None:
        if full in self._made:
            return
        if full not in self._before:
            self._before[full] = None if new else _signature(full)
        if new:
            same = os.path.isabs(path) or working_folder() == self._folder
            self._made[full] = path if same else full
        if self._before[full] is None and _for_this_process(full) and caller().library:
            self._temporary.add(full)

    # -- afterwards ------------------------------------------------------------------------------------------------

    def _users(self, full: str) -> bool:
        """Whether a path is there and no library's, system's or cache's own."""
        if not os.path.lexists(full) or is_private(full) or ".ipython" in full.split(os.sep):
            return False
        return not any(full == one or full.startswith(one + os.sep) for one in self._temporary)

    def trouble(self, read: Iterable[str]) -> str:
        """Say what a hit could not do again; empty when it can do everything.

        Parameters
        ----------
        read : files that the run is known to have read, and had not written itself before
        """
        removed = sorted(full for full in self._removed if not os.path.lexists(full) and not is_private(full))
        if removed:
            return f"it removes {_names(removed)}"
        unsure = sorted(full for full in self._unsure if self._users(full))
        if unsure:
            return f"it may not have written {_names(unsure)} itself"
        changed = sorted(
            full
            for full, before in self._before.items()
            if full not in self._made and self._users(full) and _signature(full) != before
        )
        if changed:
            return f"it changes {_names(changed)} in place"
        made = [full for full in self._made if self._users(full)]
        both = sorted(self._read.union(map(os.path.abspath, read)).intersection(made) - self._own)
        if both:
            return f"it both reads and writes {_names(both)}"
        roots = (_project(self._folder), _temporary_files())
        outside = sorted(full for full in made if not _within(full, roots))
        if outside:
            return f"it writes {_names(outside)}, outside the project"
        odd = sorted(full for full in made if not (os.path.isfile(full) or os.path.isdir(full)) or os.path.islink(full))
        return f"it makes {_names(odd)}, which is not a file" if odd else ""

    def names(self) -> list[str]:
        """The names of what it wrote and left."""
        return sorted({os.path.basename(full) for full in self._made if self._users(full)})

    def outputs(self, room: int) -> list[FileOutput]:
        """Take the files down, the contents of up to `room` bytes of them."""
        with unrecorded():
            made = [(path, full) for full, path in sorted(self._made.items()) if self._users(full)]
            return taken_down(made, room, self._alone)


def _signature(path: str) -> object:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino, found.st_mode


def _within(full: str, roots: Iterable[str]) -> bool:
    real = os.path.realpath(full)
    return any(real.startswith(os.path.join(root, "")) for root in roots if root)


def _project(folder: str) -> str:
    """The folder of the project that the working folder lies in; that folder itself where nothing tells."""
    real = place = os.path.realpath(folder)
    home = os.path.realpath(os.path.expanduser("~"))
    while place not in (home, os.path.dirname(place)):
        if any(os.path.exists(os.path.join(place, mark)) for mark in _PROJECT):
            return place
        place = os.path.dirname(place)
    return real


def _temporary_files() -> str:
    """Where temporary files lie; asking Python while it finds that out would wait for itself."""
    return os.path.realpath(os.fsdecode(tempfile.tempdir or os.path.join(os.sep, "tmp")))


def _for_this_process(full: str) -> bool:
    """Whether no other run would choose this name: it lies where temporary files do, and says which process made it."""
    if not _within(full, (_temporary_files(), "/dev/shm")):
        return False
    return any(str(os.getpid()) in part or _looks_random(part) for part in full.split(os.sep)[2:])


def _may_exist() -> bool:
    """Whether the folder that is being made may be there already: `exist_ok` of `os.makedirs` and `Path.mkdir`."""
    frame: FrameType | None = sys._getframe(3)
    for _ in range(3):
        if frame is None:
            return False
        if frame.f_code.co_name in ("makedirs", "mkdir") and "exist_ok" in frame.f_locals:
            return bool(frame.f_locals["exist_ok"])
        frame = frame.f_back
    return False


def _looks_random(part: str) -> bool:
    words = part.replace("-", "_").split("_")
    return any(len(word) >= 16 and not set(word) - set("0123456789abcdef") for word in words)


def _names(paths: list[str], most: int = 3) -> str:
    names = [os.path.basename(path) for path in paths]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


# --- what the interpreter announces

_Listener = Callable[[FilesWritten, tuple[Any, ...]], None]


def _on_path(act: Callable[[FilesWritten, str], None], place: int = 0) -> _Listener:
    def listener(written: FilesWritten, arguments: tuple[Any, ...]) -> None:
        path = text_of(arguments[place])
        if path is not None:
            act(written, path)

    return listener


def _on_open(written: FilesWritten, arguments: tuple[Any, ...]) -> None:
    path = text_of(arguments[0])
    flags = arguments[2] if len(arguments) > 2 and isinstance(arguments[2], int) else 0
    if path is not None:
        written.opened(path, flags)


def _on_move(written: FilesWritten, arguments: tuple[Any, ...]) -> None:
    source, target = text_of(arguments[0]), text_of(arguments[1])
    if source is not None and target is not None:
        written.moved(source, target)


_LISTENERS: audit_events.Listeners = {
    "open": _on_open,
    "sqlite3.connect": _on_path(FilesWritten.connected),
    "os.mkdir": _on_path(FilesWritten.folder_made),
    "os.rename": _on_move,
    "os.remove": _on_path(FilesWritten.removed),
    "os.rmdir": _on_path(FilesWritten.removed),
    "shutil.rmtree": _on_path(FilesWritten.removed),
    "os.truncate": _on_path(FilesWritten.touched),
    "os.chmod": _on_path(FilesWritten.touched),
    "os.utime": _on_path(FilesWritten.touched),
    "os.link": _on_path(FilesWritten.touched, 1),
    "os.symlink": _on_path(FilesWritten.touched, 1),
    "tempfile.mkstemp": _on_path(FilesWritten.temporary),
    "tempfile.mkdtemp": _on_path(FilesWritten.temporary),
    PUT_BACK: _on_path(FilesWritten.put_back),
}
