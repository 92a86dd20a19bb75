"""What Python announces of a run: opened files, listed folders, threads, programs, by an audit hook.

The hook is installed once and notes things only while a run is recorded. What it cannot see is done by native code.
"""

from __future__ import annotations

import glob
import os
import stat
import sys
import threading
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any
from urllib.parse import unquote, urlsplit

from nbcache.tracking import watch
from nbcache.tracking.observations import context, file_queries, os_calls
from nbcache.tracking.observations.callers import USERS, asks_for_code, matches_a_pattern, role
from nbcache.tracking.observations.native.opens import AT_ONCE, NATIVE_OPENS
from nbcache.tracking.observations.paths import is_private, moved, text_of
from nbcache.tracking.observations.processes import programs, unseen

# Frames from a listener up to the code that asks, and the code that opens a file.
_ASKS, _OPENS = 3, 2
_stat = os.stat  # as it is before `os_calls` takes its place
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_LISTING = frozenset({"os.listdir", "os.scandir"})
_NEW = os.O_TRUNC | os.O_EXCL
_ONLY_NEW = os.O_CREAT | os.O_EXCL
_KIND, _FOLDER = 0o170000, stat.S_IFDIR

_by_python = NATIVE_OPENS.by_python
_current, _of_this_task = context.current, context.of_this_task

_IMPORTS, _BY_STATEMENT = "<frozen importlib", "_find_and_load"

_installed: list[bool] = []
_installing = threading.Lock()


def install() -> None:
    """Put the hook in place, once; it can never be removed."""
    if _installed:
        return
    with _installing:
        if not _installed:
            watch.listen(_opened, ("open",))
            watch.listen(_on_event, _LISTENERS)
            if sys.version_info < (3, 12):
                _announce_threads()
            _installed.append(True)


def _on_event(event: str, arguments: tuple[Any, ...], recorders: set[Any] = context.recorders) -> None:
    """Receive an audit event other than that of an open."""
    if not recorders:  # bound above: the names of a module are None while the program ends
        return
    if event in _LISTING:
        path = arguments[0]
        if type(path) is int:  # a descriptor of the folder
            path = os_calls.path_of(path)
            arguments = (path,)
        _by_python(path if type(path) is str else text_of(path) or ".")
    elif event == "os.chdir":
        NATIVE_OPENS.moves()
        for one in tuple(context.recorders):
            one.moves()
        moved()
    recorder = _current()
    if recorder is None:
        return
    try:
        _LISTENERS[event](recorder, arguments)
    except Exception as error:  # an error here would stop the user's own call
        recorder.failed = f"{event}: {error!r}"


def _opened(event: str, arguments: tuple[Any, str | None, int], recorders: set[Any] = context.recorders) -> None:
    """Hear that a file is opened; called for every one that the process opens, and a run may open thousands."""
    if not recorders:  # bound above: the names of a module are None while the program ends
        return
    recorder = _of_this_task()
    path, mode, flags = arguments
    if recorder is None or not recorder.is_open or not recorder.plain or flags & _WRITES or type(path) is not str:
        _opened_otherwise(_current(), path, mode, flags)
        return
    opens = recorder.opens
    if path in opens:  # the first time counts
        return
    try:
        # to look at the code of a frame is announced as well, and that costs as much as all the rest
        names = sys._getframe(_OPENS).f_globals
        if names is recorder.asking or role(sys._getframe(_OPENS).f_code.co_filename) == USERS:
            recorder.asking = names
            opens[path] = found = _stat(path)
            if mode is None and found.st_mode & _KIND == _FOLDER:
                _opened_folder(recorder, path)
            if len(opens) % AT_ONCE == 0:
                NATIVE_OPENS.fetch()
            return
    except (OSError, ValueError):
        pass
    except Exception as error:  # it would stop the user's own call
        recorder.failed = f"open: {error!r}"
    _opened_otherwise(recorder, path, mode, flags)


def _opened_otherwise(recorder: context.Open | None, given: Any, mode: str | None, flags: int) -> None:
    """The same for a file that is written or missing, for code of libraries, and for runs in runs."""
    path = given if type(given) is str else text_of(given) or "."
    writes = bool(flags & _WRITES)
    _by_python(path, writes=writes)
    if recorder is None or (path is not given and text_of(given) is None):
        return
    try:
        if is_private(path) or asks_for_code(sys._getframe(_OPENS + 1), path):
            return
        try:
            found: os.stat_result | None = _stat(path)
        except (OSError, ValueError):
            found = None
        if found is not None and flags & _ONLY_NEW == _ONLY_NEW:
            recorder.observe("existence", path)  # nothing will come of it
            return
        if found is not None and not (writes and flags & (_NEW | os.O_WRONLY)):
            recorder.opened(path, found)  # also where it is opened to read and write
            if found.st_mode & _KIND == _FOLDER:
                _opened_folder(recorder, path)
        elif found is None and not writes:
            recorder.observe("missing", path)
        if writes and not (found is not None and found.st_mode & _KIND == _FOLDER):  # there: a file without a name
            recorder.write(path)
    except Exception as error:  # it would stop the user's own call
        recorder.failed = f"open: {error!r}"


