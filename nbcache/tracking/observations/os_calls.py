"""Calls into the system that Python does not announce: stat, lstat, access, readlink, and what a listing tells.

Functions of `os` are replaced once, by ones that pass everything through and note what was asked while a run is
recorded. Everything in the standard library that looks at files (`os.path`, `pathlib`, `glob`, `shutil`) asks these.
"""

from __future__ import annotations

import functools
import os
import stat
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from nbcache import system
from nbcache.tracebacks import hide_frame
from nbcache.tracking.observations import context, file_queries
from nbcache.tracking.observations.callers import (
    CARRIER,
    USERS,
    asks_for_code,
    matches_a_pattern,
    needs_no_times,
    role,
    users_ask,
)
from nbcache.tracking.observations.native.opens import NATIVE_OPENS
from nbcache.tracking.observations.paths import is_private, text_of, working_folder

_EXISTENCE = ("exists", "isfile", "isdir", "is_file", "is_dir", "ismount", "is_mount")
_LINK_EXISTENCE = ("lexists", "islink", "is_symlink", "is_junction", "isjunction")
#: What the functions of `os.path` and `pathlib` want to know when they ask for the status of a file.
_WANTED = {
    **dict.fromkeys(_EXISTENCE, "existence"),
    **dict.fromkeys(_LINK_EXISTENCE, "link existence"),
    "resolve": "existence",
    "getsize": "size",
    "getmtime": "time",
}
_ANSWERS: dict[str, Callable[[os.stat_result], bytes]] = {
    "existence": file_queries.existence,
    "link existence": file_queries.existence,
    "size": file_queries.size,
    "time": file_queries.modified,
    "status": file_queries.status,
    "link status": file_queries.status,
}
# They follow what they list, and that is noted already.
_LISTERS = frozenset({"walk", "fwalk", "_walk", "_fwalk"})


_GET_PATH = 50  # F_GETPATH


def install() -> None:
    """Replace the functions, once."""
    if getattr(os.stat, "__wrapped__", None) is not None:
        return
    _replace("stat", _stat)
    _replace("lstat", _stat)
    _replace("fstat", _fstat)
    _replace("access", _asking("access"))
    _replace("readlink", _asking("links"))
    _replace("scandir", _scandir)
    _replace("open", _open)
    _replace("umask", _umask)


def _replace(name: str, made: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    original = getattr(os, name, None)
    if original is None:
        return
    function = functools.update_wrapper(made(original), original)
    function.__module__ = os.__name__  # by this name it is pickled
    for table in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks, os.supports_effective_ids):
        if original in table:
            table.add(function)
    setattr(os, name, function)


#: The mask that the process began with, and the one of now; empty while nobody has set it.
_masks: list[int] = []


def mask_set() -> int | None:
    """The mask of new files where it is another than the process began with; to ask the system would be to set it."""
    return _masks[1] if _masks and _masks[0] != _masks[1] else None


def _umask(original: Callable[..., int]) -> Callable[..., int]:
    def call(*arguments: Any) -> int:
        try:
            before = original(*arguments)
        except BaseException as error:
            hide_frame(error)
            raise
        _masks[:] = [_masks[0] if _masks else before, *arguments]
        return before

    return call


def _stat(original: Callable[..., os.stat_result]) -> Callable[..., os.stat_result]:
    linked = original.__name__ == "lstat"

    def call(*arguments: Any, **options: Any) -> os.stat_result:
        recorder = context.current() if context.recorders else None
        found = None
        try:
            found = original(*arguments, **options)
        except BaseException as error:
            hide_frame(error)
            raise
        finally:
            if recorder is not None and (path := _path_in(arguments, options)) is not None:
                follow = not linked and options.get("follow_symlinks", True)
                _note(recorder, _looked, path, sys._getframe(1), found, follow)
        return found

    return call


def _fstat(original: Callable[..., os.stat_result]) -> Callable[..., os.stat_result]:
    def call(*arguments: Any, **options: Any) -> os.stat_result:
        try:
            found = original(*arguments, **options)
        except BaseException as error:
            hide_frame(error)
            raise
        recorder = context.current() if context.recorders else None
        if recorder is not None and stat.S_ISREG(found.st_mode):
            path = path_of(arguments[0] if arguments else options["fd"])
            if path:
                _note(recorder, _looked, path, sys._getframe(1), found, True)
        return found

    return call


def _open(original: Callable[..., int]) -> Callable[..., int]:
    def call(*arguments: Any, dir_fd: int | None = None, **options: Any) -> int:
        recorder = context.current() if context.recorders and dir_fd is not None else None
        try:
            if recorder is None:
                return original(*arguments, dir_fd=dir_fd, **options)
            path = _path_in(arguments, {**options, "dir_fd": dir_fd})
            flags = arguments[1] if len(arguments) > 1 else options.get("flags")
            if path is not None and type(flags) is int:
                told_of_opens[0](recorder, path, None, flags)
            with context.unrecorded():  # Python announces the name without the folder
                return original(*arguments, dir_fd=dir_fd, **options)
        except BaseException as error:
            hide_frame(error)
            raise

    return call


#: Who hears of files that are opened by a name in a folder that is a descriptor.
told_of_opens: list[Callable[[context.Open, Any, str | None, int], None]] = []


