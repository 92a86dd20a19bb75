"""Reading one entry from a folder that anybody may have written to."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ..entries.entry import Address, Entry, Meta
from ..entries.signing import Keyring
from ..entries.verified import VerifiedFiles
from ..errors import DamagedEntryError, ForeignEntryError, UntrustedEntryError, explain
from . import folders
from .complaints import Complaints, reason
from .folders import Places
from .protocol import Clock
from .quarantine import set_aside

Read = TypeVar("Read")

#: What open() says of something that is not a file: a symbolic link, a socket or device, a folder.
_NO_FILE = {errno.ELOOP, errno.ENXIO, errno.EISDIR, errno.EMLINK}


class Reader:
    """Opens, checks and verifies the files of one store.

    Parameters
    ----------
    trust : "sign", "strict" or "safe"
    verified : remembers which files were hashed in full

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
        complaints: Complaints,
        clock: Clock,
    ) -> None:
        self._places = places
        self._keyring = keyring
        self._trust = trust
        self._verified = verified
        self._complaints = complaints
        self._clock = clock

    def load(self, path: Path, address: Address) -> Entry | None:
        """The verified entry in a file; None, after a warning if need be, for anything else."""

        def verify(fd: int) -> Entry:
            return Entry.open(fd, address, self._keyring, trust=self._trust, memo=self._verified)

        return self._read(path, verify)

    def head(self, path: Path) -> tuple[Address, Meta, int, float] | None:
        """Address, facts, size and time of the last write of a file, from its verified header."""

        def peek(fd: int) -> tuple[Address, Meta, int, float]:
            address, meta, size = Entry.peek(fd, self._keyring)
            return address, meta, size, os.fstat(fd).st_mtime

        return self._read(path, peek)

    def _read(self, path: Path, read: Callable[[int], Read]) -> Read | None:
        try:
            fd = os.open(path, folders.READ)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno in _NO_FILE:
                if self.trusts(path.parent):
                    self._reject(path, None, "it is not a plain file")
            elif error.errno == errno.EACCES and self.trusts(path.parent):
                self._reject(path, None, reason(error))
            else:
                self.trouble(path, error)
            return None
        try:
            if not self.trusts(path.parent):
                return None
            status = os.fstat(fd)
            refusal = folders.file_refusal(status)
            if refusal is not None:
                self._reject(path, status, refusal)
                return None
            return read(fd)
        except ForeignEntryError as error:
            if self._trust == "strict":
                raise untrusted(path, str(error)) from error
            return None
        except DamagedEntryError as error:
            self._reject(path, status, str(error))
            return None
        except (OSError, MemoryError, RecursionError) as error:
            self.trouble(path, error)
            return None
        finally:
            os.close(fd)

    def trusts(self, folder: Path) -> bool:
        """Whether files may be loaded from, and written to, a folder of an owner; warns once if not."""
        return all(map(self._trusts, (self._places.root, self._places.base, folder.parent, folder)))

    def _trusts(self, place: Path) -> bool:
        try:
            refusal = folders.refusal(place, follow=place == self._places.root)
        except OSError as error:
            refusal = reason(error)
        if refusal is None:
            return True
        if self._trust == "strict":
            raise untrusted(place, refusal)
        self._complaints.once(
            "folder",
            place,
            "The store on disk is not used: values are computed, and kept in memory only.",
            f"{place}: {refusal}.",
            "make it a folder of yours that only you can write to, or name another one with NBCACHE_DIR.",
        )
        return False

    def _reject(self, path: Path, status: os.stat_result | None, why: str) -> None:
        """Set a file aside, unless another one has taken its place meanwhile."""
        if self._trust == "strict":
            raise untrusted(path, why)
        moved: Path | None = None
        try:
            now = os.lstat(path)
            if status is None or (now.st_dev, now.st_ino) == (status.st_dev, status.st_ino):
                moved = set_aside(path, self._places.quarantine, self._clock())
        except FileNotFoundError:
            if status is not None:
                # It was opened by its name, and is gone by now: another process has set it aside, or replaced it.
                return
        except OSError:
            # A read-only store: it stays where it is, and the warning says so.
            moved = None
        self._complaints.damaged(path, moved, why)

    def trouble(self, path: Path, error: BaseException) -> None:
        """Warn, once for each kind of error, that an entry could not be read."""
        self._complaints.once(
            "read",
            getattr(error, "errno", type(error)),
            "Stored entries cannot be read; their values are computed again.",
            f"{path.name}: {reason(error)}.",
            f"see whether {self._places.root} can be read, and how many files this process has open.",
        )


def untrusted(place: Path, why: str) -> UntrustedEntryError:
    return UntrustedEntryError(
        explain(
            "A stored entry could not be verified, and trust is 'strict'.",
            f"{place}: {why}.",
            'delete it, or set trust to "sign": it is then left unread and its value computed again.',
        )
    )
