"""Looking at every file of a store: is each one whole, and, for a store of somebody else's, taking it over.

Nothing in this room unpickles anything: entries are verified as bytes, and written as bytes.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from nbcache import registry
from nbcache.config import settings
from nbcache.entries.entry import Address, Entry
from nbcache.entries.signing import Keyring
from nbcache.errors import CacheError, DamagedEntryError
from nbcache.inspection.trusted_keys import forget_backed
from nbcache.stores import folders
from nbcache.stores.disk.clearing import owner_folders
from nbcache.stores.disk.quarantine import set_aside
from nbcache.stores.disk.store import DiskStore
from nbcache.stores.folders import Places
from nbcache.stores.names import NOTE, RESULT, entry_name, is_key_folder, parts_of_file
from nbcache.stores.protocol import RESULTS
from nbcache.stores.warnings import reason

#: What open() says of a link, a socket or device, and of a file that may not be read.
_NO_ENTRY = {errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EACCES}


@dataclass(frozen=True, slots=True)
class Finding:
    """A file that is not what its place says, why, and where it was set aside; None where it could not be."""

    path: Path
    why: str
    moved: Path | None


@dataclass(frozen=True, slots=True)
class Verified:
    """What a look at every byte of the store found.

    Attributes
    ----------
    whole, size : how many entries are as they were written, and their bytes
    foreign : how many files other keys signed; they are not looked at
    """

    folder: Path
    whole: int
    size: int
    damaged: tuple[Finding, ...]
    foreign: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Adopted:
    """What became of the entries of another store.

    Attributes
    ----------
    taken : how many are now signed with our key
    present : how many we had already, and kept
    refused : what is no whole entry, and why; it stays where it is
    """

    taken: int
    present: int
    refused: tuple[Finding, ...]


class _AnyKeyring(Keyring):
    """Takes every signature for right, so that the lengths and digests of an entry can be checked without its key.

    Only `adopt` uses it, on bytes that are signed anew and that nobody loads before they are.
    """

    __slots__ = ()

    def knows(self, name: str) -> bool:
        return True

    def verify(self, purpose: bytes, mac: bytes, *parts: bytes) -> bool:
        return True


def verify() -> Verified:
    """Hash every entry of ours again, whatever was verified before; damaged ones are set aside."""
    began = time.monotonic()
    disk = registry.the_cache().tiers.outer.disk
    whole = size = foreign = 0
    damaged: list[Finding] = []
    for path in _files(disk.places.base):
        if not disk.keyring.knows(path.parent.parent.name):
            foreign += 1
            continue
        try:
            size += _read(path, disk.keyring).size
            whole += 1
        except FileNotFoundError:
            continue  # cleared or evicted while this runs
        except (OSError, CacheError, MemoryError) as error:
            damaged.append(_damaged(path, disk.places, error))
    if damaged:
        forget_backed()
    return Verified(disk.folder, whole, size, tuple(damaged), foreign, time.monotonic() - began)


def _damaged(path: Path, places: Places, error: Exception) -> Finding:
    """Set a file aside, unless it is the system that has no descriptor or no memory left."""
    why = reason(error)
    if not isinstance(error, CacheError) and getattr(error, "errno", None) not in _NO_ENTRY:
        return Finding(path, why, None)
    try:
        return Finding(path, why, set_aside(path, places.quarantine, time.time()))
    except OSError as trouble:
        return Finding(path, f"{why}, and it cannot be moved: {reason(trouble)}", None)


def other_store(folder: str) -> Path:
    """The folder of a store that the user named: the one that holds ``v1``, or ``v1`` itself.

    Raises
    ------
    CacheError
        There is no store.
    """
    root = Path(os.path.realpath(os.path.expanduser(folder)))
    if root.name == "v1":
        root = root.parent
    if not (root / "v1").is_dir():
        raise CacheError(f"{root} is not a store of nbcache: it has no folder 'v1'.")
    return root


def adoptable(root: Path) -> dict[str, int]:
    """How many files lie under which key in another store; those of our own keys in our own store left out."""
    counts: dict[str, int] = {}
    for path in _strange(root, registry.the_cache().tiers.outer.disk):
        key = path.parent.parent.name
        counts[key] = counts.get(key, 0) + 1
    return counts


def adopt(root: Path) -> Adopted:
    """Sign the whole entries of another store with our key, and put them into ours.

    From then on a hit loads them, and so runs whatever code their makers put there: ask the user first. What we have
    already under the same address stays as it is.
    """
    disk = registry.the_cache().tiers.outer.disk
    anybody = _AnyKeyring.ephemeral()
    taken = present = 0
    refused: list[Finding] = []
    for path in _strange(root, disk):
        # What claims to be signed with a key of ours must be.
        keyring = disk.keyring if disk.keyring.knows(path.parent.parent.name) else anybody
        try:
            address, entry, _ = _read(path, keyring)
            _check_parts(entry)
        except (OSError, CacheError, MemoryError) as error:
            refused.append(Finding(path, reason(error), None))
            continue
        if disk.find(address) is not None:
            present += 1
            continue
        disk.put(address, entry)
        if disk.find(address) is not None:
            taken += 1
        else:
            refused.append(Finding(path, "it could not be written into the store", None))
    return Adopted(taken, present, tuple(refused))


def _check_parts(entry: Entry) -> None:
    """Refuse an entry whose list of parts, read at the first explanation only, is not three texts a line."""
    try:
        if all(type(text) is str for part in entry.meta.parts for text in part):
            return
    except (ValueError, TypeError, RecursionError) as error:
        raise DamagedEntryError(f"its parts are not understood ({error})") from error
    raise DamagedEntryError("its parts are not texts")


class _Read(NamedTuple):
    address: Address
    entry: Entry
    size: int


def _read(path: Path, keyring: Keyring) -> _Read:
    """An entry that is whole and at its own place, every byte of it read; its value stays in its bytes.

    Raises
    ------
    DamagedEntryError, OSError
        It is not.
    """
    descriptor = os.open(path, folders.READ)
    try:
        status = os.fstat(descriptor)
        if (refusal := folders.file_refusal(status)) is not None:
            raise DamagedEntryError(refusal)
        if status.st_size > settings().disk_bound:
            raise DamagedEntryError("it is larger than the whole store may be")
        address, meta, size = Entry.peek(descriptor, keyring)
        if _name(address, meta.kind) != f"{path.parent.name}/{path.name}":
            raise DamagedEntryError(f"it belongs to {address.owner}, under the key {address.key}")
        return _Read(address, Entry.open(descriptor, address, keyring), size)
    finally:
        os.close(descriptor)


def _name(address: Address, kind: str) -> str:
    return entry_name(address) + (RESULT if kind in RESULTS else NOTE)


def _files(base: Path) -> Iterator[Path]:
    """Whatever has the name of an entry, under any key."""
    for folder in owner_folders(base):
        for name in sorted(folders.list_names(folder)):
            if parts_of_file(name) is not None:
                yield folder / name


def _strange(root: Path, disk: DiskStore) -> Iterator[Path]:
    """The files of another store, and the foreign ones of our own."""
    ours = root == disk.folder
    for path in _files(root / "v1"):
        key = path.parent.parent.name
        if is_key_folder(key) and not (ours and disk.keyring.knows(key)):
            yield path
