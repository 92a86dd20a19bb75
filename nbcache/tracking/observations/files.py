"""Files by content, folders by their names or their content, and names that are missing.

A file counts by its content alone: touching it changes nothing. A folder counts by the names in it, a missing file by
not being there. Content is read once per state of the file (device, inode, size, both times).
"""

from __future__ import annotations

import os
import stat
import time

import xxhash

from nbcache.tracking.code.bytecode import short_digest
from nbcache.tracking.observations.context import unrecorded

__all__ = ["FILES", "FOLDERS", "MISSING", "TREES", "file_digest", "signature", "tree_digest"]

_stat = os.stat  # as it is before `os_calls` takes its place
_CHUNK = 1 << 20
# Without waiting for the other end, should it be a pipe.
_TO_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
# A file changed this short a time before it was read may change again without a new time: file systems count in
# ticks of some milliseconds, old ones in whole seconds (their times end in zeros).
_TICK = 100_000_000
_COARSE_TICK = 2_100_000_000
#: Names in a folder that an explanation remembers.
_NAMES = 50

Signature = tuple[int, int, int, int, int]

#: What was read, by the state of the file; forgotten all at once when there is too much of it.
_digests: dict[Signature, str] = {}
_MOST_REMEMBERED = 100_000


def file_digest(path: str | os.PathLike[str]) -> str:
    """Digest the content of a file: 32 hexadecimal digits; "" when it cannot be read."""
    return _read(os.fspath(path))[0]


def found_in(path: str) -> tuple[bytes, Signature | None]:
    """Digest the content of a file, and tell the state in which it was found."""
    digest, found = _read(path)
    return digest.encode(), found


def _read(path: str) -> tuple[str, Signature | None]:
    try:
        found = _stat(path)
    except (OSError, ValueError):
        return "", None
    before = signature_of(found)
    if not stat.S_ISREG(found.st_mode):  # to open a pipe would take what is meant for another
        return "", before
    known = _digests.get(before)
    if known is not None:
        return known, before
    started = time.time_ns()
    digest = _content(path)
    after = signature(path)
    if digest and after == before and _settled(before, started):
        if len(_digests) >= _MOST_REMEMBERED:
            _digests.clear()
        _digests[before] = digest
    return digest, after


def _settled(found: Signature, now: int) -> bool:
    """Tell whether a later change is sure to show in the times of the file."""
    newest = max(found[3], found[4])
    return now - newest > (_TICK if newest % 1_000_000 else _COARSE_TICK)


def _content(name: str) -> str:
    state = xxhash.xxh3_128()
    try:
        with unrecorded():
            descriptor = os.open(name, _TO_READ)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                return ""
            count = min(found.st_size + 1, _CHUNK)
            while chunk := os.read(descriptor, count):
                state.update(chunk)
        finally:
            os.close(descriptor)
    except OSError:
        return ""
    return state.hexdigest()


def tree_digest(path: str | os.PathLike[str]) -> str:
    """Digest a file, or all files in a folder and below with their names; "" when nothing is there."""
    top = os.fspath(path)
    if not os.path.isdir(top):
        return file_digest(top)
    fields = []
    with unrecorded():
        for folder, folders, names in os.walk(top):
            folders.sort()
            for name in sorted(names):
                full = os.path.join(folder, name)
                fields.append(os.fsencode(os.path.relpath(full, top)))
                fields.append(file_digest(full).encode())
    return short_digest(b"tree", *fields).hex()


def signature(path: str) -> Signature | None:
    """Tell what a file is without reading it: device, inode, size, and both its times; `None`: it is not there."""
    try:
        return signature_of(_stat(path))
    except (OSError, ValueError):
        return None


def signature_of(found: os.stat_result) -> Signature:
    """The same, once the status of the file is known."""
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


class _Paths:
    """What kinds of paths have in common."""

    def __init__(self, word: str) -> None:
        self._word = word

    def stamp(self, name: str) -> object:
        return signature(name)

    def label(self, name: str) -> str:
        return f"{self._word} {name}"


class _Files(_Paths):
    def digest(self, name: str) -> bytes:
        return file_digest(name).encode()

    def outline(self, name: str) -> str:
        try:
            size = _stat(name).st_size
        except (OSError, ValueError):
            return "not there"
        return f"{size:,} byte{'s' if size != 1 else ''}"


class _Folders(_Paths):
    def digest(self, name: str) -> bytes:
        try:
            with unrecorded():
                names = sorted(map(os.fsencode, os.listdir(name)))
        except OSError:
            return b""
        return short_digest(b"folder", *names)

    def outline(self, name: str) -> str:
        try:
            with unrecorded():
                return "\n".join(sorted(os.listdir(name))[:_NAMES])
        except (OSError, ValueError):
            return ""


class _Trees(_Paths):
    def digest(self, name: str) -> bytes:
        return tree_digest(name).encode()

    def outline(self, name: str) -> str:
        return ""


class _Missing(_Paths):
    def digest(self, name: str) -> bytes:
        return b"there" if os.path.lexists(name) else b""

    def outline(self, name: str) -> str:
        return ""


FILES = _Files("file")
FOLDERS = _Folders("folder")
TREES = _Trees("tree")
MISSING = _Missing("missing")
