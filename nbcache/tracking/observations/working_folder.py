"""Did the code of a run ask which folder it works in?

Libraries ask all the time, to open what they were given by a relative name; that is no observation, for the content
of what they open is one. It counts when the user's own code asks, through `os.getcwd`, `Path.cwd`, `abspath` and
their kind.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from nbcache.tracking.code.bytecode import short_digest
from nbcache.tracking.observations import context
from nbcache.tracking.observations.paths import working_folder
from nbcache.tracking.packages import home_of_namespace

__all__ = ["FOLDER"]

_KIND = "working folder"
# Modules whose functions ask on behalf of who calls them.
_ON_THE_WAY = frozenset({"os", "posixpath", "ntpath", "genericpath", "pathlib", "pathlib._local", "pathlib._abc"})


class _Folder:
    def digest(self, name: str) -> bytes:
        return short_digest(b"working folder", os.fsencode(working_folder()))

    def stamp(self, name: str) -> object:
        return None

    def label(self, name: str) -> str:
        return _KIND

    def outline(self, name: str) -> str:
        return working_folder()


FOLDER = _Folder()


def _install() -> None:
    """Let `os.getcwd` and `os.getcwdb` say when they are asked, once; they say nothing outside of recordings."""
    for name in ("getcwd", "getcwdb"):
        setattr(os, name, _asked(getattr(os, name)))


def _asked(get: Callable[[], Any]) -> Callable[[], Any]:
    def asked() -> Any:
        if context.recorders:
            _note(sys._getframe(1))
        return get()

    asked.__module__, asked.__name__, asked.__qualname__, asked.__doc__ = "os", get.__name__, get.__name__, get.__doc__
    return asked


def _note(frame: FrameType | None) -> None:
    recorder = context.current()
    if recorder is None:
        return
    while frame is not None and frame.f_globals.get("__name__") in _ON_THE_WAY:
        frame = frame.f_back
    if frame is not None and home_of_namespace(frame.f_globals).kind == "local":
        recorder.observe(_KIND, "", FOLDER.digest(""))


# Now, so that the name a user imports is the same one before and after the first recording.
_install()
