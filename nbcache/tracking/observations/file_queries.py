"""Files that were looked at, not opened: whether they are there, how large, how old, which names match a pattern.

Each counts by what was asked of it: a run that asked whether a file is there does not follow what it holds.
"""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Callable
from datetime import datetime
from typing import Any

from nbcache.tracking.code.bytecode import short_digest
from nbcache.tracking.observations.context import unrecorded

#: Stands between a pattern and how it is meant, in the name of an observation.
_SIGN = "\0"
_stat, _lstat = os.stat, os.lstat  # as they are before `os_calls` takes their place
_RECURSIVE, _HIDDEN = "r", "h"


def existence(found: os.stat_result) -> bytes:
    """What "is it there, is it a file, a folder" can see."""
    return stat.S_IFMT(found.st_mode).to_bytes(4, "big")


def size(found: os.stat_result) -> bytes:
    """What "how large is it" can see; that of a folder says nothing of what is in it."""
    return b"a folder" if stat.S_ISDIR(found.st_mode) else str(found.st_size).encode()


def modified(found: os.stat_result) -> bytes:
    """What "when was it written" can see."""
    return str(found.st_mtime_ns).encode()


def status(found: os.stat_result) -> bytes:
    """What counts of all that is told of a file; for a folder, what does not change with the names in it."""
    if stat.S_ISDIR(found.st_mode):
        return f"{found.st_mode} {found.st_uid} {found.st_gid}".encode()
    return f"{found.st_mode} {found.st_uid} {found.st_gid} {found.st_size} {found.st_mtime_ns}".encode()


class _Look:
    """One question that is answered by the status of a file."""

    def __init__(
        self,
        words: str,
        answer: Callable[[os.stat_result], bytes],
        summary: Callable[[os.stat_result], str],
        *,
        follow: bool = True,
    ) -> None:
        self._words = words
        self._answer = answer
        self._summary = summary
        self._stat = _stat if follow else _lstat

    def digest(self, name: str) -> bytes:
        try:
            return self._answer(self._stat(name))
        except (OSError, ValueError):
            return b""

    def stamp(self, name: str) -> object:
        return None

    def label(self, name: str) -> str:
        return self._words.format(name)

    def outline(self, name: str) -> str:
        try:
            return self._summary(self._stat(name))
        except (OSError, ValueError):
            return "not there"


class _Links:
    """Where a name leads, through all links in it."""

    def digest(self, name: str) -> bytes:
        with unrecorded():
            return os.fsencode(os.path.realpath(name))

    def stamp(self, name: str) -> object:
        return None

    def label(self, name: str) -> str:
        return f"target of {name}"

    def outline(self, name: str) -> str:
        return os.path.realpath(name)


class _Access:
    """What the user may do with a file."""

    def digest(self, name: str) -> bytes:
        with unrecorded():
            return bytes(os.access(name, mode) for mode in (os.F_OK, os.R_OK, os.W_OK, os.X_OK))

    def stamp(self, name: str) -> object:
        return None

    def label(self, name: str) -> str:
        return f"access to {name}"

    def outline(self, name: str) -> str:
        words = ("there", "to read", "to write", "to run")
        return ", ".join(word for word, may in zip(words, self.digest(name), strict=True) if may)


class _Attributes:
    """What was written on a file besides its content."""

    def digest(self, name: str) -> bytes:
        if not hasattr(os, "listxattr"):
            return b""
        try:
            with unrecorded():
                names = sorted(os.listxattr(name))
                return short_digest(b"attributes", *[os.fsencode(one) + b"=" + os.getxattr(name, one) for one in names])
        except OSError:
            return b""

    def stamp(self, name: str) -> object:
        return None

    def label(self, name: str) -> str:
        return f"extended attributes of {name}"

    def outline(self, name: str) -> str:
        return ""


def pattern(text: str, *, recursive: bool, hidden: bool) -> str:
    """The name of an observation of what matches a pattern, as `glob.glob` reads it."""
    meant = _RECURSIVE * recursive + _HIDDEN * hidden
    return f"{text}{_SIGN}{meant}" if meant else text


def matching(name: str) -> list[str]:
    """What matches now, for the name of an observation."""
    text, _, meant = name.partition(_SIGN)
    options: dict[str, Any] = {"recursive": _RECURSIVE in meant, "include_hidden": _HIDDEN in meant}
    try:
        with unrecorded():
            return sorted(glob.glob(text, **options))
    except (OSError, ValueError):
        return []


class _Matches:
    """Which names match a pattern."""

    def digest(self, name: str) -> bytes:
        return short_digest(b"matches", *map(os.fsencode, matching(name)))

    def stamp(self, name: str) -> object:
        return None

    def label(self, name: str) -> str:
        return f"files that match {name.partition(_SIGN)[0]}"

    def outline(self, name: str) -> str:
        return "\n".join(matching(name)[:50])


def _size(found: os.stat_result) -> str:
    return f"{found.st_size:,} byte{'s' if found.st_size != 1 else ''}"


def _time(found: os.stat_result) -> str:
    return datetime.fromtimestamp(found.st_mtime).isoformat(" ", "milliseconds")


def _sort(found: os.stat_result) -> str:
    return "a folder" if stat.S_ISDIR(found.st_mode) else "a link" if stat.S_ISLNK(found.st_mode) else "there"


def _all(found: os.stat_result) -> str:
    return f"{_size(found)} of {_time(found)}"


EXISTENCE = _Look("presence of {}", existence, _sort)
LINK_EXISTENCE = _Look("presence of {}, even as a link", existence, _sort, follow=False)
SIZE = _Look("size of {}", size, _size)
MODIFIED = _Look("modification time of {}", modified, _time)
STATUS = _Look("status of {}", status, _all)
LINK_STATUS = _Look("status of the link {}", status, _all, follow=False)
LINKS = _Links()
ACCESS = _Access()
ATTRIBUTES = _Attributes()
MATCHES = _Matches()
