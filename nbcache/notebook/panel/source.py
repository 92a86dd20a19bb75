"""The cache of this process as the panel sees it."""

from __future__ import annotations

import itertools
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Set
from dataclasses import dataclass, replace

from nbcache import registry
from nbcache.compute.garbage import uncollected
from nbcache.config import settings
from nbcache.engine.cache import Cache
from nbcache.engine.slot import Counts
from nbcache.entries.entry import Address
from nbcache.notebook.display.tables import short_name
from nbcache.notebook.panel.rows import EntryRow, FunctionRow, Totals
from nbcache.notebook.panel.stored import OwnerRows, StoredRows
from nbcache.notebook.panel.versions import Versions, code_of
from nbcache.stores.names import key_name
from nbcache.stores.protocol import RESULTS, Stored

_OLDER = "older version"
READING = "still reading"


class CacheSource:
    """Tells the panel what is cached, and clears it.

    Parameters
    ----------
    cache : returns the cache, which is opened at its first use
    alive : returns the names of the cached functions that exist now; None asks the registry
    versions : the code that made each entry; None begins without any

    Notes
    -----
    Nothing is unpickled, counted or reordered by looking. Rows of a reading are remembered until the next one, so
    that opening a function shows what its row counted.
    """

    def __init__(
        self,
        cache: Callable[[], Cache] = registry.the_cache,
        alive: Callable[[], Iterable[str]] | None = None,
        versions: Versions | None = None,
    ) -> None:
        self._cache = cache
        self._alive = alive or _names_alive
        self._seen: tuple[Cache, StoredRows] | None = None
        self._held: dict[str, _Held] = {}
        self._sums = _Sums()
        self._versions = versions or Versions()

    def version(self) -> int:
        """Return a number that differs after a hit, a miss, a clear, or a change on disk."""
        return self._cache().version() + self._stored().look() + self._versions.look()

    def wait(self) -> None:
        """Return once everything on disk has been read."""
        self._read(wait=600.0)
        self._versions.at_once = sys.maxsize

    def functions(self) -> list[FunctionRow]:
        """Return a row per function or cell that is alive, has counted something, or has entries."""
        with uncollected():
            self._read()
            cache = self._cache()
            counts = cache.slots.all_counts()
            owners = {*self._alive(), *counts, *self._held}
            self._versions.begin()
            return [self._function(cache, owner, counts.get(owner) or Counts()) for owner in sorted(owners)]

    def entries(self, name: str) -> list[EntryRow]:
        """Return a row per entry, expired ones and those of older code included."""
        held = self._held.get(name)
        if held is None:
            return []
        if held.unread:
            self._stored().prefer(name)
        with uncollected():
            cache = self._cache()
            hits = cache.slots.counts(name).entry_hits
            metas = [row.meta for group in held.groups.values() for row in group]
            newest = max(metas, key=lambda meta: meta.created, default=None)
            newest_code = "" if newest is None else code_of(newest)
            rows = [
                self._entry(cache, row, tiers, hits, newest_code)
                for tiers, group in held.groups.items()
                for row in group
            ]
            times = Counter(row.label for row in rows)
            return [row if times[row.label] == 1 else _distinguished(row) for row in rows]

    def totals(self) -> Totals:
        """Return the numbers of the header, from the same reading as the rows of functions."""
        store = settings().store
        return Totals(
            entries=self._sums.entries,
            memory=self._sums.memory,
            disk=self._sums.disk,
            disk_limit=settings().disk_bound,
            hits=self._sums.hits,
            misses=self._sums.misses,
            seconds_saved=self._sums.seconds_saved,
            shared=store.partition("://")[0] if store else "",
        )

    def clear_all(self) -> int:
        """Clear everything, as `cache_data.clear()` does."""
        removed = self._cache().clear()
        self._stored().cleared()
        return removed

    def clear_function(self, name: str) -> int:
        """Clear one function or cell, alive or of an earlier session, as `name.clear()` does."""
        removed = self._cache().clear(name)
        self._stored().cleared(owner=name)
        return removed

    def clear_entry(self, address: Hashable) -> int:
        """Clear one entry, as `clear` with its arguments does."""
        if not isinstance(address, Address):
            raise TypeError(f"not the address of an entry: {address!r}")
        removed = self._cache().delete(address)
        self._stored().cleared(address=address)
        return removed

    # --- reading -------------------------------------------------------------------------------------------

    def _stored(self) -> StoredRows:
        """Return what is known of the disk; begun anew when another cache took the place of the former."""
        cache = self._cache()
        if self._seen is None or self._seen[0] is not cache:
            self._seen = cache, StoredRows(cache)
        return self._seen[1]

    def _read(self, wait: float | None = None) -> None:
        """Take the rows of memory, and what is known of those behind it."""
        stored = self._stored()
        stored.look()
        memory: defaultdict[str, dict[str, Stored]] = defaultdict(dict)
        for row in self._cache().tiers.memory.entries(None):
            if row.meta.kind in RESULTS:
                memory[row.address.owner][row.address.key] = row
        names = {owner: _names(rows, stored.of(owner).names) for owner, rows in memory.items()}
        stored.read(names, wait=wait)
        self._held = {owner: _held(memory.get(owner, {}), stored.of(owner)) for owner in {*memory, *stored.owners()}}
        self._sums = _Sums()

    def _function(self, cache: Cache, owner: str, counts: Counts) -> FunctionRow:
        held = self._held.get(owner, _NOTHING)
        now = cache.clock()
        entries, size, last_used, expired = held.unread, 0, counts.last_used, False
        for tiers, group in held.groups.items():
            self._sums.add(tiers, sum(row.size for row in group))
            for row in group:
                expires = cache.expiry(row)
                if expires is not None and expires <= now:
                    expired = True
                else:
                    entries += 1
                    size += row.size
                if row.used > last_used:
                    last_used = row.used
        held_in = {tier for tiers in held.groups for tier in tiers} | ({"disk"} if held.unread else set())
        older = self._versions.of(owner, held.groups.values()) > 1
        marks = ((expired, "expired"), (older, f"{_OLDER}s"), (held.unread, READING))
        self._sums.entries += entries
        self._sums.hits += counts.hits
        self._sums.misses += counts.misses
        self._sums.seconds_saved += counts.seconds_saved
        return FunctionRow(
            name=owner,
            label=short_name(owner),
            entries=entries,
            size=size,
            hits=counts.hits,
            misses=counts.misses,
            seconds_saved=counts.seconds_saved,
            last_used=last_used or None,
            states=(*(tier for tier in _TIERS if tier in held_in), *(mark for is_so, mark in marks if is_so)),
        )

    def _entry(self, cache: Cache, row: Stored, tiers: tuple[str, ...], hits: dict[str, int], newest: str) -> EntryRow:
        meta, address = row.meta, row.address
        states = [*tiers]
        expires = cache.expiry(row)
        if expires is not None and expires <= cache.clock():
            states.append("expired")
        if code_of(meta) != newest:
            states.append(_OLDER)
        name = short_name(meta.owner)
        return EntryRow(
            address=address,
            label=name if meta.kind == "cell" else f"{name}({meta.arguments})",
            size=row.size,
            created=meta.created,
            expires=expires,
            hits=hits.get(address.key, 0),
            seconds=meta.seconds,
            states=tuple(states),
        )


