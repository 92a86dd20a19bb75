"""The cache of this process as the panel sees it."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, replace

from nbcache import registry
from nbcache.cache import Cache
from nbcache.config import settings
from nbcache.entries.entry import Address, Meta
from nbcache.notebook.info import short_name
from nbcache.notebook.panel_rows import EntryRow, FunctionRow, Totals
from nbcache.notebook.panel_stock import Stock
from nbcache.slot import Counts
from nbcache.stores.names import entry_name
from nbcache.stores.protocol import RESULTS, Stored

_TIER_WORDS = {"remote": "shared"}
_OF_CODE = ("code", "helper ", "class ")


@dataclass(slots=True)
class _Held:
    """One entry, wherever it is."""

    row: Stored
    tiers: list[str] = field(default_factory=list)


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
        self._read_at = -1
        self._held: dict[str, list[_Held]] = {}

    def version(self) -> int:
        """Return a number that differs after a hit, a miss, a clear, or a change on disk."""
        return self._cache().version() + self._stock().look()

    def wait(self) -> None:
        """Return once everything on disk has been read."""
        self._read(wait=600.0)

    def functions(self) -> list[FunctionRow]:
        """Return a row per function or cell that is alive, has counted something, or has entries."""
        self._read()
        cache = self._cache()
        owners = {*self._alive(), *cache.shelf.owners(), *self._held}
        return [self._function(cache, owner) for owner in sorted(owners)]

    def entries(self, name: str) -> list[EntryRow]:
        """Return a row per entry, expired ones and those of older code included."""
        cache = self._cache()
        held = self._held.get(name, [])
        hits = cache.shelf.counts(name).entry_hits
        newest = _code(max((each.row.meta for each in held), key=lambda meta: meta.created, default=None))
        rows = [self._entry(cache, each, hits, newest) for each in held]
        times = Counter(row.label for row in rows)
        return [row if times[row.label] == 1 else _told_apart(row) for row in rows]

    def totals(self) -> Totals:
        """Return the numbers of the header, from the same reading as the rows."""
        cache = self._cache()
        held = [each for rows in self._held.values() for each in rows]
        counts = [cache.shelf.counts(owner) for owner in cache.shelf.owners()]
        store = settings().store
        return Totals(
            entries=sum(not self._expired(cache, each.row.meta) for each in held),
            memory=sum(each.row.size for each in held if "memory" in each.tiers),
            disk=sum(each.row.size for each in held if "disk" in each.tiers),
            disk_limit=settings().disk_bound,
            hits=sum(count.hits for count in counts),
            misses=sum(count.misses for count in counts),
            seconds_saved=sum(count.seconds_saved for count in counts),
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
        stock = self._stock()
        stock.look()
        found: dict[str, _Held] = {}
        for row in self._cache().tiers.memory.entries(None):
            if row.meta.kind in RESULTS:
                found[entry_name(row.address)] = _Held(row, ["memory"])
        if wait is None:
            stock.read(found)
        else:
            stock.read(found, wait=wait)
        known, shared, names = stock.rows()
        for name in names:
            if name in found:
                found[name].tiers.append("disk")
            elif name in known and known[name].meta.kind in RESULTS:
                found[name] = _Held(known[name], ["disk"])
        for address, row in shared.items():
            if row.meta.kind in RESULTS:
                found.setdefault(entry_name(address), _Held(row)).tiers.append("shared")
        held: defaultdict[str, list[_Held]] = defaultdict(list)
        for each in found.values():
            held[each.row.meta.owner].append(each)
        self._held = dict(held)

    def _function(self, cache: Cache, owner: str) -> FunctionRow:
        counts: Counts = cache.shelf.counts(owner)
        held = self._held.get(owner, [])
        newest = _code(max((each.row.meta for each in held), key=lambda meta: meta.created, default=None))
        current = [each for each in held if not self._expired(cache, each.row.meta)]
        tiers = [tier for tier in ("memory", "disk", "shared") if any(tier in each.tiers for each in held)]
        older = any(_code(each.row.meta) != newest for each in held)
        return FunctionRow(
            name=owner,
            label=short_name(owner),
            entries=len(current),
            size=sum(each.row.size for each in current),
            hits=counts.hits,
            misses=counts.misses,
            seconds_saved=counts.seconds_saved,
            last_used=counts.last_used or max((each.row.used for each in held), default=None),
            states=(
                *tiers,
                *(["expired"] if len(current) < len(held) else []),
                *(["older versions"] if older else []),
            ),
        )

    def _entry(self, cache: Cache, each: _Held, hits: dict[str, int], newest: tuple[object, ...]) -> EntryRow:
        meta, address = each.row.meta, each.row.address
        states = list(each.tiers)
        if self._expired(cache, meta):
            states.append("expired")
        if _code(meta) != newest:
            states.append("older version")
        name = short_name(meta.owner)
        return EntryRow(
            address=address,
            label=name if meta.kind == "cell" else f"{name}({meta.arguments})",
            size=each.row.size,
            created=meta.created,
            expires=cache.expiry(meta),
            hits=hits.get(address.key, 0),
            seconds=meta.seconds,
            states=tuple(states),
        )

    def _expired(self, cache: Cache, meta: Meta) -> bool:
        expires = cache.expiry(meta)
        return expires is not None and expires <= cache.clock()


def _names_alive() -> list[str]:
    return [cached.owner for cached in registry.alive()]


def _code(meta: Meta | None) -> tuple[object, ...]:
    """Return what an entry says of the code it was computed with."""
    parts = () if meta is None else meta.parts
    return tuple((label, digest) for label, digest, _ in parts if label.startswith(_OF_CODE))


def _told_apart(row: EntryRow) -> EntryRow:
    """Return a row with its time in its label: others have the same arguments, or none."""
    at = time.strftime("%b %d %H:%M:%S", time.localtime(row.created))
    return replace(row, label=f"{row.label} of {at}")
