"""Files by content, folders by their names or their content, and names that are missing.

A file counts by its content alone: touching it changes nothing. A folder counts by the names in it and by which of
them are folders or links, a missing file by not being there. Content is read once per state of the file (device,
inode, size, both times).
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Iterable
from operator import attrgetter

from nbcache.tracking.code.bytecode import short_digest
from nbcache.tracking.observations.context import unrecorded
from nbcache.tracking.observations.reading import content_digest

__all__ = ["FILES", "FOLDERS", "MISSING", "TREES", "file_digest", "signature", "tree_digest"]

_stat, _lstat = os.stat, os.lstat  # as they are before `os_calls` takes their place
# A file changed this short a time before it was read may change again without a new time: file systems count in
# ticks of some milliseconds, old ones in whole seconds (their times end in zeros).
_TICK = 100_000_000
_COARSE_TICK = 2_100_000_000
# Begins the digest of a file that cannot be read; no content begins so.
_UNREAD = b"?"
# What a disk or a server answers that cannot be asked now; other errors say something of the name.
_TROUBLE = frozenset(
    getattr(errno, name, None)
    for name in ("EIO", "ESTALE", "ETIMEDOUT", "EREMOTEIO", "ENOTCONN", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN")
) - {None}
#: Names in a folder that an explanation remembers.
_NAMES = 50

Signature = tuple[int, int, int, int, int]

#: What was read, by the state of the file; forgotten all at once when there is too much of it.
_digests: dict[Signature, bytes] = {}
_MOST_REMEMBERED = 100_000


def file_digest(path: str | os.PathLike[str]) -> str:
    """Digest the content of a file: 32 hexadecimal digits; "" when it cannot be read."""
    digest = found_in(os.fspath(path))[0]
    return "" if digest.startswith(_UNREAD) else digest.decode()


def found_in(path: str) -> tuple[bytes, Signature | None]:
    """Digest the content of a file, as `file_digest` does, and tell the state in which it was found.

    One that is there and cannot be read counts by its size and time, for a run may have read it; one of which the
    disk or a server tells nothing equals nothing.
    """
    try:
        found = _stat(path)
    except (OSError, ValueError) as error:
        return (_UNREAD + os.urandom(16) if getattr(error, "errno", None) in _TROUBLE else b""), None
    before = found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
    known = _digests.get(before)
    if known is not None:
        return known, before
    if not stat.S_ISREG(found.st_mode):  # to open a pipe would take what is meant for another
        return b"", before
    started = time.time_ns()
    digest = content_digest(path).encode()
    after = signature(path)
    if digest and after == before and _settled(before, started):
        if len(_digests) >= _MOST_REMEMBERED:
            _digests.clear()
        _digests[before] = digest
    if not digest and after is not None:
        digest = _UNREAD + short_digest(b"state", repr(after[2:4]).encode())
    return digest, after


def digests_in(found: Iterable[Signature]) -> list[bytes | None]:
    """The digests of files that were read before in the same states; None where one was not."""
    return list(map(_digests.get, found))


def _settled(found: Signature, now: int) -> bool:
    """Tell whether a later change is sure to show in the times of the file."""
    newest = max(found[3], found[4])
    return now - newest > (_TICK if newest % 1_000_000 else _COARSE_TICK)


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


#: The same, once the status of the file is known.
signature_of: Callable[[os.stat_result], Signature] = attrgetter(
    "st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns"
)


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
        return found_in(name)[0]

    def outline(self, name: str) -> str:
        return outline_in(signature(name))


def outline_in(found: Signature | None) -> str:
    """What is said at a glance of a file, given its state."""
    if found is None:
        return "not there"
    size = found[2]
    return f"{size:,} byte{'s' if size != 1 else ''}"


class _Folders(_Paths):
    def digest(self, name: str) -> bytes:
        try:
            with unrecorded(), os.scandir(name) as entries:
                names = sorted([os.fsencode(one.name) + _sort(one) for one in entries])
        except OSError:
            return b""
        return short_digest(b"folder", *names)

    def outline(self, name: str) -> str:
        try:
            with unrecorded():
                return "\n".join(sorted(os.listdir(name))[:_NAMES])
        except (OSError, ValueError):
            return ""


def _sort(entry: os.DirEntry[str]) -> bytes:
    """What a listing tells of a name besides: whether it is a folder, or a link."""
    return b"/" * entry.is_dir() + b"/@" * entry.is_symlink()


class _Trees(_Paths):
    def digest(self, name: str) -> bytes:
        return tree_digest(name).encode()

    def outline(self, name: str) -> str:
        return ""


class _Missing(_Paths):
    def digest(self, name: str) -> bytes:
        for look, answer in ((_stat, b"there"), (_lstat, b"a link to nothing")):
            try:
                look(name)
            except (OSError, ValueError):
                continue
            return answer
        return b""

    def outline(self, name: str) -> str:
        return ""


FILES = _Files("file")
FOLDERS = _Folders("folder")
TREES = _Trees("tree")
MISSING = _Missing("missing")
