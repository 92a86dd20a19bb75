"""What lies behind memory, for the panel: counted at once by its names, read in the background, kept up to date."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

from nbcache.config import settings
from nbcache.engine.cache import Cache
from nbcache.entries.entry import Address, Entry
from nbcache.errors import CacheError
from nbcache.inspection.listing import source_of
from nbcache.notebook.panel.versions import code_of
from nbcache.stores.disk.invalidations import Stamp
from nbcache.stores.disk.store import DiskStore
from nbcache.stores.folders import READ
from nbcache.stores.names import RESULT, is_owner_folder, key_name, owner_name, parts_of_file
from nbcache.stores.protocol import RESULTS, Stored
from nbcache.stores.tiered import TieredStore

_PATIENCE = 0.25
_FEW = 1000
_ONE_BY_ONE = 50
_UNSETTLED_NS = 50_000_000
_SHARED_EVERY = 5.0
_SHARED_SHARE = 0.05


@dataclass(slots=True)
class OwnerRows:
    """What is behind memory of one owner.

    Attributes
    ----------
    names : the names of the results on disk, whether or not they were read
    known : the rows of those that were read
    refused : names that have no row: damaged, somebody else's, or gone
    shared : rows of a shared store, by their key
    """

    names: Set[str] = frozenset()
    known: dict[str, Stored] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    shared: dict[str, Stored] = field(default_factory=dict)


_NOTHING = OwnerRows()


class StoredRows:
    """The rows on disk and in a shared store.

    Reading the header of every file takes some seconds for a hundred thousand, so a panel cannot wait for it. The
    names in the folders take next to nothing: they say how many entries there are, and whether anything changed.
    Headers are read by a thread, first one of each folder, which says whose it is, then once per file.

    Parameters
    ----------
    clock : a monotonic clock in seconds

    Attributes
    ----------
    version : changes whenever the rows did

    Notes
    -----
    A new entry of this process needs no header: memory has its row. A shared store tells nobody of changes, so it is
    listed again every now and then, the rarer the longer that takes.
    """

    def __init__(self, cache: Cache, clock: Callable[[], float] = time.monotonic) -> None:
        self._cache = cache
        self._clock = clock
        self.version = 0
        self._places: dict[str, tuple[int, frozenset[str]]] = {}
        self._folders: dict[str, OwnerRows] = {}
        self._owners: dict[str, str] = {}
        self._shared: dict[str, dict[str, Stored]] = {}
        self._shared_due = 0.0
        self._stamp: Stamp | None = None
        self._first = ""
        self._reader: threading.Thread | None = None
        self._named = threading.Event()
        self._lock = threading.RLock()

    def look(self) -> int:
        """List the folders that changed since the last look; return `version`."""
        self._follow()
        seen: dict[str, tuple[int, frozenset[str]]] = {}
        for folder in self._owner_folders():
            place = str(folder)
            try:
                changed = folder.stat().st_mtime_ns
                before = self._places.get(place)
                seen[place] = before if before and before[0] == changed else _listed(folder, changed)
            except FileNotFoundError:
                continue
        with self._lock:
            if {place: names for place, (_, names) in seen.items()} != {
                place: names for place, (_, names) in self._places.items()
            }:
                self.version += 1
                self._take_names(seen)
            self._places = seen
            if settings().store and self._clock() >= self._shared_due:
                self.version += 1
        return self.version

    def read(self, in_memory: Mapping[str, Set[str]], *, wait: float | None = None) -> None:
        """Read the headers that nobody knows yet, in the background after a moment.

        Parameters
        ----------
        in_memory : for each owner, the names of entries whose rows memory has
        wait : seconds to wait for the end; None waits a moment, and no longer than for the owners where there is
            much to read: what is read after that appears later
        """
        with self._lock:
            unknown = self._unknown({owner_name(owner): names for owner, names in in_memory.items()})
            shared = bool(settings().store) and self._clock() >= self._shared_due
            if self._reader is None and (unknown or shared):
                self._named = threading.Event()
                if shared:
                    self._shared_due = math.inf
                self._reader = threading.Thread(target=self._read, args=(unknown, shared), daemon=True)
                try:
                    self._reader.start()
                except RuntimeError:  # Pyodide has no threads
                    self._read(unknown, shared)
            reader, named = self._reader, self._named
        if reader is None:
            return
        if wait is None:
            named.wait(_PATIENCE)
            wait = _PATIENCE if sum(map(len, unknown.values())) <= _FEW else 0.0
        reader.join(wait)

    def prefer(self, owner: str) -> None:
        """Read the entries of an owner next: somebody wants to see them."""
        self._first = owner_name(owner)

    def of(self, owner: str) -> OwnerRows:
        """Return what is known of an owner; the sets and dicts in it are not to be changed."""
        with self._lock:
            found = self._folders.get(owner_name(owner), _NOTHING)
            shared = self._shared.get(owner, {})
            if not found.names and not shared:
                return _NOTHING
            return OwnerRows(found.names, dict(found.known), set(found.refused), dict(shared))

    def owners(self) -> set[str]:
        """Return everybody who is known to have an entry behind memory."""
        with self._lock:
            return {owner for folder, owner in self._owners.items() if folder in self._folders} | {*self._shared}

    def cleared(self, address: Address | None = None, owner: str | None = None) -> None:
        """Forget shared rows that were cleared: all, those of an owner, or one."""
        with self._lock:
            if address is not None:
                self._shared.get(address.owner, {}).pop(address.key, None)
            elif owner is not None:
                self._shared.pop(owner, None)
            else:
                self._shared = {}
            self.version += 1

    # --- what changed --------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Forget what any process cleared or replaced since the last look, here and in memory."""
        if not self._cache.tiers.has_disk():
            return
        disk = self._cache.tiers.outer.disk
        stamp = disk.stamp()
        before, self._stamp = self._stamp, stamp
        if before is None or before == stamp:
            return
        self._cache.tiers.look()
        self._forget(disk, before)

    def _forget(self, disk: DiskStore, since: Stamp) -> None:
        concerned = disk.concerns_since(since)
        for found in list(self._folders.values()):
            gone = [name for name, row in list(found.known.items()) if concerned(row.address)]
            with self._lock:
                for name in gone:
                    found.known.pop(name, None)
        self.version += 1

    def _take_names(self, seen: dict[str, tuple[int, frozenset[str]]]) -> None:
        listed: defaultdict[str, Set[str]] = defaultdict(frozenset)
        for place, (_, names) in seen.items():
            folder = os.path.basename(place)
            listed[folder] = listed[folder] | names if listed[folder] else names
        folders: dict[str, OwnerRows] = {}
        for folder, held in listed.items():
            found = self._folders.get(folder) or OwnerRows()
            for gone in found.known.keys() - held:
                del found.known[gone]
            found.names = held
            found.refused &= held
            folders[folder] = found
        self._folders = folders

    def _unknown(self, in_memory: Mapping[str, Set[str]]) -> dict[str, set[str]]:
        """Return the names that nobody knows, by folder."""
        unknown = {
            folder: found.names - found.known.keys() - found.refused - in_memory.get(folder, frozenset())
            for folder, found in self._folders.items()
        }
        return {folder: set(names) for folder, names in unknown.items() if names}

    def _owner_folders(self) -> list[Path]:
        """Return the folders of owners under the keys that this user can verify."""
        if not self._cache.tiers.has_disk():
            return []
        disk = self._cache.tiers.outer.disk
        found: list[Path] = []
        for key_id in disk.keyring.ids:
            with contextlib.suppress(FileNotFoundError), os.scandir(disk.places.base / key_id) as entries:
                found.extend(Path(entry.path) for entry in entries if is_owner_folder(entry.name))
        return found

    # --- the reader's thread -------------------------------------------------------------------------------

    def _read(self, unknown: dict[str, set[str]], shared: bool) -> None:
        try:
            disk = self._cache.tiers.outer.disk
            before = disk.stamp()
            self._name(disk, unknown)
            self._named.set()
            left = dict(unknown)
            while left:
                folder = self._first if self._first in left else next(iter(left))
                self._read_folder(disk, folder, left.pop(folder))
            if disk.stamp() != before:
                # What was replaced meanwhile may have been read before that.
                self._forget(disk, before)
            if shared:
                self._read_shared(self._cache.tiers.outer.tiered)
        finally:
            self._reader = None
            self._named.set()
            self.version += 1

    def _name(self, disk: DiskStore, unknown: dict[str, set[str]]) -> None:
        """Find out whose the folders are: from those who are known here, else from one header of each."""
        for owner in self._cache.slots.owners():
            self._owners[owner_name(owner)] = owner
        for place, (_, names) in list(self._places.items()):
            folder = os.path.basename(place)
            if folder in unknown and folder not in self._owners:
                files = (os.path.join(place, name + RESULT) for name in names)
                stated = next(filter(None, (_owner_in(disk, file) for file in files)), None)
                if stated is not None and owner_name(stated) == folder:
                    self._owners[folder] = stated
        self.version += 1

    def _read_folder(self, disk: DiskStore, folder: str, names: set[str]) -> None:
        owner, found = self._owners.get(folder), self._folders.get(folder)
        if found is None:
            return
        for row in () if owner is None else _rows(disk, owner, names):
            name = key_name(row.address.key)
            with self._lock:
                if name in found.names and row.meta.kind in RESULTS:
                    found.known[name] = _small(row)
        with self._lock:
            # What has no row now is damaged, somebody else's, or gone: it is not asked for again.
            found.refused |= names - found.known.keys()
            self.version += 1

    def _read_shared(self, tiered: TieredStore) -> None:
        began = self._clock()
        shared: dict[str, dict[str, Stored]] = {}
        try:
            for store in tiered.tiers:
                for row in () if store.tier in ("memory", "disk") else store.entries(None):
                    if row.meta.kind in RESULTS:
                        shared.setdefault(row.address.owner, {})[row.address.key] = _small(row)
        finally:
            now = self._clock()
            with self._lock:
                self._shared = shared
                self._shared_due = now + max(_SHARED_EVERY, (now - began) / _SHARED_SHARE)


