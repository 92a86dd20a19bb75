"""The cache of this process as the panel sees it."""

from __future__ import annotations

import gc
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from nbcache import registry
from nbcache.cache import Cache
from nbcache.config import settings
from nbcache.entries.entry import Address, Meta
from nbcache.notebook.info import short_name
from nbcache.notebook.panel_rows import EntryRow, FunctionRow, Totals
from nbcache.notebook.panel_stock import Stock
from nbcache.stores.names import entry_name
from nbcache.stores.protocol import RESULTS, Stored

_Row = tuple[Stored, tuple[str, ...]]
"""A row of a store, and every tier that has the entry: the row itself names the fastest only."""

_OLDER = "older version"


class CacheSource:
    """Tells the panel what is cached, and clears it.

    Parameters
    ----------
    cache : returns the cache, which is opened at its first use
    alive : returns the names of the cached functions that exist now; None asks the registry

    Notes
    -----
    Nothing is unpickled, counted or reordered by looking. Rows of a reading are remembered until the next one, so
    that opening a function shows what its row counted.
    """

    def __init__(
        self,
        cache: Callable[[], Cache] = registry.the_cache,
        alive: Callable[[], Iterable[str]] | None = None,
    ) -> None:
        self._cache = cache
        self._alive = alive or _names_alive
        self._seen: tuple[Cache, Stock] | None = None
        self._rows: dict[str, list[_Row]] = {}
        self._tally = _Tally()

    def version(self) -> int:
        """Return a number that differs after a hit, a miss, a clear, or a change on disk."""
        return self._cache().version() + self._stock().look()

    def wait(self) -> None:
        """Return once everything on disk has been read."""
        self._read(wait=600.0)

    def functions(self) -> list[FunctionRow]:
        """Return a row per function or cell that is alive, has counted something, or has entries."""
        with _without_collections():
            self._read()
            cache = self._cache()
            owners = {*self._alive(), *cache.shelf.owners(), *self._rows}
            return [self._function(cache, owner) for owner in sorted(owners)]

    def entries(self, name: str) -> list[EntryRow]:
        """Return a row per entry, expired ones and those of older code included."""
        cache = self._cache()
        stored = self._rows.get(name, [])
        hits = cache.shelf.counts(name).entry_hits
        newest = _newest_code(stored)
        rows = [self._entry(cache, each, hits, newest) for each in stored]
        times = Counter(row.label for row in rows)
        return [row if times[row.label] == 1 else _told_apart(row) for row in rows]

    def totals(self) -> Totals:
        """Return the numbers of the header, from the same reading as the rows of functions."""
        store = settings().store
        return Totals(
            entries=self._tally.entries,
            memory=self._tally.memory,
            disk=self._tally.disk,
            disk_limit=settings().disk_bound,
            hits=self._tally.hits,
            misses=self._tally.misses,
            seconds_saved=self._tally.seconds_saved,
            shared=store.partition("://")[0] if store else "",
        )

    def clear_all(self) -> int:
        """Clear everything, as `cache_data.clear()` does."""
        removed = self._cache().clear()
        self._stock().cleared()
        return removed

    def clear_function(self, name: str) -> int:
        """Clear one function or cell, alive or of an earlier session, as `name.clear()` does."""
        removed = self._cache().clear(name)
        self._stock().cleared(owner=name)
        return removed

    def clear_entry(self, address: Hashable) -> int:
        """Clear one entry, as `clear` with its arguments does."""
        if not isinstance(address, Address):
            raise TypeError(f"not the address of an entry: {address!r}")
        removed = self._cache().delete(address)
        self._stock().cleared(address=address)
        return removed

    # --- reading -------------------------------------------------------------------------------------------

    def _stock(self) -> Stock:
        """Return what is known of the disk; begun anew when another cache took the place of the former."""
        cache = self._cache()
        if self._seen is None or self._seen[0] is not cache:
            self._seen = cache, Stock(cache)
        return self._seen[1]

    def _read(self, wait: float | None = None) -> None:
        """Take the rows of memory, and what is known of those behind it."""
        stock = self._stock()
        stock.look()
        rows: defaultdict[str, list[_Row]] = defaultdict(list)
        behind: dict[str, Stored] = {}
        for row in self._cache().tiers.memory.entries(None):
            if row.meta.kind in RESULTS:
                if stock.has(row.meta.owner):
                    behind[entry_name(row.address)] = row
                else:
                    rows[row.meta.owner].append((row, _MEMORY))
        if wait is None:
            stock.read(behind)
        else:
            stock.read(behind, wait=wait)
        known, shared, names = stock.rows()
        for name, row in known.items():
            if row.meta.kind in RESULTS:
                behind.setdefault(name, row)
        for address, row in shared.items():
            if row.meta.kind in RESULTS:
                behind.setdefault(entry_name(address), row)
        for name, row in behind.items():
            held = (row.tier == "memory", name in names, row.address in shared)
            tiers = tuple(tier for tier, is_in in zip(_TIERS, held, strict=True) if is_in)
            if tiers:
                rows[row.meta.owner].append((row, tiers))
        self._rows = dict(rows)
        self._tally = _Tally()

    def _function(self, cache: Cache, owner: str) -> FunctionRow:
        counts = cache.shelf.counts(owner)
        stored = self._rows.get(owner, [])
        newest = _newest_code(stored)
        now = cache.clock()
        entries = size = 0
        last_used = 0.0
        states: dict[str, None] = {}
        for row, tiers in stored:
            for tier in tiers:
                states[tier] = None
                self._tally.add(tier, row.size)
            expires = cache.expiry(row.meta)
            if expires is not None and expires <= now:
                states["expired"] = None
            else:
                entries += 1
                size += row.size
            if _code(row.meta) != newest:
                states[f"{_OLDER}s"] = None
            last_used = max(last_used, row.used)
        self._tally.entries += entries
        self._tally.hits += counts.hits
        self._tally.misses += counts.misses
        self._tally.seconds_saved += counts.seconds_saved
        return FunctionRow(
            name=owner,
            label=short_name(owner),
            entries=entries,
            size=size,
            hits=counts.hits,
            misses=counts.misses,
            seconds_saved=counts.seconds_saved,
            last_used=counts.last_used or last_used or None,
            states=tuple(sorted(states, key=_STATES.index)),
        )

    def _entry(self, cache: Cache, stored: _Row, hits: dict[str, int], newest: str) -> EntryRow:
        row, tiers = stored
        meta, address = row.meta, row.address
        states = [*tiers]
        expires = cache.expiry(meta)
        if expires is not None and expires <= cache.clock():
            states.append("expired")
        if _code(meta) != newest:
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
_MEMORY = ("memory",)
_STATES = (*_TIERS, "expired", f"{_OLDER}s")


