"""How a large result comes back from a worker on this machine: through a file, of which the pipe carries the name.

A pipe takes a large pickle in pieces, through two buffers, and everybody else who uses it waits.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from typing import Any, BinaryIO, NamedTuple

#: Pickles up to this size go through the pipe.
SMALL = 1 << 20
_SAFELY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | _SAFELY


def new_file(path: str) -> BinaryIO:
    """A file that was not there before, and that only this user can read."""
    return os.fdopen(os.open(path, _FLAGS, 0o600), "wb")


class Parcel(NamedTuple):
    """Where a result lies, and its SHA-256."""

    path: str
    digest: bytes


class Spill:
    """A file for a pickler to write to: in memory as long as it is small, then on disk.

    Parameters
    ----------
    folder : where a large one goes; empty to keep all in memory
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._pieces: list[bytes] = []
        self._size = 0
        self._digest = hashlib.sha256()
        self._file: Any = None
        self._path = ""

    def write(self, piece: Any) -> int:
        view = memoryview(piece).cast("B")
        self._size += view.nbytes
        if self._file is None and self._folder and self._size > SMALL:
            self._path = os.path.join(self._folder, secrets.token_hex(16))
            self._file = new_file(self._path)
            pieces, self._pieces = self._pieces, []
            for earlier in pieces:
                self._write(earlier)
        self._write(view)
        return view.nbytes

    def _write(self, piece: bytes | memoryview) -> None:
        if self._file is None:
            self._pieces.append(bytes(piece))
        else:
            self._file.write(piece)
            self._digest.update(piece)

    def content(self) -> bytes | Parcel:
        """What was written, or where it lies."""
        if self._file is None:
            return b"".join(self._pieces)
        self._file.close()
        return Parcel(self._path, self._digest.digest())

    def discard(self) -> None:
        """Forget what was written."""
        if self._file is not None:
            self._file.close()
            os.unlink(self._path)


def received(parcel: Parcel) -> BinaryIO:
    """The file of a parcel, open, verified, and without a name any more.

    Raises
    ------
    OSError, ValueError
        It is gone, or not what was sent.
    """
    file = os.fdopen(os.open(parcel.path, os.O_RDONLY | _SAFELY), "rb")
    os.unlink(parcel.path)
    digest = hashlib.sha256()
    while piece := file.read(SMALL):
        digest.update(piece)
    if digest.digest() != parcel.digest:
        file.close()
        raise ValueError(f"{parcel.path} is not what was sent")
    file.seek(0)
    return file
