"""What was removed from a store, told to every process that uses it.

One append-only file holds a record per removal: what kind, digests of the owner and of the key. Its length and
identity are a cheap stamp: a stamp that changed says that something was removed, and the records say what, for
computations that began before a clear and for kernels that hold a removed entry in memory. The file is a hint about
removals, never a source of entries: whatever cannot be read counts as "everything may have been removed".
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from nbcache import system
from nbcache.entries.entry import Address
from nbcache.stores.disk.publish import Publisher
from nbcache.stores.folders import APPEND, READ, append, read_small, size_of

#: After so many bytes a new file is begun, and the one before is kept for those who still look back into it.
ROTATE_AT = 1 << 20
_LONGEST = 4 << 20

_HALF = 8
_RECORD = 1 + 2 * _HALF
_EVERY = bytes(_HALF)
_CLEARED = b"c"
_REPLACED = b"r"
_NAME = b"n"


class Stamp(NamedTuple):
    """A point in the file: which file, how much of it, and when it was last changed.

    A file is known by the random bytes it begins with: the system gives the number of a deleted file to a new one.
    """

    file: bytes
    length: int
    changed: int


#: Of a store that does not exist yet.
NOTHING = Stamp(b"", 0, 0)
#: Of a file that could not be looked at.
_UNKNOWN = Stamp(b"", -1, 0)


class Concerned:
    """Which entries some records speak of.

    Parameters
    ----------
    removed : what was removed, by owner
    """

    def __init__(self, removed: dict[bytes, set[bytes]]) -> None:
        self._removed = removed
        self._all = _EVERY in removed

    def keys_of(self, owner: str) -> Callable[[str], bool] | None:
        """A test for the keys of an owner; None where nothing of theirs was removed."""
        removed = {_EVERY} if self._all else self._removed.get(_half(owner))
        if removed is None:
            return None
        return (lambda key: True) if _EVERY in removed else lambda key: _half(key) in removed

    def __call__(self, address: Address) -> bool:
        test = self.keys_of(address.owner)
        return test is not None and test(address.key)


class Invalidations:
    """The removals of one store.

    Parameters
    ----------
    publisher : makes the file whole or not at all

    Notes
    -----
    Appends of a record are single writes at the end of the file, which do not mix on a local file system.
    """

    def __init__(self, path: str, publisher: Publisher) -> None:
        self._path = path
        self._older = f"{path}.1"
        self._publisher = publisher
        self._seen: tuple[tuple[int, int, int, int, int], Stamp] = ((0, 0, 0, 0, 0), NOTHING)

    def begin(self) -> None:
        """Make the file, so that a look at it is no error; OSError where that fails."""
        if not os.path.lexists(self._path):
            self._publisher.begin(_NAME + secrets.token_bytes(_RECORD - 1), self._path, time.time())

    def stamp(self) -> Stamp:
        try:
            status = system.lstat(self._path)
        except (FileNotFoundError, NotADirectoryError):
            return NOTHING
        except OSError:
            return _UNKNOWN
        identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        seen, stamp = self._seen
        if seen != identity:
            stamp = _stamp(self._path)
            if (stamp.length, stamp.changed) == identity[2:4]:
                self._seen = (identity, stamp)
        return stamp

    def cleared(self, owner: str | None = None, address: Address | None = None) -> None:
        """Tell that an address, an owner, or (both None) everything is being removed; OSError where it cannot."""
        if address is not None:
            self._post(_CLEARED + _half(address.owner) + _half(address.key))
        else:
            self._post(_CLEARED + (_EVERY if owner is None else _half(owner)) + _EVERY)

    def replaced(self, address: Address) -> None:
        """Tell that an entry was replaced by another."""
        self._post(_REPLACED + _half(address.owner) + _half(address.key))

    def cleared_since(self, stamp: Stamp, address: Address) -> bool:
        """Whether an address was cleared after a stamp was taken; True also when that cannot be known."""
        now = self.stamp()
        if now == stamp:
            return False
        if now == NOTHING and _stamp(self._older) == NOTHING:
            # Somebody deleted the store as a whole; it is begun anew.
            return False
        records = self._records(stamp)
        if records is None:
            return True
        owner, key = _half(address.owner), _half(address.key)
        return any(
            kind == _CLEARED and where in (_EVERY, owner) and (where == _EVERY or what in (_EVERY, key))
            for kind, where, what in records
        )

    def concerns_since(self, stamp: Stamp) -> Concerned:
        """What was removed after a stamp; everything when that cannot be known."""
        records = [] if self.stamp() == stamp else self._records(stamp)
        if records is None:
            return Concerned({_EVERY: {_EVERY}})
        removed: dict[bytes, set[bytes]] = {}
        for _, where, what in records:
            removed.setdefault(where, set()).add(what)
        return Concerned(removed)

    def _records(self, stamp: Stamp) -> list[tuple[bytes, bytes, bytes]] | None:
        """The records after a stamp; None when they are no longer known."""
        now = self.stamp()
        grown = (stamp.file, stamp.length) != (now.file, now.length)
        if _UNKNOWN in (now, stamp) or now == NOTHING or now.length % _RECORD or not grown:
            # Something changed, and no whole record says what: the disk may have been full.
            return None
        try:
            content = read_small(self._path, _LONGEST)
            if stamp.file not in (b"", content[:_RECORD]):
                older = read_small(self._older, _LONGEST)
                if stamp.file != older[:_RECORD] or len(older) % _RECORD:
                    return None
                content = older + content
        except OSError:
            return None
        tail = content[stamp.length :]
        return [
            (tail[i : i + 1], tail[i + 1 : i + 1 + _HALF], tail[i + 1 + _HALF : i + _RECORD])
            for i in range(0, len(tail) - _RECORD + 1, _RECORD)
        ]

    def _post(self, record: bytes) -> None:
        length = size_of(self._path)
        # After a record that a full disk cut short, nothing behind it could be read.
        if length > ROTATE_AT or length % _RECORD:
            try:
                os.replace(self._path, self._older)
            except FileNotFoundError:
                pass
        try:
            try:
                append(self._path, record, APPEND & ~os.O_CREAT)
            except FileNotFoundError:
                # It begins with its name for good, unless another process has begun it.
                self.begin()
                append(self._path, record, APPEND & ~os.O_CREAT)
        except OSError:
            # A full disk: a changed time still tells the others that something is gone.
            os.utime(self._path)


class DiskMark:
    """A moment in the life of a store, which other processes see too."""

    __slots__ = ("_address", "_invalidations", "stamp")

    def __init__(self, invalidations: Invalidations, address: Address) -> None:
        self._invalidations = invalidations
        self._address = address
        self.stamp = invalidations.stamp()

    @property
    def cleared(self) -> bool:
        return self._invalidations.cleared_since(self.stamp, self._address)


@lru_cache(maxsize=256)  # each is told twice, before and after
def _half(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_HALF, person=b"nbcache notice").digest()


def _stamp(path: str) -> Stamp:
    try:
        fd = os.open(path, READ)
    except (FileNotFoundError, NotADirectoryError):
        return NOTHING
    except OSError:
        return _UNKNOWN
    try:
        status = system.fstat(fd)
        return Stamp(os.read(fd, _RECORD), status.st_size, status.st_mtime_ns)
    except OSError:
        return _UNKNOWN
    finally:
        os.close(fd)
