"""The raw buffers of one value, side by side: in memory, or as a range of a file.

Whoever restores a value asks for `private` bytes, which it may write, or for `shared` ones, which nobody can.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from nbcache import system
from nbcache.entries.hits.copying import copied
from nbcache.entries.mapping import PrivateMaps, map_readonly
from nbcache.errors import DamagedEntryError

__all__ = [
    "MAPPED_FROM", "FileSection", "RamSection", "Section", "arrange", "in_order", "nameless", "reserve", "spool",
]  # fmt: skip

MAPPED_FROM = 1 << 20
"""Bytes from which a map beats a copy; a write to every page costs more in a map, a copy more in everything else."""

_SMALL_ALIGNMENT = 64
_PAGE_ALIGNMENT = 4096
_PAGE_ALIGNED_FROM = 64 << 10
# So large at most that the allocator maps and unmaps each block: larger ones, and their copies, stay in its heap.
_IN_TURN = 2 << 20
_RESERVED_FROM = 16 << 20
_ZEROS = memoryview(bytes(_PAGE_ALIGNMENT))


class Section(Protocol):
    """Bytes that were verified, or made by this process."""

    nbytes: int

    def private(self) -> memoryview:
        """Return writable bytes that no other caller sees."""

    def plain(self) -> memoryview:
        """Return such bytes in memory without a file behind it."""

    def shared(self) -> memoryview:
        """Return the bytes, unwritable."""

    def in_turn(self) -> Iterator[memoryview]:
        """Yield the bytes, of a file some at a time, so that they are in memory only while they are used."""


class RamSection:
    """Buffers in the memory of this process: a hit copies them."""

    __slots__ = ("_content", "nbytes")

    def __init__(self, content: bytes | memoryview) -> None:
        self._content = memoryview(content).toreadonly()
        self.nbytes = self._content.nbytes

    def private(self) -> memoryview:
        return self.plain()

    def plain(self) -> memoryview:
        return copied(self._content)

    def shared(self) -> memoryview:
        return self._content

    def in_turn(self) -> Iterator[memoryview]:
        yield self._content


class FileSection:
    """Buffers in a file that stays open, or mapped: a hit maps them, or copies them where hits are overwritten.

    Parameters
    ----------
    descriptor : of a file this process may read; it is duplicated
    offset, length : the range, in bytes

    Notes
    -----
    One descriptor an entry, none a hit. Where half of the descriptors this process may have are in use, the entry does
    without one: it keeps a single map, and its hits copy from there.
    """

    __slots__ = ("_descriptor", "_facts", "_maps", "_named", "_offset", "_shared", "nbytes")

    def __init__(self, descriptor: int, offset: int, length: int) -> None:
        self._descriptor = -1
        self._offset, self.nbytes = offset, length
        self._maps = PrivateMaps(offset, length)
        facts = system.fstat(descriptor)
        self._facts = (facts.st_size, facts.st_mtime_ns)
        self._named = facts.st_nlink > 0
        self._shared: memoryview | None = None
        try:
            self._descriptor = os.dup(descriptor)
        except OSError:
            self._shared = map_readonly(descriptor, offset, length)
            return
        if self._descriptor > _descriptor_limit() // 2:
            self._shared = map_readonly(descriptor, offset, length)
            os.close(self._descriptor)
            self._descriptor = -1

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def private(self) -> memoryview:
        if self._descriptor < 0:
            return self.plain()
        if self._named:
            self._check()
        maps = self._maps
        if maps.attentive and maps.overwritten(self._descriptor):
            return self.plain()
        try:
            return memoryview(maps.lend(self._descriptor)).cast("B")
        except OSError:
            return self.plain()  # this process has as many maps as the system allows

    def plain(self) -> memoryview:
        if self._descriptor >= 0:
            self._check()
        try:
            return copied(self.shared())
        except OSError:  # no map is left
            return _read(self._descriptor, self._offset, self.nbytes)

    def _check(self) -> None:
        """Nothing of ours writes in place; to read pages of a file that was cut short would end the process."""
        facts = system.fstat(self._descriptor)
        if (facts.st_size, facts.st_mtime_ns) != self._facts:
            raise DamagedEntryError("the file was changed in place")

    def shared(self) -> memoryview:
        if self._shared is None:
            self._shared = map_readonly(self._descriptor, self._offset, self.nbytes)
        return self._shared

    def in_turn(self) -> Iterator[memoryview]:
        if self._descriptor < 0:
            yield self.shared()
            return
        self._check()
        for start in range(0, self.nbytes, _IN_TURN):
            length = min(_IN_TURN, self.nbytes - start)
            yield _read(self._descriptor, self._offset + start, length)


def _read(descriptor: int, offset: int, length: int) -> memoryview:
    space = memoryview(bytearray(length))
    filled = 0
    while filled < length:
        read = system.read_into_at(descriptor, [space[filled:]], offset + filled)
        if not read:
            raise DamagedEntryError("the file was cut short")
        filled += read
    return space


def _descriptor_limit() -> int:
    try:
        soft = os.sysconf("SC_OPEN_MAX")  # the module `resource` says the same, and a first hit would wait for it
    except (AttributeError, ValueError, OSError):  # not a POSIX system
        return 512
    return soft if 0 < soft < 1 << 20 else 1 << 20


def arrange(lengths: Iterable[int]) -> tuple[list[int], int]:
    """Place buffers one after the other, 64-byte aligned, large ones on a page; returns offsets and total length."""
    offsets, end = [], 0
    for length in lengths:
        step = _PAGE_ALIGNMENT if length > _PAGE_ALIGNED_FROM else _SMALL_ALIGNMENT
        start = -(-end // step) * step
        offsets.append(start)
        end = start + length
    return offsets, end


def in_order(buffers: Sequence[memoryview], offsets: Sequence[int]) -> list[memoryview]:
    """List the buffers with the zeros between them, as they are written."""
    pieces, end = [], 0
    for buffer, offset in zip(buffers, offsets, strict=True):
        if offset > end:
            pieces.append(_ZEROS[: offset - end])
        if buffer.nbytes:
            pieces.append(buffer)
        end = offset + buffer.nbytes
    return pieces


def spool(pieces: Sequence[memoryview], folder: Path | None) -> Section:
    """Copy bytes to where nobody else writes: small ones to memory, others to a nameless file in `folder`.

    Without a folder, and after any error there (full, read-only, gone), they are copied to memory.
    """
    length = sum(piece.nbytes for piece in pieces)
    if system.MAPS and folder is not None and length > MAPPED_FROM:
        try:
            return _spool_to_file(pieces, folder, length)
        except OSError:
            pass  # the value must not suffer for it: memory holds it as well, only not as cheaply
    return RamSection(b"".join(pieces))


def _spool_to_file(pieces: Sequence[memoryview], folder: Path, length: int) -> FileSection:
    descriptor = nameless(folder)
    try:
        reserve(descriptor, length)
        for piece in pieces:
            written = 0
            while written < piece.nbytes:
                written += os.write(descriptor, piece[written:])
        return FileSection(descriptor, 0, length)
    finally:
        os.close(descriptor)


def reserve(descriptor: int, length: int) -> None:
    """Have room for a file from its beginning on, if it is large and the system can tell.

    A full disk shows before the writing, the file lies together, and the writing is a third shorter: ext4 looks for
    the blocks once, and not while it writes, where it may have to wait for its journal.

    Raises
    ------
    OSError
        There is no room.
    """
    if length < _RESERVED_FROM or not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(descriptor, 0, length)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
            raise


def nameless(folder: Path) -> int:
    """Open a new owner-only file without a name, which is gone when its last user is."""
    flags = os.O_RDWR | system.OPEN_AS_BYTES
    if hasattr(os, "O_TMPFILE"):
        try:
            return os.open(folder, flags | os.O_TMPFILE | os.O_EXCL, 0o600)
        except OSError:
            pass  # file systems without it: a name for a moment
    name = folder / f".spool.{os.getpid()}.{secrets.token_hex(8)}"
    descriptor = os.open(name, flags | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    os.unlink(name)
    return descriptor