@dataclass(slots=True)
class _Tally:
    """Sums over all functions, made while their rows are."""

    entries: int = 0
    memory: int = 0
    disk: int = 0
    hits: int = 0
    misses: int = 0
    seconds_saved: float = 0.0

    def add(self, tier: str, size: int) -> None:
        if tier == "memory":
            self.memory += size
        elif tier == "disk":
            self.disk += size


@contextmanager
def _without_collections() -> Iterator[None]:
    """Keep the garbage collector out: a hundred thousand new rows make it walk the whole heap, for a second."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _names_alive() -> list[str]:
    return [cached.owner for cached in registry.alive()]


def _code(meta: Meta) -> str:
    """Return what an entry says of the code of its function; helpers change too often to call it older."""
    for label, digest, _ in reversed(meta.parts):
        if label == "code":
            return digest
    return ""


def _newest_code(rows: list[_Row]) -> str:
    newest = max((row.meta for row, _ in rows), key=lambda meta: meta.created, default=None)
    return "" if newest is None else _code(newest)


def _told_apart(row: EntryRow) -> EntryRow:
    """Return a row with its time in its label: others have the same arguments, or none."""
    at = time.strftime("%b %d %H:%M:%S", time.localtime(row.created))
    return replace(row, label=f"{row.label} of {at}")
