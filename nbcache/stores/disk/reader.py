"""Reading one entry from a folder that anybody may have written to."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

from nbcache import system
from nbcache.entries.entry import Address, Entry, Meta
from nbcache.entries.signing import Keyring
from nbcache.entries.source import FileSource
from nbcache.entries.verified import VerifiedFiles
from nbcache.errors import DamagedEntryError, ForeignEntryError
from nbcache.stores import folders
from nbcache.stores.disk.quarantine import set_aside
from nbcache.stores.disk.row_index import Head, RowIndex, StatusOf, facts_of
from nbcache.stores.folders import Places
from nbcache.stores.names import key_name, owner_name, parts_of_file
from nbcache.stores.protocol import Clock, Stored
from nbcache.stores.warnings import StoreWarnings, reason, untrusted

#: What open() says of something that is not a file: a symbolic link, a socket or device, a folder.
_NO_FILE = {errno.ELOOP, errno.ENXIO, errno.EISDIR, errno.EMLINK}


class Reader:
    """Opens, checks and verifies the files of one store.

    Parameters
    ----------
    trust : "sign", "strict" or "safe"
    verified : remembers which files were hashed in full
    index : gives the rows that need no look at a file; only a listing asks

    Notes
    -----
    Whatever lies at the place of an entry, nothing of it runs, nothing outside of the store is opened, and opening
    does not block. What cannot be an entry is set aside with one warning; under "strict" it stays and is an error.
    """

    def __init__(
        self,
        places: Places,
        keyring: Keyring,
        trust: str,
        verified: VerifiedFiles,
        warnings: StoreWarnings,
        index: Callable[[], RowIndex],
        clock: Clock,
    ) -> None:
        self._places = places
        self._keyring = keyring
        self._trust = trust
        self._verified = verified
        self._warnings = warnings
        self._index = index
        self._clock = clock
        self._outer = (str(places.root), places.text)

    def load(self, path: str, address: Address) -> Entry | None:
        """The verified entry in a file; None, after a warning if need be, for anything else."""
        try:
            fd = os.open(path, folders.READ)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if not self._may_load(path):
                return None
            if error.errno in _NO_FILE:
                self._reject(path, None, "it is not a plain file")
            elif error.errno == errno.EACCES:
                self._reject(path, None, reason(error))
            else:
                self.trouble(path, error)
            return None
        try:
            if not self._may_load(path):
                return None
            return self._verified_entry(fd, path, address)
        finally:
            os.close(fd)

    def _verified_entry(self, fd: int, path: str, address: Address) -> Entry | None:
        status: os.stat_result | None = None
        try:
            status = system.fstat(fd)
            refusal = folders.file_refusal(status)
            if refusal is not None:
                self._reject(path, status, refusal)
                return None
            source = FileSource(fd, status)
            return Entry.open(source, address, self._keyring, trust=self._trust, memo=self._verified)
        except ForeignEntryError as error:
            if self._trust == "strict":
                raise untrusted(path, str(error)) from error
        except DamagedEntryError as error:
            self._reject(path, status, str(error))
        except (OSError, MemoryError, RecursionError) as error:
            self.trouble(path, error)
        return None

    def head(self, path: str) -> tuple[Address, Meta, int, float] | None:
        """Address, facts, size and time of the last write of a file, from its verified header; None without a word."""
        found = self._head(path)
        return None if found is None else (*found[:3], found[3].st_mtime)

    def _head(self, path: str, folder: int | None = None) -> tuple[Address, Meta, int, os.stat_result] | None:
        """Address, facts, size and status of a file.

        Parameters
        ----------
        folder : descriptor of the folder, if `path` is a name in it that was found trusted
        """
        try:
            fd = os.open(path, folders.READ, **({} if folder is None else {"dir_fd": folder}))
        except OSError:
            return None
        try:
            status = system.fstat(fd)
            if folders.file_refusal(status) is not None:
                return None
            address, meta, size = Entry.peek(FileSource(fd, status), self._keyring)
            return address, meta, size, status
        except (ForeignEntryError, DamagedEntryError, OSError):
            return None
        finally:
            os.close(fd)

    def rows(self, folder: str, fd: int | None, but: Container[str], uses: Mapping[str, float]) -> Iterator[Stored]:
        """The rows of an owner's trusted folder: from its index, and of files that are not in there from their headers.

        Parameters
        ----------
        fd : the folder, open; None where folders cannot be
        but : names of entries (`names.entry_name`) to leave out
        uses : when entries were used, by key
        """
        owner = os.path.basename(folder)
        try:
            with os.scandir(folder if fd is None else fd) as files:
                present = {file.name: file.inode() for file in files}
        except FileNotFoundError:
            return
        if but:
            present = {n: number for n, number in present.items() if f"{owner}/{n.partition('.')[0]}" not in but}
        if fd is None:
            status_of: StatusOf = lambda name: os.lstat(f"{folder}/{name}")  # noqa: E731
        else:
            status_of = partial(os.stat, dir_fd=fd, follow_symlinks=False)
        yield from self._index().rows(folder, present, uses, status_of)
        unknown: list[Head] = []
        yield from self.read(folder, fd, list(present), uses, unknown)
        # Where a folder gives other numbers than its files do, none of them would be found again.
        self._index().add(folder, [head for head in unknown if head.file[0] == present[head.name]], status_of)

    def read(
        self,
        folder: str,
        fd: int | None,
        names: Iterable[str],
        uses: Mapping[str, float],
        read: list[Head] | None = None,
    ) -> Iterator[Stored]:
        """The rows of some files of a trusted folder, from verified headers; others are left out without a word.

        Parameters
        ----------
        read : is given what was read
        """
        owner = os.path.basename(folder)
        for name in names:
            parts = parts_of_file(name)
            head = None if parts is None else self._head(f"{folder}/{name}" if fd is None else name, fd)
            if parts is None or head is None:
                continue
            address, meta, size, status = head
            # A key that is the name of its file needs no look at its form.
            if parts[0] not in (address.key, key_name(address.key)) or owner_name(address.owner) != owner:
                continue
            if read is not None:
                read.append(Head(name, facts_of(status), address, meta))
            yield Stored(address, meta, size, max(status.st_mtime, uses.get(parts[0], 0.0)), "disk")

    def trusts(self, folder: str) -> bool:
        """Whether files may be read from, and written to, a folder of an owner; warns once if not."""
        return self._mistrusted(folder) is None

    def _may_load(self, path: str) -> bool:
        """Like `trusts`, for the folder of a file; under "strict" a folder that is not trusted is an error."""
        place = self._mistrusted(os.path.dirname(path))
        if place is not None and self._trust == "strict":
            raise untrusted(place, "the folder is not safe")
        return place is None

    def _mistrusted(self, folder: str) -> str | None:
        """The first folder on the way to an owner's that others could have changed; warns once of it."""
        for place in (*self._outer, folder.rpartition("/")[0], folder):
            try:
                refusal = folders.refusal(place, follow=place == self._outer[0])
            except OSError as error:
                refusal = reason(error)
            if refusal is not None:
                self._warnings.once(
                    "folder",
                    place,
                    "The store on disk is not used: values are computed, and kept in memory only.",
                    f"{place}: {refusal}.",
                    "make it a folder of yours that only you can write to, or name another one with NBCACHE_DIR.",
                )
                return place
        return None

    def _reject(self, path: str, status: os.stat_result | None, why: str) -> None:
        """Set a file aside, unless another one has taken its place meanwhile."""
        if self._trust == "strict":
            raise untrusted(path, why)
        moved: Path | None = None
        try:
            now = os.lstat(path)
            if status is None or (now.st_dev, now.st_ino) == (status.st_dev, status.st_ino):
                moved = set_aside(Path(path), self._places.quarantine, self._clock())
        except FileNotFoundError:
            if status is not None:
                # It was opened by its name, and is gone by now: another process has set it aside, or replaced it.
                return
        except OSError:
            # A read-only store: it stays where it is, and the warning says so.
            moved = None
        self._warnings.damaged(path, moved, why)

    def trouble(self, path: str, error: BaseException) -> None:
        """Warn, once for each kind of error, that an entry could not be read."""
        self._warnings.once(
            "read",
            getattr(error, "errno", type(error)),
            "Stored entries cannot be read; their values are computed again.",
            f"{os.path.basename(path)}: {reason(error)}.",
            f"check whether {self._places.root} can be read, and how many files this process has open.",
        )
