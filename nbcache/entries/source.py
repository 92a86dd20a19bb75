"""The bytes of an entry that wants to be opened: an open file, or a message from a remote store."""

from __future__ import annotations

import os
import stat
import sys
from abc import ABC, abstractmethod
from functools import lru_cache

from nbcache import system
from nbcache.errors import DamagedEntryError

__all__ = ["FileSource", "Given", "MemorySource", "Source", "source_of"]

_READ_AHEAD = 64 << 10
_REMOTE_FILE_SYSTEMS = frozenset(
    (
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gpfs", "beegfs", "virtiofs",
        "vboxsf", "davfs", "fuse",
    )
)  # fmt: skip


class Source(ABC):
    """Bytes of a known number, that can be read at any place."""

    size: int

    @abstractmethod
    def read(self, offset: int, length: int) -> bytes:
        """Read exactly that range into memory of our own."""


class MemorySource(Source):
    """A message from a remote store."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.size = len(content)

    def read(self, offset: int, length: int) -> bytes:
        return self.content[offset : offset + length]


class FileSource(Source):
    """A file that the store opened, and that it closes.

    Attributes
    ----------
    facts : what `fstat` said of the descriptor
    """

    def __init__(self, descriptor: int, facts: os.stat_result | None = None) -> None:
        try:
            self.facts = system.fstat(descriptor) if facts is None else facts
            if not stat.S_ISREG(self.facts.st_mode):
                raise DamagedEntryError("it is not a plain file")
            if self.facts.st_nlink > 1:
                raise DamagedEntryError("the file has another name elsewhere (a hard link)")
            self.descriptor = descriptor
            self.size = self.facts.st_size
            self._ahead = system.read_at(descriptor, min(self.size, _READ_AHEAD), 0)
        except OSError as error:
            raise DamagedEntryError(f"it cannot be read ({error.strerror})") from error

    def read(self, offset: int, length: int) -> bytes:
        if offset + length <= len(self._ahead):
            return self._ahead[offset : offset + length]
        pieces = []
        try:
            while length:
                got = system.read_at(self.descriptor, length, offset)
                if not got:
                    raise DamagedEntryError("it became shorter while it was read")
                pieces.append(got)
                offset += len(got)
                length -= len(got)
        except OSError as error:
            raise DamagedEntryError(f"it cannot be read ({error.strerror})") from error
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def unchanged(self) -> bool:
        """Tell whether the file is still what it was when it was opened."""
        now = os.fstat(self.descriptor)
        return (now.st_size, now.st_mtime_ns) == (self.facts.st_size, self.facts.st_mtime_ns)

    def mappable(self) -> bool:
        """Tell whether the file can only be changed by this user's own programs on this machine.

        Else its bytes are copied into memory and verified there each time: a map would show what others write
        later, and a file that another machine cuts short would end the process.
        """
        if (
            not (system.MAPS and hasattr(os, "geteuid"))
            or self.facts.st_uid != os.geteuid()
            or self.facts.st_mode & 0o022
        ):
            return False
        return not _is_remote(self.facts.st_dev)


@lru_cache(maxsize=64)
def _is_remote(device: int) -> bool:
    """Tell whether a device is known to be a network file system; where nothing is known, it is taken for local."""
    if sys.platform != "linux":
        return False
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
            for line in mounts:
                words = line.split()
                if words[2] == wanted:
                    kind = words[words.index("-") + 1]
                    return kind.partition(".")[0] in _REMOTE_FILE_SYSTEMS
    except (OSError, ValueError, IndexError):
        return False
    return False


#: What holds a packed entry: an open file, by its descriptor or looked at already, or the bytes themselves.
Given = FileSource | int | bytes | bytearray | memoryview


def source_of(given: Given) -> FileSource | MemorySource:
    """Wrap a descriptor or a message; a message that could still be changed is copied."""
    if isinstance(given, FileSource):
        return given
    if isinstance(given, int):
        return FileSource(given)
    return MemorySource(given if type(given) is bytes else bytes(given))
