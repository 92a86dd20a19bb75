"""Calls of the operating system that not every platform has, and what stands in for them.

On Linux and macOS each name is the system's own function. Windows has no reads and writes at a place, opens no folders,
and neither replaces nor deletes a file that is open. Pyodide has no links.
"""

from __future__ import annotations

import errno
import mmap
import os
import sys
import threading
from collections.abc import Sequence
from typing import Any

__all__ = [
    "CLOSED_TO_CHANGE",
    "FOLDERS_OPEN",
    "MAPS",
    "OPEN_AS_BYTES",
    "access",
    "fstat",
    "link",
    "lstat",
    "process_lives",
    "read_at",
    "read_into_at",
    "readlink",
    "set_mode",
    "set_times",
    "stat",
    "write_at",
    "write_pieces_at",
]

#: Whether a folder has a descriptor, by which its files are listed, opened and deleted.
FOLDERS_OPEN = os.listdir in os.supports_fd and os.open in os.supports_dir_fd and os.unlink in os.supports_dir_fd
#: Whether a file must be closed by everybody before it can be replaced or deleted.
CLOSED_TO_CHANGE = sys.platform == "win32"
#: Whether a range of a file can be mapped so that what is written to the map stays in it.
MAPS = hasattr(mmap, "MAP_PRIVATE") and sys.platform != "emscripten"
#: Flags for `os.open`: bytes as they are, and no child process inherits the descriptor.
OPEN_AS_BYTES = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)

# Whether a file is there, and what it is: for this package's own files, past what records what a run asks for.
access, fstat, lstat, readlink, stat = os.access, os.fstat, os.lstat, os.readlink, os.stat


def process_lives(number: int) -> bool | None:
    """Whether a process of this machine has this number; None where nobody tells.

    On Windows the signal that only asks is Ctrl-C.
    """
    if sys.platform == "win32":
        return None
    try:
        os.kill(number, 0)
    except (ProcessLookupError, OverflowError):  # nobody, or a number that nobody can have
        return False
    except OSError:  # somebody else's
        pass
    return True


# Where a read moves the place of the descriptor, threads that share one take turns.
_turn = threading.Lock()


def _read_after_seek(descriptor: int, length: int, place: int) -> bytes:
    with _turn:
        os.lseek(descriptor, place, os.SEEK_SET)
        return os.read(descriptor, length)


def _write_after_seek(descriptor: int, content: bytes | memoryview, place: int) -> int:
    with _turn:
        os.lseek(descriptor, place, os.SEEK_SET)
        return os.write(descriptor, content)


#: Read at most so many bytes at a place of an open file; like `os.pread`.
read_at = getattr(os, "pread", _read_after_seek)
#: Write what fits at a place of an open file; returns how many bytes were written; like `os.pwrite`.
write_at = getattr(os, "pwrite", _write_after_seek)


def _read_into_first(descriptor: int, spaces: Sequence[memoryview], place: int) -> int:
    content = read_at(descriptor, spaces[0].nbytes, place)
    spaces[0][: len(content)] = content
    return len(content)


#: Read into memory that is there, at a place of an open file; returns how many bytes were read; like `os.preadv`.
read_into_at: Any = getattr(os, "preadv", _read_into_first)


def _write_first(descriptor: int, pieces: Sequence[bytes | memoryview], place: int) -> int:
    return int(write_at(descriptor, pieces[0], place))


#: The same as `write_at` for pieces, one after the other; like `os.pwritev`.
write_pieces_at: Any = getattr(os, "pwritev", _write_first)


def link(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Give a file a second name, unless something has it.

    Raises
    ------
    FileExistsError
        Something has that name.
    OSError
        This system or this file system has no links.
    """
    if not hasattr(os, "link"):
        raise OSError(errno.EOPNOTSUPP, "no links on this system", os.fspath(target))
    os.link(source, target)


def set_mode(descriptor: int, mode: int) -> None:
    """Set who may do what with an open file, where that can be said of one."""
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, mode)


def set_times(descriptor: int, path: str, moment: float) -> None:
    """Set the times of an open file, by its descriptor where the system can."""
    os.utime(descriptor if os.utime in os.supports_fd else path, (moment, moment))