def _opened_folder(recorder: context.Open, path: str) -> None:
    """Hear that a folder is opened: to open files from there, by names that tell nothing of it."""
    NATIVE_OPENS.watch(path)
    with context.unrecorded():
        is_linked = os.path.realpath(path) != os.path.abspath(path)
    if is_linked:
        recorder.observe("links", path)


def _listed(recorder: context.Open, arguments: tuple[Any, ...]) -> None:
    path = "." if arguments[0] is None else text_of(arguments[0])
    frame = sys._getframe(_ASKS)
    if path is None or is_private(os.path.join(path, "")) or asks_for_code(frame, path, looks=True):
        return
    if not matches_a_pattern(frame):
        path = path or "."
        with context.unrecorded():
            kind = "folder" if os.path.isdir(path) else "existence" if os.path.exists(path) else "missing"
        recorder.observe(kind, path)


def _globbed(recorder: context.Open, arguments: tuple[Any, ...]) -> None:
    text, recursive, root, relative = (*arguments, None, None)[:4]
    text, root = text_of(text), text_of(root)
    frame = sys._getframe(_ASKS)
    if text is None or asks_for_code(frame, text, looks=True):
        return
    if relative is not None:
        root = os.path.join(os_calls.path_of(relative), root or "")
    hidden = frame.f_locals.get("include_hidden") is True
    text = text if root is None else os.path.join(glob.escape(root), text)
    if not is_private(text):
        recorder.observe("matches", file_queries.pattern(text, recursive=bool(recursive), hidden=hidden))


def _path_globbed(deep: bool) -> Callable[[context.Open, tuple[Any, ...]], None]:
    def listener(recorder: context.Open, arguments: tuple[Any, ...]) -> None:
        folder, text = text_of(arguments[0]), text_of(arguments[1])
        if folder is None or text is None or asks_for_code(sys._getframe(_ASKS), folder, looks=True):
            return
        if not is_private(os.path.join(folder, "")):
            parts = ("" if folder == "." else glob.escape(folder), "**" if deep else "", text)
            for end in ((), ("",)) if text.endswith("**") else ((),):  # folders only, before Python 3.13
                meant = os.path.join(*parts, *end)
                recorder.observe("matches", file_queries.pattern(meant, recursive=True, hidden=True))

    return listener


def _asked_for_attributes(recorder: context.Open, arguments: tuple[Any, ...]) -> None:
    given = arguments[0]
    path = os_calls.path_of(given) if type(given) is int else text_of(given)
    if path and not is_private(path) and not asks_for_code(sys._getframe(_ASKS), path, looks=True):
        recorder.observe("attributes", path)


def _executed(recorder: context.Open, arguments: tuple[Any, ...]) -> None:
    """Hear that code is executed: that of a file which the user's own code has a loader load is an input."""
    code = arguments[0]
    if type(code) is not CodeType or code.co_name != "<module>" or role(code.co_filename) != USERS:
        return
    frame: FrameType | None = sys._getframe(_ASKS)
    loads = False
    while frame is not None and frame.f_code.co_filename.startswith(_IMPORTS):
        if frame.f_code.co_name == _BY_STATEMENT:
            return  # followed by its code
        loads, frame = True, frame.f_back
    if loads and frame is not None and role(frame.f_code.co_filename) == USERS and os.path.exists(code.co_filename):
        recorder.observe("file", code.co_filename)


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
    if path is None:
        return
    with context.unrecorded():
        there = os.path.lexists(path)
    if not there and sys._getframe(_ASKS).f_globals.get("__name__") == "tempfile":
        recorder.write(path)  # under a name that nobody knows
    elif not there:
        recorder.make_folder(path)
    elif not (is_private(path) or asks_for_code(sys._getframe(_ASKS), path, looks=True)):
        recorder.observe("existence", path)  # nothing will come of it


def _linked(recorder: context.Open, arguments: tuple[Any, ...]) -> None:
    path = text_of(arguments[0])
    if path is not None and not is_private(path):
        recorder.observe("file", path)  # what is read by the new name is its content
    _moved(recorder, arguments)


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
    "os.listdir": _listed,
    "os.scandir": _listed,
    "glob.glob/2": _globbed,
    "pathlib.Path.glob": _path_globbed(False),
    "pathlib.Path.rglob": _path_globbed(True),
    "exec": _executed,
    "sqlite3.connect": _connected,
    "os.getxattr": _asked_for_attributes,
    "os.listxattr": _asked_for_attributes,
    "os.mkdir": _made,
    "os.chdir": _went,
    "os.rename": _moved,
    "os.link": _linked,
    "os.symlink": _moved,
    "_thread.start_new_thread": _started,
    "_thread.start_joinable_thread": _started,
    "socket.connect": _outside("network"),
    "os.fork": unseen.forked,
    "os.forkpty": unseen.forked_with_terminal,
    "os.system": programs.command,
    "os.posix_spawn": programs.spawned,
    "os.spawn": programs.spawned,
    "subprocess.Popen": programs.popen,
}

# Now, so that the names a user imports are the same ones before and after the first recording.
os_calls.install()
os_calls.told_of_opens.append(_opened_otherwise)
