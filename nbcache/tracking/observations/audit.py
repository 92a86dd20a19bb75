"""What Python announces of a run: opened files, listed folders, threads, programs, by an audit hook.

The hook is installed once and notes things only while a run is recorded. What it cannot see is done by native code.
"""

from __future__ import annotations

import os
import stat
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any
from urllib.parse import unquote, urlsplit

from nbcache.tracking import watch
from nbcache.tracking.observations import context
from nbcache.tracking.observations.paths import is_private, text_of

_READERS_OF_CODE = ("<frozen importlib", "<frozen zipimport", "<frozen runpy")
_SOURCE_READERS = ("linecache.py", "tokenize.py", "pkgutil.py", "inspect.py", "traceback.py")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_NEW = os.O_TRUNC | os.O_EXCL

_installed: list[bool] = []
_installing = threading.Lock()


def install() -> None:
    """Put the hook in place, once; it can never be removed."""
    if _installed:
        return
    with _installing:
        if not _installed:
            watch.listen(_on_event)
            if sys.version_info < (3, 12):
                _announce_threads()
            _installed.append(True)


def _on_event(event: str, arguments: tuple[Any, ...]) -> None:
    """Receive an audit event; called for every event of the process, so the way out is short."""
    if not context.recorders:
        return
    listener = _LISTENERS.get(event)
    if listener is None:
        return
    recorder = context.current()
    if recorder is None:
        return
    try:
        listener(recorder, arguments)
    except Exception as error:  # an error here would stop the user's own call
        recorder.failed = f"{event}: {error!r}"


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


def _opened(recorder: context.Open, arguments: tuple[Any, ...]) -> None:
    path = text_of(arguments[0])
    flags = arguments[2] if len(arguments) > 2 and isinstance(arguments[2], int) else 0
    if path is None or is_private(path) or _reads_code(path):
        return
    try:
        mode: int | None = os.stat(path).st_mode
    except (OSError, ValueError):
        mode = None
    if flags & _WRITES:
        if mode is None or flags & (_NEW | os.O_WRONLY):
            recorder.write(path)
            return
        recorder.observe("file", path)  # opened to read and write, and it is there
        recorder.write(path)
    elif mode is None:
        if arguments[1] is not None or os.path.isabs(path):  # os.open may be relative to a folder we do not know
            recorder.observe("missing", path)
    elif stat.S_ISREG(mode):
        recorder.observe("file", path)


def _listed(recorder: context.Open, arguments: tuple[Any, ...]) -> None:
    path = "." if arguments[0] is None else text_of(arguments[0])
    if path is None or is_private(os.path.join(path, "")) or _reads_code(path):
        return
    path = path or "."
    recorder.observe("folder" if os.path.isdir(path) else "missing", path)


def _connected(recorder: context.Open, arguments: tuple[Any, ...]) -> None:
    path = text_of(arguments[0]) or ":memory:"
    if path.startswith("file:"):
        parts = urlsplit(path)
        if "mode=memory" in parts.query or parts.path in ("", ":memory:"):
            return
        path = unquote(parts.path)
    if path == ":memory:" or is_private(path):
        return
    if not os.path.exists(path):
        recorder.write(path)
        return
    recorder.observe("file", path)
    recorder.observe("file", f"{path}-wal")  # what was committed last may still lie there


def _made(recorder: context.Open, arguments: tuple[Any, ...]) -> None:
    path = text_of(arguments[0])
    if path is not None and not os.path.exists(path):
        recorder.write(path)


def _moved(recorder: context.Open, arguments: tuple[Any, ...]) -> None:
    path = text_of(arguments[1])
    if path is not None:
        recorder.write(path)


def _started(recorder: context.Open, arguments: tuple[Any, ...]) -> None:
    thread = getattr(arguments[0], "__self__", None)
    if isinstance(thread, threading.Thread):
        context.inherit(thread, recorder)


def _announce_threads() -> None:
    """Make Python 3.11 tell when a thread starts, as later versions do by an audit event."""
    start: Callable[..., int] = threading._start_new_thread  # type: ignore[attr-defined]

    def announced(function: Callable[..., object], *arguments: Any) -> int:
        _on_event("_thread.start_new_thread", (function, *arguments))
        return start(function, *arguments)

    threading._start_new_thread = announced  # type: ignore[attr-defined]


def _went(recorder: context.Open, arguments: tuple[Any, ...]) -> None:
    recorder.own("working folder", "")


def _outside(what: str) -> Callable[[context.Open, tuple[Any, ...]], None]:
    def listener(recorder: context.Open, arguments: tuple[Any, ...]) -> None:
        recorder.reached(what)

    return listener


_LISTENERS: dict[str, Callable[[context.Open, tuple[Any, ...]], None]] = {
    "open": _opened,
    "os.listdir": _listed,
    "os.scandir": _listed,
    "sqlite3.connect": _connected,
    "os.mkdir": _made,
    "os.chdir": _went,
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