def path_of(descriptor: int) -> str:
    """The name under which a file was opened, from the working folder if it lies below; "" where nobody tells."""
    path = ""
    try:
        if sys.platform.startswith("linux"):
            path = system.readlink(f"/proc/self/fd/{descriptor}")
        elif sys.platform == "darwin":
            import fcntl

            path = os.fsdecode(fcntl.fcntl(descriptor, _GET_PATH, bytes(1024)).rstrip(b"\0"))
    except OSError:
        return ""
    if not path.startswith(os.sep) or path.endswith(" (deleted)"):  # no file, or none by this name
        return ""
    folder = working_folder()
    return os.curdir if path == folder else path.removeprefix(os.path.join(folder, ""))


def _asking(kind: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make what stands for a function whose first argument names the file that it asks about."""

    def made(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            recorder = context.current() if context.recorders else None
            if recorder is not None and (path := _path_in(arguments, options)) is not None:
                frame = sys._getframe(1)
                if not _is_realpath(frame):
                    _note(recorder, _asked, path, frame, kind)
            try:
                return original(*arguments, **options)
            except BaseException as error:
                hide_frame(error)
                raise

        return call

    return made


def _is_realpath(frame: FrameType) -> bool:
    """Whether `os.path.realpath` goes from link to link, which is noted as one question."""
    return "realpath" in frame.f_code.co_name and role(frame.f_code.co_filename) == CARRIER


def _path_in(arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """The path that a call names, from the folder that it names besides; None where there is none."""
    path = arguments[0] if arguments else options.get("path")
    if type(path) is int:
        return path_of(path) or None
    folder = options.get("dir_fd")
    if folder is None or path is None:
        return path
    text, top = text_of(path), path_of(folder)
    return os.path.join(top, text) if top and text is not None else None


def _scandir(original: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        try:
            found = original(*arguments, **options)
        except BaseException as error:
            hide_frame(error)
            raise
        recorder = context.current() if context.recorders else None
        frame = sys._getframe(1)
        if recorder is None or role(frame.f_code.co_filename) == CARRIER:
            return found
        path = arguments[0] if arguments else options.get("path", ".")
        if asks_for_code(frame, "", looks=True):
            return found
        return _Entries(found, path_of(path) if isinstance(path, int) else "")

    return call


def _note(recorder: context.Open, noted: Callable[..., None], path: object, *details: Any) -> None:
    try:
        text = text_of(path)
        if text is not None and not is_private(text):
            noted(recorder, text, *details)
    except Exception as error:  # it must not reach the user's call
        recorder.failed = f"{path!r}: {error!r}"


def _looked(recorder: context.Open, path: str, frame: FrameType, found: os.stat_result | None, follow: bool) -> None:
    """Note what was asked when the status of a file was asked for."""
    kind = "status" if follow else "link status"
    if matches_a_pattern(frame):
        return
    asks: FrameType | None = frame
    while asks is not None and role(asks.f_code.co_filename) == CARRIER:
        name = asks.f_code.co_name
        if name in _LISTERS:
            return
        if name == "realpath":
            given = text_of(asks.f_locals.get("filename"))
            is_link = found is not None and stat.S_ISLNK(found.st_mode)
            if given is not None and (is_link or _is_for_the_user(asks)):
                _asked(recorder, given, frame, "links")
            return
        if name in _WANTED and kind.endswith("status"):
            kind = _WANTED[name]
            if kind == "existence" and not follow:
                kind = "link existence"
        asks = asks.f_back
    if not asks_for_code(frame, path, looks=True):
        is_link = found is not None and stat.S_ISLNK(found.st_mode)
        if not is_link and kind in ("status", "time", "link status") and needs_no_times(asks):
            kind = "size"
        elif asks is not None and role(asks.f_code.co_filename) == USERS:
            NATIVE_OPENS.looked_at(path if found is not None and stat.S_ISDIR(found.st_mode) else os.path.dirname(path))
        recorder.observe(kind, path, b"" if found is None else _ANSWERS[kind](found))


def _is_for_the_user(asks: FrameType | None) -> bool:
    return users_ask(asks, lambda frame: role(frame.f_code.co_filename) == CARRIER)


def _asked(recorder: context.Open, path: str, frame: FrameType, kind: str) -> None:
    if not asks_for_code(frame, path, looks=True):
        recorder.observe(kind, path)


class _Entries:
    """The entries of a folder, which note what is asked of them; those of a descriptor do not know the folder."""

    def __init__(self, found: Any, folder: str) -> None:
        self._found = found
        self._folder = folder

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> _Entry:
        return _Entry(next(self._found), self._folder)

    def __enter__(self) -> _Entries:
        return self

    def __exit__(self, *error: object) -> None:
        self._found.close()

    def close(self) -> None:
        self._found.close()


class _Entry:
    """An `os.DirEntry` whose status, once asked for, is noted; names and kinds are the listing's already."""

    __slots__ = ("_entry", "_folder")

    def __init__(self, entry: os.DirEntry[Any], folder: str) -> None:
        self._entry = entry
        self._folder = folder

    __class__ = property(lambda self: os.DirEntry)

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        found = self._entry.stat(follow_symlinks=follow_symlinks)
        recorder = context.current()
        if recorder is not None:
            path = os.path.join(self._folder, text_of(self._entry.path) or "")
            _note(recorder, _looked, path, sys._getframe(1), found, follow_symlinks)
        return found

    def __fspath__(self) -> Any:
        return self._entry.path

    def __getattr__(self, name: str) -> Any:
        return getattr(self._entry, name)

    def __repr__(self) -> str:
        return repr(self._entry)