def _small(row: Stored) -> Stored:
    """Return a row with the one part that a panel shows: all parts of a hundred thousand would fill the memory."""
    text = source_of(row.meta) if row.meta.kind == "cell" else ""
    return row._replace(meta=row.meta._replace(parts=(("code", sys.intern(code_of(row.meta)), sys.intern(text)),)))


def _rows(disk: DiskStore, owner: str, names: set[str]) -> Iterable[Stored]:
    """Return the rows of some names: those alone where they are few, else all of the owner."""
    if len(names) <= _ONE_BY_ONE:
        found = [disk.find(Address(owner, name)) for name in names]
        # A name can be a digest of its key, and a listing knows the key.
        if None not in found:
            return [row for row in found if row is not None]
    return disk.entries(owner)


def _owner_in(disk: DiskStore, path: str) -> str | None:
    """Return whose entry a file is, None where it cannot tell."""
    try:
        file = os.open(path, READ)
    except OSError:
        return None
    try:
        return Entry.peek(file, disk.keyring)[0].owner
    except (CacheError, OSError):
        return None
    finally:
        os.close(file)


def _listed(folder: Path, changed: int) -> tuple[int, frozenset[str]]:
    """Return the names of the results in a folder, and the time of its last change."""
    parts = map(parts_of_file, os.listdir(folder))
    names = frozenset(part[0] for part in parts if part is not None and part[1] == RESULT)
    # Two changes within one tick of the clock look alike: a folder that changed just now is listed again.
    settled = time.time_ns() - changed > _UNSETTLED_NS
    return changed if settled else -1, names
