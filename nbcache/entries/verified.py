"""Which files were verified already, so that gigabytes are hashed once and not at every start.

A file is known by what the system says of the opened descriptor: device, inode, size, times of the last change of
content and of status. Any write, rename or `touch` moves the last of them. What was verified once under such an
identity is remembered in this process, and for large files in the user's private state folder, under a MAC.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from nbcache import system
from nbcache.entries.signing import MAC_BYTES, Keyring

__all__ = ["VerifiedFiles"]

_PURPOSE = b"state/v1"
_RECORDED_FROM = 1 << 20
_IN_MEMORY = 100_000
_ON_DISK = 4096


class VerifiedFiles:
    """Remembers which file held which entry when all of it was verified.

    Parameters
    ----------
    folder : gives a private folder for records that outlive the process, when a large file asks for it; `None` keeps
        them in memory only
    keyring : signs the records

    Notes
    -----
    Shared by threads, without a lock that a fork could freeze. Processes share the folder: a record is written beside
    its place and renamed into it. A record that cannot be read or written costs one more verification, never an error.
    """

    def __init__(self, folder: Callable[[], Path] | None, keyring: Keyring) -> None:
        self._folder = folder
        self._keyring = keyring
        self._known: dict[bytes, bytes] = {}
        self._swept = False

    def holds(self, facts: os.stat_result, mac: bytes) -> bool:
        """Tell whether the file with these facts was verified as the entry that has this MAC."""
        identity = _identity(facts)
        if self._known.get(identity) == mac:
            return True
        if facts.st_size < _RECORDED_FROM or not self._recorded(identity, mac):
            return False
        self._keep(identity, mac)
        return True

    def remember(self, facts: os.stat_result, mac: bytes) -> None:
        """Note that the file with these facts was verified just now."""
        identity = _identity(facts)
        self._keep(identity, mac)
        if facts.st_size >= _RECORDED_FROM:
            self._record(identity, mac)

    def written(self, descriptor: int, size: int, mac: bytes) -> None:
        """Note that this process wrote an entry of this size and MAC to this file, which has its final name by now.

        A link or rename changes the status of a file: what is noted before is forgotten by it.
        """
        try:
            facts = os.fstat(descriptor)
        except OSError:
            return  # a later reader verifies
        if facts.st_size == size:
            self.remember(facts, mac)

    def _keep(self, identity: bytes, mac: bytes) -> None:
        if len(self._known) >= _IN_MEMORY:
            self._known.clear()  # rarer than once a day, and it only costs hashes
        self._known[identity] = mac

    def _place(self, identity: bytes) -> Path | None:
        if self._folder is None:
            return None
        return self._folder() / hashlib.sha256(identity).hexdigest()[:40]

    def _recorded(self, identity: bytes, mac: bytes) -> bool:
        place = self._place(identity)
        if place is None:
            return False
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | system.OPEN_AS_BYTES
        try:
            descriptor = os.open(place, flags)
        except OSError:
            return False
        try:
            content = os.read(descriptor, 2 * MAC_BYTES)
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return content[:MAC_BYTES] == mac and self._keyring.verify(_PURPOSE, content[MAC_BYTES:], identity, mac)

    def _record(self, identity: bytes, mac: bytes) -> None:
        place = self._place(identity)
        if place is None:
            return
        beside = place.with_name(f".{place.name}.{secrets.token_hex(6)}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | system.OPEN_AS_BYTES
        try:
            os.makedirs(place.parent, mode=0o700, exist_ok=True)
            descriptor = os.open(beside, flags, 0o600)
            try:
                os.write(descriptor, mac + self._keyring.sign(_PURPOSE, identity, mac))
            finally:
                os.close(descriptor)
            os.replace(beside, place)
            self._sweep(place.parent)
        except OSError:
            return  # the next kernel verifies once more

    def _sweep(self, folder: Path) -> None:
        """Drop the oldest records beyond a few thousand, once a process."""
        if self._swept:
            return
        self._swept = True
        records = sorted(os.scandir(folder), key=lambda record: record.stat(follow_symlinks=False).st_mtime)
        for record in records[: max(0, len(records) - _ON_DISK)]:
            os.unlink(record.path)


def _identity(facts: os.stat_result) -> bytes:
    numbers = (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
    return ",".join(map(str, numbers)).encode("ascii")
