"""What lies behind memory, for the panel: listed in the background, remembered, and read again where it changed."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from nbcache.cache import Cache
from nbcache.config import settings
from nbcache.entries.entry import Address
from nbcache.stores.names import RESULT, entry_name, is_owner_folder, owner_name, parts_of_file
from nbcache.stores.protocol import Store, Stored

_PATIENCE = 0.25
_UNSETTLED_NS = 50_000_000


class Stock:
    """The rows on disk and in a shared store.

    Reading the header of every file takes a tenth of a millisecond each, ten seconds for a hundred thousand, so a
    panel cannot wait for it. The names in the folders take next to nothing: they say how many entries there
    are, and whether anything changed. Headers are read by a thread, once per file.

    Attributes
    ----------
    version : changes whenever the rows did

    Notes
    -----
    A new entry of this process needs no header: memory has its row. Those of other processes are read again
    together with the others of their owner.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self.version = 0
        self._known: dict[str, Stored] = {}
        self._refused: set[str] = set()
        self._shared: dict[Address, Stored] = {}
        self._folders: dict[str, tuple[int, frozenset[str]]] = {}
        self._owners: set[str] = set()
        self._asked_shared = False
        self._reader: threading.Thread | None = None
        self._lock = threading.RLock()

    def look(self) -> int:
        """List the folders that changed since the last look; return `version`."""
        seen: dict[str, tuple[int, frozenset[str]]] = {}
        for folder in self._owner_folders():
            place = str(folder)
            try:
                changed = folder.stat().st_mtime_ns
                before = self._folders.get(place)
                seen[place] = before if before and before[0] == changed else _listed(folder, changed)
            except FileNotFoundError:
                continue
        with self._lock:
            if {place: names for place, (_, names) in seen.items()} != {
                place: names for place, (_, names) in self._folders.items()
            }:
                self.version += 1
            self._folders = seen
            self._owners = {Path(place).name for place in seen}
        return self.version

    def read(self, in_memory: Iterable[str], *, wait: float = _PATIENCE) -> None:
        """Read the headers that nobody knows yet, in the background after a moment.

        Parameters
        ----------
        in_memory : names of entries whose rows memory has
        wait : seconds to wait for the end; what takes longer appears later
        """
        with self._lock:
            names = self._names()
            for gone in self._known.keys() - names:
                del self._known[gone]
            self._refused &= names
            unknown = names - self._known.keys() - self._refused - set(in_memory)
            shared = bool(settings().store) and not self._asked_shared
            if self._reader is None and (unknown or shared):
                self._asked_shared = True
                self._reader = threading.Thread(target=self._read, args=(unknown, shared), daemon=True)
                try:
                    self._reader.start()
                except RuntimeError:  # Pyodide has no threads
                    self._read(unknown, shared)
            reader = self._reader
        if reader is not None:
            reader.join(wait)

    def rows(self) -> tuple[dict[str, Stored], dict[Address, Stored], frozenset[str]]:
        """Return what is known: the rows on disk by name, the shared ones, and all names on disk."""
        with self._lock:
            return dict(self._known), dict(self._shared), self._names()

    def cleared(self, address: Address | None = None, owner: str | None = None) -> None:
        """Forget shared rows that were cleared: all, those of an owner, or one."""
        with self._lock:
            self._shared = {
                place: row
                for place, row in self._shared.items()
                if (address is not None and place != address) or (owner is not None and place.owner != owner)
            }
            self.version += 1

    def has(self, owner: str) -> bool:
        """Whether anything of an owner may be behind memory."""
        return bool(self._shared) or owner_name(owner) in self._owners

    def _names(self) -> frozenset[str]:
        return frozenset().union(*(names for _, names in self._folders.values()))

    def _read(self, unknown: frozenset[str], shared: bool) -> None:
        try:
            tiers = self._cache.tiers.beyond
            owners = self._cache.shelf.owners() | {row.meta.owner for row in self._known.values()}
            wanted = {name.partition("/")[0] for name in unknown}
            by_folder = {owner_name(owner): owner for owner in owners}
            if wanted <= by_folder.keys():
                for folder in wanted:
                    self._take(tiers.disk, by_folder[folder])
            elif wanted:
                self._take(tiers.disk, None)
            # What has no row now is damaged, somebody else's, or gone: it is not asked for again.
            self._refused |= unknown - self._known.keys()
            if shared:
                self._take_shared(tiers.tiered)
        finally:
            self._reader = None
            self.version += 1

    def _owner_folders(self) -> list[Path]:
        """Return the folders of owners under the keys that this user can verify."""
        if not self._cache.tiers.has_disk():
            return []
        disk = self._cache.tiers.beyond.disk
        found: list[Path] = []
        for key_id in disk.keyring.ids:
            with contextlib.suppress(FileNotFoundError), os.scandir(disk.places.base / key_id) as entries:
                found.extend(Path(entry.path) for entry in entries if is_owner_folder(entry.name))
        return found

    def _take(self, disk: Store, owner: str | None) -> None:
        told = time.monotonic()
        for row in disk.entries(owner):
            with self._lock:
                self._known[entry_name(row.address)] = row
            if time.monotonic() - told > 1.0:
                told = time.monotonic()
                self.version += 1

    def _take_shared(self, tiered: Store) -> None:
        rows = {row.address: row for row in tiered.entries(None) if row.tier not in ("memory", "disk")}
        with self._lock:
            self._shared = rows


def _listed(folder: Path, changed: int) -> tuple[int, frozenset[str]]:
    """Return the names of the results in a folder, and the time of its last change."""
    parts = (parts_of_file(name) for name in os.listdir(folder))
    names = frozenset(f"{folder.name}/{part[0]}" for part in parts if part is not None and part[1] == RESULT)
    # Two changes within one tick of the clock look alike: a folder that changed just now is listed again.
    settled = time.time_ns() - changed > _UNSETTLED_NS
    return changed if settled else -1, names