_TIERS = ("memory", "disk", "shared")


@dataclass(slots=True)
class _Held:
    """The entries of one owner by the tiers that have them; `unread` are only counted so far."""

    groups: dict[tuple[str, ...], list[Stored]]
    unread: int = 0


_NOTHING = _Held({})


@dataclass(slots=True)
class _Sums:
    """Sums over all functions, made while their rows are."""

    entries: int = 0
    memory: int = 0
    disk: int = 0
    hits: int = 0
    misses: int = 0
    seconds_saved: float = 0.0

    def add(self, tiers: tuple[str, ...], size: int) -> None:
        if "memory" in tiers:
            self.memory += size
        if "disk" in tiers:
            self.disk += size


def _names(rows: dict[str, Stored], on_disk: Set[str]) -> Set[str]:
    """Return what the entries of some rows are called on disk; a key nearly always is its own name."""
    if not on_disk:
        return frozenset()
    return {key if key in on_disk else key_name(key) for key in rows}


def _held(memory: dict[str, Stored], behind: OwnerRows) -> _Held:
    """Put what memory has and what is behind it together, each entry once."""
    shared = behind.shared
    if not behind.names and not shared:
        return _Held({("memory",): list(memory.values())})
    groups: defaultdict[tuple[str, ...], list[Stored]] = defaultdict(list)
    rows: dict[str, Stored] = {}
    for key, row in memory.items():
        rows[key if key in behind.names else key_name(key)] = row
    for name in behind.known.keys() & behind.names:
        rows.setdefault(name, behind.known[name])
    for key, row in shared.items():
        rows.setdefault(key_name(key), row)
    for name, row in rows.items():
        # As a tuple of three, not as a list that grows: this is done for a hundred thousand entries.
        held = _HELD_IN[row.tier == "memory", name in behind.names, row.address.key in shared]
        groups[held].append(row)
    unread = len(behind.names - rows.keys() - behind.refused)
    return _Held(dict(groups), unread)


_HELD_IN = {
    held: tuple(tier for tier, is_in in zip(_TIERS, held, strict=True) if is_in)
    for held in itertools.product((False, True), repeat=len(_TIERS))
}


def _names_alive() -> list[str]:
    return [cached.owner for cached in registry.alive()]


def _distinguished(row: EntryRow) -> EntryRow:
    """Return a row with its time in its label: others have the same arguments, or none."""
    at = time.strftime("%b %d %H:%M:%S", time.localtime(row.created))
    return replace(row, label=f"{row.label} of {at}")
