"""How is the content of a file read without harm to whoever has it open.

Data bases lock their files in the way of POSIX, and a process loses all its locks on a file when it closes any of its
descriptors of it: after that another process may write at the same time. So a descriptor of a data base stays open,
and serves again.
"""

from __future__ import annotations

import errno
import os
import stat
import threading

import xxhash

from nbcache.tracking.observations.context import unrecorded

__all__ = ["content_digest", "is_sqlite"]

_CHUNK = 1 << 20
_ZEROS = bytes(_CHUNK)
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
    content = _Content()
    try:
        found = _stat(path)
        descriptor = _open.get((found.st_dev, found.st_ino), -1)
        if descriptor >= 0:
            position = 0
            while chunk := os.pread(descriptor, _CHUNK, position):
                content.add(chunk)
                position += len(chunk)
            return content.digest()
        with unrecorded():
            descriptor = os.open(path, _TO_READ)
        first = b""
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                return ""
            if _has_holes(found):
                first = os.pread(descriptor, len(_SQLITE), 0)
                _read_around_holes(descriptor, found.st_size, content)
                return content.digest()
            count = min(found.st_size + 1, _CHUNK)
            first = chunk = os.read(descriptor, count)
            while chunk:
                content.add(chunk)
                chunk = os.read(descriptor, count)
        finally:
            _done(descriptor, found, first)
    except OSError:
        return ""
    return content.digest()


class _Content:
    """The digest of what is added piece by piece; of pieces that are all zeros, only where they are."""

    def __init__(self) -> None:
        self._state = xxhash.xxh3_128()
        self._position = 0
        self._zeros: list[int] = []

    def add(self, chunk: bytes) -> None:
        if len(chunk) == _CHUNK and chunk == _ZEROS:
            self.skip()
        else:
            self._state.update(chunk)
            self._position += len(chunk)

    def skip(self) -> None:
        """Add a piece of zeros."""
        self._zeros.append(self._position)
        self._position += _CHUNK

    def digest(self) -> str:
        digest = self._state.hexdigest()
        if not self._zeros:
            return digest
        places = ",".join(map(str, self._zeros))
        return xxhash.xxh3_128(f"{digest} {self._position} {places}".encode(), seed=1).hexdigest()


def _has_holes(found: os.stat_result) -> bool:
    """Whether a file is much larger than what lies of it on the disk, and the system can tell where that is."""
    return hasattr(os, "SEEK_DATA") and found.st_blocks * 512 < found.st_size - _CHUNK


def _read_around_holes(descriptor: int, size: int, content: _Content) -> None:
    """Add what reading from end to end would, without reading pieces that lie in holes."""
    position, held = 0, -1
    while position < size:
        if held < position:
            held = _next_data(descriptor, position, size)
        if position + _CHUNK <= min(held, size):
            content.skip()
            position += _CHUNK
            continue
        chunk = os.pread(descriptor, _CHUNK, position)
        if not chunk:
            return
        content.add(chunk)
        position += len(chunk)


def _next_data(descriptor: int, position: int, size: int) -> int:
    """Where the next bytes are that lie on the disk; the end, if there are none."""
    try:
        return os.lseek(descriptor, position, os.SEEK_DATA)
    except OSError as error:
        return size if error.errno == errno.ENXIO else position


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
