"""Which files does a run open: seen by an audit hook that is installed once and listens only while runs are recorded.

A recorder belongs to the run that started it: its thread, the tasks it awaits (by context variable) and the threads
it starts (tagged when they start). What it cannot see are files that native code opens by itself.
"""

from __future__ import annotations

import os
import stat
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import FrameType
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from nbcache.tracking import watch
from nbcache.tracking.packages import installed_folders

# Where the system keeps its own, which libraries read on the side; what the user may have put elsewhere counts.
_SYSTEM = (
    *("/dev/", "/proc/", "/sys/", "/usr/lib/", "/System/", "/Library/Fonts/", "/private/var/db/"),
    *(f"/usr/share/{name}/" for name in ("fonts", "zoneinfo", "locale", "mime", "ca-certificates", "icu")),
    *(f"/etc/{name}" for name in ("ssl/", "pki/", "fonts/", "mime.types", "localtime", "timezone", "resolv.conf")),
    *(f"/etc/{name}" for name in ("hosts", "host.conf", "nsswitch.conf", "gai.conf", "services", "protocols")),
    *(f"/etc/{name}" for name in ("os-release", "lsb-release", "debian_version", "machine-id", "passwd", "group")),
)
_MEMORY = "/dev/shm/"  # a folder like any other
_PRIVATE_NAMES = frozenset({"__pycache__", "matplotlib", "fontconfig", ".matplotlib"})
_COMPILED = (".pyc", ".pyo", ".so", ".pyd", ".dylib", ".nbi")
_READERS_OF_CODE = ("<frozen importlib", "<frozen zipimport", "<frozen runpy")
_SOURCE_READERS = ("linecache.py", "tokenize.py", "pkgutil.py", "inspect.py", "traceback.py")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_NEW = os.O_TRUNC | os.O_EXCL


@dataclass(frozen=True, slots=True)
class FileDep:
    """A file, the names in a folder, or the absence of a name, that a result rests on; `path` is as it was given."""

    path: str
    kind: str


Signature = tuple[int, int, int, int, int]


