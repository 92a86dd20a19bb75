"""Which environment variables does a run read: the one mapping behind `os.environ` says so while it is read.

A variable counts by its value, which is digested and never kept, or by being missing. Reading all of them counts
each, and which there are, but for those that only tell one session from another. What a run sets itself before it
reads it is its own, and what modules read while they are imported shows in what they then are.
"""

from __future__ import annotations

import os
import sys
import weakref
from fnmatch import fnmatchcase
from types import FrameType
from typing import Any

from nbcache.tracking.code.bytecode import short_digest
from nbcache.tracking.observations import context
from nbcache.tracking.observations.callers import users_ask
from nbcache.tracking.observations.native.opens import NATIVE_OPENS
from nbcache.tracking.observations.noted_methods import note_calls

__all__ = ["ALL_VARIABLES", "VARIABLES"]

_KIND = "variable"
_NAMES = "variables"
_ENVIRON: Any = type(os.environ)
# They differ from one session to the next. Read by name, they count; read with all others, they do not.
_OF_THE_SESSION = frozenset(
    {
        *("_", "PWD", "OLDPWD", "SHLVL", "COLUMNS", "LINES", "WINDOWID", "TERM_SESSION_ID", "SECURITYSESSIONID"),
        *("XDG_SESSION_ID", "INVOCATION_ID", "JOURNAL_STREAM", "SSH_AUTH_SOCK", "SSH_CLIENT", "SSH_CONNECTION"),
        *("SSH_TTY", "SSH_AGENT_PID", "GPG_AGENT_INFO", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "XAUTHORITY", "STY"),
        *("TMUX", "TMUX_PANE", "JPY_PARENT_PID", "JPY_SESSION_NAME", "JPY_INTERRUPT_EVENT", "IPY_INTERRUPT_EVENT"),
        *("PYDEVD_USE_FRAME_EVAL", "VSCODE_PID", "VSCODE_IPC_HOOK", "VSCODE_IPC_HOOK_CLI", "PYTEST_CURRENT_TEST"),
        *("PYTHONHASHSEED", "KMP_INIT_AT_FORK", "KMP_DUPLICATE_LIB_OK", "COLORTERM", "TERM_PROGRAM_VERSION"),
    }
)
# Those who read it for the processes that they start.
_HANDING_ON = frozenset({"subprocess", "multiprocessing", "joblib", "loky", "distributed"})
# Those who go through all variables for the ones that are called so, in whatever case.
_PICKING = {"numba": "numba_*", "urllib": "*_proxy", "requests": "*_proxy"}
# Where `os.environ.get` and its kind are written.
_ON_THE_WAY = frozenset({"os", "_collections_abc", "collections"})
_THROUGH = _ON_THE_WAY | {"posixpath", "ntpath", "genericpath", "pathlib"}
_ROOTS = (os.sep, os.fsencode(os.sep))
_OURS = __name__.partition(".")[0]
# The rooms that run the user's code.
_RUNNING = tuple(f"{_OURS}.{wing}." for wing in ("keys", "calls", "compute", "notebook"))
# The room that hands the user's tasks to threads.
_EXECUTORS = f"{_OURS}.tracking.observations.executors"
_DEEPEST = 200

#: What was found of each name: as the system has the name, the value, and its digest.
_digests: dict[str, tuple[Any, Any, bytes]] = {}
#: Recordings in which all names were read.
_whole: weakref.WeakSet[Any] = weakref.WeakSet()


class _Variables:
    def digest(self, name: str) -> bytes:
        data: dict[Any, Any] = os.environ._data  # type: ignore[attr-defined]
        known = _digests.get(name)
        if known is not None and data.get(known[0]) == known[1]:
            return known[2]
        key = os.environ.encodekey(name)
        value = data.get(key)
        digest = b"" if value is None else short_digest(b"variable", os.fsencode(value))
        _digests[name] = key, value, digest
        return digest

    def stamp(self, name: str) -> object:
        return None

    def label(self, name: str) -> str:
        return f"environment variable {name}"

    def outline(self, name: str) -> str:
        return ""


