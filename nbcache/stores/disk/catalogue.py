"""Which files a store on disk has, how many bytes they take, and when they were used, as far as this process knows."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from functools import lru_cache

from nbcache import system
from nbcache.entries.entry import Address, Meta
from nbcache.stores.disk import clearing
from nbcache.stores.disk.disk_usage import DiskUsage, occupied
from nbcache.stores.disk.lru_order import LruOrder
from nbcache.stores.disk.pending_uses import PendingUses
from nbcache.stores.folders import Places, is_named, list_names
from nbcache.stores.names import NOTE, RESULT, is_key_folder, key_name, may_be_note, owner_name
from nbcache.stores.protocol import RESULTS, Clock, Whose


class Catalogue:
    """The names of one store's files, and what is noted about them.

    Parameters
    ----------
    key_ids : of the keys whose entries are ours, the signing one first
    bound : the bytes the store may hold

    Attributes
    ----------
    paths : where an entry may be, by its address: signed with the newest key first, results before bookkeeping

    Notes
    -----
    Thread-safe. Nothing here is needed to find an entry: what is noted only decides what is evicted, and when.
    """

    def __init__(self, places: Places, key_ids: tuple[str, ...], bound: int, clock: Clock) -> None:
        self.usage = DiskUsage(places, bound)
        self.uses = PendingUses(clock)
        self._base = places.text
        self._key_ids = key_ids
        # A put asks some five times.
        self.paths = lru_cache(maxsize=64)(self._paths)
        self._rankings: dict[str, LruOrder] = {}
        self._lock = threading.RLock()

    def renew(self) -> None:
        self._lock = threading.RLock()
        self.usage.renew()
        self.uses.renew()

    def _paths(self, address: Address) -> tuple[str, ...]:
        owner, key = owner_name(address.owner), key_name(address.key)
        endings = (RESULT, NOTE) if may_be_note(key) else (RESULT,)
        return tuple([f"{self._base}/{key_id}/{owner}/{key}{end}" for key_id in self._key_ids for end in endings])

    def path_for(self, address: Address, meta: Meta) -> str:
        """Where a new entry goes."""
        ending = RESULT if meta.kind in RESULTS else NOTE
        return f"{self._base}/{self._key_ids[0]}/{owner_name(address.owner)}/{key_name(address.key)}{ending}"

    def foreign_paths(self, address: Address) -> Iterator[str]:
        """Where an entry of this address may be that was signed with none of our keys; OSError."""
        for name in list_names(self._base):
            if is_key_folder(name) and name not in self._key_ids:
                yield f"{self._base}/{name}/{owner_name(address.owner)}/{key_name(address.key)}{RESULT}"

    def claim(self, address: Address) -> str:
        """Whose file lies where an entry would be: "ours", "foreign" or "" for none; it may be anything."""
        if any(map(is_named, self.paths(address))):
            return "ours"
        try:
            foreign = list(self.foreign_paths(address))
        except OSError:
            return ""
        notes = [path.removesuffix(RESULT) + NOTE for path in foreign]
        return "foreign" if any(map(os.path.lexists, (*foreign, *notes))) else ""

    def owner_folders(self, owner: str | None) -> list[str]:
        """The folders of an owner, or of all; they need not exist for an owner given. OSError."""
        if owner is None:
            return [str(folder) for folder in clearing.owner_folders(self._base, self._key_ids)]
        return [f"{self._base}/{key_id}/{owner_name(owner)}" for key_id in self._key_ids]

    def watched(self, path: str) -> LruOrder | None:
        """The ranking that a file belongs to, if its owner has bounds and nobody else has changed its folder."""
        ranking = self._rankings.get(_owner_of(path))
        return ranking if ranking is not None and ranking.is_current() else None

    def written(self, path: str, size: int, replaced_size: int, now: float, watched: LruOrder | None) -> int | None:
        """Note a file that was written; returns the bytes of the whole store when they are newly known."""
        ranking = self._rankings.get(_owner_of(path))
        if ranking is not None:
            with self._lock:
                ranking.put(path, size, now)
                if ranking is watched:
                    ranking.settle()
        return self.usage.change(occupied(size) - occupied(replaced_size))

    def used(self, path: str, moment: float, expires: float | None = None) -> None:
        """Note a use of a file."""
        ranking = self._rankings.get(_owner_of(path))
        if ranking is not None:
            with self._lock:
                ranking.touch(path, moment)
        folder, _, name = path.rpartition("/")
        self.uses.note(folder, name.partition(".")[0], moment, expires)

    def unlink(self, path: str) -> int:
        """Delete one file; 0 if it was gone, OSError if it cannot be."""
        watched = self.watched(path) if self._rankings else None
        try:
            size = system.lstat(path).st_size
            os.unlink(path)
        except FileNotFoundError:
            return 0
        ranking = self._rankings.get(_owner_of(path)) if self._rankings else None
        if ranking is not None:
            with self._lock:
                ranking.remove(path)
                if ranking is watched:
                    ranking.settle()
        self.usage.change(-occupied(size))
        return 1

    def limit(self, owner: str, max_entries: int | None, max_size: int | None, whose: Whose | None = None) -> int:
        """Delete the least recently used results beyond the bounds; returns how many. OSError."""
        with self._lock:
            name = owner_name(owner)
            ranking = self._rankings.get(name)
            if ranking is None:
                folders = self.owner_folders(owner)
                for folder in folders:
                    self.uses.write(folder)
                ranking = self._rankings[name] = LruOrder(folders)
            results, notes = ranking.excess(max_entries, max_size, whose)
            evicted = sum([self.unlink(path) for path in results])
            for path in notes:
                self.unlink(path)
            return evicted

    def forget(self, folder: str) -> None:
        """Note that an owner's folder was cleared."""
        with self._lock:
            self._rankings.pop(os.path.basename(folder), None)
        self.uses.forget(folder)


def _owner_of(path: str) -> str:
    return path.rpartition("/")[0].rpartition("/")[2]