def signature(path: str) -> Signature | None:
    """Tell what a file is without reading it: device, inode, size, and both its times; `None`: it is not there."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


class FileRecorder:
    """The files that one run reads.

    Attributes
    ----------
    outside : "network" and "subprocess", when the run used them
    failed : why a file may have been overlooked, "" when none was
    scope : what the threads that the run starts inherit besides the recording; up to whoever records
    """

    def __init__(self, parent: FileRecorder | None = None, *, listening: bool = True) -> None:
        self.outside: dict[str, None] = {}
        self.failed = ""
        self.scope: object = None
        self._parent = parent
        self._deps: dict[FileDep, Signature | None] = {}
        self._written: set[str] = set()
        self._folder = _working_folder()
        self._open = listening

    def __enter__(self) -> FileRecorder:
        if not _AuditHook.installed:
            _AuditHook.install()
        _AuditHook.recorders.add(self)
        self._token = _current.set(self)
        return self

    def __exit__(self, *error: object) -> None:
        _current.reset(self._token)
        self._open = False  # also to threads of the run that are still alive
        _AuditHook.recorders.discard(self)

    def any(self) -> bool:
        """Tell whether the run read anything, or something may have been overlooked."""
        return bool(self._deps or self.failed)

    @property
    def deps(self) -> tuple[FileDep, ...]:
        """What was read, in order, without what the run itself wrote, before or after."""
        return tuple(dep for dep in self._deps if dep.kind != "missing" or not self.wrote(dep.path))

    def add(self, deps: Iterable[FileDep]) -> None:
        """Count files that were not opened now: those of a result that was found in the cache."""
        for recorder in self._enclosing():
            for dep in deps:
                recorder._deps.setdefault(dep, signature(dep.path))

    @property
    def written(self) -> frozenset[str]:
        """What the run wrote, as full paths."""
        return frozenset(self._written)

    def wrote(self, path: str) -> bool:
        """Tell whether the run wrote a file, or made the folder it lies in."""
        if not self._written:
            return False
        full = os.path.realpath(os.path.join(self._folder, path))
        while full not in self._written:
            full, last = os.path.dirname(full), full
            if full == last:
                return False
        return True

    def steady(self) -> bool:
        """Tell whether every file still is what it was when the run opened it, and none was overlooked."""
        return not self.failed and all(
            signature(dep.path) == self._deps[dep] for dep in self.deps if dep.kind != "folder"
        )

    def _enclosing(self) -> Iterator[FileRecorder]:
        recorder: FileRecorder | None = self
        while recorder is not None:
            if recorder._open:
                yield recorder
            recorder = recorder._parent

    def read(self, path: str, kind: str) -> None:
        """Count a file or folder as read, here and in the recorders around."""
        for recorder in self._enclosing():
            if not recorder.wrote(path):
                recorder._deps.setdefault(FileDep(recorder._spelt(path), kind), signature(path))

    def write(self, path: str) -> None:
        """Note that the run writes a file, here and in the recorders around."""
        full = os.path.realpath(path)
        for recorder in self._enclosing():
            recorder._written.add(full)

    def reached(self, what: str) -> None:
        """Note that the run went outside: to the network or into another process."""
        for recorder in self._enclosing():
            recorder.outside[what] = None

    def _spelt(self, path: str) -> str:
        """Keep a relative path as it is, unless the run has changed the working folder meanwhile."""
        if os.path.isabs(path) or _working_folder() == self._folder:
            return path
        return os.path.abspath(path)


def _working_folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""


_current: ContextVar[FileRecorder | None] = ContextVar("nbcache_file_recorder", default=None)
_threads: weakref.WeakKeyDictionary[threading.Thread, FileRecorder] = weakref.WeakKeyDictionary()
_ignored: list[str] = []


class _AuditHook:
    """Which recorders are open, and whether the hook is in place (it can never be removed)."""

    recorders: ClassVar[set[FileRecorder]] = set()
    installed = False
    lock = threading.Lock()

    @classmethod
    def install(cls) -> None:
        with cls.lock:
            if not cls.installed:
                watch.listen(_on_event)
                if sys.version_info < (3, 12):
                    _announce_threads()
                cls.installed = True


def recording() -> FileRecorder:
    """Record the files that are read inside; recordings nest, and the outer one sees what the inner one does."""
    return FileRecorder(_active())


@contextmanager
def unrecorded() -> Iterator[None]:
    """Keep files that the cache itself opens out of any recording around it."""
    if not active():
        yield
        return
    token = _current.set(_IGNORED)
    try:
        yield
    finally:
        _current.reset(token)


#: Stands where nothing is to be recorded.
_IGNORED = FileRecorder(listening=False)


def active() -> bool:
    """Tell whether a recording is under way here."""
    return bool(_AuditHook.recorders) and _active() is not None


def scope_here() -> object:
    """The scope of the recording under way here, in the thread that records or in one that it started."""
    recorder = _active() if _AuditHook.recorders else None
    return None if recorder is None else recorder.scope


def note(deps: Iterable[FileDep]) -> None:
    """Count files for the recording under way here, if there is one."""
    recorder = _active()
    if recorder is not None:
        recorder.add(deps)


def ignore_folder(path: str | os.PathLike[str]) -> None:
    """Never count files in this folder: it holds the cache's own."""
    prefix = os.path.join(os.path.abspath(path), "")
    if prefix not in _ignored:
        _ignored.append(prefix)


def _active() -> FileRecorder | None:
    recorder = _current.get()
    if recorder is None and _threads:
        recorder = _threads.get(threading.current_thread())
    return recorder if recorder is None or recorder._open else None


def _on_event(event: str, arguments: tuple[Any, ...]) -> None:
    """Receive an audit event; called for every event of the process, so the way out is short."""
    if not _AuditHook.recorders:
        return
    listener = _LISTENERS.get(event)
    if listener is None:
        return
    recorder = _active()
    if recorder is None:
        return
    try:
        listener(recorder, arguments)
    except Exception as error:  # an error here would stop the user's own call
        recorder.failed = f"{event}: {error!r}"


def _text(path: object) -> str | None:
    if isinstance(path, str | bytes | os.PathLike):
        try:
            return os.fsdecode(path)
        except (TypeError, ValueError):
            return None
    return None


def _private(path: str) -> bool:
    """Tell whether a path belongs to the system, to Python, to libraries or to the cache itself."""
    full = os.path.abspath(path)
    if full.startswith((*_SYSTEM, *installed_folders(), *_ignored)) or full.endswith(_COMPILED):
        return not full.startswith(_MEMORY) or full.startswith(tuple(_ignored))
    return not _PRIVATE_NAMES.isdisjoint(full.split(os.sep)[-4:-1]) and _in_cache_folder(full)


