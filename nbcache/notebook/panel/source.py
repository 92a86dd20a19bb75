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
from nbcache.engine.pending import Later, in_a_thread
from nbcache.engine.slot import Counts
from nbcache.engine.tiers import Tiers
from nbcache.entries.entry import Address
from nbcache.inspection.listing import source_of
from nbcache.notebook.display.tables import is_nameless, owner_label
from nbcache.notebook.panel.rows import TIERS, UNDO_SECONDS, Cleared, EntryRow, FunctionRow, Totals
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
    later : does something after some seconds: ends the time in which a clear can be taken back

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
        later: Later = in_a_thread,
    ) -> None:
        self._cache = cache
        self._alive = alive or _names_alive
        self._seen: tuple[Cache, StoredRows] | None = None
        self._held: dict[str, _Held] = {}
        self._sums = _Sums()
        self._versions = versions or Versions()
        self._later = later
        self._codes: dict[str, str] = {}

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
            rows = [self._function(cache, owner, counts.get(owner) or Counts()) for owner in sorted(owners)]
            # A cell without a name, and without an entry, is nothing that a reader could recognise.
            return [row for row in rows if row.entries or row.hits or not is_nameless(row.name)]

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

    def clear_all(self) -> Cleared:
        """Clear everything, as `cache_data.clear()` does."""
        self._read()
        found = sum(map(_count, self._held.values()))
        return self._clear(found, lambda stored: stored.cleared()) or Cleared(self._cache().clear())

    def clear_function(self, name: str) -> Cleared:
        """Clear one function or cell, alive or of an earlier session, as `name.clear()` does."""
        self._read()
        found = _count(self._held.get(name, _NOTHING))
        cleared = self._clear(found, lambda stored: stored.cleared(owner=name), name)
        return cleared or Cleared(self._cache().clear(name))

    def clear_entry(self, address: Hashable) -> Cleared:
        """Clear one entry, as `clear` with its arguments does."""
        if not isinstance(address, Address):
            raise TypeError(f"not the address of an entry: {address!r}")
        self._read()
        held = self._held.get(address.owner, _NOTHING)
        found = sum(row.address == address for group in held.groups.values() for row in group)
        cleared = self._clear(found, lambda stored: stored.cleared(address=address), *address)
        return cleared or Cleared(self._cache().delete(address))

    def _clear(
        self, found: int, forget: Callable[[StoredRows], None], owner: str | None = None, key: str | None = None
    ) -> Cleared | None:
        """Clear so that it can be taken back; None where nothing is known that could come back."""
        if not found:
            return None
        cache, stored = self._cache(), self._stored()
        for name in self._held if owner is None else (owner,):
            used = [row.used for group in self._held.get(name, _NOTHING).groups.values() for row in group]
            cache.slots.note_use(name, max(used, default=0.0))

        def later(seconds: float, act: Callable[[], None]) -> Callable[[], None]:
            def end() -> None:
                act()
                forget(stored)

            return self._later(seconds, end)

        pending = cache.clear_later(owner, key, UNDO_SECONDS, later)
        if not pending.waiting:
            forget(stored)
        return Cleared(found, pending.undo if pending.waiting else None)

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
        tiers = self._cache().tiers
        memory: defaultdict[str, dict[str, Stored]] = defaultdict(dict)
        for row in tiers.memory.entries(None):
            if row.meta.kind in RESULTS:
                memory[row.address.owner][row.address.key] = row
        names = {owner: _names(rows, stored.of(owner).names) for owner, rows in memory.items()}
        stored.read(names, wait=wait)
        held = {owner: _held(memory.get(owner, {}), stored.of(owner)) for owner in {*memory, *stored.owners()}}
        self._held = {owner: _seen(tiers, owner, found) for owner, found in held.items()} if tiers.hiding else held
        self._sums = _Sums()

    def _function(self, cache: Cache, owner: str, counts: Counts) -> FunctionRow:
        held = self._held.get(owner, _NOTHING)
        now = cache.clock()
        entries, size, seconds, last_used, expired = held.unread, 0, 0.0, counts.last_used, False
        for tiers, group in held.groups.items():
            self._sums.add(tiers, sum(row.size for row in group))
            for row in group:
                expires = cache.expiry(row)
                if expires is not None and expires <= now:
                    expired = True
                else:
                    entries += 1
                    size += row.size
                    seconds += row.meta.seconds
                if row.used > last_used:
                    last_used = row.used
        held_in = {tier for tiers in held.groups for tier in tiers} | ({"disk"} if held.unread else set())
        older = self._versions.of(owner, held.groups.values()) > 1
        marks = ((expired, "expired"), (older, f"{_OLDER}s"), (held.unread, READING))
        code = self._code(owner, held)
        self._sums.entries += entries
        self._sums.hits += counts.hits
        self._sums.misses += counts.misses
        self._sums.seconds_saved += counts.seconds_saved
        return FunctionRow(
            name=owner,
            label=owner_label(owner, code),
            entries=entries,
            size=size,
            hits=counts.hits,
            misses=counts.misses,
            seconds_saved=counts.seconds_saved,
            last_used=last_used or None,
            states=(*(tier for tier in TIERS if tier in held_in), *(mark for is_so, mark in marks if is_so)),
            seconds=seconds,
            code=code,
        )

    def _code(self, owner: str, held: _Held) -> str:
        """Return the source of a cell, by any of its entries, also after these have gone."""
        if owner.startswith("cell ") and not self._codes.get(owner):
            rows = [row for group in held.groups.values() for row in group]
            self._codes[owner] = next(filter(None, (source_of(row.meta) for row in rows)), "")
        return self._codes.get(owner, "")

    def _entry(self, cache: Cache, row: Stored, tiers: tuple[str, ...], hits: dict[str, int], newest: str) -> EntryRow:
        meta, address = row.meta, row.address
        states = [*tiers]
        expires = cache.expiry(row)
        if expires is not None and expires <= cache.clock():
            states.append("expired")
        if code_of(meta) != newest:
            states.append(_OLDER)
        name, arguments = owner_label(meta.owner, self._codes.get(meta.owner, "")), meta.arguments
        if meta.kind == "cell":
            label, arguments = name, f"run of {_moment(meta.created)}"
        else:
            label = f"{name}({arguments})"
        return EntryRow(
            address=address,
            label=label,
            arguments=arguments or ("arguments not stored (private)" if settings().private else "no arguments"),
            size=row.size,
            created=meta.created,
            used=max(row.used, meta.created),
            expires=expires,
            hits=hits.get(address.key, 0),
            seconds=meta.seconds,
            states=tuple(states),
        )


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
    held: tuple(tier for tier, is_in in zip(TIERS, held, strict=True) if is_in)
    for held in itertools.product((False, True), repeat=len(TIERS))
}


def _names_alive() -> list[str]:
    return [cached.owner for cached in registry.alive()]


def _distinguished(row: EntryRow) -> EntryRow:
    """Return a row with its time in its label: others have the same arguments, or none."""
    if row.arguments.startswith("run of "):
        return replace(row, label=f"{row.label}, {row.arguments}")
    of = f" of {_moment(row.created)}"
    return replace(row, label=row.label + of, arguments=row.arguments + of)


def _moment(created: float) -> str:
    return time.strftime("%b %d %H:%M:%S", time.localtime(created))


def _count(held: _Held) -> int:
    return held.unread + sum(map(len, held.groups.values()))


def _seen(tiers: Tiers, owner: str, held: _Held) -> _Held:
    """Return what is left where some entries count as cleared, although the stores still have them."""
    groups = {
        names: [row for row in group if not tiers.hides(row.address, row.meta)] for names, group in held.groups.items()
    }
    found = {names: group for names, group in groups.items() if group}
    return _Held(found, 0 if tiers.hides_all_of(owner) else held.unread)
