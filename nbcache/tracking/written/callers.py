"""Who asked for it: the user's code, or a library for itself.

The standard library stands between: a program is started by `subprocess`, a temporary file is made by `tempfile`. So
the first caller outside of it decides. Libraries that run what the user tells them to are looked through as well.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from types import FrameType
from typing import NamedTuple

import nbcache.tracking
from nbcache.tracking.packages import installed_folders

__all__ = ["Caller", "caller"]

_OURS = os.path.join(os.path.dirname(os.path.dirname(nbcache.tracking.__file__)), "")
# They run commands that the user has written.
_THROUGH = frozenset({"IPython", "ipykernel", "pexpect", "ptyprocess", "sh.py", "plumbum", "invoke", "fabric"})
_PACKAGES = (f"site-packages{os.sep}", f"dist-packages{os.sep}")


class Caller(NamedTuple):
    """Where something was asked for; `library` is its folder or file, empty for the user's own code."""

    library: str


@cache
def _library(filename: str) -> str | None:
    """The library that a file belongs to, "" for the user's code; None for what only passes on."""
    if filename.startswith(("<frozen", _OURS)):
        return None
    for mark in _PACKAGES:
        if mark in filename:
            name = filename.rpartition(mark)[2].split(os.sep)[0]
            return None if name in _THROUGH else name
    return None if filename.startswith(installed_folders()) else ""


def caller() -> Caller:
    """Who asked for what happens now, in this thread."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        library = _library(frame.f_code.co_filename)
        if library is not None:
            return Caller(library)
        frame = frame.f_back
    return Caller("")