def _in_cache_folder(full: str) -> bool:
    parts = full.split(os.sep)
    return (
        "__pycache__" in parts or ".cache" in parts or ".config" in parts or "Caches" in parts or ".matplotlib" in parts
    )


def _reads_code(path: str) -> bool:
    """Tell whether the import system, or a traceback in need of a source line, opens this file."""
    frame: FrameType | None = sys._getframe(4)
    source = path.endswith(".py")
    for _ in range(6):
        if frame is None:
            return False
        name = frame.f_code.co_filename
        if name.startswith(_READERS_OF_CODE):
            return True
        if source and os.path.basename(name) in _SOURCE_READERS:
            return True
        frame = frame.f_back
        if not source and not name.startswith("<frozen"):
            return False
    return False


def _opened(recorder: FileRecorder, arguments: tuple[Any, ...]) -> None:
    path = _text(arguments[0])
    flags = arguments[2] if len(arguments) > 2 and isinstance(arguments[2], int) else 0
    if path is None or _private(path) or _reads_code(path):
        return
    try:
        mode: int | None = os.stat(path).st_mode
    except (OSError, ValueError):
        mode = None
    if flags & _WRITES:
        if mode is None or flags & (_NEW | os.O_WRONLY):
            recorder.write(path)
            return
        recorder.read(path, "file")  # opened to read and write, and it is there
        recorder.write(path)
    elif mode is None:
        if arguments[1] is not None or os.path.isabs(path):  # os.open may be relative to a folder we do not know
            recorder.read(path, "missing")
    elif stat.S_ISREG(mode):
        recorder.read(path, "file")


def _listed(recorder: FileRecorder, arguments: tuple[Any, ...]) -> None:
    path = "." if arguments[0] is None else _text(arguments[0])
    if path is None or _private(os.path.join(path, "")) or _reads_code(path):
        return
    path = path or "."
    recorder.read(path, "folder" if os.path.isdir(path) else "missing")


def _connected(recorder: FileRecorder, arguments: tuple[Any, ...]) -> None:
    path = _text(arguments[0]) or ":memory:"
    if path.startswith("file:"):
        parts = urlsplit(path)
        if "mode=memory" in parts.query or parts.path in ("", ":memory:"):
            return
        path = unquote(parts.path)
    if path == ":memory:" or _private(path):
        return
    if signature(path) is None:
        recorder.write(path)
        return
    recorder.read(path, "file")
    recorder.read(f"{path}-wal", "file")  # what was committed last may still lie there


def _made(recorder: FileRecorder, arguments: tuple[Any, ...]) -> None:
    path = _text(arguments[0])
    if path is not None and not os.path.exists(path):
        recorder.write(path)


def _moved(recorder: FileRecorder, arguments: tuple[Any, ...]) -> None:
    path = _text(arguments[1])
    if path is not None:
        recorder.write(path)


def _started(recorder: FileRecorder, arguments: tuple[Any, ...]) -> None:
    thread = getattr(arguments[0], "__self__", None)
    if isinstance(thread, threading.Thread):
        _threads[thread] = recorder


def _announce_threads() -> None:
    """Make Python 3.11 tell when a thread starts, as later versions do by an audit event."""
    start: Callable[..., int] = threading._start_new_thread  # type: ignore[attr-defined]

    def announced(function: Callable[..., object], *arguments: Any) -> int:
        _on_event("_thread.start_new_thread", (function, *arguments))
        return start(function, *arguments)

    threading._start_new_thread = announced  # type: ignore[attr-defined]


def _outside(what: str) -> Callable[[FileRecorder, tuple[Any, ...]], None]:
    def listener(recorder: FileRecorder, arguments: tuple[Any, ...]) -> None:
        recorder.reached(what)

    return listener


_LISTENERS: dict[str, Callable[[FileRecorder, tuple[Any, ...]], None]] = {
    "open": _opened,
    "os.listdir": _listed,
    "os.scandir": _listed,
    "sqlite3.connect": _connected,
    "os.mkdir": _made,
    "os.rename": _moved,
    "os.link": _moved,
    "os.symlink": _moved,
    "_thread.start_new_thread": _started,
    "_thread.start_joinable_thread": _started,
    "socket.connect": _outside("network"),
    # Not "os.fork": workers that compute and hand back are the run itself.
    **dict.fromkeys(map("os.{}".format, ("system", "forkpty", "posix_spawn", "spawn")), _outside("subprocess")),
    "subprocess.Popen": _outside("subprocess"),
}
