"""Byte-range locks of one file: the only ones that die with their process and that a fork does not inherit.

POSIX record locks belong to a process: closing *any* descriptor of the file drops all of them. So there is one
`LockFile` per file and process, with one descriptor, which is never closed while a lock is held.
"""

from __future__ import annotations

import errno
import os
import threading
from hashlib import blake2b
from pathlib import Path

from nbcache import system
from nbcache.stores.folders import FILE_MODE, file_refusal
from nbcache.stores.forks import renew_after_fork

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | system.OPEN_AS_BYTES


def offset_of(text: str) -> int:
    """The byte that stands for a text; two texts share one by chance of 2**-62, and then only wait for each other."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()) % (1 << 62)


class LockFile:
    """One file of locks, in one process.

    Notes
    -----
    Within the process a byte is held by one holder at a time, as between processes.
    """

    def __init__(self, path: Path) -> None:
        self._path = os.fspath(path)
        self._fd: int | None = None
        self._file: tuple[int, int] | None = None
        self._held: set[int] = set()
        self._lock = threading.Lock()
        renew_after_fork(self)

    def renew(self) -> None:
        # The parent keeps its locks when the child closes its descriptor: they are the parent's.
        self._lock = threading.Lock()
        self._held = set()
        self._forget()

    def attempt(self, offset: int) -> bool:
        """Lock a byte; False while somebody else has it.

        Raises
        ------
        OSError
            Locks do not work here: a read-only store, a file system without them, too many locks.
        """
        with self._lock:
            if offset in self._held:
                return False
            fd = self._descriptor()
            try:
                _lock(fd, offset)
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.EACCES):
                    return False
                raise
            self._held.add(offset)
            return True

    def release(self, offset: int) -> None:
        with self._lock:
            if offset in self._held:
                self._held.discard(offset)
                if self._fd is not None:
                    try:
                        _unlock(self._fd, offset)
                    except OSError:
                        # A lock that cannot be given back one by one goes with the descriptor, if it is the last.
                        if not self._held:
                            self._forget()

    def close(self) -> None:
        """Close the descriptor, unless something is locked through it; the next lock opens another."""
        with self._lock:
            if not self._held:
                self._forget()

    def held(self) -> list[int]:
        """The bytes this process holds."""
        with self._lock:
            return list(self._held)

    def _descriptor(self) -> int:
        """The descriptor of the file that has the name now; somebody may have deleted the one we had."""
        if self._fd is not None and not self._held and self._file != _identity(self._path):
            self._forget()
        if self._fd is None:
            fd = os.open(self._path, _FLAGS, FILE_MODE)
            reason = file_refusal(system.fstat(fd))
            if reason is not None:
                os.close(fd)
                raise OSError(errno.EINVAL, reason, self._path)
            self._fd, self._file = fd, _identity(fd)
        return self._fd

    def _forget(self) -> None:
        if self._fd is not None:
            fd, self._fd = self._fd, None
            # A daemon that closed all descriptors may have opened another file under this number.
            if _identity(fd) == self._file:
                os.close(fd)


def _identity(file: int | str) -> tuple[int, int] | None:
    try:
        status = system.stat(file)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _lock(fd: int, offset: int) -> None:
    if fcntl is None:
        raise OSError(errno.ENOLCK, "no byte-range locks on this system")
    fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, offset)


def _unlock(fd: int, offset: int) -> None:
    if fcntl is not None:
        fcntl.lockf(fd, fcntl.LOCK_UN, 1, offset)


_files: dict[str, LockFile] = {}


def lock_file(path: Path) -> LockFile:
    """The one `LockFile` of a path in this process, whatever number of stores use it."""
    return _files.setdefault(os.path.abspath(path), LockFile(path))
