"""How is the content of a file read without harm to whoever has it open.

Data bases lock their files in the way of POSIX, and a process loses all its locks on a file when it closes any of its
descriptors of it: after that another process may write at the same time. So a descriptor of a data base stays open,
and serves again.
"""

from __future__ import annotations

import os
import stat
import threading

import xxhash

from nbcache.tracking.observations.context import unrecorded

__all__ = ["content_digest", "is_sqlite"]

_CHUNK = 1 << 20
# Without waiting for the other end, should it be a pipe.
_TO_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_LOCKS_OF_PROCESSES = hasattr(os, "pread")
_SQLITE = b"SQLite format 3\0"
_DUCKDB = b"DUCK"  # after a checksum
_MOST_OPEN = 64

_stat = os.stat  # as it is before `os_calls` takes its place

#: Descriptors of data bases by device and inode, the oldest first; and those that several threads opened at once.
_open: dict[tuple[int, int], int] = {}
_more: list[int] = []
_lock = threading.Lock()


def content_digest(path: str) -> str:
    """Digest what is in a file: 32 hexadecimal digits; "" when it cannot be read, or is none."""
    state = xxhash.xxh3_128()
    try:
        found = _stat(path)
        descriptor = _open.get((found.st_dev, found.st_ino), -1)
        if descriptor >= 0:
            position = 0
            while chunk := os.pread(descriptor, _CHUNK, position):
                state.update(chunk)
                position += len(chunk)
            return state.hexdigest()
        with unrecorded():
            descriptor = os.open(path, _TO_READ)
        first = b""
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                return ""
            count = min(found.st_size + 1, _CHUNK)
            first = chunk = os.read(descriptor, count)
            while chunk:
                state.update(chunk)
                chunk = os.read(descriptor, count)
        finally:
            _done(descriptor, found, first)
    except OSError:
        return ""
    return state.hexdigest()


def is_sqlite(path: str) -> bool:
    """Whether a file is a data base of sqlite."""
    first = b""
    try:
        found = _stat(path)
        descriptor = _open.get((found.st_dev, found.st_ino), -1)
        if descriptor >= 0:
            first = os.pread(descriptor, len(_SQLITE), 0)
        else:
            with unrecorded():
                descriptor = os.open(path, _TO_READ)
            try:
                first = os.read(descriptor, len(_SQLITE))
            finally:
                _done(descriptor, found, first)
    except OSError:
        return False
    return first == _SQLITE


def _begins_a_database(first: bytes) -> bool:
    return first.startswith(_SQLITE) or first[8:12] == _DUCKDB


def _done(descriptor: int, found: os.stat_result, first: bytes) -> None:
    """Close a descriptor, unless somebody in this process may hold a lock on the file."""
    if not (_LOCKS_OF_PROCESSES and _begins_a_database(first)):
        os.close(descriptor)
        return
    with _lock:
        if _open.setdefault((found.st_dev, found.st_ino), descriptor) != descriptor:
            _more.append(descriptor)
        while len(_open) > _MOST_OPEN:
            os.close(_open.pop(next(iter(_open))))