class _AllVariables:
    """Which variables there are, of those whose names match a pattern."""

    def digest(self, name: str) -> bytes:
        names = sorted(os.fsencode(found) for found in set(_names()) - _OF_THE_SESSION if _matches(found, name))
        return short_digest(b"variables", *names)

    def stamp(self, name: str) -> object:
        return None

    def label(self, name: str) -> str:
        return "names of environment variables" + (f" like {name}" if name else "")

    def outline(self, name: str) -> str:
        return ""


VARIABLES = _Variables()
ALL_VARIABLES = _AllVariables()


def _names() -> list[str]:
    return [os.environ.decodekey(name) for name in list(os.environ._data)]  # type: ignore[attr-defined]


def _install() -> None:
    """Let `os.environ` and `os.environb` say what is read and set, once."""
    note_calls(_ENVIRON, {"__getitem__": _read, "__setitem__": _set, "__delitem__": _set, "__iter__": _listed})
    note_calls(_ENVIRON, {"__len__": _listed, "__repr__": _shown})


def _read(environ: Any, key: object) -> None:
    recorder = context.current()
    if recorder is None or (name := _text(environ, key)) is None:
        return
    if name in _OF_THE_SESSION and recorder in _whole:
        return
    frame = sys._getframe(2)
    if not _reads_aside(frame) and not (frame.f_code.co_name == "__iter__" and not _matches(name, _picked(frame))):
        recorder.observe(_KIND, name, VARIABLES.digest(name))
        value = environ._data.get(environ.encodekey(key))
        if value and value[:1] in _ROOTS and _is_users(frame):
            NATIVE_OPENS.looked_at(os.fsdecode(value))


def _is_users(frame: FrameType | None) -> bool:
    """Whether the user's own code asks, through `os.path.expanduser` and its kind or not."""
    return users_ask(frame, lambda one: str(one.f_globals.get("__name__")).partition(".")[0] in _THROUGH)


def _set(environ: Any, key: object, value: object = None) -> None:
    recorder = context.current()
    if recorder is not None and (name := _text(environ, key)) is not None:
        recorder.own(_KIND, name)


def _listed(environ: Any) -> None:
    recorder = context.current()
    if recorder is not None and not _reads_aside(sys._getframe(2)):
        picked = _picked(sys._getframe(2))
        if not picked:
            _whole.add(recorder)
        recorder.observe(_NAMES, picked, ALL_VARIABLES.digest(picked))


def _shown(environ: Any) -> None:
    recorder = context.current()
    if recorder is not None and not _reads_aside(sys._getframe(2)):
        _whole.add(recorder)
        recorder.observe(_NAMES, "", ALL_VARIABLES.digest(""))
        for name in set(_names()) - _OF_THE_SESSION:
            recorder.observe(_KIND, name, VARIABLES.digest(name))


def _picked(frame: FrameType | None) -> str:
    """What the names are like that somebody takes from all of them; "" for who may take any."""
    while frame is not None:
        top = str(frame.f_globals.get("__name__")).partition(".")[0]
        if top not in _ON_THE_WAY:
            return _PICKING.get(top, "")
        frame = frame.f_back
    return ""


def _matches(name: str, pattern: str) -> bool:
    return not pattern or fnmatchcase(name.lower(), pattern)


def _text(environ: Any, key: object) -> str | None:
    """The name as text, whichever of the two mappings is asked; None for what cannot be a name."""
    if type(key) is str:
        return key
    return os.fsdecode(key) if isinstance(key, str | bytes) else None


def _reads_aside(frame: FrameType | None) -> bool:
    """Whether the cache itself asks, or a module that is being imported, or somebody who only hands it on."""
    caller = ""
    for _ in range(_DEEPEST):
        if frame is None:
            return False
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        module = frame.f_globals.get("__name__")
        module = module if type(module) is str else "?"
        if module == _EXECUTORS:
            frame = frame.f_back
            continue
        top = module.partition(".")[0]
        if not caller and top not in _ON_THE_WAY:
            caller = top
            if top == _OURS or top in _HANDING_ON:
                return True
        elif top == _OURS:
            return not module.startswith(_RUNNING)  # a library that the cache uses, or the end of the run
        frame = frame.f_back
    return False


_install()
